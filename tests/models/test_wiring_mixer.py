"""A wiring of one's own trains like the built-in patterns, and its cut links stay cut."""

import numpy as np
import pytest
import torch

from paramixer_core.analysis.wiring import Wiring
from paramixer_core.config import RunConfig
from paramixer_core.cost import CostShape, cost_report
from paramixer_core.errors import ParamixerError
from paramixer_core.models import build_network
from paramixer_core.protocols import Protocol
from paramixer_core.tasks import make_task
from paramixer_core.training import Trainer

SMALL = RunConfig(seq_len=12, channels=8, hidden=6, num_links=3, batch=5, device="cpu")
CUT = (
    Wiring(seq_len=12, offsets=((0, 1, 11), (0, 3), (5,)), zeroed=frozenset({3}))
    .toggle_link(1, 4, 5)
    .toggle_token(7)
)


def trained(wiring: Wiring, steps: int = 3) -> Trainer:
    trainer = Trainer(SMALL.replace(mixer="wiring", wiring=wiring.as_text()))
    for _ in range(steps):
        trainer.step()
    return trainer


@pytest.mark.parametrize("protocol", list(Protocol))
def test_an_untouched_wiring_trains_exactly_as_its_protocol(protocol: Protocol) -> None:
    wiring = Wiring.of_protocol(protocol, 12, 3)
    twin = Trainer(SMALL.replace(mixer=protocol.value))
    own = trained(wiring, 0)
    assert [own.step().loss for _ in range(3)] == [twin.step().loss for _ in range(3)]


def test_links_that_are_off_weigh_nothing_after_training() -> None:
    trainer = trained(CUT)
    inputs = trainer.task.test_set().inputs[:2]
    (block,) = trainer.network.reveal(inputs)
    assert block.factors is not None
    for factor, support in zip(block.factors, CUT.supports(), strict=True):
        off = torch.from_numpy(support.toarray() == 0)
        assert factor[:, off].abs().max() == 0
        if support.nnz:
            assert factor[:, ~off].abs().min() > 0


def test_the_block_computes_what_its_masked_operator_says() -> None:
    network = trained(CUT).network.double()
    values = torch.randn(2, 12, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    block = network.blocks[0]
    operator = block.operators(block.compact(values, values)).operator
    assert torch.allclose(block(values, values), operator @ block.value_mlp(values))


def test_the_parameters_are_those_of_the_closed_form() -> None:
    config = SMALL.replace(mixer="wiring", wiring=CUT.as_text())
    task = make_task("adding", 12)
    network = build_network(config, task, torch.Generator().manual_seed(0))
    counted = sum(parameter.numel() for parameter in network.parameters())
    assert cost_report(CostShape.of(config, task)).parameters == counted


def test_a_mask_is_no_weight_and_so_not_saved() -> None:
    assert not [name for name in trained(CUT, 0).state() if "mask" in name]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"wiring": ""}, "a wiring to train"),
        ({"wiring": "garbage"}, "a wiring such as"),
        ({"wiring": Wiring.of_protocol(Protocol.CHORD, 16).as_text()}, "N = 16"),
        ({"wiring": 7}, "a wiring as text"),
    ],
    ids=["none", "garbage", "other-length", "no-text"],
)
def test_a_run_without_a_fitting_wiring_is_refused_in_a_sentence(
    changes: dict[str, object], told: str
) -> None:
    with pytest.raises(ParamixerError, match=told):
        SMALL.replace(mixer="wiring", **changes)


def test_other_mixers_leave_the_wiring_alone_so_that_a_race_can_share_it() -> None:
    config = SMALL.replace(mixer="wiring", wiring=CUT.as_text())
    assert RunConfig.from_dict(config.replace(mixer="chord").as_dict()).wiring == CUT.as_text()
    assert np.isfinite(Trainer(config.replace(mixer="attention")).step().loss)
