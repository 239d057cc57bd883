"""Training a queued run in this process, where a test needs no process of its own."""

from collections.abc import Sequence
from threading import Event

from paramixer_core.config import RunConfig
from paramixer_core.runs import Run, RunStore
from paramixer_core.runs.journal import StoreJournal
from paramixer_core.runs.session import Session


def train_here(store: RunStore, run_id: str) -> Run:
    """Train to the end and return the run."""
    store.grant(run_id, "lease", "host")
    Session(StoreJournal(store, run_id, "lease"), Event(), Event()).run()
    return store.run(run_id)


class InProcess:
    """As much of an executor as a race needs: it trains each run before it answers."""

    def __init__(self, store: RunStore) -> None:
        self.store = store

    def submit_all(
        self, configs: Sequence[RunConfig], *, owner: str = "", race: str | None = None
    ) -> list[Run]:
        """Train the runs to their end."""
        made = [self.store.create(config, owner=owner, race=race) for config in configs]
        return [train_here(self.store, run.id) for run in made]
