"""Asking for large pages changes nothing but their size."""

import pytest
import torch

from paramixer_core import large_pages


@pytest.mark.parametrize("numbers", [3, large_pages.ALWAYS_FRESH // 4 + 1000])
@pytest.mark.parametrize("system", ["as it is", "without madvise"])
def test_the_tensor_is_the_same_and_holds_what_is_written(monkeypatch, numbers, system):
    if system == "without madvise":
        monkeypatch.setattr(large_pages, "advise", lambda: None)
    fresh = torch.empty(numbers)
    asked = large_pages.in_large_pages(fresh)
    assert asked is fresh
    assert asked.fill_(2.0).sum(dtype=torch.float64) == 2.0 * numbers


def test_only_whole_large_pages_of_fresh_memory_are_asked_for(monkeypatch):
    asked: list[tuple[int, int, int]] = []
    monkeypatch.setattr(large_pages, "advise", lambda: lambda *told: asked.append(told))
    large_pages.in_large_pages(torch.empty(1000))
    assert asked == []
    big = large_pages.in_large_pages(torch.empty(large_pages.ALWAYS_FRESH // 4 + 1000))
    (start, length, _), page = asked[0], large_pages.LARGE_PAGE
    assert (start % page, length % page) == (0, 0)
    assert big.data_ptr() <= start
    assert start + length <= big.data_ptr() + big.nbytes < start + length + page
