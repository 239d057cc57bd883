import re

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from paramixer_core.analysis.coverage import coverage, wiring_graph
from paramixer_core.analysis.reach import NEVER, reach_report
from paramixer_core.analysis.routes import trace_factors
from paramixer_core.analysis.wiring import MAX_TEXT, Wiring
from paramixer_core.errors import ParamixerError
from paramixer_core.mixing import mix
from paramixer_core.protocols import Protocol


@st.composite
def wirings(draw):
    seq_len = draw(st.integers(2, 20))
    tokens = st.integers(0, seq_len - 1)
    offsets = draw(st.lists(st.lists(tokens, max_size=5).map(tuple), min_size=1, max_size=6))
    factors = st.integers(1, len(offsets))
    links = [
        (m + 1, row, (row + ahead) % seq_len)
        for m, factor in enumerate(offsets)
        for ahead in factor
        for row in range(seq_len)
    ]
    return Wiring(
        seq_len=seq_len,
        offsets=tuple(offsets),
        cut=draw(st.frozensets(st.sampled_from(links), max_size=4)) if links else frozenset(),
        broken=draw(st.frozensets(tokens, max_size=3)),
        zeroed=draw(st.frozensets(factors, max_size=2)),
        name=draw(st.text(st.characters(codec="utf-8"), max_size=12)),
    )


def dense_support(wiring):
    """Where the links are, from the definition."""
    on = np.zeros((len(wiring.offsets), wiring.seq_len, wiring.seq_len), dtype=bool)
    for m, ahead in enumerate(wiring.offsets, start=1):
        for row in range(wiring.seq_len):
            for column in {(row + offset) % wiring.seq_len for offset in ahead}:
                on[m - 1, row, column] = (
                    m not in wiring.zeroed
                    and not wiring.broken & {row, column}
                    and (m, row, column) not in wiring.cut
                )
    return on


@given(wirings())
def test_a_wiring_comes_back_from_its_text_which_needs_no_quoting(wiring):
    text = wiring.as_text()
    assert re.fullmatch(r"[0-9A-Za-z._~-]+", text)
    assert Wiring.parse(text) == wiring


def test_the_text_of_chord_is_short_and_readable():
    wiring = Wiring.of_protocol(Protocol.CHORD, 1024)
    assert wiring.as_text() == "n1024_f0.1.2.4.8.16.32.64.128.256.512x10"
    edited = Wiring.parse("n8_f0.1x2-0.4_c1.3.4_b7_z3_tmy~20ring")
    assert edited.name == "my ring"
    assert edited.offsets == ((0, 1), (0, 1), (0, 4))
    assert (edited.cut, edited.broken, edited.zeroed) == ({(1, 3, 4)}, {7}, {3})


def test_the_longest_wiring_comes_back_from_its_text_too():
    wiring = Wiring(
        seq_len=4096,
        offsets=tuple(tuple(range(4095 - m, 4031 - m, -1)) for m in range(32)),
        cut=frozenset((32, row, (row + 4010) % 4096) for row in range(3000, 3500)),
        broken=frozenset(range(4096)),
        zeroed=frozenset(range(1, 33)),
        name="_-.~ äß漢"[:40],
    )
    assert Wiring.parse(wiring.as_text()) == wiring
    assert len(wiring.as_text()) < MAX_TEXT - 1000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "chord",
        "n8",
        "n٣_f0",
        "n8_f0.1x",
        "n8_f0.1x999999999",
        "n1_f0",
        "n99999999999_f0.1",
        "n8_f0..1",
        "n8_f0.1_c1.2",
        "n8_f0.1_c1.2.5",
        "n8_f0.1_c9.2.3",
        "n8_f0.1_b8",
        "n8_f0.1_z2",
        "n8_f0.1_t~zz",
        "n8_f0.1_t~ff",
        "n8_f0.99999999",
        "n8_f0_b" + "1." * 30_000 + "1",
        "n8_f٣",
        "n" + "9" * 5000 + "_f0",
    ],
)
def test_a_text_that_is_no_wiring_is_refused_in_a_sentence(text):
    with pytest.raises(ParamixerError, match=r"^Expected .*, got .*: .*\.$") as raised:
        Wiring.parse(text)
    assert len(str(raised.value)) < 250


@given(st.text(max_size=40))
def test_no_text_at_all_breaks_the_parser(text):
    try:
        Wiring.parse(text)
    except ParamixerError:
        return


@given(wirings())
def test_mask_and_supports_hold_the_links_that_the_definition_leaves_on(wiring):
    expected = dense_support(wiring)
    for factor, pattern in zip(wiring.supports(), expected, strict=True):
        np.testing.assert_array_equal(factor.toarray() > 0, pattern)
    graph = wiring_graph(wiring)
    np.testing.assert_array_equal(nx.to_numpy_array(graph) > 0, expected.any(axis=0))


