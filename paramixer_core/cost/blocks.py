"""Closed forms of one block, for every mixer: a new mixer is one function and one line here."""

from collections.abc import Callable

from paramixer_core.config import WIRING, Residual
from paramixer_core.cost.rivals import READINGS
from paramixer_core.cost.shape import CostShape, PartCost


def paramixer_block(s: CostShape) -> tuple[PartCost, ...]:
    """Link MLPs D-H-K for each of M factors, value MLP D-H-D, M sparse products of N K D.

    Where every factor adds V_0, a factor is a call of its own: what goes between them is kept
    and nothing is computed again. The additions themselves, N D a factor, are left out like all.
    """
    first = s.residual is Residual.FIRST
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
            widest=s.tokens * s.factors * s.links,  # hidden units stay in the cache
        ),
        PartCost(
            part="Value MLP",
            formula="2 N D H",
            forward=value_mlp,
            backward=2 * value_mlp,
            parameters=mlp_parameters(s.channels, s.hidden, s.channels),
            kept=s.tokens * (2 * s.hidden + s.channels),
            widest=s.tokens * max(s.hidden, s.channels),
        ),
        PartCost(
            part="Mixing",
            formula="N M K D",
            forward=mixing,
            backward=2 * mixing,
            recomputed=0 if first else mixing - mixing // s.factors,  # all factors but the last
            kept=s.tokens * s.channels * (s.factors if first else 1),
            widest=s.tokens * s.channels,
        ),
    )


def attention_block(s: CostShape) -> tuple[PartCost, ...]:
    """Pre-norm Transformer block: projections 4 D^2, scores and their use 2 N D, MLP 2 D H.

    `kept` and `recomputed` are those of the fused kernel, which keeps its output and one number
    per row and head and computes Q K^T again. Written out, attention recomputes nothing but
    keeps B h N^2 numbers more.
    """
    scores = 2 * s.tokens * s.mixed_len * s.channels
    mlp = 2 * s.tokens * s.channels * s.hidden
    return (
        projections(s, "4 N D^2", 3),  # queries, keys, values
        PartCost(
            part="Attention scores",
            formula="2 N^2 D",
            forward=scores,
            backward=2 * scores,
            recomputed=scores // 2,
            kept=s.tokens * (s.channels + s.heads),
            widest=s.tokens * s.channels,
        ),
        PartCost(
            part="Block MLP",
            formula="2 N D H",
            forward=mlp,
            backward=2 * mlp,
            parameters=mlp_parameters(s.channels, s.hidden, s.channels),
            kept=s.tokens * (2 * s.hidden + s.channels),
            widest=s.tokens * max(s.hidden, s.channels),
        ),
        PartCost(
            part="Layer norms",
            formula="0 (no matrix product)",
            parameters=4 * s.channels,
            kept=s.tokens * 2 * (s.channels + 2),
            widest=s.tokens * s.channels,
        ),
    )


def rival_block(s: CostShape) -> tuple[PartCost, ...]:
    """A rival's block: attention's, but for how its heads read. Reformer projects to no keys."""
    reading = READINGS[s.mixer](s)
    own = {reading.part: reading}
    if s.mixer == "reformer":
        own["Projections"] = projections(s, "3 N D^2", 2)
    return tuple(own.get(part.part, part) for part in attention_block(s))


def projections(s: CostShape, formula: str, read: int) -> PartCost:
    """D to `read` times D before the heads read, and D to D after; what is read is kept."""
    forward = (read + 1) * s.tokens * s.channels**2
    return PartCost(
        part="Projections",
        formula=formula,
        forward=forward,
        backward=2 * forward,
        parameters=(read + 1) * s.channels * (s.channels + 1),
        kept=s.tokens * (read + 1) * s.channels,  # the stream after them is the one more
        widest=s.tokens * read * s.channels,
    )


BLOCK_COSTS: dict[str, Callable[[CostShape], tuple[PartCost, ...]]] = {
    "chord": paramixer_block,
    "cdil": paramixer_block,
    "attention": attention_block,
    **dict.fromkeys(READINGS, rival_block),
}


def block_costs(s: CostShape) -> tuple[PartCost, ...]:
    """One block's parts; a wiring of one's own costs what a Paramixer of its M and K does."""
    return paramixer_block(s) if s.mixer == WIRING else BLOCK_COSTS[s.mixer](s)


def mlp_parameters(inputs: int, hidden: int, outputs: int) -> int:
    """Weights and biases of Linear(inputs, hidden) - GELU - Linear(hidden, outputs)."""
    return (inputs + 1) * hidden + (hidden + 1) * outputs
