"""Long sequences and many threads: the fast CPU paths agree with the plain ones, bit for bit."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from paramixer_core.mixing import mix, prepare
from paramixer_core.mixing.reference import mix_reference
from paramixer_core.protocols import Protocol, protocol_offsets
from tests.compiler import NATIVE
from tests.mixing.problems import case, gradients

prepare()
FAST = ("portable", NATIVE)


@pytest.mark.parametrize("path", FAST)
@pytest.mark.parametrize("batch", [1, 5])
def test_long_sequences_in_float32_agree(path, batch):
    """Longer than one part of the batch, in the dtype that trains."""
    offsets = protocol_offsets(Protocol.CHORD, 2500)
    values, weights = case(offsets, 2500, batch=batch, channels=20, dtype=torch.float32)
    plain = mix(values, weights, offsets, implementation="rolled")
    result = mix(values, weights, offsets, implementation=path)
    torch.testing.assert_close(result, plain, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(
        gradients(result, values, weights),
        gradients(plain, values, weights),
        atol=1e-4,
        rtol=1e-4,
    )


@pytest.mark.parametrize("path", FAST)
@pytest.mark.parametrize("seq", [16384, 16500])
def test_the_order_of_blocks_leaves_no_row_out(path, seq):
    """Far links of CDIL on a long ring, where blocks are taken a dilation apart."""
    offsets = protocol_offsets(Protocol.CDIL, seq, 5)[-3:]
    values, weights = case(offsets, seq, batch=1, channels=20, dtype=torch.float32)
    plain = mix(values, weights, offsets, implementation="rolled")
    result = mix(values, weights, offsets, implementation=path)
    close = {"atol": 1e-4, "rtol": 1e-4}
    torch.testing.assert_close(result, plain, **close)
    torch.testing.assert_close(
        gradients(result, values, weights), gradients(plain, values, weights), **close
    )


@pytest.mark.parametrize("path", FAST)
@pytest.mark.parametrize(("batch", "seq"), [(1, 3100), (5, 130)])
def test_the_number_of_threads_changes_no_bit(path, batch, seq, torch_threads):
    """Whether threads take whole sequences or share the rows of one."""
    offsets = protocol_offsets(Protocol.CDIL, seq, 5)
    values, weights = case(offsets, seq, batch=batch, channels=32, dtype=torch.float32)
    found = []
    for count in (1, 2, 3):
        torch_threads(count)
        result = mix(values, weights, offsets, implementation=path)
        found.append((result, *gradients(result, values, weights)))
    for other in found[1:]:
        assert all(map(torch.equal, found[0], other))


@pytest.mark.parametrize("path", FAST)
def test_memory_kept_from_call_to_call_mixes_up_no_threads(path):
    """Every thread works in memory of its own, which the sizes and dtypes before have left."""

    def work(seq: int) -> None:
        dtype = torch.float32 if seq % 2 else torch.float64
        offsets = protocol_offsets(Protocol.CHORD, seq)
        values, weights = case(offsets, seq, dtype=dtype)
        expected = gradients(mix_reference(values, weights, offsets), values, weights)
        result = mix(values, weights, offsets, implementation=path)
        torch.testing.assert_close(gradients(result, values, weights), expected)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, [7, 100, 31, 64, 129, 12] * 4))
