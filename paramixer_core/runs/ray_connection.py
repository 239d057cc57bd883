"""A server's connection to its Ray dispatcher: a process that is started anew when it ends."""

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, cast

from paramixer_core.runs.process import package_environment

LEAVE_SECONDS = 30.0  # that the dispatcher gets to end: workers send a last snapshot
RETRY_SECONDS = 2.0  # before a dispatcher that has ended is started anew


class RayConnection:
    """Keeps one dispatcher alive. `heard(line)` and `lost()` are called from a thread of its own.

    What they raise does not end the thread: it goes to `failed`.
    """

    def __init__(
        self,
        store: Path,
        heard: Callable[[str], None],
        lost: Callable[[], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._store, self._heard, self._lost, self._failed = store, heard, lost, failed
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._serve, name="ray-dispatcher", daemon=True)
        self._thread.start()

    def tell(self, *words: str) -> None:
        """Say something to the dispatcher. To one that has ended nothing is said: `lost` tells."""
        with self._lock:
            if self._process is None:
                return
            try:
                line = cast(IO[bytes], self._process.stdin)
                line.write(" ".join(words).encode() + b"\n")
                line.flush()
            except (BrokenPipeError, ValueError):
                return

    def close(self) -> None:
        """Have the dispatcher and its actors leave, and wait until they have."""
        self._closing.set()
        self.tell("leave")
        self._thread.join(LEAVE_SECONDS)
        if self._thread.is_alive() and self._process is not None:
            self._process.kill()
            self._thread.join()

    def _serve(self) -> None:
        while not self._closing.is_set():
            try:
                self._once()
            except OSError as error:  # no process, no room for a log: tried again
                self._failed(error)
            self._closing.wait(RETRY_SECONDS)

    def _once(self) -> None:
        """Serve one dispatcher from its start to its end."""
        with (self._store / "workers.log").open("ab") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "paramixer_core.runs.ray_dispatcher", str(self._store)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=package_environment(),
                start_new_session=True,  # Ctrl-C in the server's terminal is the server's
            )
        with process:  # closes its pipes and waits for its end
            with self._lock:
                self._process = process
            if self._closing.is_set():
                self.tell("leave")
            for line in cast(IO[bytes], process.stdout):
                self._guarded(self._heard, line.decode(errors="replace").rstrip("\n"))
            with self._lock:
                self._process = None
        self._guarded(self._lost)

    def _guarded(self, call: Callable[..., None], *values: str) -> None:
        try:
            call(*values)
        except Exception as error:  # noqa: BLE001 whatever it is, the next line is heard
            self._failed(error)
