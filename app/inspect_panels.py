"""What can be looked at below the matrices: time, factors, signs, averages, occlusion, export."""

from collections.abc import Callable

from app import (
    answers,
    controls,
    inspect_averages,
    inspect_export,
    inspect_factors,
    inspect_occlusion,
    inspect_signs,
    inspect_time,
)
from app.components import Cell
from app.inspect_choice import Looked

Panel = Callable[[Looked, int, Cell], None]

PANELS: dict[str, tuple[str, Panel]] = {
    "time": ("Through time", inspect_time.draw),
    "factors": ("Factor by factor", inspect_factors.draw),
    "signs": ("Signs", inspect_signs.draw),
    "averages": ("Averages", inspect_averages.draw),
    "masking": ("Does it matter?", inspect_occlusion.draw),
    "answers": ("Test answers", answers.panel),
    "export": ("Export", inspect_export.draw),
}


def below(looked: Looked, step: int, cell: Cell) -> None:
    """The chosen panel for the run's step and the selected cell."""
    name = controls.choice(
        "Look closer",
        "panel",
        list(PANELS),
        default="time",
        titles={name: title for name, (title, _) in PANELS.items()},
        row=True,
    )
    PANELS[name][1](looked, step, cell)
