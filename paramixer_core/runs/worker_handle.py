"""What an executor must know of a worker, and be able to tell it."""

from abc import ABC, abstractmethod


class Worker(ABC):
    """Trains one run at a time, somewhere else.

    `paused` is what it was last told or said; `wants_slot` that its run is to go on; `stopping`
    that it was told to stop; `memory` what its run is estimated to need; `trouble` a sentence about
    what keeps it from going on, and `was_frozen` that this is why.
    """

    def __init__(self) -> None:
        self.dismiss()

    def dismiss(self) -> None:
        """Forget its run."""
        self.run_id = self.lease = self.owner = ""
        self.memory = 0
        self.paused = self.wants_slot = self.stopping = self.was_frozen = False
        self.trouble = ""

    @abstractmethod
    def assign(self, run_id: str, lease: str) -> None:
        """Have it train a run."""

    @abstractmethod
    def wake(self) -> None:
        """Have it look for commands now."""

    def frozen(self) -> str:
        """A sentence if it has given no sign of life for too long; else nothing."""
        return ""

    def kill(self) -> None:
        """End it at once, if that can be done from here: its run has been removed or given up."""
        self.wake()

    @property
    @abstractmethod
    def farewell(self) -> str:
        """How it ended, as the end of a sentence."""
