"""One gallery run as one safetensors file: its card as metadata, its curves, probes and weights.

record.{column}            (S,) training records, float32 (step: int32)
evaluation.{column}        (E,) test figures, float64 (step: int32)
snapshot.{step}.{name}     what `Trainer.probe` gave after that step, fewer examples
state.{name}               what `Trainer.state` gave at the end, without the optimiser
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError, safe_open

from paramixer_core.errors import ParamixerError

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = "paramixer-gallery-1"
PER_EXAMPLE = ("inputs", "targets", "answers", "block")


@dataclass(frozen=True)
class GalleryFile:
    """Reads parts of one gallery file; nothing is kept open or in memory."""

    path: Path

    def card(self) -> dict[str, Any]:
        """Configuration, figures and versions of the run."""
        with self._opened("np") as file:
            note = file.metadata() or {}
        if note.get("layout") != FORMAT:
            raise ParamixerError(
                f"a gallery run at {self.path}",
                f"a file of layout {note.get('layout')}",
                "make the gallery anew with python -m paramixer_core.gallery",
            )
        card: dict[str, Any] = json.loads(note["card"])
        return card

    def steps(self) -> list[int]:
        """After which steps there is a probe, ascending."""
        with self._opened("np") as file:
            names = [name for name in file.keys() if name.startswith("snapshot.")]  # noqa: SIM118
        return sorted({int(name.split(".")[1]) for name in names})

    def arrays(self, prefix: str, wanted: Collection[str] | None = None) -> dict[str, np.ndarray]:
        """Every tensor under a prefix, or those wanted, by the rest of its name."""
        with self._opened("np") as file:
            names = [name for name in file.keys() if name.startswith(prefix)]  # noqa: SIM118
            found = {name.removeprefix(prefix): name for name in names}
            return {
                rest: file.get_tensor(name)
                for rest, name in found.items()
                if wanted is None or rest in wanted
            }

    def state(self) -> "dict[str, Tensor]":
        """The final weights, as `Trainer.load_weights` takes them."""
        with self._opened("pt") as file:
            names = [name for name in file.keys() if name.startswith("state.")]  # noqa: SIM118
            return {name.removeprefix("state."): file.get_tensor(name) for name in names}

    def _opened(self, framework: str) -> Any:
        try:
            return safe_open(self.path, framework=framework)
        except (OSError, SafetensorError) as error:
            raise ParamixerError(
                f"a whole gallery file at {self.path}",
                error,
                "restore it, or make it anew with python -m paramixer_core.gallery",
            ) from error


def first_examples(probe: "Mapping[str, Tensor]", count: int) -> "dict[str, Tensor]":
    """A probe of the first `count` sequences alone (spectra are of the first sequence anyway)."""
    return {
        name: tensor
        if ".spectrum." in name or not name.startswith(PER_EXAMPLE)
        else tensor[:count].clone()
        for name, tensor in probe.items()
    }
