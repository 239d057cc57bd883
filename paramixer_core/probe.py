"""What a network does with a few sequences, small enough to keep with every snapshot."""

import torch
from torch import Tensor

from paramixer_core.models import BlockOperators, Network
from paramixer_core.tasks import Batch

PROBE_TOKENS = 1024
MAX_PROBE_SEQUENCES = 4
MAX_SPECTRUM_SEQ_LEN = 512


@torch.no_grad()
def probe_network(network: Network, examples: Batch) -> dict[str, Tensor]:
    """Inputs, targets, answers, link weights and spectra, on the CPU.

    `inputs`, `targets` and `answers` (the raw outputs) are of the first min(4, 1024 / N)
    examples, at least one; `block.{l}.{name}` are their tensors of `Mixer.compact`; up to N = 512
    `block.{l}.spectrum.{product|operator|logits}` are singular values of the first example,
    computed in float64, largest first (logits: of the first head).
    """
    seq_len = network.seq_len
    count = max(1, min(MAX_PROBE_SEQUENCES, PROBE_TOKENS // seq_len))
    inputs = examples.inputs[:count].to(network.head.weight.device)
    tensors = {
        "inputs": inputs,
        "targets": examples.targets[:count],
        "answers": network(inputs),
    }
    for number, compact in enumerate(network.compact(inputs)):
        found = dict(compact)
        if seq_len <= MAX_SPECTRUM_SEQ_LEN:
            first = {name: kept[:1] for name, kept in compact.items()}
            found |= spectra(network.mixers[number].operators(first))
        tensors |= {f"block.{number}.{name}": kept for name, kept in found.items()}
    return {name: value.cpu().clone() for name, value in tensors.items()}


def spectra(shown: BlockOperators) -> dict[str, Tensor]:
    """Singular values of the first example's matrices, as `spectrum.{name}`."""
    matrices = {"product": shown.product[0], "operator": shown.operator[0]}
    if shown.logits is not None:
        matrices["logits"] = shown.logits[0, 0]
    return {
        f"spectrum.{name}": singular_values(matrix.cpu().double())
        for name, matrix in matrices.items()
    }


def singular_values(matrix: Tensor) -> Tensor:
    """Singular values of a matrix, descending; NaN all of them where one of its numbers is not
    finite, so that a diverged network can be looked at.
    """
    if not bool(torch.isfinite(matrix).all()):
        return torch.full((min(matrix.shape),), torch.nan, dtype=matrix.dtype)
    return torch.linalg.svdvals(matrix)
