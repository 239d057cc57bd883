"""The process that works on jobs: `python -m paramixer_core.job_process`, started by `jobs`.

It reads what to do from its standard input, a generator of this library and its arguments, and
writes every result to its standard output. It ends with its server: its input closes.
"""

import os
import struct
from collections.abc import Callable, Iterator
from multiprocessing.reduction import ForkingPickler
from typing import Any, BinaryIO

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


def answers(work: Callable[..., Iterator[object]], arguments: tuple[Any, ...]) -> Iterator[Message]:
    """Every result of a job, then how it ended."""
    try:
        for result in work(*arguments):
            yield "result", result
    except ParamixerError as error:
        yield "failure", str(error)
    except MemoryError:
        yield "failure", "This machine has too little memory for it: choose a smaller N."
    else:
        yield "end", None


if __name__ == "__main__":
    main()
