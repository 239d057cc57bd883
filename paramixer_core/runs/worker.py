"""The worker process: trains one run after the other, and ends with its server at the latest."""

import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from threading import Event, Thread

from paramixer_core.runs.journal import StoreJournal
from paramixer_core.runs.patience import TRY_EVERY, PatientJournal
from paramixer_core.runs.private import PRIVATE_MASK
from paramixer_core.runs.store import RunStore
from paramixer_core.runs.store_errors import LeaseLostError, StoreUnavailableError

SERVER_GONE = 3
BEAT_EVERY = 1.0  # seconds
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


class Voice:
    """What the server hears of this process: its lines, and once a second that it is alive."""

    def __init__(self, channel: int) -> None:
        self._channel = channel
        Thread(target=self._beat, daemon=True).start()

    def say(self, line: str) -> None:
        """One line, whatever breaks it held."""
        try:
            os.write(self._channel, " ".join(line.split()).encode() + b"\n")
        except BrokenPipeError:
            os._exit(SERVER_GONE)

    def trouble(self, sentence: str) -> None:
        """What keeps training from going on; "" when it does again."""
        self.say(f"trouble {sentence}" if sentence else "well")

    def _beat(self) -> None:
        while True:
            self.say("beat")
            time.sleep(BEAT_EVERY)


def main(folder: Path) -> None:
    """Train the runs that the server names, in the store at `folder`."""
    channel = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints must not be taken for our words
    voice = Voice(channel)
    lifeline = Lifeline()
    if hasattr(os, "nice"):  # not on Windows
        os.nice(POLITENESS)
    warm_up()
    if lifeline.runs.empty():  # a spare: nobody waits for it yet
        read_digits()
    voice.say("ready")
    store: RunStore | None = None
    try:
        while (assignment := lifeline.runs.get()) is not None:
            store = store or opened(folder, lifeline, voice)
            if store is None or not train(store, *assignment, lifeline, voice):
                return
            voice.say("idle")
    finally:
        if store is not None:
            store.close()


def opened(folder: Path, lifeline: Lifeline, voice: Voice) -> RunStore | None:
    """The store, as soon as it can be opened; None if the server closes first."""
    said = False
    while not lifeline.leave.is_set():
        try:
            store = RunStore(folder)
        except StoreUnavailableError as error:
            voice.trouble(str(error))
            said = True
            lifeline.leave.wait(TRY_EVERY)
        else:
            if said:
                voice.trouble("")
            return store
    return None


def train(store: RunStore, run_id: str, lease: str, lifeline: Lifeline, voice: Voice) -> bool:
    """Train one run; returns whether this process is as good as new for another one."""
    from paramixer_core.runs.session import Session

    write_log(store.run_folder(run_id))
    limit_memory()
    lifeline.wake.clear()
    journal = StoreJournal(store, run_id, lease, lambda state: voice.say(f"state {state}"))
    patient = PatientJournal(journal, lifeline.leave, voice.trouble)
    try:
        return Session(patient, lifeline.wake, lifeline.leave).run()
    except LeaseLostError:
        if not store.holds(run_id):  # it was removed; something may have been written since
            shutil.rmtree(store.run_folder(run_id), ignore_errors=True)
        return False
    except StoreUnavailableError:  # the server closes, and the store still takes nothing
        return False


def write_log(folder: Path) -> None:
    """Have what libraries print go into the run's log, or nowhere if it cannot be opened."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        log = os.open(folder / "worker.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    except OSError:
        log = os.open(os.devnull, os.O_WRONLY)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)


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
