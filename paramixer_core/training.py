"""Train a network step by step: the same seed gives the same losses.

Bit for bit on a CPU, with the same mixing path and number of threads.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from paramixer_core.acceleration import Accelerated
from paramixer_core.config import RunConfig, require_positive
from paramixer_core.device import choose_device
from paramixer_core.errors import ParamixerError
from paramixer_core.mixing import prepare
from paramixer_core.models import build_network
from paramixer_core.optimizer import Adam
from paramixer_core.probe import probe_network
from paramixer_core.schedule import evaluation_batch, evaluation_due, reached_target, snapshot_due
from paramixer_core.tasks import Batch, make_task

SPEED_MEMORY = 0.9


@dataclass(frozen=True, slots=True)
class Record:
    """What one training step gave. Loss and accuracy (0..1) are of its batch, before the step."""

    step: int
    loss: float
    accuracy: float
    grad_norm: float
    steps_per_second: float
    samples_per_second: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Mean loss and accuracy (0..1) on the task's fixed test set after `step` steps."""

    step: int
    loss: float
    accuracy: float


@dataclass(frozen=True)
class Snapshot:
    """Everything needed to continue after `step` steps, and the probe's matrices to look at."""

    step: int
    state: dict[str, Tensor]
    probe: dict[str, Tensor]


class Diverged(ParamixerError):
    """The loss or its gradient is no longer finite; the weights are those before that step."""

    def __init__(self, step: int, quantity: str, value: float) -> None:
        self.step = step
        super().__init__(
            f"a finite {quantity} at step {step}", value, "use a smaller learning rate"
        )


