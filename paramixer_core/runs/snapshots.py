"""Snapshot files: weights, optimiser and probe figures of one step, whole or not there at all."""

import json
import os
import re
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors import SafetensorError, safe_open

from paramixer_core.runs.store_errors import StoreError

if TYPE_CHECKING:
    from torch import Tensor

STATE, PROBE = "state.", "probe."
TEMPORARY = ".part"
CHECKSUM, UNKNOWN = "crc32", "0" * 8
"""A note in the file's header: the CRC-32 of the whole file with UNKNOWN in the note's place."""


def snapshot_file(folder: Path, step: int) -> Path:
    """Where the snapshot of `step` lies in a run's folder."""
    return folder / f"{step:08d}.safetensors"


def write(
    path: Path, state: "Mapping[str, Tensor]", probe: "Mapping[str, Tensor]", note: dict[str, str]
) -> int:
    """Write a snapshot and return its size in bytes.

    The file gets its name only once its content is on the disk, so a crash at any moment leaves
    either the whole snapshot or none. Raises OSError as the file system does.
    """
    from safetensors.torch import save

    tensors = {STATE + name: _plain(tensor) for name, tensor in state.items()}
    tensors |= {PROBE + name: _plain(tensor) for name, tensor in probe.items()}
    return _write_whole(path, save(tensors, {"format": "pt", CHECKSUM: UNKNOWN, **note}))


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray], note: dict[str, str]) -> int:
    """Like `write`, for what `read_arrays` gave, names and all."""
    from safetensors.numpy import save

    return _write_whole(path, save(dict(arrays), {"format": "pt", CHECKSUM: UNKNOWN, **note}))


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Everything in a snapshot, under the file's own names. Raises StoreError if unreadable."""
    from safetensors.numpy import load_file

    try:
        _require_sound(path)
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise unreadable(path, error) from error


def _write_whole(path: Path, content: bytes) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(TEMPORARY)
    start = _start_of_tensors(content)
    header = _noted(content[:start], f"{zlib.crc32(content):08x}")
    try:
        with part.open("wb") as file:
            file.write(header)
            file.write(memoryview(content)[start:])
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
    return len(content)


def _start_of_tensors(content: bytes) -> int:
    return 8 + int.from_bytes(content[:8], "little")


def _noted(header: bytes, checksum: str) -> bytes:
    note = rb'("%b": *")[0-9a-f]{8}' % CHECKSUM.encode()
    return re.sub(note, rb"\g<1>" + checksum.encode(), header, count=1)


def _require_sound(path: Path) -> None:
    """Raise StoreError if the file is not what was written; one of before has no sum to tell."""
    with path.open("rb") as file:
        start = file.read(8)
        header = start + file.read(min(_start_of_tensors(start) - 8, path.stat().st_size))
        blank = _noted(header, UNKNOWN)
        found = zlib.crc32(blank)
        while block := file.read(2**20):
            found = zlib.crc32(block, found)
    if header not in (blank, _noted(header, f"{found:08x}")):
        error = ValueError("one that was damaged after it was written")
        raise unreadable(path, error)


def clear_parts(folder: Path) -> None:
    """Remove what writes that were cut off have left."""
    for part in folder.glob(f"*{TEMPORARY}"):
        part.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make renames and deletions in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_state(path: Path) -> "dict[str, Tensor]":
    """The trainer's state, as Trainer.load_state takes it. Raises StoreError if unreadable."""
    try:
        _require_sound(path)
        with safe_open(path, framework="pt") as file:
            names = [name for name in file.keys() if name.startswith(STATE)]  # noqa: SIM118
            return {name.removeprefix(STATE): file.get_tensor(name) for name in names}
    except (OSError, SafetensorError) as error:
        raise unreadable(path, error) from error


def read_probe(path: Path, names: Collection[str] | None = None) -> dict[str, np.ndarray]:
    """Probe figures as arrays; only those in `names` if given. Raises StoreError if unreadable."""
    try:
        with safe_open(path, framework="np") as file:
            held = [name for name in file.keys() if name.startswith(PROBE)]  # noqa: SIM118
            figures = {name.removeprefix(PROBE): name for name in held}
            return {
                name: file.get_tensor(key)
                for name, key in figures.items()
                if names is None or name in names
            }
    except (OSError, SafetensorError) as error:
        raise unreadable(path, error) from error


def is_whole(path: Path) -> bool:
    """True if the file's header and length agree, without reading the tensors."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            size = path.stat().st_size
            if length > size:
                return False
            header = json.loads(file.read(length))
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name[0] != "_"]
        return size == 8 + length + max(ends, default=0)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def unreadable(path: Path, error: Exception) -> StoreError:
    """The error for a snapshot that is gone or damaged."""
    return StoreError(f"a whole snapshot at {path}", str(error), "choose another step")


def _plain(tensor: "Tensor") -> "Tensor":
    return tensor.detach().cpu().contiguous().clone()
