"""The process that works on jobs: `python -m paramixer_core.job_process`, started by `jobs`.

It reads what to do from its standard input, a generator of this library and its arguments, and
writes every result to its standard output. It ends with its server: its input closes.
"""

import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any, BinaryIO

try:
    import resource
except ImportError:  # Windows has no limits of this kind
    resource = None  # type: ignore[assignment]

from paramixer_core.errors import ParamixerError

LENGTH = struct.Struct("<Q")
Message = tuple[str, Any]


def write_message(stream: BinaryIO, message: object) -> None:
    """One message, its length first. Python's own way between two processes of one program."""
    content = bytes(ForkingPickler.dumps(message))
    stream.write(LENGTH.pack(len(content)) + content)
    stream.flush()


def read_message(stream: BinaryIO) -> Any:
    """The next message; None once the other side is gone."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    content = stream.read(length)
    return ForkingPickler.loads(content) if len(content) == length else None


def main() -> None:
    """Work on one job after the other until the input closes."""
    channel = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not be taken for our words
    inbox = os.fdopen(0, "rb")
    while (job := read_message(inbox)) is not None:
        try:
            for message in answers(*job):
                write_message(channel, message)
        except BrokenPipeError:
            return


def answers(
    work: Callable[..., Iterator[object]], arguments: tuple[Any, ...], memory: int = 0
) -> Iterator[Message]:
    """Every result of a job, then how it ended; it may take `memory` bytes more than now (0: any).

    A worker is not asked to go on after it was out of memory: "memory" is its last word.
    """
    try:
        with limited(memory):
            for result in work(*arguments):
                yield "result", result
    except ParamixerError as error:
        yield "failure", str(error)
    except MemoryError:
        yield "memory", None
    except RuntimeError as error:
        if "alloc" not in str(error):  # PyTorch has no error of its own for want of memory
            raise
        yield "memory", None
    else:
        yield "end", None


@contextmanager
def limited(memory: int) -> Iterator[None]:
    """Let this process take so many bytes more than it holds; where the system can, else nothing.

    It is the data that are limited, not addresses: libraries reserve many more than they use.
    """
    held = data_bytes()
    if not memory or resource is None or not held:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = held + memory if hard == resource.RLIM_INFINITY else min(held + memory, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def data_bytes() -> int:
    """Bytes of this process that a limit of data counts; 0 where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("VmData:"))


if __name__ == "__main__":
    main()
