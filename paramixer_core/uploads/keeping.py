"""What was read is tested on its task, or kept in a store: as a task, or as a run."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from paramixer_core.errors import ParamixerError
from paramixer_core.runs.ownership import Actor
from paramixer_core.runs.store import RunStore
from paramixer_core.runs.uploaded import claiming
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


def with_test(read: Read, between: Callable[[], None] = lambda: None) -> WeightsRead:
    """The weights with their accuracy; raises ParamixerError for anything that cannot be tested."""
    if not isinstance(read, WeightsRead):
        raise ParamixerError("weights to test", f"a file of {read.kind}", "leave --evaluate out")
    test = evaluate_weights(read.found, between)
    return replace(read, accuracy=test.accuracy, tested=test.sentence)


def keep_read(
    read: Read,
    home: Path | None = None,
    owner: str = "",
    between: Callable[[], None] = lambda: None,
) -> Kept:
    """Keep what was read in the store for its owner, a browser ("" for none); `between` is called
    after each batch of a test.

    Raises ParamixerError for a matrix, for questions that are open, or beyond a quota.
    """
    match read:
        case SequencesRead(prepared=None):
            open_ = [*(asked.sentence for asked in read.questions), read.problem]
            raise ParamixerError("sequences that can be trained on", open_[0], "choose otherwise")
        case SequencesRead(prepared=prepared):
            assert prepared is not None
            size = len(prepared.content)
            with (
                RunStore(home) as store,
                claiming(store, prepared.name, Actor(owner), size) as held,
            ):
                return Kept("task", keep(prepared, home, held if owner else None))
        case WeightsRead():
            with RunStore(home) as store:
                done = import_weights(store, read.found, owner, between)
            test = done.evaluation
            if test is None:
                return Kept("run", done.run.id, "Not tested: its data are not here.")
            return Kept("run", done.run.id, test.sentence, test.accuracy)
        case _:
            raise ParamixerError(
                "sequences or weights to keep", "a matrix", "bring it to the Matrix lab"
            )
