"""The portable path on other processors than this one, and where its package is missing."""

import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
import torch
from torch import Tensor

from paramixer_core.errors import ParamixerError
from paramixer_core.mixing import mix, table, team
from paramixer_core.mixing.machine_code import Machine, this_machine
from paramixer_core.mixing.portable_passes import passes
from paramixer_core.protocols import Protocol, protocol_offsets


def without(*features: str) -> str:
    """This processor's features with those switched off whose names begin so."""
    named = [each[1:] for each in this_machine().features.split(",") if each.startswith("+")]
    return ",".join(("-" if each.startswith(features) else "+") + each for each in named)


NARROWER = (
    Machine(32, 16, without("avx512", "avx10")),
    Machine(16, 16, without("avx", "fma", "f16c", "xop", "vaes", "vpclmul")),
)


@pytest.mark.parametrize("machine", NARROWER, ids=["256 bits", "128 bits"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("channels", [1, 20, 75])
def test_narrower_vectors_give_the_same(monkeypatch, machine, dtype, channels):
    module = sys.modules[table.kernels_of("portable").forward.__module__]
    monkeypatch.setattr(module, "passes", partial(passes, machine=machine))
    offsets = protocol_offsets(Protocol.CHORD, 50)
    torch.manual_seed(channels)
    values = torch.randn(2, 50, channels, dtype=dtype, requires_grad=True)
    weights = torch.randn(6, 2, 50, 7, dtype=dtype).div(7).requires_grad_()
    found = []
    for path in ("portable", "reference"):
        mixed = mix(values, weights, offsets, implementation=path)
        found.append((mixed, *torch.autograd.grad(mixed.sin().sum(), (values, weights))))
    small = {"atol": 1e-4, "rtol": 1e-4} if dtype == torch.float32 else {}
    torch.testing.assert_close(*found, **small)


@pytest.mark.parametrize("with_openmp", [True, False])
@pytest.mark.parametrize("seq", [40, 3200])
def test_callers_at_the_same_time_get_what_one_gets(monkeypatch, torch_threads, with_openmp, seq):
    """Whether threads take sequences or share rows, and whose threads they are."""
    if not with_openmp:
        monkeypatch.setattr(team, "openmp", lambda: None)
    torch_threads(3)
    torch.manual_seed(0)
    offsets = protocol_offsets(Protocol.CDIL, seq, 3)
    values = torch.randn(2, seq, 8, requires_grad=True)
    weights = torch.randn(len(offsets), 2, seq, 3)

    def work(_: int) -> list[Tensor]:
        mixed = mix(values, weights, offsets, implementation="portable")
        return [mixed, *torch.autograd.grad(mixed.square().sum(), values)]

    expected = work(0)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(work, range(20)):
            assert all(map(torch.equal, found, expected))


def test_without_its_package_the_path_is_refused_and_never_chosen(monkeypatch):
    monkeypatch.setattr(table, "settled", {})
    monkeypatch.setattr(table, "available", lambda: False)
    assert table.settle("cpu") is table.Implementation.PORTABLE
    monkeypatch.setattr(table, "find_spec", lambda name: None)
    monkeypatch.setattr(table, "settled", {})
    assert table.settle("cpu") is table.Implementation.ROLLED
    monkeypatch.setitem(sys.modules, "paramixer_core.mixing.portable", None)
    table.kernels_of.cache_clear()
    with pytest.raises(ParamixerError, match="llvmlite to be installed"):
        table.kernels_of("portable")
