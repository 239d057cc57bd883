"""One example through a trained network: what went in, what came out, what mixed it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from paramixer_core.analysis.operators import AttentionOperator, Operator, SparseOperator
from paramixer_core.analysis.supports import residual_kind
from paramixer_core.config import Residual, RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.models import BlockOperators, Mixer, Network, build_network, mixer_kind
from paramixer_core.models.attention import AttentionBlock
from paramixer_core.models.mixer import Compact, add_identity
from paramixer_core.models.paramixer import ParamixerBlock, chain, chain_first
from paramixer_core.models.transformer import TransformerBlock
from paramixer_core.tasks import make_task
from paramixer_core.tasks.task import Batch
from paramixer_core.uploads.typed import parse_sequence

MAX_DENSE_SEQ_LEN = 1024

Example = int | str
"""The number of a test example, or a sequence of one's own as text (`uploads.typed`)."""


@dataclass(frozen=True)
class Inspection:
    """An example and its way through a network; batch axes have length one.

    `answer` are the network's raw outputs (None where a snapshot holds none), `correct` the task's
    verdict on them; a sequence of one's own has no target and so no verdict.
    """

    inputs: Shaped[Tensor, "1 seq *features"]
    target: Shaped[Tensor, "1 *outputs"] | None
    answer: Shaped[Tensor, "1 outputs"] | None
    correct: bool | None
    blocks: list[BlockOperators]


def load_network(config: RunConfig, state: Mapping[str, Tensor]) -> Network:
    """The run's network on the CPU with the weights of `Trainer.state`."""
    task = make_task(config.task, config.seq_len)
    network = build_network(config, task, torch.Generator().manual_seed(config.seed))
    prefix = "network."
    own = {name[len(prefix) :]: held for name, held in state.items() if name.startswith(prefix)}
    network.load_state_dict(own)
    return network


def inspect_example(config: RunConfig, state: Mapping[str, Tensor], example: Example) -> Inspection:
    """Send an example through the network whose weights `state` holds (`Trainer.state`).

    Dense matrices take O(factors N^2) memory, so N is at most 1,024 here. Raises ParamixerError
    for a longer sequence, an example that the test set does not have or a text that is none.
    """
    return inspect_sequence(config, state, *inputs_of(config, example))


@torch.no_grad()
def inspect_sequence(
    config: RunConfig,
    state: Mapping[str, Tensor],
    inputs: Shaped[Tensor, "1 seq *features"],
    target: Shaped[Tensor, "1 *outputs"] | None = None,
) -> Inspection:
    """Send any sequence through the network; errors as for `inspect_example`."""
    require_dense(config)
    network = load_network(config, state)
    answer = network(inputs)
    verdict = None if target is None else is_correct(config, answer, target)
    return Inspection(inputs, target, answer, verdict, network.reveal(inputs))


@torch.no_grad()
def inspect_probe(
    config: RunConfig, probe: Mapping[str, np.ndarray], example: int = 0
) -> Inspection:
    """What a snapshot's probe (`Trainer.probe`) holds of one of its examples.

    Nothing runs through the network: its matrices follow from the stored link weights, or queries
    and keys. Raises ParamixerError for an example that the probe does not hold, or N above 1,024.
    """
    require_dense(config)
    require_among(example, len(probe["inputs"]), "an example of the snapshot")
    one = {
        name: torch.from_numpy(np.array(probe[name][example : example + 1]))
        for name in probe
        if name in ("inputs", "targets", "answers")
    }
    labelled = make_task(config.task, config.seq_len).labelled
    answer, target = one.get("answers"), one["targets"] if labelled else None
    blocks = [
        block_of(config, compact).operators(compact)
        for compact in compacts_of(config, probe, example)
    ]
    verdict = None if answer is None or target is None else is_correct(config, answer, target)
    return Inspection(one["inputs"], target, answer, verdict, blocks)


def compacts_of(config: RunConfig, probe: Mapping[str, np.ndarray], example: int) -> list[Compact]:
    """The tensors of `Mixer.compact` that a probe holds of one example, a dict per block."""
    found: list[Compact] = []
    for block in range(config.blocks):
        prefix = f"block.{block}."
        found.append(
            {
                name.removeprefix(prefix): torch.from_numpy(np.array(value[example : example + 1]))
                for name, value in probe.items()
                if name.startswith(prefix) and ".spectrum." not in name
            }
        )
    return found


