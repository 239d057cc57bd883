"""Peak memory of one call, and a limit that makes running out of it an error, not an end."""

import ctypes
import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from paramixer_core.bench.runner import peak_bytes

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
MESSAGES = ("can't allocate memory", "not enough memory", "out of memory", "bad_alloc")


def peak_of(call: Callable[[], object], device: torch.device) -> int | None:
    """Bytes that the process, or a CUDA device, held at most during the call, beyond those before
    it; None where the system does not tell."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        call()
        return torch.cuda.max_memory_allocated(device) - before
    if device.type != "cpu" or not CLEAR.exists():
        call()
        return None
    release_freed()
    CLEAR.write_text("5")  # the peak starts anew from here
    before = peak_bytes()
    call()
    return max(0, peak_bytes() - before)


def release_freed() -> None:
    """Give freed memory back to the system, so that what is used again counts again."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


@contextmanager
def memory_limit(extra: int) -> Iterator[None]:
    """Let this process hold at most `extra` bytes more than now, where Linux can see to that:
    beyond, an allocation fails instead of the system ending the process."""
    if sys.platform != "linux" or not STATUS.exists():
        yield
        return
    try:
        import resource
    except ModuleNotFoundError:
        yield
        return
    held = data_bytes()
    before = resource.getrlimit(resource.RLIMIT_DATA)
    hard = before[1] if before[1] != resource.RLIM_INFINITY else sys.maxsize
    resource.setrlimit(resource.RLIMIT_DATA, (min(held + extra, hard), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def data_bytes() -> int:
    """What RLIMIT_DATA counts: the private writable memory that this process has asked for."""
    lines = [line.split() for line in STATUS.read_text().splitlines()]
    return next(int(words[1]) * 1024 for words in lines if words[0] == "VmData:")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(message in text for message in MESSAGES)
