"""The set-up: tested versions, nothing half made, nothing twice, one sentence when it cannot."""

import runpy
import subprocess
import sys
import zipfile
from collections import namedtuple
from pathlib import Path

import pip
import pytest
from packaging.requirements import Requirement

import install
from tests import upgrade

ROOT = Path(__file__).parents[1]
RUN = install.run
UNREACHABLE = "http://127.0.0.1:9/simple"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that needs one tiny package, at hand as a wheel, and no network."""
    for name, value in {"APP": "requirements.txt", "TESTS": "tests.txt"}.items():
        monkeypatch.setattr(install, name, Path(value))
        (tmp_path / value).write_text("tiny>=1  # a package\n")
    for version in ("1.0", "1.1"):
        with zipfile.ZipFile(tmp_path / f"tiny-{version}-py3-none-any.whl", "w") as wheel:
            folder = f"tiny-{version}.dist-info"
            wheel.writestr("tiny.py", f"version = '{version}'")
            text = f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n"
            wheel.writestr(f"{folder}/METADATA", text)
            wheel.writestr(
                f"{folder}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            )
            wheel.writestr(f"{folder}/RECORD", "")
    venv = tmp_path / ".venv"
    for name, path in {
        "ROOT": tmp_path,
        "VENV": venv,
        "CONSTRAINTS": tmp_path / "constraints.txt",
        "INSTALLED": venv / "installed.json",
        "UNFINISHED": venv / "unfinished",
    }.items():
        monkeypatch.setattr(install, name, path)
    (tmp_path / "constraints.txt").write_text("tiny==1.0\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setattr(install, "require_room", lambda needed: None)
    monkeypatch.setattr(install, "run", run_with_our_pip)
    return tmp_path


def run_with_our_pip(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Make a .venv that uses the pip of this one: to install another takes longer than the test."""
    if "venv" not in command:
        return RUN(command)
    made = RUN([*command, "--without-pip"])
    (packages,) = install.VENV.glob("[Ll]ib/**/site-packages")
    (packages / "pip.pth").write_text(str(Path(pip.__file__).parents[1]))
    return made


def version_installed() -> str:
    return install.run([str(install.python()), "-c", "import tiny; print(tiny.version)"]).stdout


def test_it_installs_the_tested_version_once_and_again_when_that_changes(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "theirs.txt").write_text("tiny==1.1\n")
    monkeypatch.setenv("PIP_CONSTRAINT", str(project / "theirs.txt"))  # the machine's own
    assert install.main([]) == 0
    assert version_installed().strip() == "1.0"
    with monkeypatch.context() as patch:
        patch.setattr(install, "pip_install", lambda wanted, constrained: pytest.fail("again"))
        assert install.main([]) == 0
    (project / "constraints.txt").write_text("tiny==1.1\n")
    assert install.main([]) == 0
    assert version_installed().strip() == "1.1"


def test_what_was_stopped_is_made_anew(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(wanted: object, constrained: bool) -> None:
        (install.VENV / "half").touch()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(install, "pip_install", interrupted)
        assert install.main([]) == 130
    assert install.installed() == {}
    assert install.main([]) == 0
    assert not (install.VENV / "half").exists()
    assert version_installed().strip() == "1.0"


def test_without_the_network_it_ends_with_one_sentence_and_nothing_counts_as_installed(
    project: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", UNREACHABLE)
    monkeypatch.setenv("PIP_RETRIES", "0")
    assert install.main([]) == 1
    said = capfd.readouterr()
    assert said.err.splitlines()[-1].startswith("Expected the network to download the packages")
    assert "conflict" not in said.out + said.err
    assert install.installed() == {}


def test_too_small_a_disk_is_told_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(install, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(install, "UNFINISHED", tmp_path / ".venv" / "unfinished")
    monkeypatch.setattr(install, "INSTALLED", tmp_path / ".venv" / "installed.json")
    monkeypatch.setattr(install.shutil, "disk_usage", lambda path: usage(1e9))
    monkeypatch.setattr(install, "brings_cuda", lambda: True)
    assert install.main([]) == 1
    size, *_, last = capfd.readouterr().err.splitlines()
    assert "GB to download" in size
    assert "minutes" in size
    assert last.startswith("Expected 6.5 GB of free disk")
    assert "got 1.0 GB" in last
    assert not (tmp_path / ".venv").exists()


def test_a_system_pytorch_is_used_or_refused_by_its_release(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files = [install.APP, install.TESTS]
    everything = set(install.requirements(files, "pip"))
    (left_out,) = everything - set(install.requirements(files, "system"))
    assert left_out.startswith("torch==")
    assert left_out.startswith(f"torch=={install.TESTED_TORCH}.")
    for version, refused in [("2.13.1+cu130", False), ("2.1.0", True), ("", True)]:
        found = subprocess.CompletedProcess([], 0 if version else 1, version, "")
        monkeypatch.setattr(install, "run", lambda command, found=found: found)
        if refused:
            with pytest.raises(install.InstallError, match=r"Expected PyTorch 2\.13 beside"):
                install.require_torch_of_the_system()
        else:
            install.require_torch_of_the_system()


def test_a_full_disk_is_told_from_what_pip_says() -> None:
    said = install.explained("ERROR: [Errno 28] No space left on device\n")
    assert said.startswith("Expected room for the packages, the disk is full")
    assert install.explained("WARNING: something else") == ""


@pytest.mark.parametrize("version", [(3, 10, 13), (3, 14, 0)])
def test_another_python_is_told_which_it_should_be(
    version: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "version_info", version)
    monkeypatch.setattr(sys, "version", ".".join(map(str, version)))
    with pytest.raises(SystemExit, match=r"Expected Python 3\.11, 3\.12 or 3\.13, got 3\.1[04]"):
        runpy.run_path(str(ROOT / "install.py"))


@pytest.mark.parametrize("each", upgrade.PYTHONS)
def test_every_requirement_has_a_tested_version_in_its_range(each: str) -> None:
    pinned = upgrade.parsed(install.CONSTRAINTS.read_text())[each]
    for text in install.requirements([install.APP, install.TESTS], "pip"):
        wanted = Requirement(text)
        assert wanted.specifier.contains(pinned[install.name_of(wanted.name)]), text


def test_the_versions_are_written_as_they_are_read() -> None:
    text = install.CONSTRAINTS.read_text()
    assert upgrade.written(upgrade.parsed(text)) == text


def test_versions_of_one_python_leave_those_of_the_others() -> None:
    before = upgrade.parsed('a==1\nb==1; python_version == "3.11"\n')
    after = upgrade.written(before | {"3.12": {"a": "2", "c": "3"}})
    assert after.splitlines()[1:] == [
        'a==1; python_version == "3.11"',
        'a==2; python_version == "3.12"',
        'a==1; python_version == "3.13"',
        "b==1",
        "c==3",
    ]
