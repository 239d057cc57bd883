"""PARAMIXER_DETERMINISTIC=1 fixes threads and path, so that a run repeats bit for bit."""

import os
import subprocess
import sys

import pytest

from paramixer_core.mixing import choose, use_implementation

LOSSES = """
import torch
from paramixer_core.config import RunConfig
from paramixer_core.mixing import choose
from paramixer_core.training import Trainer

torch.set_num_threads(3)
trainer = Trainer(RunConfig(seq_len=65, batch=7, channels=9, hidden=6, device="cpu"))
print([trainer.step().loss.hex() for _ in range(5)])
print(torch.get_num_threads(), choose("cpu"), torch.are_deterministic_algorithms_enabled())
"""


def run(**variables: str) -> list[str]:
    inherited = {name: value for name, value in os.environ.items() if "PARAMIXER" not in name}
    finished = subprocess.run(
        [sys.executable, "-c", LOSSES],
        env=inherited | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    return finished.stdout.splitlines()


def test_a_deterministic_run_repeats_bit_for_bit_whatever_the_threads() -> None:
    first = run(PARAMIXER_DETERMINISTIC="1", OMP_NUM_THREADS="1")
    assert run(PARAMIXER_DETERMINISTIC="1", OMP_NUM_THREADS="2") == first
    assert first[1] == "1 rolled True"
    assert run()[1].split()[::2] == ["3", "False"], "without it nothing is fixed"


def test_a_path_that_is_asked_for_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PARAMIXER_MIXING", raising=False)
    monkeypatch.setenv("PARAMIXER_DETERMINISTIC", "1")
    assert choose("cpu") == "rolled"
    with use_implementation("authors"):
        assert choose("cpu") == "authors"
    monkeypatch.setenv("PARAMIXER_MIXING", "reference")
    assert choose("cpu") == "reference"
    monkeypatch.delenv("PARAMIXER_MIXING")
    monkeypatch.setenv("PARAMIXER_DETERMINISTIC", "0")
    assert choose("cpu") != "rolled"
