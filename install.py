"""Fills .venv with the exact versions that were tested: `python3 install.py`, then start the app.

Needs nothing but Python 3.11, 3.12 or 3.13, on any system; `make run` and `make test` call it too.
Done once: while the requirements stay the same, further calls end at once and use no network.
"""

import sys

if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    sys.exit(
        f"Expected Python 3.11, 3.12 or 3.13, got {sys.version.split()[0]}: install one of them "
        "and name it, as in `python3.12 install.py` or `make run PYTHON=python3.12`."
    )

import argparse
import hashlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
CONSTRAINTS = ROOT / "constraints.txt"
APP, TESTS = Path("requirements.txt"), Path("tests", "requirements.txt")
INSTALLED, UNFINISHED = VENV / "installed.json", VENV / "unfinished"
TORCH = "torch"
TESTED_TORCH = "2.13"

DISK_GB = {True: 6.5, False: 2.5}
DOWNLOAD_GB = {True: 3.0, False: 0.6}
MINUTES = {True: "5 to 15", False: "2 to 5"}
"""By whether pip's PyTorch for this system brings CUDA's libraries; at 10 to 50 MB/s."""
NO_NETWORK = ("NewConnectionError", "NameResolutionError", "ConnectTimeout", "Read timed out")
LAST_RETRY = "Retry(total=0"
NO_ROOM = ("No space left on device", "Disk quota exceeded")


class InstallError(Exception):
    """One sentence for the person who wants to start."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="install.py", description=__doc__)
    parser.add_argument("--tests", action="store_true", help="the tools of the tests too")
    parser.add_argument("--torch", choices=["pip", "system"], help="take the PyTorch that is there")
    options = parser.parse_args(arguments)
    try:
        install(tests=options.tests, torch=options.torch)
    except InstallError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped. The same command starts over.\n")
        return 130
    return 0


def install(*, tests: bool, torch: str | None, constrained: bool = True) -> None:
    """Bring .venv to what is asked for, and do nothing if it is there; raises InstallError."""
    before = installed()
    torch = torch or str(before.get(TORCH, "pip"))
    tests = tests or bool(before.get("tests"))
    wanted = {TORCH: torch, "tests": tests, "files": digest(tests)}
    if before == wanted and constrained:
        return
    if before.get(TORCH) != torch or not constrained:
        make_venv(torch, tests)
    files = [APP, TESTS] if tests else [APP]
    UNFINISHED.touch()
    INSTALLED.unlink(missing_ok=True)
    if torch == "system":
        require_torch_of_the_system()
    pip_install(requirements(files, torch), constrained=constrained)
    INSTALLED.write_text(json.dumps(wanted), encoding="utf-8")
    UNFINISHED.unlink()


def installed() -> dict[str, object]:
    """What .venv holds; empty if it is not there, half made, or of a Python that is gone."""
    if UNFINISHED.exists() or not INSTALLED.exists():
        return {}
    check = "import pip, sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))"
    if Path(sys.prefix).resolve() != VENV and run([str(python()), "-c", check]).returncode:
        return {}
    try:
        found: dict[str, object] = json.loads(INSTALLED.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def digest(tests: bool) -> str:
    """What changes when another set of packages is asked for."""
    files = [APP, CONSTRAINTS, *([TESTS] if tests else [])]
    return hashlib.sha256(b"\0".join((ROOT / file).read_bytes() for file in files)).hexdigest()


def python() -> Path:
    """The Python of .venv."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command silently; a program that is not there is a failure like any other."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        return subprocess.CompletedProcess(command, 127, "", str(error))


