"""What other code may rely on: every package's public names, pinned."""

import ast
import importlib
from pathlib import Path

import pytest

from tests import house_rules

ROOT = Path(__file__).parents[1]

PUBLIC = {
    "paramixer_core": [
        "MIXERS",
        "TASKS",
        "Batch",
        "BlockOperators",
        "Diverged",
        "Evaluation",
        "LinkSource",
        "Network",
        "ParamixerError",
        "Protocol",
        "Record",
        "Residual",
        "RunConfig",
        "Snapshot",
        "Task",
        "Trainer",
        "build_network",
        "choose_device",
        "link_columns",
        "make_task",
        "mix",
        "num_factors",
        "protocol_graph",
        "protocol_offsets",
        "train",
    ],
    "paramixer_core.cost": [
        "BLOCK_COSTS",
        "CostReport",
        "CostShape",
        "PartCost",
        "Quantity",
        "cost_report",
    ],
    "paramixer_core.models": [
        "MIXERS",
        "BlockOperators",
        "Mixer",
        "MixerKind",
        "Network",
        "WIRED",
        "build_network",
        "config_for",
        "mixer_kind",
    ],
    "paramixer_core.tasks": [
        "TASKS",
        "Batch",
        "InputKind",
        "Task",
        "TaskShape",
        "known_task",
        "make_task",
    ],
    "paramixer_core.mixing": [
        "Implementation",
        "choose",
        "mix",
        "mix_first",
        "prepare",
        "use_implementation",
    ],
    "paramixer_core.native": ["available", "call", "prepare"],
    "paramixer_core.gallery": ["GALLERY_FOLDER", "RECIPES", "Gallery", "Shelf"],
    "paramixer_core.runs": [
        "Command",
        "Curve",
        "Executor",
        "Failure",
        "Run",
        "RunState",
        "RunStore",
        "SnapshotInfo",
        "StoreError",
        "TestCurve",
        "default_home",
        "open_executor",
    ],
    "app.components": [
        "MAX_POINTS",
        "Card",
        "Cell",
        "DenseMatrix",
        "Line",
        "LineChart",
        "MatrixSource",
        "SparseMatrix",
        "StreamedMatrix",
        "TokenForm",
        "growth_view",
        "live_lines",
        "matrix_view",
        "pattern_of_offsets",
        "points_per_line",
        "ring_view",
        "routes_view",
        "tokens_view",
        "TokenValues",
        "pressed_cell",
        "runs_payload",
        "runs_view",
        "values_view",
    ],
}


def declared() -> set[str]:
    """The packages that declare `__all__`, read from their source."""
    found = set()
    for path in house_rules.files(ROOT, (house_rules.CORE, house_rules.APP), ".py"):
        body = ast.parse((ROOT / path).read_text(encoding="utf-8")).body
        targets = [t for node in body if isinstance(node, ast.Assign) for t in node.targets]
        names = {target.id for target in targets if isinstance(target, ast.Name)}
        if path.name == "__init__.py" and "__all__" in names:
            found.add(".".join(path.parent.parts))
    return found


def test_every_package_with_public_names_is_pinned_here() -> None:
    assert declared() == set(PUBLIC)


@pytest.mark.parametrize("package", PUBLIC)
def test_public_names_are_as_pinned_exist_and_are_described(package: str) -> None:
    module = importlib.import_module(package)
    assert len(module.__all__) == len(set(module.__all__))
    assert set(module.__all__) ^ set(PUBLIC[package]) == set(), "pin the change in PUBLIC"
    undescribed = [
        name
        for name in module.__all__
        if callable(value := getattr(module, name)) and not value.__doc__
    ]
    assert undescribed == []
