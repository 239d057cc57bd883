"""How much rank a matrix has: spectrum, numerical, effective and stable rank, condition."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from paramixer_core.errors import ParamixerError

MAX_EXACT_SIDE = 4096
"""Largest side whose spectrum is computed exactly (float64, N^3 work)."""

DTYPES = {
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "float32": torch.float32,
    "float64": torch.float64,
}


@dataclass(frozen=True, slots=True, eq=False)
class RankReport:
    """What the singular values s_1 >= s_2 >= ... of one matrix say; all dimensionless.

    | field | formula | source |
    |---|---|---|
    | tolerance | max(rows, columns) eps(dtype) s_1 unless given | Golub & Van Loan, 5.5.8 |
    | numerical_rank | how many s_k > tolerance | as `numpy.linalg.matrix_rank` |
    | effective_rank | exp(-sum p_k ln p_k), p_k = s_k / sum s | Roy & Vetterli 2007 |
    | stable_rank | sum s_k^2 / s_1^2 = |A|_F^2 / |A|_2^2 | Rudelson & Vershynin 2007 |
    | condition_number | s_1 / s_last, inf if s_last = 0 | |

    Always 1 <= stable_rank <= effective_rank <= min(rows, columns), except for the zero matrix,
    whose three ranks are 0 and whose condition number is inf.
    """

    singular_values: Float[np.ndarray, " values"]
    shape: tuple[int, int]
    dtype: str
    tolerance: float
    numerical_rank: int
    effective_rank: float
    stable_rank: float
    condition_number: float

    @property
    def deficient(self) -> bool:
        """Whether s_last is no more than rounding of this dtype: s_1 / s_last is then noise."""
        eps = torch.finfo(DTYPES[self.dtype]).eps
        return bool(self.relative[-1] <= max(self.shape) * eps)

    def energy(self, count: int) -> float:
        """Share (0..1) of sum s^2 that the `count` largest singular values hold; 0 for A = 0."""
        squares = np.square(self.relative)
        total = float(squares.sum())
        return float(squares[: max(count, 0)].sum()) / total if total else 0.0

    def rank_at(self, tolerance: float) -> int:
        """The numerical rank under another absolute tolerance."""
        return int(np.count_nonzero(self.singular_values > tolerance))

    @property
    def relative(self) -> Float[np.ndarray, " values"]:
        """Singular values over the largest; as they are for A = 0."""
        largest = self.singular_values[0]
        return self.singular_values / largest if largest else self.singular_values


def rank_report(
    matrix: Tensor | np.ndarray, *, tolerance: float | None = None, dtype: str | None = None
) -> RankReport:
    """Spectrum and ranks of one (rows, columns) matrix, computed in float64.

    `dtype` names the precision whose eps the default tolerance uses ("float32", ...); by default
    the matrix's own, float64 for whole numbers. `tolerance` is absolute and replaces the default.
    Raises ParamixerError for anything but a finite matrix with 1 to 4,096 rows and columns.

    >>> report = rank_report(np.diag([2.0, 1.0, 1e-30]))
    >>> report.numerical_rank, round(report.stable_rank, 2)
    (2, 1.25)
    """
    basis = dtype or dtype_name(matrix)
    if basis not in DTYPES:
        raise ParamixerError(f"a dtype among {sorted(DTYPES)}", basis, "choose one of them")
    if tolerance is not None and not (math.isfinite(tolerance) and tolerance >= 0):
        raise ParamixerError("a finite tolerance of at least 0", tolerance, "use e.g. 1e-6")
    values = require_matrix(matrix)
    spectrum = torch.linalg.svdvals(torch.from_numpy(values)).numpy()
    return spectrum_report(spectrum, values.shape, tolerance=tolerance, dtype=basis)


def spectrum_report(
    singular_values: np.ndarray,
    shape: tuple[int, ...],
    *,
    tolerance: float | None = None,
    dtype: str = "float64",
) -> RankReport:
    """The report of a known spectrum (descending, float64) of a matrix of that shape."""
    rows, columns = shape
    largest = float(singular_values[0])
    if tolerance is None:
        tolerance = max(shape) * torch.finfo(DTYPES[dtype]).eps * largest
    relative = singular_values / largest if largest else singular_values
    shares = relative[relative > 0] / relative.sum() if largest else relative[:0]
    smallest = float(relative[-1])
    return RankReport(
        singular_values=singular_values,
        shape=(rows, columns),
        dtype=dtype,
        tolerance=float(tolerance),
        numerical_rank=int(np.count_nonzero(singular_values > tolerance)),
        effective_rank=float(np.exp(-(shares * np.log(shares)).sum())) if largest else 0.0,
        stable_rank=float(np.square(relative).sum()),
        condition_number=1 / smallest if smallest > 0 else math.inf,
    )


def dtype_name(matrix: Tensor | np.ndarray) -> str:
    """The matrix's own precision by name; whole numbers and booleans count as float64."""
    name = str(matrix.dtype).removeprefix("torch.")
    name = {"complex64": "float32", "complex128": "float64"}.get(name, name)
    return name if name in DTYPES else "float64"


def require_matrix(
    matrix: Tensor | np.ndarray, *, square: bool = False, limit: int = MAX_EXACT_SIDE
) -> np.ndarray:
    """The matrix as a float64 (or complex128) array, or ParamixerError saying what is wrong."""
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise ParamixerError(
            "one matrix with at least one row and column",
            f"an array of shape {tuple(matrix.shape)}",
            "pass two dimensions, none of them empty",
        )
    if max(matrix.shape) > limit:
        raise ParamixerError(
            f"at most {limit:,} rows and columns",
            " x ".join(f"{side:,}" for side in matrix.shape),
            "crop the matrix or choose a shorter sequence",
        )
    if square and matrix.shape[0] != matrix.shape[1]:
        raise ParamixerError(
            "a square matrix", f"{matrix.shape[0]} x {matrix.shape[1]}", "crop or pad it"
        )
    if isinstance(matrix, Tensor):
        held = matrix.detach().cpu()
        values = held.to(torch.complex128 if held.is_complex() else torch.float64).numpy()
    else:
        values = matrix.astype(np.complex128 if np.iscomplexobj(matrix) else np.float64)
    if not np.isfinite(values).all():
        bad = np.argwhere(~np.isfinite(values))[0]
        raise ParamixerError(
            "finite numbers only",
            f"{values[tuple(bad)]} at row {bad[0]}, column {bad[1]}",
            "replace it or train with a smaller learning rate",
        )
    return values
