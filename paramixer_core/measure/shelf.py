"""Where measurements are kept: one file each in a folder, newest first."""

import re
import secrets
from collections.abc import Iterator
from pathlib import Path

from paramixer_core.errors import ParamixerError
from paramixer_core.measure.files import Measurements
from paramixer_core.measure.record import Machine, Plan, Point, Sweep
from paramixer_core.measure.sweep import sweep
from paramixer_core.runs.database import default_home

NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")


class Shelf:
    """The measurements of one folder (default: `benchmarks` in the user's data folder)."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = default_home() / "benchmarks" if folder is None else folder

    def names(self) -> list[str]:
        """What is kept, newest first."""
        return sorted((path.stem for path in self.folder.glob("*.json")), reverse=True)

    def read(self, name: str) -> Measurements:
        """One of them; ParamixerError if it is not there or no longer as it was written."""
        path = self._path(name)
        if not path.is_file():
            raise ParamixerError("measurements that are kept here", name, "choose another set")
        return Measurements.from_json(path.read_bytes())

    def keep(self, measured: Measurements) -> str:
        """Write them, whole or not at all; the same ones are kept once. Returns their name."""
        text, name = measured.to_json(), name_of(measured)
        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.folder / f".{secrets.token_hex(8)}.part"
        part.write_text(text)
        part.replace(self._path(name))
        return name

    def delete(self, name: str) -> None:
        """Remove one; nothing if it is gone already."""
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise ParamixerError("a set's name", name, "choose a set of the list")
        return self.folder / f"{name}.json"


def name_of(measured: Measurements) -> str:
    """The name that measurements are kept under: when they were made, and their digest."""
    stamp = re.sub(r"\D", "", measured.machine.date)[:14]
    return f"{stamp}-{measured.digest}"


def measure_and_keep(plan: Plan, folder: Path) -> Iterator[Machine | Point | str]:
    """A sweep's machine and points as they come; at the end it is kept and its name given."""
    machine, points = None, []
    for found in sweep(plan):
        yield found
        if isinstance(found, Machine):
            machine = found
        else:
            points.append(found)
    assert machine is not None
    yield Shelf(folder).keep(Measurements(machine, (Sweep(plan, tuple(points)),)))
