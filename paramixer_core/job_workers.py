"""The processes that work on jobs, and those of them that have loaded everything and wait."""

import atexit
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import paramixer_core
from paramixer_core.job_process import Message, read_message, write_message

PACKAGE_ROOT = Path(paramixer_core.__path__[0]).parent


class JobWorker:
    """A process that works on one job at a time."""

    def __init__(self) -> None:
        paths = [str(PACKAGE_ROOT), os.environ.get("PYTHONPATH", "")]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "paramixer_core.job_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
            start_new_session=True,  # Ctrl-C in the server's terminal is the server's
        )
        self._input = cast(BinaryIO, self._process.stdin)
        self._output = cast(BinaryIO, self._process.stdout)

    def begin(
        self, work: Callable[..., Iterator[object]], arguments: tuple[Any, ...], memory: int = 0
    ) -> None:
        """Have it work, with at most so many bytes beside what it holds (0: any number)."""
        try:
            write_message(self._input, (work, arguments, memory))
        except BrokenPipeError:
            return  # it has ended, which `hear` tells

    def hear(self) -> Message | None:
        """What it says next; None once it has ended."""
        return cast(Message | None, read_message(self._output))

    def kill(self) -> None:
        """End it now; `hear` then tells None."""
        self._process.kill()

    def bury(self) -> None:
        """End it and free what it holds. Not while another thread hears it."""
        self._process.kill()
        self._process.wait()
        self._output.close()
        try:
            self._input.close()
        except BrokenPipeError:
            return


class IdleWorkers:
    """Processes that have loaded everything and wait for the next job, at most as many as work."""

    def __init__(self) -> None:
        self._waiting: list[JobWorker] = []
        self._lock = threading.Lock()
        self._preparing = threading.Lock()

    def prepare(self, loading: Callable[[], Iterator[object]]) -> None:
        """Have one wait that has done `loading`, unless one waits; at once, in the background."""
        if not self._waiting and self._preparing.acquire(blocking=False):
            threading.Thread(target=self._prepare, args=(loading,), daemon=True).start()

    def _prepare(self, loading: Callable[[], Iterator[object]]) -> None:
        try:
            worker = JobWorker()
            worker.begin(loading, ())
            while (message := worker.hear()) is not None and message[0] == "result":
                continue
            if message is None:
                worker.bury()
            else:
                self.give(worker)
        finally:
            self._preparing.release()

    def take(self) -> JobWorker:
        """One that waits, else a new one."""
        with self._lock:
            if self._waiting:
                return self._waiting.pop()
        return JobWorker()

    def give(self, worker: JobWorker) -> None:
        """It can take another job."""
        with self._lock:
            self._waiting.append(worker)

    def close(self) -> None:
        """End those that wait."""
        with self._lock:
            while self._waiting:
                self._waiting.pop().bury()


IDLE = IdleWorkers()
atexit.register(IDLE.close)
