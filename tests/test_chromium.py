"""A missing browser is installed or named as missing; it never turns tests into skipped ones."""

from pathlib import Path

import pytest

from tests import chromium
from tests.chromium import NoChromiumError, find_chromium, provide_chromium


@pytest.fixture
def browser(tmp_path: Path) -> Path:
    path = tmp_path / "a browser"
    path.touch(mode=0o755)
    return path


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, ...]]:
    """A machine with apt, as root, without a browser; lists the commands that it was given."""
    given: list[tuple[str, ...]] = []
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setattr(chromium, "candidates", lambda: iter([tmp_path / "a browser"]))
    monkeypatch.setattr(chromium.shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(chromium.os, "geteuid", lambda: 0, raising=False)
    monkeypatch.setattr(chromium, "succeeds", lambda command: bool(given.append(command)))
    return given


def test_the_browser_named_by_the_environment_comes_first(
    browser: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHROMIUM", str(browser))
    assert find_chromium() == browser


def test_a_named_browser_that_is_not_there_raises_and_nothing_is_installed(
    browser: Path, bare_machine: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    browser.unlink()
    monkeypatch.setenv("CHROMIUM", str(browser))
    with pytest.raises(NoChromiumError, match="set CHROMIUM"):
        provide_chromium()
    assert bare_machine == []


@pytest.mark.usefixtures("browser")
def test_a_browser_that_is_there_is_taken_and_nothing_is_installed(
    bare_machine: list[tuple[str, ...]],
) -> None:
    assert provide_chromium().name == "a browser"
    assert bare_machine == []


def test_without_any_way_to_install_one_the_sentence_says_what_to_do(
    bare_machine: list[tuple[str, ...]],
) -> None:
    with pytest.raises(NoChromiumError, match=r"found none: .* install .* chromium"):
        provide_chromium()
    tried = [" ".join(command) for command in bare_machine]
    assert tried[0] == "apt-get update"
    assert tried[-1].endswith("playwright install chromium")


def test_the_system_package_is_enough(
    bare_machine: list[tuple[str, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def install(command: tuple[str, ...]) -> bool:
        bare_machine.append(command)
        if "install" in command:
            (tmp_path / "a browser").touch(mode=0o755)
        return True

    monkeypatch.setattr(chromium, "succeeds", install)
    assert provide_chromium().name == "a browser"
    assert [command[0] for command in bare_machine] == ["apt-get", "apt-get"]


def test_only_root_installs_the_system_package(
    bare_machine: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chromium.os, "geteuid", lambda: 1000, raising=False)
    with pytest.raises(NoChromiumError):
        provide_chromium()
    assert [command[1:3] for command in bare_machine] == [("-m", "playwright")]
