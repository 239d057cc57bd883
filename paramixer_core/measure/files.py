"""Measurements as a file: written with a digest, read with care."""

import csv
import dataclasses
import hashlib
import io
import json
from dataclasses import dataclass
from typing import Any, Self

from paramixer_core.errors import ParamixerError
from paramixer_core.measure.record import SHAPE_FIELDS, Machine, Plan, Point, Sweep

FORMAT, VERSION = "paramixer-sweeps", 1
MAX_FILE_BYTES = 4_000_000
EXPORTED = "choose the file that the Cost page exported"


@dataclass(frozen=True, slots=True)
class Measurements:
    """Sweeps of one machine, as one file."""

    machine: Machine
    sweeps: tuple[Sweep, ...]

    def content(self) -> dict[str, Any]:
        """Plain values: what the file holds and its digest stands for."""
        plain = {
            "machine": dataclasses.asdict(self.machine),
            "sweeps": [
                {
                    "plan": dataclasses.asdict(sweep.plan),
                    "points": [dataclasses.asdict(point) for point in sweep.points],
                }
                for sweep in self.sweeps
            ],
        }
        found: dict[str, Any] = json.loads(json.dumps(plain))
        return found

    @property
    def digest(self) -> str:
        """The fingerprint of the content."""
        return digest(self.content())

    def to_json(self) -> str:
        """A file that `from_json` reads; it carries a digest of its own content."""
        found = {
            "format": FORMAT,
            "version": VERSION,
            "digest": self.digest,
            **self.content(),
        }
        return json.dumps(found, separators=(",", ":")) + "\n"

    def to_csv(self) -> str:
        """Every point as a row, its times as median and quartiles."""
        shape = ("work", "precision", "clock", "device", "threads", *SHAPE_FIELDS)
        found = io.StringIO()
        rows = csv.writer(found)
        rows.writerow(
            [*shape, "mixer", "N", "outcome", "seconds", "first quartile", "third quartile",
             "calls", "peak bytes"]
        )  # fmt: skip
        for sweep in self.sweeps:
            same = [str(getattr(sweep.plan, name)) for name in shape]
            for point in sweep.points:
                times = [point.median, *point.quartiles] if point.times else ["", "", ""]
                rows.writerow(
                    [*same, point.mixer, point.seq_len, str(point.outcome), *times,
                     len(point.times), "" if point.memory is None else point.memory]
                )  # fmt: skip
        return found.getvalue()

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read a file; ParamixerError, in a sentence, if it is not one, of another version, or if
        its content is no longer what was measured."""
        if len(text) > MAX_FILE_BYTES:
            raise ParamixerError(
                f"a file of measurements, at most {MAX_FILE_BYTES:,} bytes",
                f"{len(text):,} bytes",
                EXPORTED,
            )
        content = checked_content(text)
        try:
            sweeps = tuple(
                Sweep(Plan(**sweep["plan"]), tuple(Point(**point) for point in sweep["points"]))
                for sweep in content["sweeps"]
            )
            measured = cls(Machine(**content["machine"]), sweeps)
        except (TypeError, KeyError, AttributeError) as error:
            raise ParamixerError(
                "the fields of a machine, a plan and its points", error, "measure again"
            ) from error
        if not any(sweep.points for sweep in sweeps):
            raise ParamixerError("at least one measured point", "none", "measure again")
        return measured


def checked_content(text: str | bytes) -> dict[str, Any]:
    """The content of a file whose format, version and digest are right."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ParamixerError("a JSON file of measurements", error, EXPORTED) from error
    held = found.get("format") if isinstance(found, dict) else type(found).__name__
    if held != FORMAT:
        raise ParamixerError(f'a file of the format "{FORMAT}"', held, EXPORTED)
    if found.get("version") != VERSION:
        raise ParamixerError(
            f"measurements of version {VERSION}",
            f"version {found.get('version')}",
            "measure again with this version of the app",
        )
    content = {"machine": found.get("machine"), "sweeps": found.get("sweeps")}
    if digest(content) != found.get("digest"):
        raise ParamixerError(
            "measurements as they were written",
            "a file that was changed by hand",
            "export it anew from the machine that measured it",
        )
    return content


def digest(content: dict[str, Any]) -> str:
    """A short fingerprint of a file's content."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
