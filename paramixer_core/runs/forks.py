"""New runs from old ones: from the same initial weights, or from any snapshot."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from paramixer_core.errors import ParamixerError
from paramixer_core.runs import snapshots
from paramixer_core.runs.lineage import ancestry_of, rate_after
from paramixer_core.runs.run import Run, RunState
from paramixer_core.runs.store import RunStore

LEARNING_RATE = snapshots.STATE + "learning_rate"

CHANGEABLE = (
    "learning_rate",
    "rate_changes",
    "clip_norm",
    "batch",
    "steps",
    "seed",
    "device",
    "target_accuracy",
    "residual",
    "link_source",
    "mask_padding",
)
"""Settings that a fork may change: those that leave the shapes of the weights alone."""


def fork(
    store: RunStore,
    run_id: str,
    step: int,
    changes: Mapping[str, Any],
    *,
    owner: str = "",
    host: str = "",
) -> Run:
    """A queued run that begins with weights, optimiser and step count of a snapshot.

    With nothing changed it repeats its parent's losses bit for bit. Raises ParamixerError for a
    step without a snapshot, or a change that does not fit the weights.
    """
    parent = store.run(run_id)
    if misfits := sorted(set(changes) - set(CHANGEABLE)):
        raise ParamixerError(
            f"changes among {list(CHANGEABLE)} for a fork", misfits, "start a new run for these"
        )
    if "rate_changes" not in changes:
        later = tuple(change for change in parent.config.rate_changes if change[0] > step)
        changes = {**changes, "rate_changes": later}
    held = [snapshot.step for snapshot in store.snapshots(run_id, scheduled=False)]
    if step not in held:
        raise ParamixerError(f"a step with a snapshot, {held}", step, "choose one of them")
    tensors = snapshots.read_arrays(snapshots.snapshot_file(store.run_folder(run_id), step))
    # The rate in force there, which need not be the one that the parent began with.
    rate = {"learning_rate": rate_after(store, run_id, step)}
    config = parent.config.replace(**(rate | dict(changes)))
    if config.steps <= step:
        raise ParamixerError(f"more than {step} steps in all", config.steps, "raise steps")
    tensors[LEARNING_RATE] = np.array(config.learning_rate)
    return store.create(
        config,
        owner=owner,
        host=host,
        parent=run_id,
        parent_step=step,
        first_snapshot=tensors,
        ancestry=ancestry_of(store, run_id, step),
    )


def renew(
    store: RunStore,
    run_id: str,
    owner: str = "",
    host: str = "",
    race: str | None = None,
    *,
    held: bool = False,
) -> Run:
    """The same run anew: from its seed, or for a fork and for weights of a file from the snapshot
    that it began with. `held` has it wait for a continue.
    """
    run = store.run(run_id)
    tensors = None
    if run.parent_step is not None:
        path = snapshots.snapshot_file(store.run_folder(run_id), run.parent_step)
        tensors = snapshots.read_arrays(path)
    return store.create(
        run.config,
        owner=owner,
        host=host,
        race=race,
        parent=run.parent,
        parent_step=run.parent_step,
        first_snapshot=tensors,
        ancestry=run.ancestry,
        state=RunState.PAUSED if held else RunState.QUEUED,
    )