def make_venv(torch: str, tests: bool) -> None:
    """Make .venv anew; say what that takes, and raise InstallError if it cannot be."""
    base = getattr(sys, "_base_executable", None) or sys.executable
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        raise InstallError(
            f"Expected the venv module beside {base}, found none: install it "
            "(Debian, Ubuntu: apt install python3-venv)."
        )
    cuda = torch == "pip" and brings_cuda()
    version = platform.python_version()
    sys.stderr.write(
        f"Setting up .venv with Python {version}, once: about {DOWNLOAD_GB[cuda]:.1f} GB to "
        f"download, {DISK_GB[cuda]:.1f} GB on the disk, {MINUTES[cuda]} minutes.\n"
    )
    if cuda:
        sys.stderr.write(
            "Most of it is PyTorch with CUDA; where a PyTorch is installed already, "
            "`make run TORCH=system` (install.py --torch system) uses that one.\n"
        )
    if VENV.exists():
        shutil.rmtree(VENV)
    require_room(DISK_GB[cuda] + 0.5 * tests)
    flags = ["--system-site-packages"] if torch == "system" else []
    made = run([base, "-m", "venv", *flags, str(VENV)])
    if made.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        reason = (made.stderr or made.stdout).strip().splitlines() or ["no reason given"]
        raise InstallError(f"Expected to make {VENV}, failed: {reason[-1]}")


def brings_cuda() -> bool:
    """Whether pip's PyTorch for this system has CUDA's libraries as requirements."""
    return sys.platform == "linux"


def require_room(needed: float) -> None:
    """Raise InstallError unless so many GB are free where .venv lies."""
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < needed:
        raise InstallError(
            f"Expected {needed:.1f} GB of free disk at {ROOT}, got {free:.1f} GB: make room, move "
            "this folder to a larger disk, or use an installed PyTorch: make run TORCH=system."
        )


def require_torch_of_the_system() -> None:
    """Raise InstallError unless .venv sees a PyTorch of the tested release."""
    code = "from importlib.metadata import version; print(version('torch'))"
    found = run([str(python()), "-c", code])
    version = found.stdout.strip() if found.returncode == 0 else "none"
    if not version.startswith(f"{TESTED_TORCH}."):
        raise InstallError(
            f"Expected PyTorch {TESTED_TORCH} beside {platform.python_version()} for TORCH=system, "
            f"got {version}: install that release there, or leave TORCH=system out."
        )


def requirements(files: Sequence[Path], torch: str) -> Iterator[str]:
    """What pip is to install, a requirement each; without PyTorch where the system's is used."""
    for file in files:
        for line in (ROOT / file).read_text(encoding="utf-8").splitlines():
            wanted = line.partition("#")[0].strip()
            if wanted and not (torch == "system" and name_of(wanted) == TORCH):
                yield wanted


def name_of(requirement: str) -> str:
    """The package that a requirement is about, as pip spells it."""
    letters = [char if char.isalnum() or char in "-_." else " " for char in requirement]
    return "".join(letters).split()[0].lower().replace("_", "-").replace(".", "-")


def pip_install(wanted: Iterator[str], *, constrained: bool) -> None:
    """Install into .venv, pip's own progress on the terminal; raises InstallError.

    Our constraints take the place of a machine's own, which could only contradict exact versions.
    """
    options = ["--disable-pip-version-check", "--no-input", "--retries", "3"]
    limits = {"PIP_CONSTRAINT": str(CONSTRAINTS) if constrained else "", "PIP_USER": "0"}
    process = subprocess.Popen(
        [str(python()), "-m", "pip", "install", *options, *wanted],
        env=os.environ | limits,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    reason = ""
    with process:
        for line in process.stderr or ():
            reason = reason or explained(line)
            if not reason:
                sys.stderr.write(line)
            elif LAST_RETRY in line:  # what pip would say next is about conflicts of versions
                process.terminate()
    if process.returncode:
        raise InstallError(reason or "pip failed, its words are above; nothing half made is kept.")


def explained(line: str) -> str:
    """What a line of pip's complaints means, as one sentence; empty if it says it itself."""
    if any(sign in line for sign in NO_NETWORK):
        return (
            "Expected the network to download the packages, reached nobody: connect it, or set "
            "pip up for a mirror, and run the same command again; nothing half made is kept."
        )
    if any(sign in line for sign in NO_ROOM):
        return (
            "Expected room for the packages, the disk is full: make room (TMPDIR names another "
            "place for what is unpacked) and run the same command again."
        )
    return ""


if __name__ == "__main__":
    sys.exit(main())
