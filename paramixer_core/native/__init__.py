"""C++ for the CPU: the sources, how they are built once per machine, and how they are called."""

import ctypes
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from paramixer_core.errors import ParamixerError
from paramixer_core.native import build

__all__ = ["available", "call", "prepare"]


@lru_cache(maxsize=4)
def open_library(path: str) -> ctypes.CDLL | None:
    """Open a built library; None if this process cannot."""
    try:
        return ctypes.CDLL(path)
    except OSError:  # the other paths serve
        return None


def library() -> ctypes.CDLL | None:
    """The native library if it was built before on this machine; never builds, never raises."""
    path = build.built()
    return None if path is None else open_library(str(path))


def available() -> bool:
    """Whether the native functions can be called now."""
    return library() is not None


def prepare(*, retry: bool = False) -> bool:
    """Build the library if need be: some seconds, once per machine. False if it cannot be."""
    build.build(retry=retry)
    return available()


@lru_cache(maxsize=256)
def int64_array(numbers: tuple[int, ...]) -> Any:
    """Numbers as C reads them."""
    return (ctypes.c_int64 * len(numbers))(*numbers)


POINTER, INTEGER = ctypes.c_void_p, ctypes.c_int
ARGUMENTS = {
    "mix_forward": (*[POINTER] * 4, INTEGER, INTEGER, POINTER),
    "mix_backward": (*[POINTER] * 6, INTEGER, INTEGER, *[POINTER] * 2),
    "link_mlps_forward": (*[POINTER] * 6, INTEGER, POINTER),
    "link_mlps_backward": (*[POINTER] * 6, INTEGER, *[POINTER] * 5),
}
"""What each native function takes: declared once, so that a call converts nothing itself."""


@lru_cache(maxsize=64)
def function(name: str, dtype: torch.dtype) -> Any:
    """A native function for a dtype; raises ParamixerError where there is no library."""
    opened = library()
    if opened is None:
        raise ParamixerError(
            "the native library of this machine",
            "none",
            "call paramixer_core.mixing.prepare() where there is a C++ compiler, or use another "
            "implementation",
        )
    suffix = "float64" if dtype == torch.float64 else "float32"
    found = getattr(opened, f"{name}_{suffix}")
    found.argtypes = ARGUMENTS[name]
    return found


def call(
    name: str,
    tensors: Sequence[Tensor],
    *options: tuple[int, ...] | int,
    results: Sequence[Tensor],
) -> None:
    """Call a native function on contiguous CPU tensors of one dtype.

    C sees the tensors, the options (a tuple as an int64 array), the number of threads and the
    results. Raises MemoryError if there is no room for what it keeps in between.
    """
    arguments = (
        *[tensor.data_ptr() for tensor in tensors],
        *[option if isinstance(option, int) else int64_array(option) for option in options],
        torch.get_num_threads(),
        *[result.data_ptr() for result in results],
    )
    if function(name, tensors[0].dtype)(*arguments):
        raise MemoryError(f"no memory for the intermediate values of {name}")
