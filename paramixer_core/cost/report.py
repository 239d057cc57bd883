"""The cost of a whole network: embedding, blocks and head added up."""

import dataclasses
from dataclasses import dataclass
from enum import StrEnum

from paramixer_core.cost.blocks import block_costs, mlp_parameters
from paramixer_core.cost.shape import CostShape, PartCost
from paramixer_core.errors import ParamixerError
from paramixer_core.tasks import InputKind

BYTES_PER_NUMBER = 4  # float32

HEADS = {
    (False, False): "N D C",
    (False, True): "N D G + G C",
    (True, False): "D C",
    (True, True): "D G + G C",
}
"""The head's formula, by whether there are a class token and a hidden layer."""


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
        return sum(part.training for part in self.parts)

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

    def share(self, name: str, field: str) -> float:
        """What one part has of a field of PartCost over all parts, 0..1; 0 where there is none."""
        total = sum(getattr(part, field) for part in self.parts)
        return getattr(self.part(name), field) / total if total else 0.0

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
    embedding = s.batch * s.seq_len * s.input_size * s.channels if real else 0
    read = s.channels * (1 if s.class_token else s.seq_len)
    if s.head_hidden:
        head = s.batch * s.head_hidden * (read + s.output_size)
        parameters = mlp_parameters(read, s.head_hidden, s.output_size)
    else:
        head = s.batch * read * s.output_size
        parameters = (read + 1) * s.output_size
    return CostReport(
        shape,
        (
            PartCost(
                part="Embedding",
                formula="N F D" if real else "0 (a table is looked up)",
                forward=embedding,
                backward=embedding,  # the weights' gradient alone: inputs need none
                parameters=(s.input_size + real) * s.channels
                + (s.positions * s.seq_len + s.class_token) * s.channels,
                kept=s.tokens * s.channels,
                widest=s.tokens * s.channels,
            ),
            *(repeat(part, s.blocks) for part in block_costs(s)),
            PartCost(
                part="Head",
                formula=HEADS[s.class_token, s.head_hidden > 0],
                forward=head,
                backward=2 * head,
                parameters=parameters,
                kept=2 * s.batch * s.head_hidden,
            ),
        ),
    )


def repeat(part: PartCost, times: int) -> PartCost:
    """The part `times` over."""
    return dataclasses.replace(
        part,
        forward=times * part.forward,
        backward=times * part.backward,
        recomputed=times * part.recomputed,
        parameters=times * part.parameters,
        kept=times * part.kept,
        passed=times * part.passed,
        passed_training=times * part.passed_training,
    )
