"""A worker process seen from the server: what is said to it and what it says."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import paramixer_core
from paramixer_core.runs.faults import LOG
from paramixer_core.runs.worker_handle import Worker

SILENCE_PATIENCE = 8.0  # seconds without a sign of life before a worker counts as frozen
BUSY_PATIENCE = 60.0  # the same, where it computes and lets its other thread do nothing
START_PATIENCE = 60.0  # the same, before its first word: it loads libraries

STATES = {
    "T": "it was stopped by a signal",
    "t": "a debugger holds it",
    "D": "it waits for a disk or a device",
    "R": "it is busy with one computation",
    "S": "it waits for something that does not come",
    "Z": "it has ended",
}
"""Linux's letters for what a process does, in words."""

PACKAGE_ROOT = Path(paramixer_core.__path__[0]).parent


class WorkerProcess(Worker):
    """A process that trains one run at a time. It ends when this one does: its input closes.

    Lines to it: `run <id> <lease>`, `wake`, `leave`. Lines from it: `ready`, `state <state>` when
    it has written one, `idle` when it can take another run, `trouble <sentence>` while the store
    takes nothing and `well` when it does again, and `beat` once a second from a thread of its own,
    however long a step takes.
    """

    def __init__(self, folder: Path, threads: int) -> None:
        super().__init__()
        self.ready = False
        self._heard_at = time.monotonic()
        self._patience = START_PATIENCE
        environment = os.environ | {
            "OMP_NUM_THREADS": str(threads),
            "PYTHONPATH": os.pathsep.join(
                filter(None, [str(PACKAGE_ROOT), os.environ.get("PYTHONPATH")])
            ),
        }
        with _log(folder / "workers.log") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "paramixer_core.runs.worker", str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment,
                start_new_session=True,  # Ctrl-C in the server's terminal is the server's
            )
        self._input = cast(IO[bytes], self._process.stdin)
        self._output = cast(IO[bytes], self._process.stdout)
        os.set_blocking(self._input.fileno(), False)  # a frozen worker must not freeze the server

    @property
    def pid(self) -> int:
        return self._process.pid

    def fileno(self) -> int:
        """For a selector: readable when the worker said something or ended."""
        return self._output.fileno()

    def assign(self, run_id: str, lease: str) -> None:
        self.run_id, self.lease = run_id, lease
        self._tell(f"run {run_id} {lease}")

    def wake(self) -> None:
        self._tell("wake")

    def leave(self) -> None:
        """Have it keep what it has and go."""
        self._tell("leave")

    def hear(self) -> list[str] | None:
        """The lines it said since last time; None once it has ended. Call when readable."""
        said = os.read(self.fileno(), 65536)
        self._heard_at, self._patience = time.monotonic(), SILENCE_PATIENCE
        return said.decode(errors="replace").splitlines() if said else None

    def frozen(self) -> str:
        silent = time.monotonic() - self._heard_at
        state = _process_state(self.pid) if silent > self._patience else ""
        if not state or (state == "R" and silent < BUSY_PATIENCE):
            return ""
        why = STATES.get(state, "it does not answer")
        return (
            f"Its worker process {self.pid} has given no sign of life for {silent:.0f} s ({why}). "
            "It may go on by itself; Stop ends it and keeps its last snapshot."
        )

    def kill(self) -> None:
        self._process.kill()

    def end(self, timeout: float) -> None:
        """Close its input and make sure that it is gone after `timeout` seconds."""
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._input, self._output):
            try:
                pipe.close()
            except BrokenPipeError:
                continue

    @property
    def farewell(self) -> str:
        code = self._process.returncode
        if code is None or code >= 0:
            return f"with exit code {code}"
        name = signal.Signals(-code).name
        hint = " (often the system, when memory runs out)" if -code == signal.SIGKILL else ""
        return f"killed by {name}{hint}"

    def _tell(self, line: str) -> None:
        try:
            os.write(self._input.fileno(), line.encode() + b"\n")
        except (BrokenPipeError, ValueError):  # it has ended; the monitor will notice
            return
        except BlockingIOError:  # it reads nothing any more, which `frozen` tells
            return


@contextmanager
def _log(path: Path) -> Iterator[IO[bytes]]:
    """A file for what workers say on standard error; the null device if it cannot be opened."""
    try:
        path.open("ab").close()
    except OSError as error:
        LOG.warning("Workers write no log: %s", error)
        path = Path(os.devnull)
    with path.open("ab") as file:
        yield file


def _process_state(pid: int) -> str:
    """The letter that Linux has for what a process does; "?" elsewhere."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "?"
