"""A journal that waits for its store: nothing that was measured is lost to a full disk."""

import time
from collections.abc import Callable, Mapping
from threading import Event
from typing import TYPE_CHECKING, Any, TypeVar

from paramixer_core.runs.journal import Entry, Journal, Start
from paramixer_core.runs.run import Command, Failure, RunState
from paramixer_core.runs.store_errors import StoreUnavailableError

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")
TRY_EVERY = 1.0  # seconds between two attempts
LAST_ATTEMPTS = 3.0  # seconds that are left for it once the server closes


class PatientJournal:
    """A Journal around another. While the store cannot be used, training waits inside the call
    that found so, holding what it was to write; `trouble` is told the reason, and "" once it works.

    Once `leave` is set it gives up soon and raises what the store raised.
    """

    def __init__(
        self,
        journal: Journal,
        leave: Event,
        trouble: Callable[[str], None],
        try_every: float = TRY_EVERY,
    ) -> None:
        self._journal, self._leave, self._trouble = journal, leave, trouble
        self._try_every = try_every

    def _insist(self, call: Callable[[], T]) -> T:
        said = ""
        give_up = float("inf")
        while True:
            try:
                result = call()
            except StoreUnavailableError as error:
                if str(error) != said:
                    said = str(error)
                    self._trouble(f"Training waits, and what it measured is kept. {said}")
                if self._leave.is_set():
                    give_up = min(give_up, time.monotonic() + LAST_ATTEMPTS)
                if time.monotonic() >= give_up:
                    raise
                time.sleep(self._try_every)
            else:
                if said:
                    self._trouble("")
                return result

    def start(self, *, pid: int) -> Start:
        """See Journal.start."""
        return self._insist(lambda: self._journal.start(pid=pid))

    def write(self, entry: Entry) -> None:
        """See Journal.write."""
        self._insist(lambda: self._journal.write(entry))

    def snapshot(
        self,
        step: int,
        state: "Mapping[str, Tensor]",
        probe: "Mapping[str, Tensor]",
        *,
        scheduled: bool,
    ) -> None:
        """See Journal.snapshot."""
        self._insist(lambda: self._journal.snapshot(step, state, probe, scheduled=scheduled))

    def commands(self) -> list[tuple[Command, float | None]]:
        """See Journal.commands."""
        return self._insist(self._journal.commands)

    def adjust(self, step: int, learning_rate: float) -> None:
        """See Journal.adjust."""
        self._insist(lambda: self._journal.adjust(step, learning_rate))

    def change(self, state: RunState, *, reason: str = "", failure: Failure | None = None) -> None:
        """See Journal.change."""
        self._insist(lambda: self._journal.change(state, reason=reason, failure=failure))

    def describe(self, **values: Any) -> None:
        """See Journal.describe."""
        self._insist(lambda: self._journal.describe(**values))
