"""Recognised weights: tested on their task, and kept in the run store to look at and to fork."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from paramixer_core.config import Execution, RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.probe import probe_network
from paramixer_core.runs import snapshots
from paramixer_core.runs.memory import evaluation_memory, require_evaluation_fits
from paramixer_core.runs.run import Run, RunState
from paramixer_core.runs.store import RunStore
from paramixer_core.training import Evaluation, Trainer
from paramixer_core.uploads.weight_questions import RecognisedWeights

LITTLE_MEMORY = 2**31
"""Bytes that testing may take where smaller batches can keep it below."""
SAME = 0.0005
"""Accuracies that differ by less are the same: other machines add in another order."""


@dataclass(frozen=True)
class WeightEvaluation:
    """What weights do on their task's test set: mean loss, accuracy (0..1), and how many were
    tested; `sentence` compares them with what the file says."""

    loss: float
    accuracy: float
    tested: int
    sentence: str


def trainer_of(found: RecognisedWeights) -> Trainer:
    """A trainer with these weights, on the CPU.

    Raises ParamixerError, before it builds anything, if the network would not fit in memory.
    """
    config = in_small_batches(found.config.replace(execution=Execution.PLAIN))
    require_evaluation_fits(config)
    trainer = Trainer(config, torch.device("cpu"))
    trainer.load_weights(found.state)
    trainer.step_number = found.stated.step
    return trainer


def in_small_batches(config: RunConfig) -> RunConfig:
    """The same network, tested on so few sequences at once that they take little memory."""
    while config.batch > 1 and evaluation_memory(config) > LITTLE_MEMORY:
        config = config.replace(batch=config.batch // 2)
    return config


def evaluate_weights(
    found: RecognisedWeights, between: Callable[[], None] = lambda: None
) -> WeightEvaluation:
    """Test recognised weights; `between` is called after each batch of test sequences.

    Raises ParamixerError if their data are not here, or the network would not fit in memory.
    """
    return evaluated(trainer_of(found), found, between)


def evaluated(
    trainer: Trainer, found: RecognisedWeights, between: Callable[[], None] = lambda: None
) -> WeightEvaluation:
    """The same, of weights that a trainer holds."""
    if not trainer.task.labelled:
        raise ParamixerError(
            "weights whose data are on this server",
            found.task_missing or "weights of data that are not known here",
            "upload the data, or only look at the weights",
        )
    test = trainer.evaluate(between)
    return WeightEvaluation(test.loss, test.accuracy, trainer.task.num_tests, compared(test, found))


def compared(test: Evaluation, found: RecognisedWeights) -> str:
    """What the test gave, beside what the file says of itself."""
    if not math.isfinite(test.loss):
        return "The answers are not a number: these weights, or some of them, are not finite."
    measured = f"Accuracy on the test set: {test.accuracy:.1%}"
    said = found.stated.accuracy
    if said is None:
        return f"{measured}."
    if abs(said - test.accuracy) < SAME:
        return f"{measured}, as the file says."
    return (
        f"{measured}; the file says {said:.1%}. Something is read otherwise than it was trained: "
        "check the test set and what was chosen."
    )


@dataclass(frozen=True)
class Imported:
    """The run that weights became, and how they did on their task where its data are here."""

    run: Run
    evaluation: WeightEvaluation | None


def import_weights(
    store: RunStore,
    found: RecognisedWeights,
    owner: str = "",
    between: Callable[[], None] = lambda: None,
) -> Imported:
    """A new run in state FINISHED with one snapshot, of the step that the file says (else 0).

    It is tested where its data are here; `between` is called after each batch. Raises
    ParamixerError as `evaluate_weights` does, and StoreError as the store does.
    """
    trainer = trainer_of(found)
    test = evaluated(trainer, found, between) if trainer.task.labelled else None
    step = trainer.step_number
    arrays = {f"{snapshots.STATE}{name}": t.numpy() for name, t in trainer.state().items()}
    probe = probe_network(trainer.network, trainer.task.test_set())
    arrays |= {f"{snapshots.PROBE}{name}": t.numpy() for name, t in probe.items()}
    run = store.create(found.config, owner=owner, parent_step=step, first_snapshot=arrays)
    parameters = sum(weight.numel() for weight in trainer.network.parameters())
    if test is not None:
        with store.transaction() as database:
            database.execute(
                "INSERT INTO evaluations (run, step, loss, accuracy, seconds)"
                " VALUES (?, ?, ?, ?, 0)",
                (store.key_of(database, run.id), step, test.loss, test.accuracy),
            )
    store.update(
        run.id,
        state=RunState.FINISHED,
        reason=f"Uploaded weights, read by {found.source}.",
        parameters=parameters,
        device="cpu",
    )
    return Imported(store.run(run.id), test)
