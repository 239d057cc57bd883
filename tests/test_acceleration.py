"""Faster ways to train: the same network, other precision, compiled where that works."""

import pytest
import torch
from torch import nn

from paramixer_core.acceleration import Accelerated
from paramixer_core.config import Execution, Precision, RunConfig
from paramixer_core.mixing import use_implementation
from paramixer_core.models import MIXERS
from paramixer_core.training import Trainer

CPU = torch.device("cpu")
IMPORTING = pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated")
"""PyTorch's compiler warns of a deprecation of its own when it is first imported."""

SMALL = RunConfig(seq_len=12, channels=8, hidden=8, batch=4, device="cpu")


@pytest.mark.parametrize("mixer", ["chord", "cdil", "attention"])
def test_bfloat16_trains_near_float32_with_float32_weights(mixer):
    assert mixer in MIXERS
    config = SMALL.replace(mixer=mixer, blocks=2)
    plain = Trainer(config)
    rounded = Trainer(config.replace(precision="bfloat16"))
    for _ in range(3):
        expected, found = plain.step(), rounded.step()
        assert found.loss != expected.loss
        assert found.loss == pytest.approx(expected.loss, rel=0.1)
    assert all(weight.dtype == torch.float32 for weight in rounded.network.parameters())


def test_a_run_keeps_to_the_path_that_it_began_with():
    with use_implementation("rolled"):
        trainer = Trainer(SMALL)
    with use_implementation("reference"):
        trainer.step()
    assert trainer.accelerated.path == "rolled"


@IMPORTING
def test_a_network_that_cannot_be_compiled_runs_as_it_is_and_says_why(monkeypatch):
    def broken(network: nn.Module, mode: str):
        from torch._dynamo.exc import BackendCompilerFailed

        def run(inputs: torch.Tensor):
            raise BackendCompilerFailed(network, RuntimeError("no compiler here"), None)

        return run

    monkeypatch.setattr(torch, "compile", broken)
    network = nn.Linear(3, 2)
    accelerated = Accelerated(network, Precision.FLOAT32, Execution.COMPILED, CPU)
    inputs = torch.ones(1, 3)
    assert torch.equal(accelerated.train(inputs), network(inputs))
    assert accelerated.problem is not None
    assert "no compiler here" in accelerated.problem


@IMPORTING
def test_a_compiled_run_trains_through_the_compiled_network(monkeypatch):
    modes = []

    def compiler(network: nn.Module, mode: str):
        modes.append(mode)
        return lambda inputs: network(inputs)

    monkeypatch.setattr(torch, "compile", compiler)
    compiled = Trainer(SMALL.replace(execution="compiled"))
    assert compiled.step().loss == Trainer(SMALL).step().loss
    assert modes == ["default"]
