"""Weights with the authors' names: they give the answers of the authors' equations."""

import pytest
import torch
from torch import Tensor

from paramixer_core.config import Pooling, Residual
from paramixer_core.inspection import load_network
from paramixer_core.protocols import num_factors
from paramixer_core.tasks import make_task
from paramixer_core.training import Trainer
from paramixer_core.uploads.weight_questions import RecognisedWeights
from tests.uploads.weight_files import asked, authors_answer, authors_weights, read

CLOSE = {"rtol": 1e-4, "atol": 1e-3}


def answers(found: RecognisedWeights, inputs: Tensor) -> Tensor:
    with torch.no_grad():
        given: Tensor = load_network(found.config, found.state)(inputs)
    return given


def inputs_of(found: RecognisedWeights) -> Tensor:
    return make_task(found.config.task, found.config.seq_len).test_set().inputs[:3]


@pytest.mark.parametrize("adding", [True, False], ids=["adding", "order"])
@pytest.mark.parametrize("cdil", [True, False], ids=["cdil", "chord"])
def test_the_authors_weights_give_the_authors_answers(adding: bool, cdil: bool) -> None:
    weights = authors_weights(7 if cdil else 5, adding=adding)
    found = read(weights)
    inputs = inputs_of(found)
    torch.testing.assert_close(
        answers(found, inputs), authors_answer(weights, inputs, cdil=cdil), **CLOSE
    )
    assert found.config.mixer == ("cdil" if cdil else "chord")
    unused = {"embedding.weight", "apc_embedding.weight"} if adding else set()
    assert (found.source, set(found.unused)) == ("the authors' names", unused)
    assert {"residual", "link_source", "positions"} <= set(asked(found))


def test_where_k_fits_both_protocols_the_reader_decides() -> None:
    weights = authors_weights(5)
    question = next(q for q in read(weights).questions if q.field == "mixer")
    assert question.options == ("chord", "cdil")
    found = read(weights, mixer="cdil")
    inputs = inputs_of(found)
    expected = authors_answer(weights, inputs, cdil=True)
    torch.testing.assert_close(answers(found, inputs), expected, **CLOSE)


@pytest.mark.parametrize("positions", [True, False], ids=["positions", "no-positions"])
def test_their_class_token_computes_the_same_as_a_weight_of_its_own(positions: bool) -> None:
    weights = authors_weights(pooled=True, vocabulary=9, seq_len=17)
    found = read(weights, positions=positions or None)
    config = found.config
    assert (config.pooling, config.seq_len) == (Pooling.CLASS_TOKEN, 16)
    assert config.positions is positions
    assert ("apc_embedding.weight" in found.unused) is not positions
    assert asked(found)["positions"] is positions
    inputs = inputs_of(found)
    assert int(inputs.max()) < 8
    begun = torch.cat([torch.full((3, 1), 8), inputs], dim=1)
    expected = authors_answer(weights, begun, positions=positions)
    torch.testing.assert_close(answers(found, inputs), expected, **CLOSE)


def test_a_flat_model_without_positions_reads_none_when_it_is_said() -> None:
    weights = authors_weights()
    found = read(weights, positions=False)
    assert "apc_embedding.weight" in found.unused
    inputs = inputs_of(found)
    expected = authors_answer(weights, inputs, positions=False)
    torch.testing.assert_close(answers(found, inputs), expected, **CLOSE)


def test_a_class_token_file_that_shows_no_length_asks_for_it() -> None:
    weights = authors_weights(pooled=True, vocabulary=9, seq_len=17)
    del weights["apc_embedding.weight"]
    found = read(weights)
    assert asked(found)["seq_len"] == 16
    other = read(weights, seq_len=20)
    assert (other.config.seq_len, other.config.num_factors) == (20, None)


@pytest.mark.parametrize(("seq_len", "reached"), [(12, 11), (23, 23), (100, 99)])
def test_floor_of_log2_factors_are_recognised_and_said(seq_len: int, reached: int) -> None:
    floor = seq_len.bit_length() - 1
    weights = authors_weights(seq_len=seq_len, factors=floor)
    found = read(weights)
    assert (found.config.num_factors, found.num_links) == (floor, floor + 1)
    (note,) = [note for note in found.notes if "floor(log2" in note]
    assert f"each token reads {reached} of {seq_len} tokens" in note
    inputs = inputs_of(found)
    torch.testing.assert_close(answers(found, inputs), authors_answer(weights, inputs), **CLOSE)
    assert Trainer(found.config).network.mixers[0].offsets == found_offsets(seq_len, floor)


