"""What a run was made of: stretches under one configuration, and the conditions of each start."""

import bisect
import dataclasses
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Self

from paramixer_core import __version__
from paramixer_core.config import RunConfig

RateChange = tuple[int, float]
"""(step, learning rate): the rate holds from the step after `step` on."""

TRAINED_WITH = ("torch", "numpy")
LAB = "paramixer-lab"
"""The lab's own name among `Conditions.versions`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Under what a run was started or continued after `step` steps.

    The same seed gives the same losses, bit for bit, on the same mixing path, number of threads,
    device and versions alone. `versions` are pairs of a name and a version, the lab's own among
    them. `deterministic` says whether PARAMIXER_DETERMINISTIC=1 held; None where nobody noted it.
    """

    step: int
    mixing: str
    threads: int
    device: str
    versions: tuple[tuple[str, str], ...]
    deterministic: bool | None = None

    @classmethod
    def now(cls, step: int, device: str) -> Self:
        """Those of this process, which is about to train on `device`."""
        import torch

        from paramixer_core.determinism import asked
        from paramixer_core.mixing import choose

        return cls(
            step=step,
            mixing=choose(device.partition(":")[0]).value,
            threads=torch.get_num_threads(),
            device=device,
            deterministic=asked(),
            versions=(
                (LAB, __version__),
                ("python", platform.python_version()),
                *((name, version(name)) for name in TRAINED_WITH),
            ),
        )

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Read `as_dict`'s output; what a later version has added is left out."""
        known = {name: values[name] for name in ("step", "mixing", "threads", "device")}
        return cls(
            **known,
            versions=tuple(values["versions"].items()),
            deterministic=values.get("deterministic"),
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return dataclasses.asdict(self) | {"versions": dict(self.versions)}

    @property
    def facts(self) -> dict[str, str]:
        """What decides over the last digits of a loss, in words."""
        threads = f"{self.threads} thread{'s' * (self.threads != 1)}"
        named = {"mixing": f"the mixing path {self.mixing}", "threads": threads}
        named["device"] = f"the device {self.device}"
        if self.deterministic is not None:
            named["deterministic"] = (
                f"deterministic algorithms {'on' if self.deterministic else 'off'}"
            )
        return named | {name: f"{name} {number}" for name, number in self.versions}


def differences(conditions: Sequence[Conditions]) -> list[str]:
    """A sentence for every continuation under other conditions than those of the first start.

    What an older version did not note of that start is not compared.
    """
    said = []
    for later in conditions[1:]:
        first = conditions[0].facts
        words = [
            f"{fact} instead of {first[name]}"
            for name, fact in later.facts.items()
            if name in first and fact != first[name]
        ]
        if words:
            said.append(
                f"Continued after step {later.step:,} with {' and '.join(words)}: from there on "
                "its losses can differ in the last digits from those of a run in one go."
            )
    return said


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Training of one run from the step `begin` to the step `end`, both counted from the root.

    `rates` are all changes of the learning rate within it, made by hand or planned; the rate
    before them is the configuration's. `imported` says that the weights at `begin` came from a
    file, so that no seed leads to them.
    """

    run: str
    config: RunConfig
    begin: int
    end: int
    rates: tuple[RateChange, ...] = ()
    conditions: tuple[Conditions, ...] = ()
    imported: bool = False

    def until(self, step: int) -> Self:
        """The part of it up to a step."""
        return dataclasses.replace(
            self,
            end=min(self.end, step),
            rates=tuple(change for change in self.rates if change[0] < step),
            conditions=tuple(start for start in self.conditions if start.step < step),
        )

    @property
    def rate(self) -> float:
        """The learning rate in force after its last step."""
        return self.rates[-1][1] if self.rates else self.config.learning_rate

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Read `as_dict`'s output."""
        return cls(
            run=values["run"],
            config=RunConfig.from_dict(values["config"]),
            begin=values["begin"],
            end=values["end"],
            rates=tuple((int(step), float(rate)) for step, rate in values["rates"]),
            conditions=tuple(map(Conditions.from_dict, values["conditions"])),
            imported=values["imported"],
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "run": self.run,
            "begin": self.begin,
            "end": self.end,
            "imported": self.imported,
            "rates": [list(change) for change in self.rates],
            "conditions": [start.as_dict() for start in self.conditions],
            "config": self.config.as_dict(),
        }


def conditions_of(segments: Iterable[Segment]) -> list[Conditions]:
    """Every start and continuation of a line of forks, oldest first."""
    return [start for segment in segments for start in segment.conditions]


class Steered:
    """Under what each step of a run was made, for tables with a row per step."""

    COLUMNS = (
        "learning_rate", "forked_from", "mixing", "threads", "device", "versions", "deterministic"
    )  # fmt: skip

    def __init__(self, segments: Sequence[Segment]) -> None:
        own = segments[-1]
        self._rates = [(-1, own.config.learning_rate), *own.rates]
        self._conditions = own.conditions
        parents = [f"{segment.run}@{segment.end}" for segment in segments[:-1]]
        self._parents = " ".join(parents)

    def rate(self, step: int) -> float:
        """The learning rate that the step was made with."""
        return self._rates[bisect.bisect_left(self._rates, (step,)) - 1][1]

    def at(self, step: int) -> tuple[float | int | str, ...]:
        """The values of COLUMNS; parents are written run@step, from the root on."""
        starts = [start for start in self._conditions if start.step < step]
        if not starts:
            return (self.rate(step), self._parents, "", "", "", "", "")
        held = starts[-1]
        versions = " ".join(f"{name}={number}" for name, number in held.versions)
        fixed = "" if held.deterministic is None else str(held.deterministic).lower()
        return (
            self.rate(step), self._parents, held.mixing, held.threads, held.device, versions, fixed
        )  # fmt: skip
