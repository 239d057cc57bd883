"""Sequences of which only the sizes are known: the task of weights whose data are not here."""

import re

import torch

from paramixer_core.errors import ParamixerError
from paramixer_core.tasks.task import Batch, ClassificationTask, InputKind

PREFIX = "shape-"
NAME = re.compile(r"shape-(symbols|real)-([1-9][0-9]{0,6})-([1-9][0-9]{0,4})")
SEED = 20_220_405
EXAMPLES = 4


class ShapedSequences(ClassificationTask):
    """Symbols or numbers of these sizes, with nothing to learn: for looking at foreign weights.

    Its examples are drawn at random and have no right answer, which `labelled` says; sequences of
    one's own are typed as the numbers of the symbols. Nothing can be trained on it. The name holds
    the sizes: `shape-symbols-96-2` has a vocabulary of 96 and 2 outputs.
    """

    summary = "Weights whose data are not here: random tokens, or a sequence that you paste."
    positions = False
    labelled = False

    def __init__(self, name: str, seq_len: int) -> None:
        super().__init__(seq_len)
        self.name = name
        kind, inputs, outputs = sizes_of(name)
        self.input_kind, self.input_size, self.output_size = kind, inputs, outputs
        self.class_names = tuple(f"output {number}" for number in range(outputs))
        symbols = kind is InputKind.SYMBOLS
        self.symbols = tuple(map(str, range(inputs))) if symbols else ()
        what = f"{inputs:,} symbols" if symbols else f"{inputs:,} numbers a token"
        self.title = f"{what}, {outputs:,} output{'s' * (outputs > 1)}, no data"

    def batch(self, size: int, generator: torch.Generator) -> Batch:
        raise ParamixerError(
            "sequences to train on",
            "weights whose data are not on this server",
            "upload the data and start a run on them",
        )

    def test_set(self) -> Batch:
        generator = torch.Generator().manual_seed(SEED)
        if self.input_kind is InputKind.SYMBOLS:
            size = (EXAMPLES, self.seq_len)
            inputs = torch.randint(self.input_size, size, generator=generator)
        else:
            inputs = torch.rand(EXAMPLES, self.seq_len, self.input_size, generator=generator)
        return Batch(inputs, torch.zeros(EXAMPLES, dtype=torch.int64))

    @property
    def num_tests(self) -> int:
        """How many random sequences there are to look at."""
        return EXAMPLES


def shape_name(kind: InputKind, inputs: int, outputs: int) -> str:
    """The name of the task of these sizes.

    >>> shape_name(InputKind.SYMBOLS, 96, 2)
    'shape-symbols-96-2'
    """
    return f"{PREFIX}{kind.value}-{inputs}-{outputs}"


def sizes_of(name: str) -> tuple[InputKind, int, int]:
    """Input kind, input size and outputs of such a name; raises ParamixerError for another."""
    found = NAME.fullmatch(name)
    if found is None:
        raise ParamixerError("sizes such as shape-symbols-96-2", name, "upload the weights again")
    kind, inputs, outputs = found.groups()
    return InputKind(kind), int(inputs), int(outputs)
