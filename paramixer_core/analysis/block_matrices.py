"""The matrices of one block by name, in float64 and one at a time, and how much rank each has."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from paramixer_core.analysis.operators import SparseOperator
from paramixer_core.analysis.rank import MAX_EXACT_SIDE, RankReport, rank_report
from paramixer_core.analysis.spectrum_estimate import SpectrumEstimate, estimate_spectrum
from paramixer_core.analysis.supports import ring_factors
from paramixer_core.choices import Choice
from paramixer_core.config import Residual, RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.inspection import block_of, examples_of, sparse_operator
from paramixer_core.models import build_network, mixer_kind
from paramixer_core.models.attention import AttentionBlock
from paramixer_core.models.mixer import Compact
from paramixer_core.models.paramixer import ParamixerBlock
from paramixer_core.models.transformer import padding_scores
from paramixer_core.tasks import make_task


class MatrixKind(Choice):
    """What a matrix is in its block; A is the block's bare mixing matrix."""

    LOGITS = "logits"  # Q K^T / sqrt(d) of one head
    HEAD = "head"  # its softmax, where there are several heads
    FACTOR = "factor"  # W_m
    FACTOR_RESIDUAL = "factor_residual"  # I + W_m
    PRODUCT = "product"  # A: W_M ... W_1, or the mean attention matrix over heads
    OPERATOR = "operator"  # with the residual: (I + W_M) ... (I + W_1), or I + A


@dataclass(frozen=True, slots=True, order=True)
class MatrixName:
    """A matrix of a block; `place` is m (from 1) for a factor, the head (from 1) for a head's."""

    kind: MatrixKind
    place: int = field(default=0)


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A matrix's name with its rank report."""

    name: MatrixName
    report: RankReport


@dataclass(frozen=True, slots=True, eq=False)
class Attempt:
    """The same of a network that may have diverged: without a report where `odd` numbers are not
    finite, since such a matrix has no singular values.
    """

    name: MatrixName
    report: RankReport | None
    odd: int


def matrix_names(config: RunConfig) -> tuple[MatrixName, ...]:
    """Every matrix that a block of this configuration has, in the order of the computation."""
    whole = (MatrixName(MatrixKind.PRODUCT), MatrixName(MatrixKind.OPERATOR))
    block = block_of(config)
    if isinstance(block, ParamixerBlock):
        return (
            *named(MatrixKind.FACTOR, len(block.offsets)),
            *named(MatrixKind.FACTOR_RESIDUAL, len(block.offsets)),
            *whole,
        )
    heads = named(MatrixKind.HEAD, config.heads) if config.heads > 1 else ()
    logits = named(MatrixKind.LOGITS, config.heads) if isinstance(block, AttentionBlock) else ()
    return (*logits, *heads, *whole)


def named(kind: MatrixKind, count: int) -> tuple[MatrixName, ...]:
    """`count` matrices of a kind, counted from 1."""
    return tuple(MatrixName(kind, place) for place in range(1, count + 1))


def rank_bound(config: RunConfig, name: MatrixName) -> int | None:
    """The rank that a matrix cannot exceed whatever the weights, where that is below N, else None.

    Q K^T with Q, K of shape (N, d) has rank at most d = channels / heads. No other matrix here has
    such a bound: neither the softmax of the logits, nor a factor, nor a product of factors.
    """
    width = config.channels // config.heads
    return width if name.kind is MatrixKind.LOGITS and width < config.mixed_len else None


def block_matrix(
    config: RunConfig, compact: Mapping[str, Tensor], name: MatrixName
) -> Float[np.ndarray, "seq seq"]:
    """One matrix of one example, computed in float64 from what the network kept in float32.

    `compact` is a block's, as of `Mixer.compact`, with a batch axis of length one. Raises
    ParamixerError for a matrix that the block does not have or N above 4,096.
    """
    if config.mixed_len > MAX_EXACT_SIDE:
        raise ParamixerError(
            f"N up to {MAX_EXACT_SIDE:,} for a whole matrix",
            config.mixed_len,
            "choose a shorter sequence, or have its leading singular values estimated",
        )
    if name not in matrix_names(config):
        raise ParamixerError(
            "a matrix that the block has", f"{name.kind} {name.place}", "choose another one"
        )
    block = block_of(config)
    if isinstance(block, ParamixerBlock):
        weights = compact["link_weights"][0].double().numpy()
        return sparse_matrix(config, weights, block.offsets, name)
    if isinstance(block, AttentionBlock):
        return attention_matrix(compact, name)
    with torch.no_grad():
        shown = block_of(config, dict(compact)).operators(dict(compact))
    if name.kind is MatrixKind.HEAD and shown.attention is not None:
        return shown.attention[0, name.place - 1].double().numpy()
    matrix = shown.operator if name.kind is MatrixKind.OPERATOR else shown.product
    return matrix[0].double().numpy()


