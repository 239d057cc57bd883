"""One matrix, two approximations of the same number of parameters: low rank and sparse factors."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from paramixer_core.analysis.rank import require_matrix
from paramixer_core.analysis.targets import MAX_SIDE
from paramixer_core.analysis.wiring import Wiring
from paramixer_core.config import require_positive, require_whole
from paramixer_core.errors import ParamixerError
from paramixer_core.mixing import mix
from paramixer_core.optimizer import Adam
from paramixer_core.protocols import Protocol, protocol_offsets

MOST_FACTORS = 32


@dataclass(frozen=True, slots=True)
class Budget:
    """A number of parameters that low rank and sparse factors both spend to the unit.

    Sparse: `wiring`'s distinct places, one number each; its last factor has `last_links` of the
    `whole_links` a row that the protocol gives it. Low rank: U V^T with U, V of shape (N, `rank`),
    2 N `rank` numbers. `parameters` is both.
    """

    wiring: Wiring
    rank: int
    last_links: int
    whole_links: int

    @property
    def parameters(self) -> int:
        """2 N r."""
        return 2 * self.wiring.seq_len * self.rank


def chain(protocol: Protocol, side: int, num_links: int = 3) -> list[tuple[int, ...]]:
    """The offsets of a protocol's M factors in turn, again from the first when used up, 4 M in all
    and at most 32; self links first, and links that coincide on a short ring once."""
    require_whole("the side of a target", side, 2, MAX_SIDE)
    rows = [
        tuple(dict.fromkeys(sorted(row, key=bool)))
        for row in protocol_offsets(protocol, side, num_links)
    ]
    return [rows[m % len(rows)] for m in range(min(4 * len(rows), MOST_FACTORS))]


def budgets(protocol: Protocol, side: int, num_links: int = 3) -> tuple[Budget, ...]:
    """Every rank r that a protocol's chain spends exactly, 2 r links a row, fewer than N.

    The last factor of a chain has all of its links or, where the count asks for it, the first few.
    """
    rows = chain(protocol, side, num_links)
    found, used = [], 0
    for factors, row in enumerate(rows):
        for links in range(1, len(row) + 1):
            per_row = used + links
            if per_row % 2 == 0 and per_row < side:
                offsets = (*rows[:factors], row[:links])
                wiring = Wiring(seq_len=side, offsets=offsets)
                found.append(Budget(wiring, per_row // 2, links, len(row)))
        used += len(row)
    return tuple(found)


def full_budget(protocol: Protocol, side: int, num_links: int = 3) -> Budget:
    """The least budget with all M factors whole, the fewest that reach every pair.

    Raises ParamixerError where that takes as many parameters as the matrix has entries.
    """
    factors = len(protocol_offsets(protocol, side, num_links))
    for budget in budgets(protocol, side, num_links):
        whole = len(budget.wiring.offsets) - (budget.last_links < budget.whole_links)
        if whole >= factors:
            return budget
    raise ParamixerError(
        "a matrix with more entries than all factors have links",
        f"{side} x {side}",
        "choose a larger matrix or fewer links",
    )


@dataclass(frozen=True, slots=True, eq=False)
class LowRankFit:
    """The best approximation of its rank (Eckart and Young 1936), and its relative error."""

    matrix: Float[np.ndarray, "rows columns"]
    rank: int
    error: float


def best_low_rank(target: Tensor | np.ndarray, rank: int) -> LowRankFit:
    """The first `rank` terms of the singular value decomposition."""
    values = require_matrix(target, limit=MAX_SIDE)
    require_whole("a rank", rank, 0, min(values.shape))
    left, spectrum, right = np.linalg.svd(values, full_matrices=False)
    matrix = (left[:, :rank] * spectrum[:rank]) @ right[:rank]
    return LowRankFit(matrix, rank, float(tail_errors(spectrum)[rank]))


def low_rank_errors(target: Tensor | np.ndarray) -> Float[np.ndarray, " ranks"]:
    """The relative error |A - A_r|_F / |A|_F of the best rank r = 0, 1, ..., min(rows, columns)."""
    values = require_matrix(target, limit=MAX_SIDE)
    return tail_errors(np.linalg.svd(values, compute_uv=False))


def tail_errors(spectrum: Float[np.ndarray, " values"]) -> Float[np.ndarray, " ranks"]:
    """sqrt(sum_{k > r} s_k^2 / sum s^2) for r = 0 .. len; 0 throughout for the zero matrix."""
    squares = np.append(np.cumsum(np.square(spectrum[::-1]))[::-1], 0.0)
    errors: np.ndarray = np.sqrt(squares / squares[0]) if squares[0] else squares
    return errors


@dataclass(frozen=True, slots=True, eq=False)
class SparseFit:
    """The factors after `step` of `steps` steps; `error` is |A - W_M ... W_1|_F / |A|_F."""

    step: int
    steps: int
    error: float
    wiring: Wiring
    weights: Float[np.ndarray, "factors side links"]

    def matrix(self) -> Float[np.ndarray, "side side"]:
        """W_M ... W_1, the approximation (bare: the residual is part of the self links here)."""
        product = np.eye(self.wiring.seq_len)
        for factor in self.wiring.factors(self.weights):
            product = factor @ product
        return product


def fit_sparse(
    target: Tensor | np.ndarray,
    wiring: Wiring,
    *,
    steps: int = 600,
    learning_rate: float = 0.03,
    seed: int = 0,
    every: int = 20,
) -> Iterator[SparseFit]:
    """Fit the wiring's factors to a square matrix by Adam on the squared error, in float32.

    Weights start at 1 for self links plus noise of deviation 0.1, so that the product starts near
    the identity; the step size follows one cycle (rise, then fall to 0). Yields the state before
    the first step, after every `every` steps and after the last; the last is not always the best
    that exists: the problem is not convex. Deterministic for a seed on one machine.
    Raises ParamixerError for a target that is not finite, not square or not of the wiring's size.
    """
    values = require_matrix(target, square=True, limit=MAX_SIDE)
    require_whole("the number of steps", steps, 1, 100_000)
    require_whole("steps between reports", every, 1, 100_000)
    require_positive("learning_rate", learning_rate, 10.0)
    if len(values) != wiring.seq_len:
        raise ParamixerError(
            f"a target of side {wiring.seq_len}, the wiring's", len(values), "make them equal"
        )
    norm = float(np.linalg.norm(values)) or 1.0
    scale = norm / math.sqrt(len(values))
    goal = torch.from_numpy(values / scale).float()
    offsets, mask = wiring.padded_offsets(), torch.from_numpy(wiring.mask())
    generator = torch.Generator().manual_seed(seed)
    weights = 0.1 * torch.randn(mask.shape, generator=generator)
    weights += torch.tensor([[offset == 0 for offset in row] for row in offsets])[:, None]
    weights = (weights * mask).requires_grad_()
    optimiser = Adam([weights], lr=learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, learning_rate, total_steps=steps + 1)
    identity = torch.eye(len(values))[None]
    for step in range(steps + 1):
        product = mix(identity, (weights * mask)[:, None], offsets, residual=False)[0]
        loss = (product - goal).square().mean()
        if step % every == 0 or step == steps:
            found = weights.detach().double().numpy()  # links that are off never leave 0
            found[-1] *= scale
            error = math.sqrt(loss.item() * len(values))
            yield SparseFit(step, steps, error if values.any() else 0.0, wiring, found)
        if step < steps:
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            schedule.step()


def exact_hadamard(side: int) -> SparseFit:
    """The factors that CDIL (K = 3) holds a Hadamard matrix by exactly: the fast transform.

    Row i of factor m keeps itself with sign (-1)^bit and adds token i xor 2^(m-1), which lies
    2^(m-1) ahead or behind. `side` is a power of two.
    """
    offsets = protocol_offsets(Protocol.CDIL, side, 3)
    if side & (side - 1):
        raise ParamixerError("a power of two", side, "choose 16, 32, 64, 128 or 256")
    wiring = Wiring(seq_len=side, offsets=tuple(tuple(dict.fromkeys(row)) for row in offsets))
    padded = wiring.padded_offsets()
    weights = np.zeros((len(padded), side, len(padded[0])))
    tokens = np.arange(side)
    for m in range(len(padded)):
        high = tokens >> m & 1
        weights[m, :, 0] = np.where(high, -1, 1) / math.sqrt(2)
        other = (tokens ^ (1 << m)) - tokens
        place = [wiring.offsets[m].index(int(ahead) % side) for ahead in other]
        weights[m, tokens, place] = 1 / math.sqrt(2)
    return SparseFit(0, 0, 0.0, wiring, weights)
