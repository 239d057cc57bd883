"""Files that were sent and not used go with the tab that sent them, soon after it was closed."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from streamlit.runtime import Runtime, exists, get_instance

from app.limits import waiting_files

ABANDONED_SECONDS = 60.0
"""A tab that is cut off may come back with its files for so long. Streamlit itself lets a session
go after `server.disconnectedSessionTTL`, but only when another tab is closed after that."""

EVERY_SECONDS = 10.0


@dataclass
class Sweep:
    """Ends sessions that hold files and whose tab is gone for `seconds`; call it now and then."""

    seconds: float = ABANDONED_SECONDS
    clock: Callable[[], float] = time.monotonic
    _gone_since: dict[str, float] = field(default_factory=dict)

    def __call__(self, runtime: Runtime) -> None:
        """Look once; on the thread of the event loop, as Streamlit asks."""
        now = self.clock()
        gone = [name for name in waiting_files() if not runtime.is_active_session(name)]
        self._gone_since = {name: self._gone_since.get(name, now) for name in gone}
        for name, since in self._gone_since.items():
            if now - since >= self.seconds:
                runtime.close_session(name)
                runtime.uploaded_file_mgr.remove_session_files(name)


async def sweep_for_ever(every: float = EVERY_SECONDS) -> None:
    """Look every few seconds, until cancelled."""
    sweep = Sweep()
    while True:
        await asyncio.sleep(every)
        if exists():
            sweep(get_instance())