@given(wirings(), st.booleans())
def test_reach_of_any_wiring_is_the_boolean_product_of_its_links(wiring, residual):
    reached = identity = np.eye(wiring.seq_len, dtype=bool)
    report = reach_report(wiring.supports(), residual=residual)
    for m, links in enumerate(dense_support(wiring), start=1):
        reached = (links | identity if residual else links) @ reached
        assert report.fill[m] == pytest.approx(100 * reached.mean())
    np.testing.assert_array_equal(report.missing, ~reached)
    assert report.unreached == np.count_nonzero(~reached)


@settings(max_examples=30)
@given(wirings(), st.integers(0, 99))
def test_mixing_with_masked_weights_is_the_product_of_the_wirings_factors(wiring, seed):
    offsets, mask = wiring.padded_offsets(), wiring.mask()
    weights = np.random.default_rng(seed).normal(size=mask.shape)
    product = np.eye(wiring.seq_len)
    for factor in wiring.factors(weights):
        product = factor @ product
    mixed = mix(
        torch.eye(wiring.seq_len, dtype=torch.float64)[None],
        torch.from_numpy(weights * mask)[:, None],
        offsets,
        residual=False,
    )
    np.testing.assert_allclose(mixed[0].numpy(), product, atol=1e-12)
    traced = trace_factors(wiring.factors(weights), 0, wiring.seq_len - 1)
    assert traced.entry == pytest.approx(product[0, -1], abs=1e-12)


def test_untouched_chord_reaches_everything_and_says_so():
    found = coverage(Wiring.of_protocol(Protocol.CHORD, 16))
    assert found.sentence == "After 4 of 4 factors every token reads every token."
    assert (found.links_on, found.links_listed, found.places, found.full) == (320, 320, 320, 256)
    assert (found.among_whole, found.example, found.self_links) == (0, None, True)


def test_a_wiring_that_cannot_reach_every_token_names_a_pair():
    found = coverage(Wiring(seq_len=8, offsets=((0, 2),) * 3))
    assert found.sentence == (
        "Token 0 cannot read token 1 through all 3 factors, and 31 more pairs are unreached."
    )
    assert found.example == (0, 1)
    assert found.reach.fill[-1] == 50.0


def test_a_wiring_without_self_links_is_seen_and_may_lose_tokens_without_residual():
    wiring = Wiring(seq_len=2, offsets=((1,),))
    with_residual, bare = coverage(wiring), coverage(wiring, residual=False)
    assert not with_residual.self_links
    assert not coverage(Wiring(seq_len=2, offsets=((0, 1),)).toggle_link(1, 0, 0)).self_links
    assert with_residual.example is None
    assert bare.sentence == (
        "Token 0 cannot read token 0 through all 1 factors, and 1 more pairs are unreached."
    )


def test_a_broken_token_is_left_out_of_what_is_asked_of_the_others():
    wiring = Wiring.of_protocol(Protocol.CHORD, 8).toggle_token(3)
    found = coverage(wiring)
    assert found.reach.unreached == 14
    assert found.reach.steps[3, 4] == NEVER
    assert found.among_whole == 0
    assert found.sentence.endswith("every unbroken token reads every unbroken token.")
    assert wiring.toggle_token(3) == Wiring.of_protocol(Protocol.CHORD, 8)


def test_zeroing_the_last_cdil_factor_cuts_the_reach_of_every_token():
    wiring = Wiring.of_protocol(Protocol.CDIL, 16, 3)
    assert coverage(wiring).among_whole == 0
    zeroed = coverage(wiring.toggle_factor(4))
    assert zeroed.among_whole == 16
    assert zeroed.example == (0, 8)
    assert zeroed.links_on == 3 * 16 * 3
    assert coverage(wiring.toggle_factor(4), residual=False).among_whole == 256


def test_cutting_one_link_of_the_only_route_unlinks_one_pair():
    wiring = Wiring(seq_len=2, offsets=((0, 1),)).toggle_link(1, 0, 1)
    found = coverage(wiring)
    assert (found.among_whole, found.example) == (1, (0, 1))
    assert found.sentence == "Token 0 cannot read token 1 through all 1 factors."
    with pytest.raises(ParamixerError, match="a link of factor 1 to cut"):
        Wiring(seq_len=4, offsets=((0, 1),)).toggle_link(1, 0, 2)


def test_new_offsets_drop_the_cuts_that_no_longer_fit():
    wiring = Wiring(seq_len=8, offsets=((0, 1), (0, 2))).toggle_link(1, 0, 1).toggle_link(2, 0, 2)
    changed = wiring.with_offsets(1, [0, -1])
    assert changed.offsets == ((0, 7), (0, 2))
    assert changed.cut == {(2, 0, 2)}
