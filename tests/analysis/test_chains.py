"""Chains: products to trace, equal to the dense product and to what a trained block does."""

import numpy as np
import pytest
import torch

from paramixer_core.analysis.chains import MAX_DENSE, Chain, run_wiring, strongest_entry
from paramixer_core.analysis.wiring import Wiring
from paramixer_core.config import Residual, RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.protocols import Protocol
from paramixer_core.training import Trainer

SMALL = RunConfig(seq_len=7, channels=8, hidden=6, num_links=5, batch=5, device="cpu")
WIRED = Wiring.of_protocol(Protocol.CHORD, 7).toggle_link(1, 2, 3).toggle_token(5)
CONFIGS = [
    SMALL.replace(mixer="chord"),
    SMALL.replace(mixer="cdil"),
    SMALL.replace(mixer="wiring", wiring=WIRED.as_text()),
]


@pytest.mark.parametrize("residual", list(Residual))
@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.mixer)
def test_the_chain_of_a_run_is_the_operator_of_its_block(
    config: RunConfig, residual: Residual
) -> None:
    trainer = Trainer(config.replace(residual=residual))
    block = trainer.network.blocks[0]
    values = torch.randn(1, 7, 8, generator=torch.Generator().manual_seed(0))
    compact = block.compact(values, values)
    weights = compact["link_weights"][0].detach().numpy()
    chain = Chain.of_weights(run_wiring(config), weights, residual)
    operator = block.operators(compact).operator[0].detach().double().numpy()
    assert np.allclose(chain.dense(), operator, atol=1e-6)


@pytest.mark.parametrize("residual", list(Residual))
@pytest.mark.parametrize("seq_len", [2, 3, 7, 12])
def test_every_entry_is_direct_plus_listed_plus_remainder(seq_len: int, residual: Residual) -> None:
    chain = Chain.random(Wiring.of_protocol(Protocol.CDIL, seq_len, 3), residual, seed=1)
    dense = chain.dense()
    for row in range(seq_len):
        for column in range(seq_len):
            report = chain.trace(row, column, strongest=3)
            whole = report.direct + report.listed + report.remainder
            assert whole == pytest.approx(dense[row, column], abs=1e-12)
            for links in report.links:
                assert links.total == pytest.approx(report.entry - report.direct, abs=1e-12)


def test_the_strongest_links_are_those_of_largest_total() -> None:
    links = Chain.random(Wiring.of_protocol(Protocol.CHORD, 12)).trace(0, 7).links[1]
    sizes = np.abs(links.totals)
    assert list(sizes[links.strongest(4)]) == sorted(sizes, reverse=True)[:4]


def test_the_same_seed_draws_the_same_weights_and_another_seed_others() -> None:
    wiring = Wiring.of_protocol(Protocol.CHORD, 12)
    one, same, other = (Chain.random(wiring, seed=seed).dense() for seed in (3, 3, 4))
    assert np.array_equal(one, same)
    assert not np.allclose(one, other)


def test_the_strongest_entry_is_never_on_the_diagonal() -> None:
    assert strongest_entry(np.array([[9.0, 1.0], [-2.0, 8.0]])) == (1, 0)


def test_attention_has_no_routes_and_long_products_are_not_formed() -> None:
    with pytest.raises(ParamixerError, match="attention has no routes"):
        run_wiring(SMALL.replace(mixer="attention"))
    long = Chain.random(Wiring(seq_len=MAX_DENSE + 1, offsets=((0, 1),)))
    with pytest.raises(ParamixerError, match="at most 1,024 tokens"):
        long.dense()
    assert long.trace(0, 1).count == 1
