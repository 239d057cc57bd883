"""Mixing matrices of many examples at once: their mean over a batch or a class."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from paramixer_core.config import RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.inspection import examples_of, load_network, require_dense
from paramixer_core.tasks import make_task

BATCH_TOKENS = 2048
"""Sequences go through the network so many tokens at a time, which bounds the memory."""

MAX_WORK = 2**32
"""Examples times N^3 at most: some seconds on a laptop."""


class MatrixKind(StrEnum):
    """Which matrix of a block."""

    OPERATOR = "operator"  # with the residual, what the block does
    PRODUCT = "product"  # bare


@torch.no_grad()
def mean_matrix(
    config: RunConfig,
    state: Mapping[str, Tensor],
    examples: Sequence[int],
    block: int,
    kind: MatrixKind,
) -> Float[np.ndarray, "seq seq"]:
    """The mean over test examples of a block's matrix, summed in float64.

    Raises ParamixerError for no examples, or more than `max_examples` at this length.
    """
    require_dense(config)
    most = max_examples(config)
    if not 0 < len(examples) <= most:
        raise ParamixerError(
            f"1 to {most} examples at N = {config.seq_len}", len(examples), "choose fewer or more"
        )
    network = load_network(config, state)
    inputs = examples_of(config, list(examples)).inputs
    total = torch.zeros(config.mixed_len, config.mixed_len, dtype=torch.float64)
    size = max(1, BATCH_TOKENS // config.seq_len)
    for start in range(0, len(inputs), size):
        compact = network.compact(inputs[start : start + size])[block]
        shown = network.mixers[block].operators(compact)
        total += getattr(shown, MatrixKind(kind)).double().sum(0)
    mean: np.ndarray = (total / len(inputs)).numpy()
    return mean


def max_examples(config: RunConfig) -> int:
    """How many examples a mean may take: all of the test set, or fewer where N is large."""
    tests = make_task(config.task, config.seq_len).num_tests
    return max(1, min(tests, MAX_WORK // config.seq_len**3))


def examples_of_class(config: RunConfig, label: int, count: int) -> list[int]:
    """The first `count` test examples of a class (fewer if there are not so many)."""
    task = make_task(config.task, config.seq_len)
    if not 0 <= label < len(task.class_names):
        raise ParamixerError(
            f"a class among {list(task.class_names)}", label, "choose one of them by its number"
        )
    found = (task.test_set().targets == label).nonzero()[:, 0]
    return [int(example) for example in found[:count]]
