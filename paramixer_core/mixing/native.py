"""The mixing operator on a CPU in C++: all factors and residuals in one call each way.

Why it is fast. A sequence's values are small enough to stay in a core's cache, so each thread
takes whole sequences through all factors before it takes the next, and no factor's result goes
to main memory. (When there are fewer sequences than threads, the threads share the rows of one
and meet after each factor.) A few rows of the result stay in registers while all their links are
summed; a link is a pointer, since its distance is the same for every row until it wraps around
the ring, so there are no indices to read. The gradient by the values is the same loop with the
distances negated: each row gathers from those that read it, and nothing is scattered. The
gradient by the weights sums as many dot products at once as a register has lanes. The backward
pass keeps values and weights alone and computes the values between the factors again in scratch
memory that is reused from call to call, which is faster than to write and read them through main
memory. The loops are in `paramixer_core/native/mixing.cpp`.

What limits it (batch 8, 32 channels, two threads of a Xeon with AVX-512). At N = 128 the loops
take 0.15 of 0.39 ms; the rest is autograd and what Python does around the calls. While a
sequence fits in cache, a link of a row (128 bytes) takes a thread 1.0 to 1.4 ns, near what the
first-level cache delivers; at N = 8192, where values, weights and their gradients no longer fit,
2.7 ns forward and 4.5 ns backward. Measured and no faster: eight rows in registers instead of
four, both gradients in one pass over the links, and the rows of every sequence shared by all
threads (1.1 to 1.4 times slower at N = 4096 and 8192).
"""

from functools import lru_cache

import torch
from torch import Tensor

from paramixer_core import native
from paramixer_core.large_pages import in_large_pages
from paramixer_core.protocols import Offsets


@lru_cache(maxsize=256)
def in_one_row(offsets: Offsets) -> tuple[int, ...]:
    """All offsets, factor after factor, as C reads them."""
    return tuple(ahead for row in offsets for ahead in row)


def forward(values: Tensor, weights: Tensor, offsets: Offsets, residual: bool) -> Tensor:
    """All factors. Shapes as in `mix`; CPU, float32 and float64."""
    values, weights = values.contiguous(), weights.contiguous()
    result = in_large_pages(torch.empty_like(values))
    native.call(
        "mix_forward",
        (values, weights),
        in_one_row(offsets),
        (*weights.shape, values.shape[2]),
        int(residual),
        results=(result,),
    )
    return result


def backward(
    grad: Tensor,
    values: Tensor,
    weights: Tensor,
    offsets: Offsets,
    residual: bool,
) -> tuple[Tensor, Tensor]:
    """Gradients by values and weights."""
    grad, values, weights = grad.contiguous(), values.contiguous(), weights.contiguous()
    grad_values = in_large_pages(torch.empty_like(values))
    grad_weights = in_large_pages(torch.empty_like(weights))
    native.call(
        "mix_backward",
        (grad, values, weights),
        in_one_row(offsets),
        (*weights.shape, values.shape[2]),
        int(residual),
        results=(grad_values, grad_weights),
    )
    return grad_values, grad_weights
