"""The mixing operator on a CPU in C++: all factors and residuals in one call each way.

Why it is fast. A sequence's values are small enough to stay in a core's cache, so each thread
takes whole sequences through all factors before it takes the next, and no factor's result goes
to main memory. (When there are fewer sequences than threads, the threads share the rows of one
and meet after each factor.) A few rows of the result stay in registers while all their links are
summed; a link is a pointer, since its distance is the same for every row until it wraps around
the ring, so there are no indices to read. The gradient by the values is the same loop with the
distances negated: each row gathers from those that read it, and nothing is scattered. The
gradient by the weights sums as many dot products at once as a register has lanes, in registers.
The backward pass keeps values and weights alone and computes the values between the factors again
in scratch memory that is reused from call to call, which is faster than to write and read them
through main memory. Big results lie in memory that
was used before (`big_memory.py`). The loops are in
`paramixer_core/native/mixing.cpp`.

What limits it (batch 8, 32 channels, two threads of a Xeon with AVX-512 at 2.8 GHz). At N = 128
the loops take 0.12 of 0.19 ms; the rest is autograd and what Python does around the calls. A link
of a row takes a thread 0.9 ns forward and 2.9 ns backward (0.9 to compute V again, 1.0 for the dot
product, 1.0 for the gradient by V) up to N = 512, and 1.0 and 3.3 ns at N = 2048. To load a link's
weight and its 128 bytes from the first-level cache is 0.55 ns at best, 0.7 ns in this loop with
all data there; the rest is the second-level cache, since half of CHORD's links, and most of
CDIL's, lead further than the first holds. At N = 8192, where values, weights and gradients fill
the second level too, it is 1.2 and 4.2 ns. So time grows by more than the work does: per doubling
of N by 1.7 to 2.1 up to N = 8192, then, where the work grows by 2.15, by 2.3 to 2.45 (CDIL, one
sequence); by up to 2.8 before big results lay in used memory and large pages.

Measured and no faster: eight rows in registers instead of four, weights spread from a register by
shuffles instead of from memory, prefetching of weights, both gradients in one pass over the links,
CHORD's rows in blocks some links apart, and the rows of every sequence shared by all threads (1.1
to 1.4 times slower at N = 4096 and 8192). Four rows of CDIL's a dilation apart, which share most of
what they read, took a factor 1.2 times as fast, all of a call at N = 2048 1.04 times and at N = 128
0.85 times: left out.
"""

from torch import Tensor

from paramixer_core import native
from paramixer_core.big_memory import big_empty
from paramixer_core.mixing.tables import tables_for
from paramixer_core.protocols import Offsets


def forward(values: Tensor, weights: Tensor, offsets: Offsets, residual: bool) -> Tensor:
    """All factors. Shapes as in `mix`; CPU, float32 and float64."""
    values, weights = values.contiguous(), weights.contiguous()
    result = big_empty(values.shape, values)
    native.call(
        "mix_forward",
        (values, weights, tables_for(values, offsets, turned=False)),
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
    grad_values = big_empty(values.shape, values)
    grad_weights = big_empty(weights.shape, weights)
    native.call(
        "mix_backward",
        (
            *(grad, values, weights),
            *(tables_for(values, offsets, turned=turned) for turned in (False, True)),
        ),
        (*weights.shape, values.shape[2]),
        int(residual),
        results=(grad_values, grad_weights),
    )
    return grad_values, grad_weights
