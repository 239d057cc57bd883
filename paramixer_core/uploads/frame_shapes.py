"""What the names and shapes around the blocks tell: embedding, head, lengths, task."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from paramixer_core.config import Pooling
from paramixer_core.errors import ParamixerError
from paramixer_core.protocols import num_factors
from paramixer_core.tasks import TASKS, InputKind
from paramixer_core.tasks.shaped import shape_name
from paramixer_core.uploads.block_shapes import Shapes
from paramixer_core.uploads.formats import REMEDY

LINKED = re.compile(r"blocks\.0\.link_mlps\.(\d{1,2})\.0\.weight")


@dataclass(frozen=True)
class Frame:
    """Sizes of embedding and head, and the number of blocks.

    `seq_len` is None where nothing shows it: with a class token and no positions.
    """

    channels: int
    input_kind: InputKind
    input_size: int
    output_size: int
    positions: bool
    pooling: Pooling
    head_hidden: int
    seq_len: int | None
    blocks: int

    @property
    def shape_task(self) -> str:
        """The name of the task that has these sizes and no data."""
        return shape_name(self.input_kind, self.input_size, self.output_size)

    def tasks(self, seq_len: int) -> list[str]:
        """The tasks of this lab that have these sizes."""
        return [
            name
            for name, task in TASKS.items()
            if (task.input_kind, task.input_size, task.output_size)
            == (self.input_kind, self.input_size, self.output_size)
            and (task.seq_lens is None or seq_len in task.seq_lens)
        ]


def read_frame(shapes: Shapes) -> Frame:
    """The frame of a network with these weights; raises ParamixerError if one is missing."""
    tokens = matrix(shapes, "embedding.tokens.weight")
    real = "embedding.tokens.bias" in shapes
    channels, inputs = tokens if real else tokens[::-1]
    deep = "head.0.weight" in shapes
    first = matrix(shapes, "head.0.weight" if deep else "head.weight")
    outputs = matrix(shapes, "head.2.weight")[0] if deep else first[0]
    positions = "embedding.positions.weight" in shapes
    pooled = "embedding.class_token.weight" in shapes
    if pooled:
        seq_len = matrix(shapes, "embedding.positions.weight")[0] if positions else None
    elif not channels or first[1] % channels or first[1] < 2 * channels:
        raise ParamixerError(f"a head over N x {channels} values", f"one over {first[1]}", REMEDY)
    else:
        seq_len = first[1] // channels
    numbers = [
        int(found[1]) for name in shapes if (found := re.match(r"blocks\.(\d{1,3})\.", name))
    ]
    if not numbers:
        raise ParamixerError("at least one block", "none", REMEDY)
    return Frame(
        channels=channels,
        input_kind=InputKind.REAL if real else InputKind.SYMBOLS,
        input_size=inputs,
        output_size=outputs,
        positions=positions,
        pooling=Pooling.CLASS_TOKEN if pooled else Pooling.FLATTEN,
        head_hidden=first[0] if deep else 0,
        seq_len=seq_len,
        blocks=1 + max(numbers),
    )


def matrix(shapes: Shapes, name: str) -> tuple[int, int]:
    """The shape of a weight that has to be there with two axes, none of them empty."""
    shape = shapes.get(name, ())
    if len(shape) != 2 or not min(shape):
        raise ParamixerError(f"a matrix {name}", "none in the file", REMEDY)
    return shape[0], shape[1]


def guessed_length(shapes: Shapes) -> int:
    """N of a network with a class token that shows it nowhere: with M factors, 2^(M-1).

    With the class token that is one token too many for M - 1 factors, as in the published models.
    """
    numbers = [int(found[1]) for name in shapes if (found := LINKED.fullmatch(name))]
    return max(2, 2 ** max(numbers)) if numbers and max(numbers) < 17 else 64


def why_factors(factors: int, mixed_len: int) -> str:
    """What is said of a number of factors that is not ceil(log2 N)."""
    if factors == mixed_len.bit_length() - 1:
        return (
            f"It has {factors} factors, floor(log2 {mixed_len:,}), as some copies of the authors' "
            "code have"
        )
    return f"It has {factors} factors, where ceil(log2 {mixed_len:,}) is {num_factors(mixed_len)}"


def of_block(shapes: Mapping[str, tuple[int, ...]], block: int) -> dict[str, tuple[int, ...]]:
    """The shapes of one block, under the names that they have in it."""
    at = f"blocks.{block}."
    return {name.removeprefix(at): shape for name, shape in shapes.items() if name.startswith(at)}
