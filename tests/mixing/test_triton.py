"""The Triton kernels agree with the equation in Triton's interpreter, and compile for GPUs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from paramixer_core.errors import ParamixerError
from paramixer_core.mixing import choose

pytest.importorskip("triton")


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Start Python at the root of the project with more environment."""
    root = Path(__file__).parents[2]
    command = [sys.executable, *map(str, arguments)]
    more = {**os.environ, "PYTHONPATH": str(root), **environment}
    return subprocess.run(command, env=more, cwd=root, capture_output=True, text=True)


def test_values_and_gradients_are_the_references_in_the_interpreter():
    done = run(Path(__file__).with_name("triton_cases.py"), TRITON_INTERPRET="1")
    assert done.returncode == 0, done.stderr


def test_the_kernels_compile_to_machine_code_for_an_h100(tmp_path):
    place = {"TRITON_CACHE_DIR": str(tmp_path), "TRITON_DEFAULT_FP_FUSION": "1"}
    done = run(Path(__file__).with_name("triton_cases.py"), "compile", **place)
    assert done.returncode == 0, done.stderr


def test_on_a_cpu_the_kernels_run_in_the_interpreter_alone(monkeypatch):
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    with pytest.raises(ParamixerError, match="runs on cpu, got triton"):
        choose("cpu", "triton")
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    assert choose("cpu", "triton") == "triton"
