"""Uploaded weights: ours and the authors' are read exactly; everything else gets a sentence."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save
from torch import Tensor

from paramixer_core.config import RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.inspection import load_network
from paramixer_core.runs.run import RunState
from paramixer_core.runs.store import RunStore
from paramixer_core.training import Trainer
from paramixer_core.uploads.importing import import_weights
from paramixer_core.uploads.recognise import Recognised, recognise
from paramixer_core.uploads.weights import MAX_BYTES, read_weights
from tests.small_runs import SMALL
from tests.uploads.mutations import WEIGHT_FILES, is_sentence, sentence_of

OURS = [
    pytest.param(SMALL, id="chord"),
    pytest.param(SMALL.replace(mixer="cdil", blocks=2, num_links=7), id="cdil"),
    pytest.param(SMALL.replace(mixer="attention", task="temporal_order"), id="attention"),
    pytest.param(SMALL.replace(task="digits", seq_len=64, positions=False), id="no-positions"),
]
REPEATS = 40  # of each mutation; 10,000 files in all were tried once


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    with RunStore(tmp_path) as made:
        yield made


def read(tensors: dict[str, Tensor], **given: object) -> Recognised:
    content = save({name: tensor.contiguous() for name, tensor in tensors.items()})
    return recognise(read_weights(content)[0], **given)


@pytest.mark.parametrize("config", OURS)
@pytest.mark.parametrize("prefix", ["", "network.", "state.network."])
def test_our_own_weights_come_back_as_the_same_network(config: RunConfig, prefix: str) -> None:
    trainer = Trainer(config)
    weights = trainer.network.state_dict()
    found = read({f"{prefix}{name}": weight for name, weight in weights.items()})
    inputs = trainer.task.test_set().inputs[:3]
    with torch.no_grad():
        answers = load_network(found.config, found.state)(inputs)
        assert torch.equal(answers, trainer.network(inputs))
    fields = ("task", "seq_len", "mixer", "channels", "hidden", "blocks")
    assert all(getattr(found.config, field) == getattr(config, field) for field in fields)
    assert (found.source, found.unused, len(found.matched)) == ("our names", [], len(weights))


def test_a_snapshot_with_its_optimiser_says_what_was_not_used() -> None:
    trainer = Trainer(SMALL)
    trainer.step()
    found = read(trainer.state())
    assert len(found.unused) > 0
    assert all(not name.startswith("network.") for name in found.unused)


def mlp(dice: torch.Generator, *sizes: int) -> dict[str, Tensor]:
    inputs, hidden, outputs = sizes
    return {
        "0.weight": 0.3 * torch.randn(hidden, inputs, generator=dice),
        "0.bias": torch.randn(hidden, generator=dice),
        "2.weight": 0.3 * torch.randn(outputs, hidden, generator=dice),
        "2.bias": torch.randn(outputs, generator=dice),
    }


def run_mlp(weights: dict[str, Tensor], prefix: str, tokens: Tensor) -> Tensor:
    inner = F.gelu(F.linear(tokens, weights[f"{prefix}0.weight"], weights[f"{prefix}0.bias"]))
    return F.linear(inner, weights[f"{prefix}2.weight"], weights[f"{prefix}2.bias"])


def authors_weights(links: int, *, adding: bool, pooled: bool = False) -> dict[str, Tensor]:
    """Two blocks at N = 16, D = 6, H = 5 under the names of their published models."""
    dice = torch.Generator().manual_seed(3)
    weights = {
        "embedding.weight": torch.randn(6, 6, generator=dice),
        "apc_embedding.weight": torch.randn(16, 6, generator=dice),
        "final.weight": torch.randn(1 if adding else 4, 6 if pooled else 96, generator=dice),
        "final.bias": torch.randn(1 if adding else 4, generator=dice),
    }
    if adding:
        weights["init_linear.weight"] = torch.randn(6, 2, generator=dice)
        weights["init_linear.bias"] = torch.randn(6, generator=dice)
    for block in range(2):
        named = {f"g.network.{n}": t for n, t in mlp(dice, 6, 5, 6).items()}
        for factor in range(4):
            made = mlp(dice, 6, 5, links)
            named |= {f"fs.{factor}.network.{n}": t for n, t in made.items()}
        weights |= {f"attention.{block}.{name}": tensor for name, tensor in named.items()}
    return weights


def authors_answer(weights: dict[str, Tensor], inputs: Tensor, *, cdil: bool) -> Tensor:
    """Their forward pass with the residual after every factor, written from their index lists."""
    if "init_linear.weight" in weights:
        data = F.linear(inputs, weights["init_linear.weight"], weights["init_linear.bias"])
    else:
        data = weights["embedding.weight"][inputs] + weights["apc_embedding.weight"]
    values = data
    for block in range(2):
        values = run_mlp(weights, f"attention.{block}.g.network.", values)
        for factor in range(4):
            links = run_mlp(weights, f"attention.{block}.fs.{factor}.network.", data)
            half = links.shape[-1] // 2
            ahead = [0, *(k * 2**factor for k in range(1, half + 1))]
            ahead += [-k * 2**factor for k in range(1, half + 1)]
            places = ahead if cdil else [0, 1, 2, 4, 8]
            values = values + sum(
                links[..., k : k + 1] * values.roll(-place, 1) for k, place in enumerate(places)
            )
    head = weights["final.weight"]
    pooled = values[:, 0] if head.shape[1] == 6 else values.flatten(1)
    return F.linear(pooled, head, weights["final.bias"])


@pytest.mark.parametrize("adding", [True, False], ids=["adding", "order"])
@pytest.mark.parametrize("cdil", [True, False], ids=["cdil", "chord"])
def test_the_authors_weights_give_the_authors_answers(adding: bool, cdil: bool) -> None:
    weights = authors_weights(7 if cdil else 5, adding=adding)
    found = read(weights)
    network = load_network(found.config, found.state)
    inputs = Trainer(found.config).task.test_set().inputs[:3]
    with torch.no_grad():
        answers, expected = network(inputs), authors_answer(weights, inputs, cdil=cdil)
    torch.testing.assert_close(answers, expected, rtol=1e-4, atol=1e-3)
    assert found.config.mixer == ("cdil" if cdil else "chord")
    unused = {"embedding.weight", "apc_embedding.weight"} if adding else set()
    assert (found.source, set(found.unused)) == ("the authors' names", unused)


def test_where_k_fits_both_protocols_the_reader_decides() -> None:
    weights = authors_weights(5, adding=False)
    assert any("fits CHORD and CDIL" in note for note in read(weights).notes)
    found = read(weights, mixer="cdil")
    inputs = Trainer(found.config).task.test_set().inputs[:2]
    with torch.no_grad():
        answers = load_network(found.config, found.state)(inputs)
    expected = authors_answer(weights, inputs, cdil=True)
    torch.testing.assert_close(answers, expected, rtol=1e-4, atol=1e-3)


def test_a_head_on_the_first_token_computes_the_same_widened() -> None:
    weights = authors_weights(5, adding=False, pooled=True)
    found = read(weights)
    inputs = Trainer(found.config).task.test_set().inputs[:2]
    with torch.no_grad():
        answers = load_network(found.config, found.state)(inputs)
    expected = authors_answer(weights, inputs, cdil=False)
    torch.testing.assert_close(answers, expected, rtol=1e-4, atol=1e-3)


def test_imported_weights_are_a_finished_run_with_a_snapshot(store: RunStore) -> None:
    run = import_weights(store, read(authors_weights(5, adding=True)), "somebody")
    assert (run.state, run.owner) == (RunState.FINISHED, "somebody")
    (snapshot,) = store.snapshots(run.id)
    trainer = Trainer(run.config)
    trainer.load_state(store.state(run.id, snapshot.step))
    assert store.evaluations(run.id).loss[0] == trainer.evaluate().loss
    probe = store.probe(run.id, snapshot.step)
    assert torch.equal(torch.from_numpy(probe["answers"]), trainer.probe()["answers"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"head.bias": None}, "1 missing, head.bias", id="missing"),
        pytest.param({"head.bias": torch.zeros(2)}, "head.bias of shape", id="shape"),
        pytest.param({"head.weight": torch.zeros(1, 95)}, "a head over N x 8", id="head"),
        pytest.param({"embedding.tokens.weight": torch.zeros(8, 3)}, "one of the tasks", id="task"),
        pytest.param({"head.bias": torch.tensor([torch.nan])}, "NaN or infinity", id="nan"),
        pytest.param({"head.bias": torch.zeros(1, dtype=torch.int8)}, "of dtype F64", id="dtype"),
        pytest.param(
            {"blocks.0.link_mlps.0.2.weight": torch.zeros(6, 6)}, "5 links a row", id="links"
        ),
    ],
)
def test_what_does_not_fit_is_named(change: dict[str, Tensor | None], said: str) -> None:
    weights = dict(Trainer(SMALL).network.state_dict()) | change
    with pytest.raises(ParamixerError, match=said):
        read({name: weight for name, weight in weights.items() if weight is not None})


def test_a_file_over_the_limit_is_refused_before_it_is_read() -> None:
    with pytest.raises(ParamixerError, match="at most 50 MiB"):
        read_weights(bytes(MAX_BYTES + 1))


def test_a_pickle_is_never_opened() -> None:
    with pytest.raises(ParamixerError, match="never opened here"):
        read_weights(b"\x80\x04cos\nsystem\n")


@pytest.mark.parametrize("mutate", WEIGHT_FILES, ids=lambda mutate: mutate.__name__)
@pytest.mark.parametrize("source", ["ours", "authors"])
def test_a_mutated_file_is_read_or_gets_one_sentence(mutate, source: str) -> None:
    weights = Trainer(SMALL).network.state_dict()
    weights = dict(weights) if source == "ours" else authors_weights(5, adding=True)
    whole = save({name: weight.contiguous() for name, weight in weights.items()})
    dice = random.Random(f"{mutate.__name__}{source}")
    for _ in range(REPEATS):
        content = mutate(dice, whole)
        assert is_sentence(sentence_of(lambda content=content: recognise(read_weights(content)[0])))
