"""Ways to look at signed weights: no softmax makes them probabilities."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from jaxtyping import Float


class Lens(StrEnum):
    """What is shown of each entry a_ij."""

    SIGNED = "signed"  # a_ij
    POSITIVE = "positive"  # max(a_ij, 0)
    NEGATIVE = "negative"  # min(a_ij, 0), kept negative
    ABSOLUTE = "absolute"  # |a_ij|
    ROW_NORMALISED = "row_normalised"  # a_ij / sum_k |a_ik|


def through_lens(
    matrix: Float[np.ndarray, "rows columns"], lens: Lens
) -> Float[np.ndarray, "rows columns"]:
    """The matrix as that lens shows it; ROW_NORMALISED needs whole rows.

    Row-normalised entries lie in [-1, 1] and their absolute values add up to 1 in each row, so
    they can stand beside attention's probabilities; a row of zeros stays one.
    """
    shown: np.ndarray
    match Lens(lens):
        case Lens.SIGNED:
            shown = matrix
        case Lens.POSITIVE:
            shown = np.maximum(matrix, 0)
        case Lens.NEGATIVE:
            shown = np.minimum(matrix, 0)
        case Lens.ABSOLUTE:
            shown = np.abs(matrix)
        case Lens.ROW_NORMALISED:
            total = np.abs(matrix).sum(axis=1, keepdims=True)
            shown = np.divide(matrix, total, out=np.zeros_like(matrix), where=total > 0)
    return shown


@dataclass(frozen=True, slots=True, eq=False)
class SignedSummary:
    """How signs share a matrix; an attention matrix has no negative mass and row sums of 1.

    `negative_entries` is the share (0..1) of entries below 0, `negative_mass` their share of
    sum |a_ij| (0 for the zero matrix).
    """

    negative_entries: float
    negative_mass: float
    row_sums: Float[np.ndarray, " rows"]
    absolute_row_sums: Float[np.ndarray, " rows"]


def signed_summary(matrix: Float[np.ndarray, "rows columns"]) -> SignedSummary:
    """Count and weigh the negative entries, and add up each row with and without signs."""
    absolute = np.abs(matrix).sum(axis=1)
    total = float(absolute.sum())
    return SignedSummary(
        negative_entries=float(np.mean(matrix < 0)),
        negative_mass=float(-np.minimum(matrix, 0).sum() / total) if total else 0.0,
        row_sums=matrix.sum(axis=1),
        absolute_row_sums=absolute,
    )
