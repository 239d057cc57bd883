"""One example through a trained network: what went in, what came out, what mixed it."""

from dataclasses import dataclass

import torch
from jaxtyping import Shaped
from torch import Tensor

from paramixer_core.config import RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.models import BlockOperators
from paramixer_core.tasks import make_task
from paramixer_core.training import Trainer

MAX_DENSE_SEQ_LEN = 1024


@dataclass(frozen=True)
class Inspection:
    """A test example and its way through a network; batch axes have length one.

    `answer` are the network's raw outputs, `correct` the task's verdict on them.
    """

    inputs: Shaped[Tensor, "1 seq *features"]
    target: Shaped[Tensor, "1 *outputs"]
    answer: Shaped[Tensor, "1 outputs"]
    correct: bool
    blocks: list[BlockOperators]


@torch.no_grad()
def inspect_example(config: RunConfig, state: dict[str, Tensor], example: int) -> Inspection:
    """Send a test example through the network whose weights `state` holds (`Trainer.state`).

    Dense matrices take O(factors N^2) memory, so N is at most 1,024 here. Raises ParamixerError
    for a longer sequence or an example that the test set does not have.
    """
    if config.seq_len > MAX_DENSE_SEQ_LEN:
        raise ParamixerError(
            f"N up to {MAX_DENSE_SEQ_LEN:,} for dense matrices",
            config.seq_len,
            "choose a shorter run",
        )
    trainer = Trainer(config, torch.device("cpu"))
    trainer.load_weights(state)
    tests = trainer.task.test_set()
    if not 0 <= example < len(tests.inputs):
        raise ParamixerError(
            f"a test example from 0 to {len(tests.inputs) - 1}", example, "choose one of them"
        )
    inputs, target = tests.inputs[example : example + 1], tests.targets[example : example + 1]
    answer = trainer.network(inputs)
    return Inspection(
        inputs=inputs,
        target=target,
        answer=answer,
        correct=bool(trainer.task.correct(answer, target)),
        blocks=trainer.network.reveal(inputs),
    )


def num_examples(config: RunConfig) -> int:
    """How many test examples a run's task has."""
    return len(make_task(config.task, config.seq_len).test_set().inputs)