def sparse_matrix(
    config: RunConfig,
    weights: Float[np.ndarray, "factors seq links"],
    offsets: Sequence[Sequence[int]],
    name: MatrixName,
) -> Float[np.ndarray, "seq seq"]:
    """A factor or a product of factors; only the result is dense."""
    if name.kind in (MatrixKind.FACTOR, MatrixKind.FACTOR_RESIDUAL):
        residual = name.kind is MatrixKind.FACTOR_RESIDUAL
        one = slice(name.place - 1, name.place)
        found: np.ndarray = ring_factors(weights[one], offsets[one], residual=residual)[0].toarray()
        return found
    residual_kind = config.residual if name.kind is MatrixKind.OPERATOR else Residual.NONE
    operator = SparseOperator.of_weights(weights, offsets, residual_kind)
    return operator.apply(np.eye(config.mixed_len))


def attention_matrix(
    compact: Mapping[str, Tensor], name: MatrixName
) -> Float[np.ndarray, "seq seq"]:
    """Logits of a head, its softmax, or the mean over heads, a head at a time."""
    queries, keys = compact["queries"][0].double(), compact["keys"][0].double()

    def logits(head: int) -> Tensor:
        found: Tensor = queries[head] @ keys[head].T / queries.shape[-1] ** 0.5
        return found

    def attention(head: int) -> Tensor:
        scores = logits(head)
        if "kept" not in compact:
            return scores.softmax(-1)
        kept = compact["kept"]
        weights = (scores + padding_scores(kept, scores.dtype)[0, 0]).softmax(-1)
        return weights.masked_fill(~kept[0, :, None], 0.0)

    if name.kind is MatrixKind.LOGITS:
        return logits(name.place - 1).numpy()
    if name.kind is MatrixKind.HEAD:
        return attention(name.place - 1).numpy()
    mean = torch.zeros(queries.shape[1], queries.shape[1], dtype=torch.float64)
    for head in range(len(queries)):
        mean += attention(head) / len(queries)
    if name.kind is MatrixKind.OPERATOR:
        mean += torch.eye(len(mean), dtype=torch.float64)
    return mean.numpy()


def measure(
    config: RunConfig,
    compact: Mapping[str, Tensor | np.ndarray],
    names: Iterable[MatrixName],
    dtype: str = "float32",
) -> Iterator[Measured]:
    """The rank report of each matrix, as soon as it is there; `dtype` sets the default tolerance.

    Spectra are those of float64 matrices. float32 is what the network computes in: singular values
    below its tolerance are beyond what the network itself can tell from zero. Raises ParamixerError
    for a matrix with numbers that are not finite.
    """
    held = {name: torch.as_tensor(np.asarray(value)) for name, value in compact.items()}
    for name in names:
        yield Measured(name, rank_report(block_matrix(config, held, name), dtype=dtype))


def attempt(
    config: RunConfig, compact: Mapping[str, Tensor | np.ndarray], names: Iterable[MatrixName]
) -> Iterator[Attempt]:
    """`measure`, passing over matrices with numbers that are not finite."""
    held = {name: torch.as_tensor(np.asarray(value)) for name, value in compact.items()}
    for name in names:
        matrix = block_matrix(config, held, name)
        odd = int((~np.isfinite(matrix)).sum())
        yield Attempt(name, None if odd else rank_report(matrix, dtype="float32"), odd)


@torch.no_grad()
def fresh_compact(config: RunConfig, *, random_tokens: bool = False) -> Compact:
    """What a run's first block keeps of the first test example before any training.

    With `random_tokens` the block reads N tokens of D independent normal numbers instead, the same
    for every mixer, so that nothing but the mixer limits the rank. Few input channels limit it
    too: embedded Adding tokens span 3 dimensions, whatever D, and the bias of queries and keys
    adds one to the rank of logits.
    """
    generator = torch.Generator().manual_seed(config.seed)
    if random_tokens:
        tokens = torch.randn(1, config.mixed_len, config.channels, generator=generator)
        return mixer_kind(config.mixer).build(config, generator).compact(tokens, tokens)
    network = build_network(config, make_task(config.task, config.seq_len), generator)
    return network.compact(examples_of(config, [0]).inputs)[0]


def measure_fresh(
    config: RunConfig, names: Iterable[MatrixName], *, random_tokens: bool = False
) -> Iterator[Measured]:
    """`measure` at the initial weights of a configuration."""
    yield from measure(config, fresh_compact(config, random_tokens=random_tokens), names)


def measure_plan(
    plan: Iterable[tuple[RunConfig, MatrixName]], random_tokens: bool
) -> Iterator[RankReport]:
    """The rank of matrices of several untrained blocks, one after the other."""
    for config, names in groupby(plan, key=itemgetter(0)):
        wanted = [name for _, name in names]
        for found in measure_fresh(config, wanted, random_tokens=random_tokens):
            yield found.report


def estimate_block(
    config: RunConfig, compact: Mapping[str, Tensor | np.ndarray], count: int = 8
) -> Iterator[SpectrumEstimate]:
    """The leading singular values of a bare mixing matrix that is too long to decompose."""
    held = {name: torch.as_tensor(np.asarray(value)) for name, value in compact.items()}
    yield estimate_spectrum(sparse_operator(config, held, bare=True), count, accuracy=1e-3)
