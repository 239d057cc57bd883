"""A team of threads for machine code: PyTorch's own, so that no two teams want the same cores.

The threads of OpenMP, with which PyTorch works on most machines, wait for their next task with
their eyes open, for some milliseconds; threads of another team would have to share the cores with
them. So code is given to that very team, by `GOMP_parallel`, the entry that GCC's code uses and
that LLVM's OpenMP has too. Where PyTorch brings neither, Python's threads do it.
"""

import ctypes
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any


@lru_cache(maxsize=1)
def openmp() -> Any:
    """`GOMP_parallel(function, argument, threads, flags)` of this process; None without it."""
    if os.name != "posix":
        return None
    found = getattr(ctypes.CDLL(None), "GOMP_parallel", None)
    if found is not None:
        found.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint)
        found.restype = None
    return found


def run_in_threads(function: int, argument: Any, threads: int) -> None:
    """Call a function at an address with a pointer to `argument`, in up to so many threads."""
    if threads > 1 and (parallel := openmp()) is not None:
        parallel(function, ctypes.addressof(argument), threads, 0)
        return
    call: Callable[[int], None] = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(function)
    place = ctypes.addressof(argument)
    others = [pool(threads).submit(call, place) for _ in range(threads - 1)]
    call(place)
    for other in others:
        other.result()


@lru_cache(maxsize=4)
def pool(threads: int) -> ThreadPoolExecutor:
    """All but one of a number of threads: the caller is the other."""
    return ThreadPoolExecutor(threads - 1, thread_name_prefix="mixing")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=pool.cache_clear)  # threads do not live on in a child
