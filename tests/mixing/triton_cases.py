"""Run the Triton kernels in Triton's interpreter, or compile them for a GPU that is not there.

Triton must be imported in the mode it is to run in, and before the test run's shape checks.
`test_triton.py` starts this file in a process of its own and reads how it ended.
"""

import sys

import torch

from paramixer_core.mixing import mix
from paramixer_core.mixing.reference import mix_reference
from paramixer_core.protocols import Protocol, protocol_offsets

CASES = (
    (Protocol.CDIL, 2, 3, True, torch.float64),
    (Protocol.CHORD, 3, 2, True, torch.float64),
    (Protocol.CHORD, 7, 1, False, torch.float64),
    (Protocol.CDIL, 12, 16, True, torch.float32),
    (Protocol.CHORD, 16, 5, True, torch.float64),
    (Protocol.CDIL, 100, 33, False, torch.float64),
    (Protocol.CDIL, 129, 33, True, torch.float32),
)
"""Protocol, N, D, residual and dtype; two factors of each, those that reach farthest."""


def check(protocol: Protocol, seq: int, channels: int, residual: bool, dtype: torch.dtype) -> None:
    """Compare values and gradients with the reference's."""
    offsets = protocol_offsets(protocol, seq, 3)[-2:]
    draw = {"generator": torch.Generator().manual_seed(seq), "dtype": dtype, "requires_grad": True}
    values = torch.randn(2, seq, channels, **draw)
    weights = torch.randn(len(offsets), 2, seq, len(offsets[0]), **draw)
    expected = mix_reference(values, weights, offsets, residual=residual)
    result = mix(values, weights, offsets, residual=residual, implementation="triton")
    close = {"atol": 1e-4, "rtol": 1e-4} if dtype is torch.float32 else {}
    torch.testing.assert_close(result, expected, **close)
    direction = torch.linspace(-1, 1, result.numel(), dtype=dtype).view_as(result)
    torch.testing.assert_close(
        torch.autograd.grad(result, (values, weights), direction),
        torch.autograd.grad(expected, (values, weights), direction),
        **close,
    )


def compile_for_h100() -> None:
    """Compile both kernels to machine code; needs no GPU."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from paramixer_core.mixing import triton_kernels

    constants = {
        "links": 3,
        "residual": True,
        "wide": triton.language.float32,
        "rows_at_once": 32,
        "columns_at_once": 64,
    }
    types = {"ahead": "*i32", "seq": "i32", "channels": "i32"}
    for kernel in (triton_kernels.factor_kernel, triton_kernels.gradient_kernel):
        signature = {
            name: "constexpr" if name in constants else types.get(name, "*fp32")
            for name in kernel.arg_names
        }
        source = ASTSource(fn=kernel, signature=signature, constexprs=constants)
        assert triton.compile(source, target=GPUTarget("cuda", 90, 32)).asm["cubin"]


if __name__ == "__main__":
    if sys.argv[1:] == ["compile"]:
        compile_for_h100()
    else:
        for case in CASES:
            check(*case)