def found_offsets(seq_len: int, floor: int) -> tuple[tuple[int, ...], ...]:
    return ((0, *(2**k % seq_len for k in range(floor))),) * floor


@pytest.mark.parametrize("seq_len", [16, 16_384])
def test_their_synthetic_copy_moves_the_residual_from_16384_tokens_on(seq_len: int) -> None:
    weights = authors_weights(seq_len=seq_len, synthetic=True, channels=2, hidden=1, blocks=1)
    found = read(weights)
    moved = seq_len == 16_384
    assert found.config.residual is (Residual.FIRST if moved else Residual.PER_FACTOR)
    assert found.unused == ["attention.0.o.weight"]
    if not moved:
        inputs = inputs_of(found)
        first = read(weights, residual=Residual.FIRST)
        expected = authors_answer(weights, inputs, residual=Residual.FIRST)
        torch.testing.assert_close(answers(first, inputs), expected, **CLOSE)


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "state_dict.model.", "net.module."])
def test_prefixes_of_theirs_are_taken_off_and_said(prefix: str) -> None:
    found = read({f"{prefix}{name}": held for name, held in authors_weights().items()})
    assert (found.source, found.unused) == ("the authors' names", [])
    assert any("Taken off the names" in note for note in found.notes)


REAL = {
    "listops": {"seq_len": 1999, "channels": 128, "hidden": 32, "vocabulary": 17, "outputs": 10},
    "listops-hidden-head": {
        **{"seq_len": 1999, "channels": 128, "hidden": 32, "vocabulary": 17, "outputs": 10},
        "head_hidden": 32,
    },
    "text": {
        **{"seq_len": 4097, "channels": 32, "hidden": 128, "vocabulary": 97, "outputs": 2},
        **{"blocks": 3, "pooled": True},
    },
    "image": {"seq_len": 1024, "channels": 32, "hidden": 32, "vocabulary": 256, "outputs": 10},
    "pathfinder": {"seq_len": 1024, "channels": 64, "hidden": 32, "vocabulary": 225, "outputs": 2},
    "long-documents": {
        **{"seq_len": 16_385, "channels": 100, "hidden": 128, "vocabulary": 4290, "outputs": 4},
        "pooled": True,
    },
    "genome-hfdna": {
        "seq_len": 16_384,
        "channels": 32,
        "hidden": 128,
        "vocabulary": 5,
        "outputs": 2,
    },
    "genome-mtcdna": {
        **{"seq_len": 16_384, "channels": 32, "hidden": 128, "vocabulary": 6, "outputs": 2},
    },
}
"""The published settings (PAPER.md); the class token is counted in N and in the vocabulary."""


@pytest.mark.parametrize("sizes", REAL.values(), ids=REAL)
def test_their_real_data_models_load_and_answer_a_pasted_sequence(sizes: dict[str, int]) -> None:
    pooled = bool(sizes.get("pooled"))
    weights = {  # small links: the values of three blocks would else grow out of float32
        name: 0.05 * held if ".network.2." in name else held
        for name, held in authors_weights(**({"blocks": 1} | sizes)).items()
    }
    found = read(weights)
    config = found.config
    length = sizes["seq_len"] - pooled
    assert (config.seq_len, config.channels, config.hidden) == (
        length,
        sizes["channels"],
        sizes["hidden"],
    )
    assert (config.blocks, config.head_hidden) == (
        sizes.get("blocks", 1),
        sizes.get("head_hidden", 0),
    )
    assert config.positions is not pooled
    assert config.task == f"shape-symbols-{sizes['vocabulary'] - pooled}-{sizes['outputs']}"
    assert config.num_factors is None
    assert found.num_links == num_factors(sizes["seq_len"]) + 1
    assert found.unused == (["apc_embedding.weight"] if pooled else [])
    dice = torch.Generator().manual_seed(1)
    inputs = torch.randint(sizes["vocabulary"] - pooled, (1, length), generator=dice)
    begun = inputs
    if pooled:
        begun = torch.cat([torch.tensor([[sizes["vocabulary"] - 1]]), inputs], dim=1)
    expected = authors_answer(weights, begun, positions=not pooled)
    given = answers(found, inputs)
    scale = float(expected.abs().max())
    torch.testing.assert_close(given / scale, expected / scale, rtol=1e-3, atol=1e-3)
