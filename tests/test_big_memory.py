"""Big results lie in memory that was used before, and never in memory that is in use."""

import gc

import pytest
import torch

from paramixer_core import big_memory
from paramixer_core.big_memory import BIG, LARGE_PAGE, big_empty, in_large_pages
from paramixer_core.mixing import mix, prepare
from paramixer_core.protocols import Protocol, protocol_offsets
from tests.compiler import NATIVE

ROWS = BIG // 4000 + 1
LIKE = torch.empty(0)


@pytest.fixture(autouse=True)
def nothing_free():
    big_memory.free.clear()
    yield
    big_memory.free.clear()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("rows", [3, ROWS])
def test_it_is_a_tensor_like_any_other(dtype, rows):
    made = big_empty((rows, 1000), torch.empty(0, dtype=dtype))
    assert (made.shape, made.dtype, made.is_contiguous()) == ((rows, 1000), dtype, True)
    assert made.data_ptr() % 64 == 0
    assert made.fill_(2.0).sum(dtype=torch.float64) == 2000.0 * rows


def test_what_is_held_is_never_given_again_and_what_is_free_is():
    first = big_empty((ROWS, 1000), LIKE).fill_(1.0)
    part = first[5:7]
    second = big_empty((ROWS, 1000), LIKE).fill_(2.0)
    assert first.data_ptr() != second.data_ptr()
    place = first.data_ptr()
    del first
    gc.collect()
    third = big_empty((ROWS, 1000), LIKE).fill_(3.0)
    assert third.data_ptr() != place  # a part of the first is still held
    assert part.eq(1.0).all()
    del part, third
    gc.collect()
    assert big_empty((ROWS, 1000), LIKE).data_ptr() != second.data_ptr()
    assert second.eq(2.0).all()
    assert len(big_memory.free) >= 1


@pytest.mark.parametrize(("rows", "again"), [(ROWS, True), (2 * ROWS, False), (ROWS // 2, False)])
def test_a_free_block_is_used_again_where_it_fits(rows, again):
    big_empty((ROWS + 10, 1000), LIKE)
    gc.collect()
    (block,) = big_memory.free
    made = big_empty((rows, 1000), LIKE)
    assert (made.data_ptr() == block.ctypes.data) == again
    assert len(big_memory.free) == 1 - again


def test_few_blocks_are_kept():
    held = [big_empty((ROWS, 1000), LIKE) for _ in range(4)]
    held.clear()
    gc.collect()
    assert len(big_memory.free) == big_memory.BLOCKS_KEPT


@pytest.mark.parametrize("path", ["portable", NATIVE])
def test_gradients_that_are_kept_stay_as_they_are(path):
    prepare()
    seq = 8192
    offsets = protocol_offsets(Protocol.CHORD, seq)
    values = torch.ones(6, seq, 1, requires_grad=True)
    weights = torch.full((len(offsets), 6, seq, len(offsets[0])), 0.01, requires_grad=True)
    assert weights.nbytes > BIG

    def gradient(scale: float) -> torch.Tensor:
        mixed = mix(values, weights, offsets, implementation=path)
        return torch.autograd.grad(scale * mixed.sum(), weights)[0]

    first, copied = gradient(1.0), gradient(1.0).clone()
    gradient(2.0)
    second = gradient(3.0)
    assert torch.equal(first, copied)
    torch.testing.assert_close(second, 3 * first)


def test_only_whole_large_pages_of_big_memory_are_asked_for(monkeypatch):
    asked: list[tuple[int, int, int]] = []
    monkeypatch.setattr(big_memory, "advise", lambda: lambda *told: asked.append(told))
    in_large_pages(torch.empty(1000))
    assert asked == []
    big = in_large_pages(torch.empty(BIG // 4 + 1000))
    start, length, _ = asked[0]
    assert (start % LARGE_PAGE, length % LARGE_PAGE) == (0, 0)
    assert big.data_ptr() <= start
    assert start + length <= big.data_ptr() + big.nbytes < start + length + LARGE_PAGE


def test_without_madvise_memory_is_as_it_comes(monkeypatch):
    monkeypatch.setattr(big_memory, "advise", lambda: None)
    fresh = torch.empty(BIG // 4 + 1000)
    assert in_large_pages(fresh) is fresh
