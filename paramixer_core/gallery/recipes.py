"""Which runs the gallery holds: three tasks, each with CHORD, CDIL and attention, seed 0."""

from pathlib import Path

from paramixer_core.config import RunConfig

GALLERY_FOLDER = Path(__file__).resolve().parents[2] / "assets" / "gallery"

PREFIX = "gallery-"
"""How the id of every run of the gallery begins; those of the run store have 8 characters."""

LEARNED = (("adding", 256, 3000), ("temporal_order", 128, 2000), ("digits", 256, 2000))
"""Task, N and steps: enough for the Paramixers to be right almost always."""

RECIPES: dict[str, RunConfig] = {
    f"{PREFIX}{task}-{mixer}": RunConfig(
        task=task, seq_len=seq_len, mixer=mixer, steps=steps, seed=0, device="cpu"
    )
    for task, seq_len, steps in LEARNED
    for mixer in ("chord", "cdil", "attention")
}
"""The configuration of every run by its id."""


def kept_step(step: int) -> bool:
    """Whether a gallery run is looked at after this step: 0, 1, 2, 3, 5, 10, 20, 30, 50, ..."""
    return str(step).rstrip("0") in ("", "1", "2", "3", "5")
