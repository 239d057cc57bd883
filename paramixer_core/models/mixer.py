"""What every mixer offers: move values between tokens, and show the matrix that does it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from paramixer_core.config import RunConfig

Compact = dict[str, Tensor]
"""The few tensors from which a mixer's dense matrices follow, first axis the batch."""


@dataclass(frozen=True)
class BlockOperators:
    """The dense matrices of one block for one batch; row i holds what token i reads.

    `product` is the bare mixing matrix, W_M ... W_1 or the mean attention over heads;
    `operator` is the same with the residual, what the block really does to its values.
    `factors`, of a Paramixer, are the bare sparse W_m, m first; `attention` and `logits`, of
    attention, are kept per head. For attention the operator is shown in the token direction
    only: layer norm and the channel maps are not part of it.
    """

    product: Float[Tensor, "batch seq seq"]
    operator: Float[Tensor, "batch seq seq"]
    factors: Float[Tensor, "factors batch seq seq"] | None = None
    attention: Float[Tensor, "batch heads seq seq"] | None = None
    logits: Float[Tensor, "batch heads seq seq"] | None = None


class Mixer(nn.Module, ABC):
    """One block. `values` are what reaches it, `source` is the first embedding X.

    `kept` marks the tokens that are no padding; None: all are. A token that is padding is neither
    read nor does it read, and its output is zero, whatever it holds. Dense matrices show that:
    the bare one has zero rows and columns there; only a residual's 1 stays on the diagonal.
    """

    @abstractmethod
    def forward(
        self,
        values: Float[Tensor, "batch seq channels"],
        source: Float[Tensor, "batch seq channels"],
        kept: Bool[Tensor, "batch seq"] | None = None,
    ) -> Float[Tensor, "batch seq channels"]:
        """The block's output."""

    @abstractmethod
    def compact(
        self,
        values: Float[Tensor, "batch seq channels"],
        source: Float[Tensor, "batch seq channels"],
        kept: Bool[Tensor, "batch seq"] | None = None,
    ) -> Compact:
        """What `operators` needs, in O(N) memory: link weights, or queries and keys."""

    @abstractmethod
    def operators(self, compact: Compact) -> BlockOperators:
        """The dense matrices, from `compact` alone; memory O(batch N^2)."""


def zero_padding(
    tokens: Float[Tensor, "batch seq channels"], kept: Bool[Tensor, "batch seq"] | None
) -> Float[Tensor, "batch seq channels"]:
    """The tokens with zeros where they are padding."""
    return tokens if kept is None else tokens.masked_fill(~kept[..., None], 0.0)


def add_identity(matrix: Float[Tensor, "*batch seq seq"]) -> Float[Tensor, "*batch seq seq"]:
    """matrix + I."""
    return matrix + torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)


def no_sizes(_config: RunConfig) -> dict[str, int]:
    """A mixer without a size of its own."""
    return {}


@dataclass(frozen=True)
class MixerKind:
    """A way to mix tokens: its name, its title for people, and how to build one block.

    `reads` names the fields of a run that this mixer reads and others may not. `origin` says
    whose code runs, at which size, and what it lacks against its paper; `{field}` in it stands
    for a run's own value. `paper_sizes` gives the fields that its paper's comparison sets.
    """

    name: str
    title: str
    summary: str
    build: Callable[[RunConfig, torch.Generator], Mixer]
    reads: tuple[str, ...] = ()
    origin: str = ""
    paper_sizes: Callable[[RunConfig], dict[str, int]] = no_sizes

    def origin_of(self, config: RunConfig) -> str:
        """`origin` with the run's own sizes."""
        return self.origin.format(**config.as_dict())
