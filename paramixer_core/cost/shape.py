"""What a cost depends on, and what one part of a network costs."""

from dataclasses import dataclass
from typing import Self

from paramixer_core.analysis.wiring import Wiring
from paramixer_core.config import WIRING, Pooling, Residual, RunConfig, require_wiring
from paramixer_core.errors import ParamixerError
from paramixer_core.protocols import num_factors, require_num_links, require_seq_len
from paramixer_core.tasks import InputKind, Task, TaskShape

COSTED_MIXERS = (
    "chord",
    "cdil",
    "attention",
    "plain_attention",
    "linformer",
    "performer",
    "nystromformer",
    "reformer",
    "linear_attention",
    "local_window",
)
"""Mixers that have closed forms; `blocks.py` holds one for each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostShape:
    """Everything that the cost depends on; the symbols of the formulas are in brackets.

    [N] seq_len, [D] channels, [H] hidden, [L] blocks, [h] heads, [k] rival_size, [B] batch,
    [F] input_size (features or symbols), [C] output_size, [M] factors = ceil(log2 N)
    unless `num_factors` says otherwise, [K] links: M + 1 for CHORD, `num_links` for CDIL.
    Of a `wiring`, M is the number of its factors and K the largest number of links a token has in
    one: those that are off are computed too. [G] head_hidden, the hidden units of the head; [r]
    hash_rounds. With a `class_token` blocks mix N + 1 tokens and the head reads one.
    """

    mixer: str
    seq_len: int
    channels: int = 32
    hidden: int = 32
    blocks: int = 1
    num_links: int = 9
    num_factors: int | None = None
    heads: int = 1
    rival_size: int = 32
    batch: int = 1
    input_kind: InputKind = InputKind.REAL
    input_size: int = 2
    output_size: int = 1
    positions: bool = False
    wiring: str = ""
    residual: Residual = Residual.PER_FACTOR
    class_token: bool = False
    head_hidden: int = 0
    hash_rounds: int = 1

    def __post_init__(self) -> None:
        require_seq_len(self.seq_len)
        require_num_links(self.num_links)
        require_wiring(self.mixer, self.wiring, self.mixed_len)
        if self.mixer not in (*COSTED_MIXERS, WIRING):
            raise ParamixerError(
                f"a mixer among {list(COSTED_MIXERS)}", self.mixer, "choose one of them"
            )
        for field in ("channels", "hidden", "blocks", "heads", "rival_size", "batch", "input_size"):
            if getattr(self, field) < 1:
                raise ParamixerError(
                    f"{field} of at least 1", getattr(self, field), "choose a larger one"
                )

    @classmethod
    def of(cls, config: RunConfig, task: Task | TaskShape) -> Self:
        """The shape of a run."""
        return cls(
            mixer=config.mixer,
            seq_len=config.seq_len,
            channels=config.channels,
            hidden=config.hidden,
            blocks=config.blocks,
            num_links=config.num_links,
            num_factors=config.num_factors,
            heads=config.heads,
            rival_size=config.rival_size,
            batch=config.batch,
            input_kind=task.input_kind,
            input_size=task.input_size,
            output_size=task.output_size,
            wiring=config.wiring,
            residual=config.residual,
            class_token=config.pooling is Pooling.CLASS_TOKEN,
            head_hidden=config.head_hidden,
            hash_rounds=config.hash_rounds,
            positions=task.positions if config.positions is None else config.positions,
        )

    @property
    def factors(self) -> int:
        """M."""
        if self.mixer == WIRING:
            return len(Wiring.parse(self.wiring).offsets)
        return self.num_factors or num_factors(self.mixed_len)

    @property
    def links(self) -> int:
        """K."""
        if self.mixer == WIRING:
            return len(Wiring.parse(self.wiring).padded_offsets()[0])
        return self.factors + 1 if self.mixer == "chord" else self.num_links

    @property
    def tokens(self) -> int:
        """B N, the tokens that one batch mixes."""
        return self.batch * self.mixed_len

    @property
    def mixed_len(self) -> int:
        """The tokens that blocks mix: N, one more with a class token; N in a block's formula."""
        return self.seq_len + self.class_token


@dataclass(frozen=True, slots=True, kw_only=True)
class PartCost:
    """One part of the network, for one batch.

    `forward` and `backward` are multiply-adds; `parameters` and `kept` are float32 numbers,
    `kept` those that the part makes and that must stay in memory until the backward pass (an
    int64 counts as two).
    `recomputed` are the multiply-adds of `forward` that the fast kernels do once more during the
    backward pass instead of keeping their results: mixing keeps only its inputs, fused attention
    only its output. `passed` are numbers that cross the memory bus in the forward pass besides
    the writing of `kept`, and `passed_training` those of a whole step besides the four crossings
    of each kept number: what a matrix of scores that is written out costs beyond its products.
    `widest` is the size of the largest tensor that the part makes, in numbers. `formula` writes
    `forward` for one sequence in the symbols of CostShape.
    """

    part: str
    formula: str
    forward: int = 0
    backward: int = 0
    recomputed: int = 0
    parameters: int = 0
    kept: int = 0
    passed: int = 0
    passed_training: int = 0
    widest: int = 0

    @property
    def training(self) -> int:
        """Multiply-adds of a training step: forward, backward and what is recomputed."""
        return self.forward + self.backward + self.recomputed
