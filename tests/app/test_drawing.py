"""Figures do not depend on what another visitor's script is loading at the same time."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FIGURES = sorted(
    path.stem
    for path in (ROOT / "app" / "figures").glob("*.py")
    if "drawing import go" in path.read_text()
)
CODE = "import sys, app.figures.{}; assert 'pandas' in sys.modules and sys.modules['pandas'].Series"


@pytest.mark.parametrize("module", FIGURES)
def test_pandas_is_whole_before_a_figure_is_built(module: str) -> None:
    done = subprocess.run([sys.executable, "-c", CODE.format(module)], cwd=ROOT, check=False)
    assert done.returncode == 0


def test_there_are_figures_to_look_at() -> None:
    assert len(FIGURES) >= 5


def test_plotly_is_reached_in_one_place() -> None:
    drawing = ROOT / "app" / "figures" / "drawing.py"
    others = [
        path
        for folder in ("app", "pages")
        for path in (ROOT / folder).rglob("*.py")
        if path != drawing
    ]
    assert len(others) > 20
    for path in others:
        text = path.read_text()
        assert "import plotly" not in text, path
        assert "from plotly" not in text, path
