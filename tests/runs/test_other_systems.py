"""Training needs no module that Windows lacks."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ABSENT = ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty")
BLOCKED = f"import sys\nsys.modules.update(dict.fromkeys({ABSENT!r}))\n"


@pytest.mark.filterwarnings("default")
def test_a_run_trains_where_what_only_posix_has_is_absent(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(BLOCKED)  # workers are blocked from it, too
    command = [sys.executable, "-m", "paramixer_core.runs", "--store", str(tmp_path / "home")]
    command += ["train", "--seq-len", "4", "--steps", "3", "--batch", "2", "--channels", "4"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={"PATH": "", "PYTHONPATH": f"{tmp_path}:{ROOT}", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "finished [" in done.stderr
    assert "3/3" in done.stderr


def test_the_app_is_loaded_where_it_is_absent(tmp_path: Path) -> None:
    load = f"{BLOCKED}import app.serving, app.gate, app.limits, app.patience, app.engine"
    done = subprocess.run(
        [sys.executable, "-c", load],
        cwd=ROOT,
        env={"PATH": "", "PARAMIXER_HOME": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
