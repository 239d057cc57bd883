"""Put recognised weights into the run store, as a finished run that can be looked at and forked."""

import torch

from paramixer_core.runs import snapshots
from paramixer_core.runs.run import Run, RunState
from paramixer_core.runs.store import RunStore
from paramixer_core.training import Trainer
from paramixer_core.uploads.recognise import Recognised


def import_weights(store: RunStore, found: Recognised, owner: str = "") -> Run:
    """A new run in state FINISHED with one snapshot, of step 0; raises as Trainer does."""
    trainer = Trainer(found.config, torch.device("cpu"))
    trainer.load_weights(found.state)
    test = trainer.evaluate()
    arrays = {f"{snapshots.STATE}{name}": t.numpy() for name, t in trainer.state().items()}
    arrays |= {f"{snapshots.PROBE}{name}": t.numpy() for name, t in trainer.probe().items()}
    run = store.create(found.config, owner=owner, parent_step=0, first_snapshot=arrays)
    parameters = sum(weight.numel() for weight in trainer.network.parameters())
    with store.transaction() as database:
        key = store.key_of(database, run.id)
        database.execute(
            "INSERT INTO evaluations (run, step, loss, accuracy, seconds) VALUES (?, 0, ?, ?, 0)",
            (key, test.loss, test.accuracy),
        )
    store.update(
        run.id,
        state=RunState.FINISHED,
        reason=f"Uploaded weights, {found.source}.",
        parameters=parameters,
        device="cpu",
    )
    return store.run(run.id)
