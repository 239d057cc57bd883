"""What the lab keeps can be read by its own user alone."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from paramixer_core.errors import ParamixerError
from paramixer_core.runs.database import default_home
from paramixer_core.runs.store import RunStore

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(os.name == "nt", reason="permissions are a matter of POSIX")


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def open_to_others(folder):
    return [path for path in (folder, *folder.rglob("*")) if mode(path) & 0o077]


def test_all_that_a_run_of_the_command_line_leaves_is_private(tmp_path):
    home = tmp_path / "home"
    command = [sys.executable, "-m", "paramixer_core.runs", "--store", str(home), "train"]
    command += ["--seq-len", "4", "--steps", "3", "--batch", "2", "--channels", "4"]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True, umask=0o022)
    assert list(home.rglob("*.safetensors"))
    assert list(home.rglob("worker.log"))
    assert open_to_others(home) == []


def test_a_store_that_others_could_read_is_tightened(tmp_path):
    RunStore(tmp_path).close()
    inside = tmp_path / "runs" / "some" / "step.safetensors"
    inside.parent.mkdir()
    inside.touch()
    for path in (tmp_path, *tmp_path.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    RunStore(tmp_path).close()
    assert open_to_others(tmp_path) == []


def test_a_folder_that_holds_other_things_keeps_its_permissions(tmp_path):
    tmp_path.chmod(0o755)
    (tmp_path / "letters").mkdir(mode=0o755)
    RunStore(tmp_path).close()
    assert mode(tmp_path) == 0o755
    assert mode(tmp_path / "letters") == 0o755
    assert mode(tmp_path / "runs.db") == 0o600
    assert mode(tmp_path / "runs") == 0o700


@pytest.mark.parametrize("named", ["~nosuchuser/x", "~nosuchuser"])
def test_a_home_of_nobody_gets_a_sentence(monkeypatch, named):
    monkeypatch.setenv("PARAMIXER_HOME", named)
    with pytest.raises(ParamixerError, match="PARAMIXER_HOME") as refused:
        default_home()
    assert named in str(refused.value)


def test_what_was_kept_before_is_found_again(monkeypatch, tmp_path):
    monkeypatch.delenv("PARAMIXER_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert default_home().is_relative_to(tmp_path)
    before = tmp_path / ".local/share/paramixer-lab"
    before.mkdir(parents=True)
    assert default_home() == before
