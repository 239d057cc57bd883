"""Heads: flatten or class token, linear or with a hidden layer, for every mixer alike."""

import pytest
import torch

from paramixer_core.config import Pooling, Residual, RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.inspection import compacts_of, inspect_example, sparse_operator
from paramixer_core.models import MIXERS, Network, build_network
from paramixer_core.occlusion import occlude
from paramixer_core.tasks import InputKind, TaskShape, make_task
from paramixer_core.training import Trainer

SMALL = RunConfig(
    task="temporal_order", seq_len=12, channels=6, hidden=5, num_links=3, rival_size=4, batch=5,
    blocks=2, device="cpu",
)  # fmt: skip
CLASS = SMALL.replace(pooling=Pooling.CLASS_TOKEN)


def build(config: RunConfig) -> Network:
    task = make_task(config.task, config.seq_len)
    return build_network(config, task, torch.Generator().manual_seed(1))


@pytest.mark.parametrize("hidden", [0, 7])
@pytest.mark.parametrize("mixer", MIXERS)
def test_a_class_token_stands_before_the_sequence_and_alone_feeds_the_head(
    mixer: str, hidden: int
) -> None:
    config = CLASS.replace(mixer=mixer, head_hidden=hidden)
    network = build(config)
    inputs = make_task(config.task, 12).test_set().inputs[:3]
    source = network.embedding(inputs)
    assert source.shape == (3, 13, 6)
    assert network.embedding.class_token is not None
    assert torch.equal(source[:, 0], network.embedding.class_token.weight.expand(3, -1))
    plain = build(SMALL.replace(mixer=mixer))
    assert torch.equal(source[:, 1:], plain.embedding(inputs))
    values = source
    for block in network.blocks:
        values = block(values, source)
    assert torch.equal(network(inputs), network.head(values[:, 0]))
    for shown in network.reveal(inputs):
        assert shown.operator.shape == (3, 13, 13)


def test_a_hidden_head_is_linear_gelu_linear() -> None:
    network = build(SMALL.replace(head_hidden=7))
    shapes = {name: tuple(held.shape) for name, held in network.head.state_dict().items()}
    assert shapes == {
        "0.weight": (7, 72), "0.bias": (7,), "2.weight": (4, 7), "2.bias": (4,)
    }  # fmt: skip
    inputs = make_task("temporal_order", 12).test_set().inputs[:3]
    with torch.no_grad():
        source = network.embedding(inputs)
        values = source
        for block in network.blocks:
            values = block(values, source)
        weights = network.head.state_dict()
        first = values.flatten(1) @ weights["0.weight"].T + weights["0.bias"]
        hidden = torch.nn.functional.gelu(first)
        expected = hidden @ weights["2.weight"].T + weights["2.bias"]
        torch.testing.assert_close(network(inputs), expected)


def test_without_them_a_network_is_the_one_that_it_was() -> None:
    assert list(build(SMALL).head.state_dict()) == ["weight", "bias"]
    assert "embedding.class_token.weight" not in build(SMALL).state_dict()
    assert RunConfig.from_dict({"seq_len": 12}).pooling is Pooling.FLATTEN


@pytest.mark.parametrize("mixer", ["chord", "cdil", "attention"])
def test_a_run_with_a_class_token_trains_and_is_inspected(mixer: str) -> None:
    config = CLASS.replace(mixer=mixer, head_hidden=3, residual=Residual.FIRST)
    trainer = Trainer(config)
    before = trainer.step().loss
    assert torch.isfinite(torch.tensor(before))
    state, probe = trainer.state(), {k: v.numpy() for k, v in trainer.probe().items()}
    shown = inspect_example(config, state, 0)
    compact = compacts_of(config, probe, 0)[0]
    rows = sparse_operator(config, compact).rows([0, 12])
    torch.testing.assert_close(
        torch.from_numpy(rows).float(), shown.blocks[0].operator[0, [0, 12]], atol=1e-5, rtol=1e-5
    )
    inputs = trainer.task.test_set().inputs[:1]
    effects = occlude(config, state, inputs).effects
    assert effects.shape == (12,)
    assert (effects > 0).all()


@pytest.mark.parametrize(
    ("shape", "settings"),
    [
        pytest.param((1999, 17, 10), {"channels": 128, "hidden": 32, "head_hidden": 32}, id="ops"),
        pytest.param(
            (4096, 97, 2),
            {"channels": 32, "hidden": 128, "blocks": 3, "pooling": "class_token",
             "positions": False},
            id="imdb",
        ),
        pytest.param((1024, 256, 10), {"channels": 32}, id="cifar"),
        pytest.param((1024, 225, 2), {"channels": 64}, id="pathfinder"),
        pytest.param(
            (16384, 4290, 4),
            {"channels": 100, "hidden": 128, "pooling": "class_token", "positions": False},
            id="documents",
        ),
        pytest.param((16384, 6, 2), {"channels": 32, "hidden": 128}, id="genomes"),
    ],
)  # fmt: skip
def test_networks_of_the_papers_real_data_are_built_from_a_shape_alone(
    shape: tuple[int, int, int], settings: dict[str, object]
) -> None:
    seq_len, symbols, classes = shape
    config = RunConfig(seq_len=seq_len, **settings)  # type: ignore[arg-type]
    task = TaskShape(
        seq_len=seq_len, input_kind=InputKind.SYMBOLS, input_size=symbols, output_size=classes,
        positions=True,
    )  # fmt: skip
    network = build_network(config, task, torch.Generator().manual_seed(0))
    inputs = torch.randint(symbols, (1, seq_len), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert network(inputs).shape == (1, classes)
    positions = network.embedding.positions
    assert (positions is None) is (config.positions is False)


def test_a_wiring_must_have_the_tokens_that_are_mixed() -> None:
    from paramixer_core.analysis.wiring import Wiring
    from paramixer_core.protocols import Protocol

    def wired(tokens: int) -> RunConfig:
        text = Wiring.of_protocol(Protocol.CHORD, tokens).as_text()
        return CLASS.replace(mixer="wiring", wiring=text)

    assert build(wired(13))(make_task("temporal_order", 12).test_set().inputs[:1]).shape == (1, 4)
    with pytest.raises(ParamixerError, match="N = 12, got N = 13"):
        wired(12)
