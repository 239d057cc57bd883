"""An executor whose workers are objects that do nothing: for decisions, without processes."""

from paramixer_core.runs.pool import Pool
from paramixer_core.runs.run import Run
from paramixer_core.runs.store import RunStore
from paramixer_core.runs.worker_handle import Worker


class Hand(Worker):
    """A worker that notes what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.killed = False
        self.silence = ""

    def assign(self, run_id: str, lease: str) -> None:
        self.run_id, self.lease = run_id, lease

    def wake(self) -> None:
        """Nobody is there."""

    def kill(self) -> None:
        self.killed = True

    def frozen(self) -> str:
        return self.silence

    @property
    def farewell(self) -> str:
        return "as a test wished"


class Hands(Pool):
    """So many places; every run that gets one holds it until the test says otherwise."""

    def __init__(self, store: RunStore, places: int) -> None:
        super().__init__(store)
        self.places = places
        self.taken: list[Hand] = []
        self._dispatch()

    def _has_place(self) -> bool:
        return len(self._busy()) < self.places

    def _obstacle(self, run: Run) -> str:
        return "" if self._has_place() else "a free hand"

    def _take(self, run: Run) -> Worker:
        self.taken.append(Hand())
        return self.taken[-1]

    def close(self) -> None:
        self._closing = True
        self._host.close()
