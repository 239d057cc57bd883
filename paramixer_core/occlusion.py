"""Does a token matter? Mask each in turn and measure how much the network's answer changes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Shaped
from scipy.stats import rankdata
from torch import Tensor, nn

from paramixer_core.config import RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.inspection import load_network
from paramixer_core.models import Network
from paramixer_core.tasks.task import InputKind

BATCH_TOKENS = 16_384
MAX_SEQ_LEN = 1024


@dataclass(frozen=True, eq=False)
class Occlusion:
    """What masking does. `effects[j]` is the Euclidean distance between the network's outputs with
    and without token j; `outputs` are those without any mask.
    """

    effects: Float[np.ndarray, " seq"]
    outputs: Float[np.ndarray, " outputs"]


@torch.no_grad()
def occlude(
    config: RunConfig, state: Mapping[str, Tensor], inputs: Shaped[Tensor, "1 seq *features"]
) -> Occlusion:
    """Mask every token of one sequence in turn; N forward passes, N at most 1,024.

    A masked token of numbers is all zeros (no ink, no mark). A masked symbol gets the mean of the
    embedding table in place of its own row, as if it could be any; its position stays. A class
    token is not masked: `effects` are those of the N tokens of the sequence.
    """
    if config.seq_len > MAX_SEQ_LEN:
        raise ParamixerError(
            f"N up to {MAX_SEQ_LEN:,} where every token is masked in turn",
            config.seq_len,
            "choose a shorter run",
        )
    network = load_network(config, state)
    whole, kept = network.embedding(inputs), network.kept(inputs)
    before = whole.shape[1] - config.seq_len  # a class token, which is not masked
    masked = masked_embedding(network, inputs)
    outputs = network.answer(whole, kept)
    size = max(1, BATCH_TOKENS // config.seq_len)
    parts = []
    for start in range(0, config.seq_len, size):
        tokens = torch.arange(start, min(start + size, config.seq_len))
        sources = whole.repeat(len(tokens), 1, 1)
        rows = torch.arange(len(tokens))
        sources[rows, before + tokens] = masked[0, before + tokens]
        answers = network.answer(sources, None if kept is None else kept.expand(len(tokens), -1))
        parts.append(torch.linalg.vector_norm(answers - outputs, dim=1))
    return Occlusion(torch.cat(parts).double().numpy(), outputs[0].numpy())


def masked_embedding(
    network: Network, inputs: Shaped[Tensor, "1 seq *features"]
) -> Float[Tensor, "1 mixed channels"]:
    """X (N, D) as it would be if every token were masked."""
    embed = network.embedding
    match embed.input_kind:
        case InputKind.REAL:
            masked: Tensor = embed(torch.zeros_like(inputs))
        case InputKind.SYMBOLS:
            tokens: nn.Module = embed.tokens
            table = next(tokens.parameters())
            masked = embed(inputs)
            own = masked[:, -inputs.shape[1] :]  # all but a class token
            own.copy_(own - tokens(inputs) + table.mean(0))
    return masked


def read_weight(matrix: Float[np.ndarray, "seq seq"]) -> Float[np.ndarray, " seq"]:
    """How strongly each token is read in all: the sum over its column of |a_ij|."""
    total: np.ndarray = np.abs(matrix).sum(axis=0)
    return total


def rank_correlation(
    one: Float[np.ndarray, " values"], other: Float[np.ndarray, " values"]
) -> float:
    """Spearman's: the correlation of the ranks, ties sharing theirs; 0 if one is constant."""
    first, second = rankdata(one), rankdata(other)
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])
