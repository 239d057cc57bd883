"""The library's front door: quick to import, typed as it runs, and as the README shows it."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

import paramixer_core

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
FOR_OTHER_WORK = "torch._dynamo torch._inductor triton sympy pandas pyarrow sklearn"
"""What plain training on a CPU has no use for: a process that trains is 300 MB smaller without."""
TRAIN_DIGITS = """
from paramixer_core import RunConfig, Trainer
Trainer(RunConfig(task="digits", seq_len=64, batch=2, device="cpu")).step()
"""


@pytest.mark.parametrize("name", paramixer_core.__all__)
def test_a_public_name_is_the_object_of_its_module(name: str) -> None:
    home = import_module(f"paramixer_core.{paramixer_core.MODULE_OF_NAME[name]}")
    assert getattr(paramixer_core, name) is getattr(home, name)


def test_what_a_type_checker_sees_is_what_runs() -> None:
    tree = ast.parse((ROOT / "paramixer_core" / "__init__.py").read_text(encoding="utf-8"))
    (seen,) = [
        node
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    imported = {
        alias.name: node.module.removeprefix("paramixer_core.")
        for node in seen.body
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    assert imported == paramixer_core.MODULE_OF_NAME
    assert sorted(imported) == sorted(paramixer_core.__all__) == dir(paramixer_core)


def test_the_version_is_that_of_the_project_file() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert paramixer_core.__version__ == project["version"]


def test_a_name_that_is_not_there_is_an_ordinary_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'paramixer_core' has no attribute 'Performer'"):
        _ = paramixer_core.Performer


@pytest.mark.parametrize(
    ("statement", "heavy"),
    [
        ("import paramixer_core", "torch numpy networkx"),
        ("from paramixer_core import RunConfig", "torch"),
        ("from paramixer_core import Trainer", FOR_OTHER_WORK),
        (TRAIN_DIGITS, FOR_OTHER_WORK),
    ],
)
def test_an_import_loads_nothing_that_it_does_not_need(statement: str, heavy: str) -> None:
    code = f"import sys\n{statement}\nprint(*sys.modules.keys() & set({heavy.split()}))"
    command = [sys.executable, "-c", code]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert finished.stdout.split() == []


def test_the_ten_lines_of_the_readme_train_a_model(capsys: pytest.CaptureFixture[str]) -> None:
    code, *_ = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    exec(compile(code, str(README), "exec"), {"__name__": "readme"})
    accuracies = [float(shown) for shown in re.findall(r"([\d.]+)\s?%", capsys.readouterr().out)]
    assert len(accuracies) >= 3
    assert accuracies[-1] > 80