def block_of(config: RunConfig, compact: Compact | None = None) -> Mixer:
    """A block of the run's kind, for its links; with `compact`, for its `operators` too.

    Of its own weights it then has those that its matrices depend on. Raises ParamixerError for a
    compact that lacks them, as snapshots of early versions do.
    """
    block = mixer_kind(config.mixer).build(config, torch.Generator().manual_seed(0))
    if compact is not None and isinstance(block, TransformerBlock):
        lacking = [name for name in block.matrix_weights if name not in compact]
        if lacking:
            raise ParamixerError(
                f"a snapshot that holds {' and '.join(lacking)} of {config.mixer}",
                "one of an early version, without them",
                "look at a test example from 4 on, or train the run again",
            )
        block.load_state_dict({n: compact[n][0] for n in block.matrix_weights}, strict=False)
    return block


def sparse_operator(config: RunConfig, compact: Compact, *, bare: bool = False) -> Operator:
    """A block's operator for one example, without forming it; any N.

    `compact` is that of one example. With `bare` the residual is left out: W_M ... W_1, or A
    instead of I + A. Raises ParamixerError for the rivals of attention, which are not sparse.
    """
    block = block_of(config)
    if isinstance(block, ParamixerBlock):
        residual = Residual.NONE if bare else config.residual
        return SparseOperator.of_weights(compact["link_weights"][0], block.offsets, residual)
    if not isinstance(block, AttentionBlock):
        raise ParamixerError(
            "a mixer whose rows can be had one by one: CHORD, CDIL, a wiring or attention",
            config.mixer,
            f"choose one of these, or a run of up to {MAX_DENSE_SEQ_LEN:,} tokens",
        )
    queries, keys = (compact[name][0].double().numpy() for name in ("queries", "keys"))
    kept = compact["kept"][0].numpy() if "kept" in compact else None
    return AttentionOperator(queries, keys, direct=0.0 if bare else 1.0, kept=kept)


@torch.no_grad()
def compact_example(
    config: RunConfig, state: Mapping[str, Tensor], example: Example
) -> list[Compact]:
    """What `sparse_operator` needs of an example, per block; O(N) memory, any N."""
    return load_network(config, state).compact(inputs_of(config, example)[0])


def product_so_far(
    factors: Float[Tensor, "factors seq seq"], count: int, *, residual: Residual | bool
) -> Float[Tensor, "seq seq"]:
    """What the first `count` factors make of V_0; of a residual around the block, still without it.

    (I + W_count) ... (I + W_1) with one after every factor (True), W_count ... W_1 with none
    (False), W_count (... (W_1 + I) ...) + I where every factor adds V_0.
    """
    require_among(count - 1, len(factors), "a factor")
    some = factors[:count, None]
    match residual_kind(residual):
        case Residual.PER_FACTOR:
            return chain(add_identity(some))[0]
        case Residual.FIRST:
            return chain_first(some)[0]
        case Residual.AROUND_BLOCK | Residual.NONE:
            return chain(some)[0]


def inputs_of(
    config: RunConfig, example: Example
) -> tuple[Shaped[Tensor, "1 seq *features"], Shaped[Tensor, "1 *outputs"] | None]:
    """Inputs and target of an example; one of no task's data, or typed, has no target."""
    task = make_task(config.task, config.seq_len)
    if isinstance(example, str):
        return parse_sequence(task, example), None
    chosen = examples_of(config, [example])
    return chosen.inputs, chosen.targets if task.labelled else None


def examples_of(config: RunConfig, examples: list[int]) -> Batch:
    """These sequences of the test set. Raises ParamixerError for one that there is not."""
    tests = make_task(config.task, config.seq_len).test_set()
    for example in examples:
        require_among(example, len(tests.inputs), "a test example")
    return Batch(tests.inputs[examples], tests.targets[examples])


def num_examples(config: RunConfig) -> int:
    """How many test examples a run's task has."""
    return make_task(config.task, config.seq_len).num_tests


def is_correct(config: RunConfig, answer: Tensor, target: Tensor) -> bool:
    """The task's verdict on one answer."""
    return bool(make_task(config.task, config.seq_len).correct(answer, target))


def require_dense(config: RunConfig) -> None:
    """Raise ParamixerError if N x N matrices of this run are too large to hold."""
    if config.mixed_len > MAX_DENSE_SEQ_LEN:
        raise ParamixerError(
            f"N up to {MAX_DENSE_SEQ_LEN:,} for dense matrices",
            config.mixed_len,
            "choose a shorter run, or look at its rows and blocks",
        )


def require_among(place: int, count: int, what: str) -> None:
    """Raise ParamixerError unless 0 <= place < count."""
    if not 0 <= place < count:
        raise ParamixerError(f"{what} from 0 to {count - 1}", place, "choose one of them")
