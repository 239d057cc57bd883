"""What a network costs, in closed form: multiply-adds, parameters and bytes, part by part.

Counted are the multiply-adds of matrix products and of mixing (1 multiply-add = 2 FLOP).
Biases, activation functions, softmax, layer norm and residual additions are left out, as
`torch.utils.flop_counter` leaves them out; the tests hold both equal.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from paramixer_core.config import RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.protocols import num_factors, require_num_links, require_seq_len
from paramixer_core.tasks import InputKind, Task

BYTES_PER_NUMBER = 4  # float32


@dataclass(frozen=True, slots=True, kw_only=True)
class CostShape:
    """Everything that the cost depends on; the symbols of the formulas are in brackets.

    [N] seq_len, [D] channels, [H] hidden, [L] blocks, [h] heads (attention), [B] batch,
    [F] input_size (features or symbols), [C] output_size, [M] factors = ceil(log2 N),
    [K] links: M + 1 for CHORD, `num_links` for CDIL.
    """

    mixer: str
    seq_len: int
    channels: int = 32
    hidden: int = 32
    blocks: int = 1
    num_links: int = 9
    heads: int = 1
    batch: int = 1
    input_kind: InputKind = InputKind.REAL
    input_size: int = 2
    output_size: int = 1
    positions: bool = False

    def __post_init__(self) -> None:
        require_seq_len(self.seq_len)
        require_num_links(self.num_links)
        if self.mixer not in BLOCK_COSTS:
            raise ParamixerError(
                f"a mixer among {list(BLOCK_COSTS)}", self.mixer, "choose one of them"
            )
        for field in ("channels", "hidden", "blocks", "heads", "batch", "input_size"):
            if getattr(self, field) < 1:
                raise ParamixerError(
                    f"{field} of at least 1", getattr(self, field), "choose a larger one"
                )

    @classmethod
    def of(cls, config: RunConfig, task: Task) -> Self:
        """The shape of a run."""
        return cls(
            mixer=config.mixer,
            seq_len=config.seq_len,
            channels=config.channels,
            hidden=config.hidden,
            blocks=config.blocks,
            num_links=config.num_links,
            heads=config.heads,
            batch=config.batch,
            input_kind=task.input_kind,
            input_size=task.input_size,
            output_size=task.output_size,
            positions=task.positions if config.positions is None else config.positions,
        )

    @property
    def factors(self) -> int:
        """M."""
        return num_factors(self.seq_len)

    @property
    def links(self) -> int:
        """K."""
        return self.factors + 1 if self.mixer == "chord" else self.num_links

    @property
    def tokens(self) -> int:
        """B N, the tokens of one batch."""
        return self.batch * self.seq_len


@dataclass(frozen=True, slots=True, kw_only=True)
class PartCost:
    """One part of the network, for one batch.

    `forward` and `backward` are multiply-adds; `parameters` and `kept` are float32 numbers,
    `kept` those that the part makes and that must stay in memory until the backward pass.
    `recomputed` are the multiply-adds of `forward` that the fast kernels do once more during the
    backward pass instead of keeping their results: mixing keeps only its inputs, fused attention
    only its output. `formula` writes `forward` for one sequence in the symbols of CostShape.
    """

    part: str
    formula: str
    forward: int = 0
    backward: int = 0
    recomputed: int = 0
    parameters: int = 0
    kept: int = 0


class Quantity(StrEnum):
    """What can be compared between mixers; each is a property of CostReport."""

    FORWARD = "forward"
    TRAINING = "training"
    PARAMETERS = "parameters"
    ACTIVATION_BYTES = "activation_bytes"
    WEIGHT_BYTES = "weight_bytes"


@dataclass(frozen=True, slots=True)
class CostReport:
    """The cost of one batch through the whole network, blocks added up part by part."""

    shape: CostShape
    parts: tuple[PartCost, ...]

    @property
    def forward(self) -> int:
        """Multiply-adds of a forward pass."""
        return sum(part.forward for part in self.parts)

    @property
    def backward(self) -> int:
        """Multiply-adds of a backward pass in which nothing need be computed again."""
        return sum(part.backward for part in self.parts)

    @property
    def recomputed(self) -> int:
        """Multiply-adds that the fast kernels add to `backward`, to keep less in memory."""
        return sum(part.recomputed for part in self.parts)

    @property
    def training(self) -> int:
        """Multiply-adds of a training step: forward, backward and what is recomputed."""
        return self.forward + self.backward + self.recomputed

    @property
    def parameters(self) -> int:
        """Numbers that are learned."""
        return sum(part.parameters for part in self.parts)

    @property
    def weight_bytes(self) -> int:
        """Bytes of the parameters in float32."""
        return BYTES_PER_NUMBER * self.parameters

    @property
    def optimiser_bytes(self) -> int:
        """Bytes that Adam training adds to the weights: gradient and two moments each."""
        return 3 * self.weight_bytes

    @property
    def activation_bytes(self) -> int:
        """Bytes in float32 that the forward pass keeps for the backward pass, inputs left out."""
        return BYTES_PER_NUMBER * sum(part.kept for part in self.parts)

    def part(self, name: str) -> PartCost:
        """The part of that name; ParamixerError if the network has none."""
        for part in self.parts:
            if part.part == name:
                return part
        raise ParamixerError(
            f"a part among {[part.part for part in self.parts]}", name, "choose one of them"
        )


def cost_report(shape: CostShape) -> CostReport:
    """Closed forms for one batch, whole numbers, any N.

    >>> report = cost_report(CostShape(mixer="chord", seq_len=128))
    >>> report.part("Mixing").forward == 128 * 7 * 8 * 32
    True
    """
    s = shape
    real = s.input_kind is InputKind.REAL
    embedding = s.tokens * s.input_size * s.channels if real else 0
    head = s.tokens * s.channels * s.output_size
    return CostReport(
        shape,
        (
            PartCost(
                part="Embedding",
                formula="N F D" if real else "0 (a table is looked up)",
                forward=embedding,
                backward=embedding,  # the weights' gradient alone: inputs need none
                parameters=(s.input_size + real) * s.channels
                + s.positions * s.seq_len * s.channels,
                kept=s.tokens * s.channels,
            ),
            *(repeat(part, s.blocks) for part in BLOCK_COSTS[s.mixer](s)),
            PartCost(
                part="Head",
                formula="N D C",
                forward=head,
                backward=2 * head,
                parameters=(s.seq_len * s.channels + 1) * s.output_size,
            ),
        ),
    )


def paramixer_block(s: CostShape) -> tuple[PartCost, ...]:
    """Link MLPs D-H-K for each of M factors, value MLP D-H-D, M sparse products of N K D."""
    link_mlps = s.tokens * s.factors * s.hidden * (s.channels + s.links)
    value_mlp = 2 * s.tokens * s.channels * s.hidden
    mixing = s.tokens * s.factors * s.links * s.channels
    return (
        PartCost(
            part="Link MLPs",
            formula="N M H (D + K)",
            forward=link_mlps,
            backward=2 * link_mlps,
            parameters=s.factors * mlp_parameters(s.channels, s.hidden, s.links),
            kept=s.tokens * s.factors * (2 * s.hidden + s.links),
        ),
        PartCost(
            part="Value MLP",
            formula="2 N D H",
            forward=value_mlp,
            backward=2 * value_mlp,
            parameters=mlp_parameters(s.channels, s.hidden, s.channels),
            kept=s.tokens * (2 * s.hidden + s.channels),
        ),
        PartCost(
            part="Mixing",
            formula="N M K D",
            forward=mixing,
            backward=2 * mixing,
            recomputed=mixing - mixing // s.factors,  # all factors but the last
            kept=s.tokens * s.channels,
        ),
    )


def attention_block(s: CostShape) -> tuple[PartCost, ...]:
    """Pre-norm Transformer block: projections 4 D^2, scores and their use 2 N D, MLP 2 D H.

    `kept` and `recomputed` are those of the fused kernel, which keeps its output and one number
    per row and head and computes Q K^T again. Written out, attention recomputes nothing but
    keeps B h N^2 numbers more.
    """
    projections = 4 * s.tokens * s.channels**2
    scores = 2 * s.tokens * s.seq_len * s.channels
    mlp = 2 * s.tokens * s.channels * s.hidden
    return (
        PartCost(
            part="Projections",
            formula="4 N D^2",
            forward=projections,
            backward=2 * projections,
            parameters=4 * s.channels * (s.channels + 1),
            kept=s.tokens * 4 * s.channels,  # queries, keys, values; the stream after them
        ),
        PartCost(
            part="Attention scores",
            formula="2 N^2 D",
            forward=scores,
            backward=2 * scores,
            recomputed=scores // 2,
            kept=s.tokens * (s.channels + s.heads),
        ),
        PartCost(
            part="Block MLP",
            formula="2 N D H",
            forward=mlp,
            backward=2 * mlp,
            parameters=mlp_parameters(s.channels, s.hidden, s.channels),
            kept=s.tokens * (2 * s.hidden + s.channels),
        ),
        PartCost(
            part="Layer norms",
            formula="0 (no matrix product)",
            parameters=4 * s.channels,
            kept=s.tokens * 2 * (s.channels + 2),
        ),
    )


BLOCK_COSTS: dict[str, Callable[[CostShape], tuple[PartCost, ...]]] = {
    "chord": paramixer_block,
    "cdil": paramixer_block,
    "attention": attention_block,
}


def mlp_parameters(inputs: int, hidden: int, outputs: int) -> int:
    """Weights and biases of Linear(inputs, hidden) - GELU - Linear(hidden, outputs)."""
    return (inputs + 1) * hidden + (hidden + 1) * outputs


def repeat(part: PartCost, times: int) -> PartCost:
    """The part `times` over."""
    return dataclasses.replace(
        part,
        forward=times * part.forward,
        backward=times * part.backward,
        recomputed=times * part.recomputed,
        parameters=times * part.parameters,
        kept=times * part.kept,
    )
