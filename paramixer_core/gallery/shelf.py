"""The gallery read like a run store: the same questions, the same answers, nothing written."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from paramixer_core.config import RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.gallery.files import GalleryFile
from paramixer_core.gallery.recipes import GALLERY_FOLDER, PREFIX
from paramixer_core.runs.run import Curve, Run, RunState, SnapshotInfo, TestCurve


class Shelf(Protocol):
    """What it takes to look at runs: `RunStore` and `Gallery` both offer it."""

    def run(self, run_id: str) -> Run:
        """One run."""

    def snapshots(self, run_id: str) -> list[SnapshotInfo]:
        """The steps that can be looked at, in order."""

    def probe(
        self, run_id: str, step: int, names: Sequence[str] | None = None
    ) -> dict[str, np.ndarray]:
        """What `Trainer.probe` gave after a step."""

    def state(self, run_id: str, step: int) -> dict[str, Any]:
        """The weights after a step, for `Trainer.load_weights`."""

    def records(self, run_id: str, *, max_points: int = 2000) -> Curve:
        """Training records, thinned."""

    def evaluations(self, run_id: str) -> TestCurve:
        """Figures on the test set."""


class Gallery:
    """The runs that ship in a folder. Weights are kept of the last step alone."""

    def __init__(self, folder: Path = GALLERY_FOLDER) -> None:
        self.folder = folder

    def runs(self) -> list[Run]:
        """Every run whose file is there and whole, by task and then mixer as they were made."""
        return [self.run(run_id) for run_id in _ids(self.folder)]

    def holds(self, run_id: str) -> bool:
        """Whether this is the id of a gallery run, there or not."""
        return run_id.startswith(PREFIX)

    def run(self, run_id: str) -> Run:
        """One run, as finished."""
        return _run(self._file(run_id).path)

    def card(self, run_id: str) -> dict[str, Any]:
        """Configuration, figures and versions."""
        return self._file(run_id).card()

    def snapshots(self, run_id: str) -> list[SnapshotInfo]:
        """The steps with a probe, in order."""
        file = self._file(run_id)
        return [
            SnapshotInfo(step=step, scheduled=True, file=file.path, size=0, created=0.0)
            for step in _steps(file.path)
        ]

    def has_state(self, run_id: str, step: int) -> bool:
        """Whether the weights after this step are kept: those of the last are."""
        return step == self.run(run_id).step

    def probe(
        self, run_id: str, step: int, names: Sequence[str] | None = None
    ) -> dict[str, np.ndarray]:
        """What `Trainer.probe` gave after a step, for the first example or two."""
        found = self._file(run_id).arrays(f"snapshot.{step}.", names)
        if not found and step not in _steps(self._file(run_id).path):
            raise ParamixerError(
                f"one of the steps {_steps(self._file(run_id).path)}", step, "choose one of them"
            )
        return found

    def state(self, run_id: str, step: int) -> dict[str, Any]:
        """The weights after the last step; of others the gallery keeps the probe alone."""
        if not self.has_state(run_id, step):
            raise ParamixerError(
                "the last step of a gallery run",
                f"step {step}",
                "choose the last step, or train the run yourself to keep all its snapshots",
            )
        return self._file(run_id).state()

    def records(self, run_id: str, *, after_step: int = -1, max_points: int = 2000) -> Curve:
        """Training records, at most `max_points`: every k-th, and the last."""
        found = self._file(run_id).arrays("record.")
        rows = np.flatnonzero(found["step"] > after_step)
        every = max(1, -(-len(rows) // max(1, max_points - 1)))
        kept = np.union1d(rows[::every], rows[-1:])
        speeds = found["steps_per_second"].astype(np.float64)
        return Curve(
            step=found["step"][kept].astype(np.int64),
            loss=found["loss"][kept].astype(np.float64),
            accuracy=found["accuracy"][kept].astype(np.float64),
            grad_norm=found["grad_norm"][kept].astype(np.float64),
            steps_per_second=speeds[kept],
            seconds=np.cumsum(1 / speeds)[kept],
        )

    def evaluations(self, run_id: str, *, after_step: int = -1) -> TestCurve:
        """Figures on the test set."""
        found = self._file(run_id).arrays("evaluation.")
        kept = found["step"] > after_step
        steps = found["step"][kept].astype(np.int64)
        return TestCurve(steps, *(found[name][kept] for name in ("loss", "accuracy", "seconds")))

    def _file(self, run_id: str) -> GalleryFile:
        if run_id not in _ids(self.folder):
            raise ParamixerError(
                f"a run of the gallery, one of {list(_ids(self.folder))}",
                repr(run_id),
                "choose one from the list",
            )
        return GalleryFile(self.folder / f"{run_id}.safetensors")


@lru_cache(maxsize=4)
def _ids(folder: Path) -> tuple[str, ...]:
    from paramixer_core.gallery.recipes import RECIPES

    order = {run_id: place for place, run_id in enumerate(RECIPES)}
    found = [path.stem for path in folder.glob(f"{PREFIX}*.safetensors")]
    return tuple(sorted(found, key=lambda run_id: (order.get(run_id, len(order)), run_id)))


@lru_cache(maxsize=64)
def _steps(path: Path) -> tuple[int, ...]:
    return tuple(GalleryFile(path).steps())


@lru_cache(maxsize=64)
def _run(path: Path) -> Run:
    card: Mapping[str, Any] = GalleryFile(path).card()
    config = RunConfig.from_dict(card["config"])
    return Run(
        id=path.stem,
        config=config,
        state=RunState.FINISHED,
        reason="",
        failure=None,
        owner="",
        race=f"{PREFIX}{config.task}",
        parent=None,
        parent_step=None,
        created=0.0,
        started=None,
        ended=None,
        step=config.steps,
        seconds=card["seconds"],
        steps_per_second=config.steps / card["seconds"],
        learning_rate=config.learning_rate,
        speed=None,
        device=config.device,
        memory=0,
        parameters=card["parameters"],
        pid=None,
        host="",
        lease=None,
        pinned=True,
    )
