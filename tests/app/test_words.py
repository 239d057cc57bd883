"""What the pages say holds: each sentence beside the computation that makes it true."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from app import inspect_factors, inspect_signs, rank_runs
from app.inspect_choice import Looked
from app.inspect_shown import ROWS_SUM_TO_ONE
from app.prose import prose
from paramixer_core.analysis.coverage import coverage
from paramixer_core.analysis.rank import rank_report
from paramixer_core.analysis.wiring import Wiring
from paramixer_core.config import LinkSource, RunConfig
from paramixer_core.gallery import Gallery
from paramixer_core.models import MIXERS
from paramixer_core.protocols import Protocol, protocol_offsets
from paramixer_core.training import Trainer
from tests.small_runs import SMALL


def meets_all(offsets: list[int], seq_len: int, factors: int) -> bool:
    reached = {0}
    for _ in range(factors):
        reached |= {(place + offset) % seq_len for place in reached for offset in offsets}
    return len(reached) == seq_len


def test_chord_s_farthest_link_is_half_way_round_for_powers_of_two_alone():
    for seq_len in range(2, 300):
        farthest = max(protocol_offsets(Protocol.CHORD, seq_len)[0])
        exact = math.log2(seq_len).is_integer()
        assert (2 * farthest == seq_len) == exact
        assert 2 * farthest >= seq_len
    assert "exactly half-way round where N is a power of two, and farther for" in prose(
        "patterns", "factor"
    )


def test_even_steps_leave_half_of_all_pairs_apart_on_even_rings_alone():
    for seq_len in range(4, 40):
        assert meets_all([0, 2, 4], seq_len, seq_len) == bool(seq_len % 2)
    text = prose("wiring", "figures")
    assert "on a ring of **even** N half of all pairs never meet" in text


@pytest.mark.parametrize("seq_len", [2, 3, 4, 5, 7, 12, 16])
def test_cutting_one_link_of_chord_loses_nothing_from_three_tokens_on(seq_len):
    wiring = Wiring.of_protocol(Protocol.CHORD, seq_len, 3)
    lost = 0
    for factor, offsets in enumerate(wiring.offsets, start=1):
        for offset in offsets:
            cut = wiring.toggle_link(factor, 0, offset % seq_len)
            lost += coverage(cut).example is not None
    assert bool(lost) == (seq_len == 2)
    assert "with 3 tokens or more nothing is lost" in prose("wiring", "figures")


@pytest.mark.parametrize("steps", [0, 30])
def test_adding_s_logits_have_three_dimensions_and_one_of_the_bias(steps):
    trainer = Trainer(RunConfig(task="adding", seq_len=64, mixer="attention", device="cpu"))
    for _ in range(steps):
        trainer.step()
    network = trainer.network.double()
    block = network.mixers[0]

    def rank() -> int:
        with torch.no_grad():
            tokens = network.embedding(trainer.task.test_set().inputs[:1].double())
            query, key, _ = block.project(tokens)
        return rank_report(block.logits(query, key)[0, 0], dtype="float32").numerical_rank

    assert rank() == rank_runs.ADDING_RANK
    block.query_key_value.bias.data.zero_()
    assert rank() == 3


def test_exp_raises_the_rank_and_dividing_rows_does_not():
    dice = np.random.default_rng(0)
    logits = 2 * dice.normal(size=(24, 4)) @ dice.normal(size=(4, 24))
    powers = np.exp(logits)
    softmax = powers / powers.sum(axis=1, keepdims=True)
    ranks = [np.linalg.matrix_rank(matrix, tol=1e-13) for matrix in (logits, powers, softmax)]
    assert ranks[0] == 4
    assert ranks[1] == ranks[2] == 24
    assert "dividing each row by its sum then only rescales rows" in prose("rank", "trained")


@pytest.mark.parametrize("mixer", [name for name in MIXERS if name != "wiring"])
def test_rows_sum_to_one_for_just_the_mixers_that_are_said_to(mixer):
    trainer = Trainer(SMALL.replace(mixer=mixer, seq_len=64, rival_size=16, task="adding"))
    for _ in range(3):
        trainer.step()
    product = trainer.network.reveal(trainer.task.test_set().inputs[:2])[0].product
    off = float((product.sum(-1) - 1).abs().max())
    assert (off < 1e-4) == (mixer in ROWS_SUM_TO_ONE)


def test_the_caption_of_row_sums_speaks_of_the_runs_that_are_shown():
    gallery = Gallery()
    runs = [gallery.run("gallery-adding-chord"), gallery.run("gallery-adding-attention")]
    text = inspect_signs.sums_caption(runs, residual=True)
    assert "Dot-product attention: 1 by construction, here 2 with the residual" in text
    assert "CHORD links: any number" in text


@pytest.mark.parametrize("source", list(LinkSource))
@pytest.mark.parametrize("block", [0, 1])
def test_link_weights_come_from_token_i_alone_where_the_caption_says_so(source, block):
    config = SMALL.replace(task="adding", seq_len=16, blocks=2, link_source=source, mixer="chord")
    network = Trainer(config).network
    inputs = torch.rand(1, 16, 2, generator=torch.Generator().manual_seed(0))
    moved = inputs.clone()
    moved[0, 5] += 1
    one, two = (network.compact(given)[block]["link_weights"] for given in (inputs, moved))
    others = torch.arange(16) != 5
    alone = torch.equal(one[..., others, :], two[..., others, :])
    run = dataclasses.replace(Gallery().run("gallery-adding-chord"), config=config)
    looked = Looked(run, None, 0, block, "operator")
    assert alone == ("alone" in inspect_factors.read_from(looked))
