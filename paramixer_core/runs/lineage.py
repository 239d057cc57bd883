"""A run as it was: every stretch of training that led to it, from the root of its forks on."""

from collections.abc import Sequence

from paramixer_core.errors import ParamixerError
from paramixer_core.runs.run import Run
from paramixer_core.runs.segments import Segment
from paramixer_core.runs.store import RunStore


def lineage(store: RunStore, run_id: str) -> list[Segment]:
    """The stretches of training that led to a run as it stands, from the root on, its own last.

    A fork keeps those of its ancestors itself, so they outlive the runs; of a fork that an early
    version made they are read from its ancestors, as far as these are still there.
    """
    run = store.run(run_id)
    own = Segment(
        run=run.id,
        config=run.config,
        begin=run.parent_step or 0,
        end=run.step,
        rates=tuple(change for change in store.rate_changes(run_id) if change[0] <= run.step),
        conditions=run.conditions,
        imported=run.imported,
    )
    if run.ancestry or run.parent is None:
        return [*run.ancestry, own]
    return [*ancestry_of(store, run.parent, run.parent_step or 0), own]


def ancestry_of(store: RunStore, parent: str, step: int) -> list[Segment]:
    """What a fork of `parent` at `step` inherits; empty if the parent is gone."""
    try:
        segments = lineage(store, parent)
    except ParamixerError:
        return []
    return [*segments[:-1], segments[-1].until(step)]


def rate_after(store: RunStore, run_id: str, step: int) -> float:
    """The learning rate in force after `step` steps: what the next step is made with."""
    config = store.run(run_id).config
    changes = dict(store.rate_changes(run_id)) | dict(config.rate_changes)
    before = [at for at in changes if at <= step]
    return changes[max(before)] if before else config.learning_rate


def is_complete(run: Run, segments: Sequence[Segment]) -> bool:
    """Whether the segments reach back to the root of a run's line of forks."""
    return segments[0].begin == 0 and (run.parent is None or len(segments) > 1)
