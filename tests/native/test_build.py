"""The native library is built once, by one process, and never in anyone's way."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from paramixer_core import native
from paramixer_core.errors import ParamixerError
from paramixer_core.mixing import Implementation, choose, mix, prepare, use_implementation
from paramixer_core.mixing.table import settled
from paramixer_core.native import build
from tests.compiler import needs_compiler

pytestmark = pytest.mark.skipif(os.name != "posix", reason="built on POSIX systems alone")
VALUES, WEIGHTS = torch.ones(1, 4, 2), torch.ones(1, 1, 4, 1)


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    """A machine on which nothing has been built; the process forgets what it has settled on."""
    monkeypatch.setenv("PARAMIXER_CACHE", str(tmp_path / "cache"))
    caches = (build.library_path, native.function)
    before = dict(settled)
    for cached in caches:
        cached.cache_clear()
    settled.clear()
    yield tmp_path / "cache"
    for cached in caches:
        cached.cache_clear()
    settled.clear()
    settled.update(before)


def compiler(folder: Path, script: str) -> str:
    """A program that stands in for every compiler of the machine."""
    path = folder / "c++"
    path.write_text(f"#!/bin/sh\necho run >> {folder}/calls\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.mark.parametrize(
    "script",
    ["echo no such header >&2; exit 1", "exit 0", 'for last; do :; done; echo rubbish > "$last"'],
    ids=["it fails", "it writes nothing", "it writes rubbish"],
)
def test_a_broken_compiler_leaves_the_portable_path_and_is_asked_once(
    empty_cache, tmp_path, monkeypatch, script
):
    compiler(tmp_path, script)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(build, "CHECK", "import ctypes, sys; ctypes.CDLL(sys.argv[1])")
    assert prepare() is Implementation.PORTABLE
    asked = (tmp_path / "calls").read_text()
    assert prepare() is Implementation.PORTABLE
    assert (tmp_path / "calls").read_text() == asked
    assert build.failure_path().read_text()
    assert mix(VALUES, WEIGHTS, [[1]]).sum() == 16
    prepare(retry=True)
    assert (tmp_path / "calls").read_text() != asked


def test_without_a_compiler_asking_for_the_native_path_says_what_to_do(
    empty_cache, tmp_path, monkeypatch
):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    assert not native.prepare()
    with pytest.raises(ParamixerError, match=r"native library.*got none.*compiler"):
        mix(VALUES, WEIGHTS, [[1]], implementation="native")


def test_an_unwritable_cache_leaves_the_portable_path(tmp_path, monkeypatch, empty_cache):
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert prepare() is Implementation.PORTABLE


def test_a_user_who_cannot_write_at_home_has_the_library_beside_the_runs(tmp_path, monkeypatch):
    for name in ("PARAMIXER_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PARAMIXER_HOME", str(tmp_path / "runs"))
    assert build.cache_folder().is_relative_to(tmp_path / "home")
    monkeypatch.setattr(build.os, "access", lambda place, mode: False)
    assert build.cache_folder() == tmp_path / "runs" / "cache"


def test_nothing_is_built_by_mixing_and_the_first_choice_stays(empty_cache, monkeypatch):
    mix(VALUES, WEIGHTS, [[1]])
    assert not empty_cache.exists()
    assert choose("cpu") is Implementation.PORTABLE
    monkeypatch.setattr("paramixer_core.mixing.table.available", lambda: True)
    assert choose("cpu") is Implementation.PORTABLE


@needs_compiler
def test_builders_that_start_together_compile_once_and_all_get_it(tmp_path, monkeypatch, request):
    real = build.built()
    request.getfixturevalue("empty_cache")
    copy = f'sleep 0.3; for last; do :; done; cp "{real}" "$last"'
    monkeypatch.setenv("CXX", compiler(tmp_path, copy))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: build.build(), range(8)))
    assert set(found) == {build.library_path()}
    assert (tmp_path / "calls").read_text() == "run\n"
    assert {path.suffix for path in build.cache_folder().iterdir()} == {".so", ".lock"}
    assert prepare() is Implementation.NATIVE
    assert mix(VALUES, WEIGHTS, [[1]]).sum() == 16


def test_another_source_or_processor_is_another_library(monkeypatch):
    build.library_path.cache_clear()
    here = build.library_path()
    monkeypatch.setattr(build, "processor", lambda: "another")
    build.library_path.cache_clear()
    assert build.library_path() != here
    build.library_path.cache_clear()


@needs_compiler
def test_no_room_to_work_in_is_a_memory_error(monkeypatch):
    monkeypatch.setattr(native, "function", lambda name, dtype: lambda *arguments: 1)
    with use_implementation("native"), pytest.raises(MemoryError, match="mix_forward"):
        mix(VALUES, WEIGHTS, [[1]])
