"""What stands out among the entries of a matrix."""

import numpy as np
from jaxtyping import Float


def strongest_link(matrix: Float[np.ndarray, "seq seq"]) -> tuple[int, int]:
    """Row and column of the entry of largest magnitude off the diagonal."""
    sizes = np.abs(matrix)
    np.fill_diagonal(sizes, -1)
    row, column = divmod(int(sizes.argmax()), sizes.shape[1])
    return row, column


def colour_limit(*matrices: Float[np.ndarray, "rows columns"]) -> float:
    """Where a colour scale may end: the size that 99 % of the entries stay below, else the largest.

    A residual's diagonal and a few strong links would else leave all others pale. Of several
    matrices all entries count alike: a scale for a film of them. Entries that are not finite do not
    count; 1 if none is.
    """
    entries = np.concatenate([matrix.reshape(-1) for matrix in matrices])
    sizes = np.abs(entries[np.isfinite(entries)])
    if not len(sizes):
        return 1.0
    return float(np.quantile(sizes, 0.99)) or float(sizes.max()) or 1.0
