"""What a job process does with a file: read it, or read it and keep it, step by step.

A page never reads a file itself: what a stranger sends may take all memory, or for ever.
"""

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paramixer_core.job_workers import IDLE
from paramixer_core.jobs import Job, Limits
from paramixer_core.runs.memory import readable_size
from paramixer_core.runs.quotas import Quotas
from paramixer_core.uploads.door import SeveralArraysError, UploadChoices, read_upload
from paramixer_core.uploads.keeping import Kept, keep_read
from paramixer_core.uploads.what_was_read import Read, WeightsRead

READERS = threading.BoundedSemaphore(2)
"""Files that are read at once: they never wait for a measurement, and never fill the machine."""


@dataclass(frozen=True)
class Stage:
    """How far a job is: what is done now, and, where that is counted, how much of it is done."""

    words: str
    done: int = 0
    total: int = 0


@dataclass(frozen=True)
class Arrays:
    """The names of the matrices in an archive, of which one must be chosen."""

    names: tuple[str, ...]


Progress = Stage | Arrays | Read | Kept


def reading(content: bytes, name: str, choices: UploadChoices) -> Iterator[Progress]:
    """Stages, then what was read, small enough to be shown."""
    try:
        yield from in_stages(
            lambda tell: read_upload(content, name, choices, tell_words(tell)).small()
        )
    except SeveralArraysError as several:
        yield Arrays(tuple(several.names))
        raise


def keeping(
    content: bytes, name: str, choices: UploadChoices, home: Path, owner: str
) -> Iterator[Progress]:
    """Stages, then what became of the file in the store."""

    def work(tell: Callable[[Stage], None]) -> Kept:
        read = read_upload(content, name, choices, tell_words(tell))
        total = num_batches(read) if isinstance(read, WeightsRead) else 0
        done = 0

        def between() -> None:
            nonlocal done
            done += 1
            tell(Stage("Testing the weights", done, total))

        tell(Stage("Testing the weights", 0, total) if total else Stage("Keeping it"))
        return keep_read(read, home, owner, between)

    yield from in_stages(work)


def num_batches(read: WeightsRead) -> int:
    """Batches of the test of these weights; 0 where their data are not here."""
    from paramixer_core.schedule import evaluation_batch
    from paramixer_core.tasks import make_task
    from paramixer_core.uploads.importing import in_small_batches

    config = in_small_batches(read.found.config)
    task = make_task(config.task, config.seq_len)
    return -(-task.num_tests // evaluation_batch(config)) if task.labelled else 0


def tell_words(tell: Callable[[Stage], None]) -> Callable[[str], None]:
    """Tells a stage by its words."""
    return lambda words: tell(Stage(words))


def in_stages(work: Callable[[Callable[[Stage], None]], Any]) -> Iterator[Any]:
    """What work tells while it goes on, in a thread of its own, then what it gives or raises."""
    told: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()

    def run() -> None:
        try:
            told.put(("result", work(lambda stage: told.put(("stage", stage)))))
        except Exception as error:  # noqa: BLE001 it is raised again where it is waited for
            told.put(("error", error))

    threading.Thread(target=run, daemon=True).start()
    while True:
        match told.get():
            case ("error", error):
                raise error
            case ("stage", stage):
                yield stage
            case (_, result):
                yield result
                return


def loading() -> Iterator[object]:
    """Load everything that reading needs, so that the first file is read at once."""
    import Bio.SeqIO.FastaIO  # noqa: F401
    import charset_normalizer  # noqa: F401
    import pandas  # noqa: F401

    yield "loaded"


def make_ready() -> None:
    """Have a process wait for the next file, in the background."""
    IDLE.prepare(loading)


def limits(*, testing: bool = False) -> Limits:
    """What a file may take while it is read, or while it is tested and kept."""
    quotas = Quotas.from_environment()
    name = "testing" if testing else "reading"
    memory: int = getattr(quotas, f"{name}_bytes")
    seconds: int = getattr(quotas, f"{name}_seconds")
    gerund = name.capitalize()
    return Limits(
        memory,
        seconds,
        f"{gerund} it takes more than the {readable_size(memory)} of memory that a file may take "
        f"here (PARAMIXER_{name.upper()}_BYTES): bring a smaller one.",
        f"{gerund} it takes longer than the {seconds:,} seconds that a file may take here "
        f"(PARAMIXER_{name.upper()}_SECONDS): bring a smaller one.",
    )


def read_job(content: bytes, name: str, choices: UploadChoices, owner: str) -> Job[Progress]:
    """The job that reads a file, not begun."""
    return Job(reading, (content, name, choices), owner, limits(), READERS)


def keep_job(
    content: bytes, name: str, choices: UploadChoices, home: Path, owner: str
) -> Job[Progress]:
    """The job that keeps a file in the store, not begun."""
    asked = (content, name, choices, home, owner)
    return Job(keeping, asked, owner, limits(testing=True), READERS)
