"""What was read is tested on its task, or kept in a store: as a task, or as a run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from paramixer_core.errors import ParamixerError
from paramixer_core.runs.store import RunStore
from paramixer_core.uploads.dataset import keep
from paramixer_core.uploads.importing import evaluate_weights, import_weights
from paramixer_core.uploads.what_was_read import Read, SequencesRead, WeightsRead


@dataclass(frozen=True)
class Kept:
    """What became of a file: "task" or "run", its name, and how the weights did in their test."""

    what: str
    name: str
    tested: str = ""
    accuracy: float | None = None


@dataclass(frozen=True)
class Keeper:
    """Who keeps a file: the owner's id, and the sizes in bytes of what that browser has uploaded
    already (None: no browser asks)."""

    owner: str = ""
    held: Sequence[int] | None = None


NOBODY = Keeper()


def with_test(read: Read, between: Callable[[], None] = lambda: None) -> WeightsRead:
    """The weights with their accuracy; raises ParamixerError for anything that cannot be tested."""
    if not isinstance(read, WeightsRead):
        raise ParamixerError("weights to test", f"a file of {read.kind}", "leave --evaluate out")
    test = evaluate_weights(read.found, between)
    return replace(read, accuracy=test.accuracy, tested=test.sentence)


def keep_read(
    read: Read,
    home: Path | None = None,
    by: Keeper = NOBODY,
    between: Callable[[], None] = lambda: None,
) -> Kept:
    """Keep what was read in the store; `between` is called after each batch of a test.

    Raises ParamixerError for a matrix, for questions that are open, or beyond a quota.
    """
    match read:
        case SequencesRead(prepared=None):
            open_ = [*(asked.sentence for asked in read.questions), read.problem]
            raise ParamixerError("sequences that can be trained on", open_[0], "choose otherwise")
        case SequencesRead(prepared=prepared):
            assert prepared is not None
            return Kept("task", keep(prepared, home, by.held))
        case WeightsRead():
            with RunStore(home) as store:
                done = import_weights(store, read.found, by.owner, between)
            test = done.evaluation
            if test is None:
                return Kept("run", done.run.id, "Not tested: its data are not here.")
            return Kept("run", done.run.id, test.sentence, test.accuracy)
        case _:
            raise ParamixerError(
                "sequences or weights to keep", "a matrix", "bring it to the Matrix lab"
            )
