"""The rank that a pattern's product has for almost all weights, found without rounding."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from paramixer_core.analysis.supports import Factors, edges, residual_kind
from paramixer_core.config import Residual, require_whole
from paramixer_core.errors import ParamixerError

PRIME = 2**31 - 1
MAX_TOKENS = 512


@dataclass(frozen=True, slots=True)
class GenericRank:
    """`rank` holds outside a set of weights of measure zero; `draws` are what each draw gave."""

    rank: int
    size: int
    draws: tuple[int, ...]


def generic_rank(
    supports: Factors, *, residual: Residual | bool = True, draws: int = 8, seed: int = 0
) -> GenericRank:
    """Draw every weight at random among the numbers modulo 2^31 - 1 and eliminate exactly.

    The rank of the operator that `residual` makes of the W_m (True: (I + W_M) ... (I + W_1),
    False: W_M ... W_1) as a matrix of polynomials in the weights is at least what any draw
    gives, and a draw misses it with a probability of at most M N / 2^31 (Schwartz-Zippel lemma),
    so there is no tolerance to choose: a product of badly conditioned factors is not mistaken for
    a singular one. Time N^3 a draw; N up to 512.
    """
    seq_len = supports[0].shape[0]
    require_whole("the number of draws", draws, 1, 1000)
    if seq_len > MAX_TOKENS:
        raise ParamixerError(
            f"at most {MAX_TOKENS} tokens for an exact generic rank",
            seq_len,
            "choose a shorter sequence",
        )
    generator = np.random.default_rng(seed)
    ones = edges(supports, residual=False)
    kind = residual_kind(residual)
    found = tuple(rank_modulo(random_product(ones, kind, generator)) for _ in range(draws))
    return GenericRank(max(found), seq_len, found)


def random_product(
    supports: Factors, residual: Residual, generator: np.random.Generator
) -> Int64[np.ndarray, "seq seq"]:
    """The operator modulo the prime, a fresh random weight on every edge."""
    seq_len = supports[0].shape[0]
    identity = np.eye(seq_len, dtype=np.int64)
    product = identity
    for factor in supports:
        rows = np.repeat(np.arange(seq_len), np.diff(factor.indptr))
        weights = generator.integers(1, PRIME, size=factor.nnz)
        match residual:
            case Residual.PER_FACTOR:
                mixed = product.copy()
            case Residual.FIRST:
                mixed = identity.copy()
            case Residual.AROUND_BLOCK | Residual.NONE:
                mixed = np.zeros_like(product)
        place = np.arange(factor.nnz) - factor.indptr[rows]  # the how-manieth edge of its row
        for link in range(int(place.max(initial=-1)) + 1):
            at = place == link
            part = weights[at, None] * product[factor.indices[at]] % PRIME
            mixed[rows[at]] = (mixed[rows[at]] + part) % PRIME
        product = mixed
    return (product + identity) % PRIME if residual is Residual.AROUND_BLOCK else product


def rank_modulo(matrix: Int64[np.ndarray, "rows columns"]) -> int:
    """Rank of a matrix of numbers modulo 2^31 - 1, by Gaussian elimination."""
    left = matrix.copy()
    rank = 0
    for column in range(left.shape[1]):
        candidates = np.flatnonzero(left[rank:, column])
        if not len(candidates):
            continue
        pivot = rank + candidates[0]
        left[[rank, pivot]] = left[[pivot, rank]]
        left[rank] = left[rank] * pow(int(left[rank, column]), -1, PRIME) % PRIME
        below = left[rank + 1 :, column:]
        below -= below[:, :1] * left[rank, column:] % PRIME
        below %= PRIME
        rank += 1
        if rank == left.shape[0]:
            break
    return rank
