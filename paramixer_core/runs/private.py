"""Files of the store that only the user who runs it may read."""

import os
import stat
from pathlib import Path

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600
PRIVATE_MASK = 0o077
"""What a process of the lab takes from the permissions of all that it writes (umask)."""


HELD = {
    *("runs", "hosts", "uploads", "benchmarks"),
    *("runs.db", "runs.db-wal", "runs.db-shm", "estimates.jsonl", "workers.log"),
    *("cookies.key", "operator.key"),
}
"""What the lab puts into its folder."""


def keep_private(folder: Path) -> None:
    """Make a folder that only its user may enter; what others could read in it is tightened.

    A folder that also holds other things is left as it is, and so is what belongs to another user.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
    if os.name == "nt":
        return
    entries = list(folder.iterdir())
    held = [path for path in entries if path.name in HELD]
    for path in held if len(held) < len(entries) else (folder, *held):
        if not path.is_symlink() and _ours(path) and _open_to_others(path):
            _tighten(path)


def _tighten(path: Path) -> None:
    path.chmod(PRIVATE_FOLDER if path.is_dir() else PRIVATE_FILE)
    if path.is_dir() and path.name in HELD:
        for below in path.rglob("*"):
            if not below.is_symlink() and _ours(below):
                below.chmod(PRIVATE_FOLDER if below.is_dir() else PRIVATE_FILE)


def _open_to_others(path: Path) -> bool:
    return bool(stat.S_IMODE(path.stat().st_mode) & PRIVATE_MASK)


def _ours(path: Path) -> bool:
    return path.stat().st_uid == os.geteuid()
