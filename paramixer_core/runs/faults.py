"""What goes wrong with a server itself: said once in its log, kept for the app to show."""

import logging
import threading
import time
from collections.abc import Callable

from paramixer_core.errors import ParamixerError

LOG = logging.getLogger("paramixer.runs")
REMEMBERED = 600.0  # seconds that a fault which cannot be seen to end is shown


class Faults:
    """Sentences by the kind of fault. A kind holds one sentence until it is mended or forgotten."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[str, tuple[str, float]] = {}

    def report(self, kind: str, sentence: str, error: BaseException | None = None) -> None:
        """A fault that lasts until `mended`, or for ten minutes. Logged unless it was already."""
        with self._lock:
            known = self._held.get(kind)
            self._held[kind] = (sentence, self._clock() + REMEMBERED)
        if known is None or known[0] != sentence:
            LOG.error("%s", sentence, exc_info=error)

    def mended(self, kind: str) -> None:
        """What this was about works again."""
        with self._lock:
            known = self._held.pop(kind, None)
        if known is not None:
            LOG.warning("Over: %s", known[0])

    def current(self) -> list[str]:
        """What is wrong now, one sentence each, the first to be seen first."""
        now = self._clock()
        with self._lock:
            self._held = {kind: held for kind, held in self._held.items() if held[1] > now}
            return [sentence for sentence, _ in self._held.values()]


def sentence_of(error: BaseException) -> str:
    """An error as a sentence: its own, or its kind and first line."""
    if isinstance(error, ParamixerError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        where = f" ({error.filename})" if error.filename else ""
        return f"{error.strerror}{where}."
    first = str(error).strip().partition("\n")[0].rstrip(".") or "no message"
    return f"An unexpected {type(error).__name__}: {first}."
