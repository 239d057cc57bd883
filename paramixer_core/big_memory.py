"""Memory for big results, which is dear when it is new: it is used again, and in large pages.

The C library gives blocks of 32 MiB and more back to the kernel as soon as they are free, and takes
fresh ones, zeroed page by page: writing to 44 MB takes 9 ms then, and 1.5 ms to memory that was
used before. PyTorch keeps none of it on a CPU. In training, every step asks for the same again.
"""

import ctypes
import math
import sys
import weakref
from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

BIG = 1 << 25
"""Bytes from which memory is fresh each time: glibc's DEFAULT_MMAP_THRESHOLD_MAX."""
BLOCKS_KEPT = 2
LARGE_PAGE = 1 << 21  # bytes
WANTS_LARGE_PAGES = 14  # MADV_HUGEPAGE in Linux's mman.h

free: deque[np.ndarray[Any, Any]] = deque(maxlen=BLOCKS_KEPT)
"""Blocks that nobody holds, the latest last; a further one drives out the oldest."""


def big_empty(shape: Sequence[int], like: Tensor) -> Tensor:
    """An uninitialised, contiguous CPU tensor of this shape, in the dtype of `like`.

    A big one lies in memory that big ones before it have left, if there is any that fits. It
    cannot be resized. When nothing refers to it any more, its memory is kept for the next.
    """
    size = math.prod(shape) * like.element_size()
    if size < BIG:
        return like.new_empty(tuple(shape))
    block = block_of(size)
    mine = block[:size]  # an object of its own, which the tensor holds as long as it lives
    weakref.finalize(mine, free.append, block).atexit = False
    return torch.from_numpy(mine).view(like.dtype).view(tuple(shape))


def block_of(size: int) -> np.ndarray[Any, Any]:
    """A free block that is large enough and at most twice too large, or a new one."""
    for _ in range(len(free)):
        try:
            block = free.popleft()
        except IndexError:  # another thread was faster
            break
        if size <= block.nbytes <= 2 * size:
            return block
        free.append(block)
    return in_large_pages(torch.empty(size, dtype=torch.uint8)).numpy()


def in_large_pages(tensor: Tensor) -> Tensor:
    """The same CPU tensor, not yet written to; Linux is asked to back it with large pages.

    It is a hint: where it cannot be followed nothing changes. Small tensors are left alone: they
    may lie in memory that was used before, and making its pages larger would stop the process.
    """
    if tensor.nbytes < BIG or (madvise := advise()) is None:
        return tensor
    start = -(-tensor.data_ptr() // LARGE_PAGE) * LARGE_PAGE
    end = (tensor.data_ptr() + tensor.nbytes) // LARGE_PAGE * LARGE_PAGE
    madvise(start, end - start, WANTS_LARGE_PAGES)
    return tensor


@lru_cache(maxsize=1)
def advise() -> Any:
    """The C library's `madvise`; None where there is none."""
    if not sys.platform.startswith("linux"):
        return None
    found = ctypes.CDLL(None).madvise
    found.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    return found
