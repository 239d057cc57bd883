"""The worker process: trains one run after the other, and ends with its server at the latest."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Queue
from threading import Event, Thread

from paramixer_core.runs.journal import StoreJournal
from paramixer_core.runs.private import PRIVATE_MASK
from paramixer_core.runs.store import RunStore
from paramixer_core.runs.store_errors import LeaseLostError

SERVER_GONE = 3
POLITENESS = 5
"""Steps of scheduling priority that a worker leaves to the server, so that pages answer first."""


class Lifeline:
    """The server's voice. When it falls silent for good, this process ends at once."""

    def __init__(self) -> None:
        self.runs: Queue[tuple[str, str] | None] = Queue()
        self.wake = Event()
        self.leave = Event()
        Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in lines_of(sys.stdin.fileno()):
            match line.split():
                case ["run", run_id, lease]:
                    self.runs.put((run_id, lease))
                case ["wake"]:
                    self.wake.set()
                case ["leave"]:
                    self.leave.set()
                    self.wake.set()
                    self.runs.put(None)
        os._exit(SERVER_GONE)


def lines_of(handle: int) -> Iterator[str]:
    """Lines as they come. Unbuffered: Python cannot exit while a thread waits in sys.stdin."""
    rest = b""
    while said := os.read(handle, 4096):
        *lines, rest = (rest + said).split(b"\n")
        yield from (line.decode() for line in lines)


def main(folder: Path) -> None:
    """Train the runs that the server names, in the store at `folder`."""
    channel = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints must not be taken for our words

    def say(line: str) -> None:
        try:
            os.write(channel, line.encode() + b"\n")
        except BrokenPipeError:
            os._exit(SERVER_GONE)

    lifeline = Lifeline()
    if hasattr(os, "nice"):  # not on Windows
        os.nice(POLITENESS)
    warm_up()
    if lifeline.runs.empty():  # a spare: nobody waits for it yet
        read_digits()
    say("ready")
    store = RunStore(folder)
    try:
        while (assignment := lifeline.runs.get()) is not None:
            if not train(store, *assignment, lifeline, say):
                return
            say("idle")
    finally:
        store.close()


def train(
    store: RunStore, run_id: str, lease: str, lifeline: Lifeline, say: Callable[[str], None]
) -> bool:
    """Train one run; returns whether this process is as good as new for another one."""
    from paramixer_core.runs.session import Session

    folder = store.run_folder(run_id)
    folder.mkdir(parents=True, exist_ok=True)
    log = os.open(folder / "worker.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    limit_memory()
    lifeline.wake.clear()
    journal = StoreJournal(store, run_id, lease, lambda state: say(f"state {state}"))
    try:
        return Session(journal, lifeline.wake, lifeline.leave).run()
    except LeaseLostError:
        return False


def warm_up() -> None:
    """Pay for the slow imports and the first step now, before anybody waits."""
    from paramixer_core.config import RunConfig
    from paramixer_core.mixing import prepare
    from paramixer_core.training import Trainer

    prepare()
    Trainer(RunConfig(seq_len=4, channels=4, hidden=4, batch=1, device="cpu")).step()


def read_digits() -> None:
    """Have the digits at hand: they come with a library that is slow to import."""
    from paramixer_core.tasks import make_task

    make_task("digits", 64).test_set()


def limit_memory() -> None:
    """Let an allocation that cannot be met fail in this process, not kill another one."""
    import torch

    from paramixer_core.runs.memory import available_memory

    if torch.cuda.is_available():  # its driver reserves far more than it uses
        return
    try:
        import resource

        held = [
            int(line.split()[1]) * 1024
            for line in Path("/proc/self/status").read_text().splitlines()
            if line.startswith("VmData:")
        ]
        limit = held[0] + available_memory()
        resource.setrlimit(resource.RLIMIT_DATA, (limit, resource.RLIM_INFINITY))
    except (ImportError, OSError, ValueError, IndexError):
        return  # no such limit on this system


if __name__ == "__main__":
    os.umask(PRIVATE_MASK)
    main(Path(sys.argv[1]))
