"""Compile our C++ once per machine and keep it: absent, never in the way, when that fails."""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import torch
from filelock import FileLock

SOURCES = ("mixing.cpp", "link_mlps.cpp", "check.cpp")
HEADERS = ("vectors.h",)
FOLDER = Path(__file__).parent
FLAGS = ("-std=c++17", "-O3", "-march=native", "-fPIC", "-shared", "-fvisibility=hidden")
WIDE = "-mprefer-vector-width=512"  # GCC and Clang on x86 halve their vectors without it
TIMEOUT_SECONDS = 120
CHECK = "import ctypes, sys; sys.exit(ctypes.CDLL(sys.argv[1]).self_check())"
"""Run in a process of its own, so that a bad library cannot take this one down."""


def cache_folder() -> Path:
    """Where built libraries are kept: PARAMIXER_CACHE, else the user's cache folder.

    A user who cannot write there has them in PARAMIXER_HOME, beside the runs.
    """
    if chosen := os.environ.get("PARAMIXER_CACHE"):
        return Path(chosen)
    if sys.platform == "darwin":
        folder = Path.home() / "Library" / "Caches" / "paramixer"
    else:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "paramixer"
    home = os.environ.get("PARAMIXER_HOME")
    return Path(home) / "cache" if home and not can_be_written(folder) else folder


def can_be_written(folder: Path) -> bool:
    """Whether this user may write in a folder, or make it."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    return os.access(there, os.W_OK)


def processor() -> str:
    """What -march=native depends on: another processor must not load this one's library."""
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return f"{platform.machine()} {platform.processor()}"
    first = info.read_text().partition("\n\n")[0]
    told = ("model name", "flags", "Features", "CPU part")
    return "\n".join(line for line in first.splitlines() if line.startswith(told))


@lru_cache(maxsize=1)
def library_path() -> Path:
    """The library's place, named by its sources, flags, PyTorch and this processor."""
    digest = hashlib.sha256()
    for name in (*SOURCES, *HEADERS):
        digest.update((FOLDER / name).read_bytes())
    digest.update(repr((FLAGS, WIDE, torch.__version__, platform.machine(), processor())).encode())
    return cache_folder() / f"native-{digest.hexdigest()[:24]}.so"


def built() -> Path | None:
    """The library if it has been built on this machine; takes no time and builds nothing."""
    path = library_path()
    return path if path.exists() else None


def failure_path() -> Path:
    """Where a failed build leaves its reason, so that it is not tried again and again."""
    return library_path().with_suffix(".failed")


def build(*, retry: bool = False) -> Path | None:
    """Build the library unless it is there; None when this machine cannot.

    Any number of processes may call this at once: one compiles, the others wait for it. The
    library appears under its name complete and checked, or not at all. After a failure further
    calls give up at once, until `retry`, or a change of sources or PyTorch.
    """
    if os.name != "posix":
        return None
    path = library_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with only_one(path.with_suffix(".lock")):
            if path.exists():
                return path
            if failure_path().exists() and not retry:
                return None
            problem = compile_into(path)
            if problem is None:
                return path
            failure_path().write_text(problem)
    except OSError:  # no cache folder to write to: this machine has no native path
        return None
    return None


def compilers() -> list[str]:
    """The C++ compilers of this machine, the one that CXX names first."""
    names = dict.fromkeys(filter(None, (os.environ.get("CXX"), "c++", "g++", "clang++")))
    return [compiler for name in names if (compiler := shutil.which(name))]


def compile_into(path: Path) -> str | None:
    """Compile, check and move into place; the reason when no compiler manages."""
    found = compilers()
    problems = [] if found else ["no C++ compiler: set CXX or install g++ or clang++"]
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        draft = Path(folder) / path.name
        for compiler in found:
            for extra in ((WIDE, "-fopenmp"), ("-fopenmp",), ()):
                sources = [str(FOLDER / name) for name in SOURCES]
                problem = run([compiler, *FLAGS, *extra, *sources, "-o", str(draft)])
                problem = problem or run([sys.executable, "-c", CHECK, str(draft)])
                if problem is None:
                    draft.replace(path)
                    return None
                problems.append(problem)
    return "\n\n".join(problems)


def run(command: list[str]) -> str | None:
    """Run a command; None if it succeeds, else what it said."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{command[0]}: {error}"
    return (
        None if done.returncode == 0 else f"{' '.join(command)}: {done.stderr or done.returncode}"
    )


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Hold a lock file; the system frees it even if this process dies."""
    with FileLock(path, mode=0o600):
        yield