class Trainer:
    """One network, its optimiser and its task.

    The batch of step s is drawn from a generator seeded by (seed, s), the initial weights from
    one seeded by the seed: a state holds no generator, and a run continued from a state goes on
    as if it had never stopped. Optimiser: Adam, gradient norm clipped (Paramixer, 4.1).
    """

    def __init__(self, config: RunConfig, device: torch.device | None = None) -> None:
        self.config = config
        self.device = choose_device(config.device) if device is None else device
        self.task = make_task(config.task, config.seq_len)
        generator = torch.Generator().manual_seed(config.seed)
        self.network = build_network(config, self.task, generator).to(self.device)
        self.accelerated = Accelerated(
            self.network, config.precision, config.execution, self.device
        )
        self.step_number = 0
        self.optimizer = Adam(
            self.network.parameters(),
            lr=config.learning_rate,
            fused=self.device.type == "cpu",  # a quarter of the plain loop's time
        )
        self._test_set = self.task.test_set()
        self._seconds_per_step = 0.0

    @property
    def learning_rate(self) -> float:
        """Adam's step size; may be set while the run goes on."""
        rate: float = self.optimizer.param_groups[0]["lr"]
        return rate

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        require_positive("learning_rate", rate, 10.0)
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    def batch(self, step: int) -> Batch:
        """The training batch of a step (from 1), the same for every mixer."""
        generator = torch.Generator().manual_seed(batch_seed(self.config.seed, step))
        return self.task.batch(self.config.batch, generator)

    def step(self) -> Record:
        """Train on the next batch; raises Diverged before a non-finite value reaches a weight."""
        started = time.perf_counter()
        number = self.step_number + 1
        batch = self.batch(number).to(self.device)
        self.optimizer.zero_grad()
        outputs = self.accelerated.train(batch.inputs)
        loss = self.task.loss(outputs, batch.targets)
        loss_value = float(loss.detach())
        require_finite(number, "loss", loss_value)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.config.clip_norm)
        norm_value = float(norm)
        require_finite(number, "gradient norm", norm_value)
        self.optimizer.step()
        self.step_number = number
        right = self.task.correct(outputs.detach(), batch.targets)
        accuracy = float(right.float().mean())
        speed = self._note_duration(time.perf_counter() - started)
        return Record(number, loss_value, accuracy, norm_value, speed, speed * self.config.batch)

    def _note_duration(self, seconds: float) -> float:
        before = self._seconds_per_step or seconds
        self._seconds_per_step = SPEED_MEMORY * before + (1 - SPEED_MEMORY) * seconds
        return 1 / self._seconds_per_step

    @torch.no_grad()
    def evaluate(self, between: Callable[[], None] = lambda: None) -> Evaluation:
        """Loss and accuracy on the whole test set, in batches; `between` is called after each."""
        inputs, targets = self._test_set.inputs, self._test_set.targets
        size = evaluation_batch(self.config)
        loss = accuracy = 0.0
        for start in range(0, len(inputs), size):
            part = Batch(inputs[start : start + size], targets[start : start + size]).to(
                self.device
            )
            outputs = self.accelerated.evaluate(part.inputs)
            share = len(part.inputs) / len(inputs)
            loss += share * float(self.task.loss(outputs, part.targets))
            accuracy += share * float(self.task.correct(outputs, part.targets).float().mean())
            between()
        return Evaluation(self.step_number, loss, accuracy)

    def state(self) -> dict[str, Tensor]:
        """Copies of weights (`network.*`), Adam's (`optimizer.*`) and the step, on the CPU."""
        tensors = {f"network.{name}": weight for name, weight in self.network.state_dict().items()}
        for name, parameter in self.network.named_parameters():
            for key, value in self.optimizer.state.get(parameter, {}).items():
                tensors[f"optimizer.{key}.{name}"] = value
        tensors["step"] = torch.tensor(self.step_number)
        tensors["learning_rate"] = torch.tensor(self.learning_rate, dtype=torch.float64)
        return {name: value.detach().cpu().clone() for name, value in tensors.items()}

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Continue from what `state` gave: the next step is the one that would have followed."""
        self.load_weights(tensors)
        self.optimizer.state.clear()
        parameters = dict(self.network.named_parameters())
        for key, kept in tensors.items():
            if key.startswith("optimizer."):
                kind, _, name = key.removeprefix("optimizer.").partition(".")
                place = "cpu" if kind == "step" else self.device
                self.optimizer.state[parameters[name]][kind] = kept.to(place, copy=True)
        self.step_number = int(tensors["step"])
        self.learning_rate = float(tensors["learning_rate"])

    def load_weights(self, tensors: dict[str, Tensor]) -> None:
        """Take only the weights of a state, to begin a new run from them."""
        weights = {
            name.removeprefix("network."): value
            for name, value in tensors.items()
            if name.startswith("network.")
        }
        try:
            self.network.load_state_dict(weights)
        except RuntimeError as error:
            raise ParamixerError(
                "the weights of a network like this one", error, "use a state of an equal run"
            ) from error

    def probe(self) -> dict[str, Tensor]:
        """What the network does with the first test sequences; see `probe_network`."""
        return probe_network(self.network, self._test_set)

    def snapshot(self) -> Snapshot:
        """State and probe after the steps made so far."""
        return Snapshot(self.step_number, self.state(), self.probe())


def train(
    config: RunConfig, device: torch.device | None = None
) -> Iterator[Record | Evaluation | Snapshot]:
    """Train a run from its first step to its last.

    Yields a Record per step, an Evaluation wherever `evaluation_due`, a Snapshot wherever
    `snapshot_due`, both also after the last step. Ends early once the test accuracy reaches the
    run's `target_accuracy`. Raises Diverged.
    """
    prepare()
    trainer = Trainer(config, device)
    yield trainer.evaluate()
    yield trainer.snapshot()
    while trainer.step_number < config.steps:
        record = trainer.step()
        yield record
        last = record.step == config.steps
        if last or evaluation_due(record.step):
            evaluation = trainer.evaluate()
            yield evaluation
            last = last or reached_target(config, evaluation.accuracy)
        if last or snapshot_due(record.step):
            yield trainer.snapshot()
        if last:
            return


def batch_seed(seed: int, step: int) -> int:
    """A seed of its own for every step of a run.

    PyTorch's CPU generator reads only 32 bits of a seed; an odd multiplier keeps the steps of a
    run distinct in them.
    """
    return (seed * 1_000_003 + step * 0x9E3779B97F4A7C15) % 2**32


def require_finite(step: int, quantity: str, value: float) -> None:
    """Raise Diverged unless the value is finite."""
    if not math.isfinite(value):
        raise Diverged(step, quantity, value)
