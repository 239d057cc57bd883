"""How runs end: the reason in a sentence, and how much memory they took."""

import sys
from pathlib import Path

import torch

from paramixer_core.config import RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.runs.memory import BASE, estimate_memory, readable_size
from paramixer_core.runs.run import Failure, RunState
from paramixer_core.training import Diverged

OUT_OF_MEMORY = "Out of memory: use a smaller batch, a shorter sequence or fewer channels."


INTERRUPTED = "The server was closed while this run was training; continue it when you like."


class EndedError(Exception):
    """The run has reached an end that is no error; carries the state and the reason."""

    def __init__(self, state: RunState, reason: str = "") -> None:
        super().__init__(reason)
        self.state = state
        self.reason = reason


class NoRoomError(ParamixerError):
    """A run that does not fit beside the others on its GPU."""


def require_gpu_room(config: RunConfig, device: torch.device) -> None:
    """Raise NoRoomError, with the estimate, if the GPU has too little free memory for the run."""
    if device.type != "cuda":
        return
    needed = estimate_memory(config) - BASE
    free, _ = torch.cuda.mem_get_info(device)
    if needed > free:
        raise NoRoomError(
            f"a run that fits in the {readable_size(free)} that are free on the GPU",
            f"one that needs about {readable_size(needed)}",
            "wait until another run ends, or use a smaller batch or a shorter sequence",
        )


def explain(error: Exception) -> tuple[Failure, str]:
    """The kind of failure and a sentence for people."""
    text = str(error)
    match error:
        case Diverged():
            return Failure.DIVERGED, text
        case NoRoomError():
            return Failure.OUT_OF_MEMORY, text
        case MemoryError() | torch.OutOfMemoryError():
            return Failure.OUT_OF_MEMORY, OUT_OF_MEMORY
        case RuntimeError() if "allocate memory" in text or "not enough memory" in text:
            return Failure.OUT_OF_MEMORY, OUT_OF_MEMORY
        case ParamixerError():
            return Failure.ERROR, text
        case _:
            first = text.strip().partition("\n")[0] or "no message"
            return Failure.ERROR, f"An unexpected {type(error).__name__}: {first}."


def peak_memory(device: torch.device) -> int:
    """The most bytes that this process has held: on the GPU if it computes there, else in RAM."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
