"""A worker process seen from the server: what is said to it and what it says."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO, cast

import paramixer_core
from paramixer_core.runs.worker_handle import Worker

PACKAGE_ROOT = Path(paramixer_core.__path__[0]).parent


def package_environment() -> dict[str, str]:
    """This process's environment, for a process that is to find this package wherever it starts."""
    path = filter(None, [str(PACKAGE_ROOT), os.environ.get("PYTHONPATH")])
    return os.environ | {"PYTHONPATH": os.pathsep.join(path)}


class WorkerProcess(Worker):
    """A process that trains one run at a time. It ends when this one does: its input closes.

    Lines to it: `run <id> <lease>`, `wake`, `leave`. Lines from it: `ready`, `state <state>` when
    it has written one, and `idle` when it can take another run.
    """

    def __init__(self, folder: Path, threads: int) -> None:
        super().__init__()
        self.ready = False
        log = folder / "workers.log"
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "paramixer_core.runs.worker", str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=package_environment() | {"OMP_NUM_THREADS": str(threads)},
                start_new_session=True,  # Ctrl-C in the server's terminal is the server's
            )
        self._input = cast(IO[bytes], self._process.stdin)
        self._output = cast(IO[bytes], self._process.stdout)

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
        return said.decode(errors="replace").splitlines() if said else None

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
            self._input.write(line.encode() + b"\n")
            self._input.flush()
        except (BrokenPipeError, ValueError):  # it has ended; the monitor will notice
            return
