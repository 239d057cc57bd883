"""The largest singular values and the stable rank of an operator too long to decompose."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.sparse.linalg import LinearOperator, svds

from paramixer_core.analysis.operators import Operator
from paramixer_core.config import require_whole
from paramixer_core.errors import ParamixerError

MAX_VALUES = 64
PROBES = 64


@dataclass(frozen=True, slots=True, eq=False)
class SpectrumEstimate:
    """Estimates, each with its error; say so wherever they are shown.

    `singular_values` are the largest, in descending order (Lanczos, ARPACK): within `bounds[k]` of
    the k-th there is a singular value of A for certain. `squared_norm` estimates |A|_F^2 from
    random signs (Hutchinson 1990) with standard error `squared_norm_error`; `stable_rank` is
    |A|_F^2 / s_1^2, with the error that follows. Numerical and effective rank need the whole
    spectrum and are not estimated.
    """

    singular_values: Float[np.ndarray, " values"]
    bounds: Float[np.ndarray, " values"]
    squared_norm: float
    squared_norm_error: float
    stable_rank: float
    stable_rank_error: float


def estimate_spectrum(
    operator: Operator, count: int = 16, *, accuracy: float = 0.0, seed: int = 0
) -> SpectrumEstimate:
    """Apply A and its transpose some hundred times; never forms A. `count` is 1 to 64.

    `accuracy` is the relative one at which Lanczos stops, 0 for that of float64; a coarse one is
    quicker, and the bounds say what it left.
    Raises ParamixerError if the operator is too small for `count` or holds NaN or infinity.
    """
    seq_len = operator.seq_len
    require_whole("the number of singular values", count, 1, min(MAX_VALUES, seq_len - 1))
    generator = np.random.default_rng(seed)
    signs = generator.choice([-1.0, 1.0], size=(seq_len, PROBES))
    squares = np.square(operator.apply(signs)).sum(axis=0)
    if not np.isfinite(squares).all():
        raise ParamixerError("finite weights", "NaN or infinity", "pick an earlier snapshot")
    squared_norm, error = float(squares.mean()), float(squares.std(ddof=1) / PROBES**0.5)
    implicit = LinearOperator(
        shape=(seq_len, seq_len),
        dtype=np.float64,
        matvec=lambda vector: operator.apply(vector.reshape(-1, 1))[:, 0],
        rmatvec=lambda vector: operator.apply_transposed(vector.reshape(1, -1))[0],
    )
    left, values, right = svds(implicit, k=count, tol=accuracy, v0=generator.normal(size=seq_len))
    order = np.argsort(values)[::-1]
    left, values, right = left[:, order], values[order], right[order]
    misfit = np.square(operator.apply(right.T) - left * values).sum(axis=0)
    misfit += np.square(operator.apply_transposed(left.T) - values[:, None] * right).sum(axis=1)
    largest = float(values[0])
    return SpectrumEstimate(
        singular_values=values,
        bounds=np.sqrt(misfit / 2),
        squared_norm=squared_norm,
        squared_norm_error=error,
        stable_rank=squared_norm / largest**2 if largest else 0.0,
        stable_rank_error=error / largest**2 if largest else 0.0,
    )
