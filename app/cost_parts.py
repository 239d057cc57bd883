"""The Cost page: its parts and the controls that they share."""

from app import controls, names

PARTS = {"forms": "Formulas", "measured": "Measured", "what_if": "What if?"}
MAIN = ("chord", "cdil", "attention")
NUMBER_CHOICES = (3, 5, 7, 9)


def choose_part() -> str:
    """Which part of the lesson is shown."""
    return controls.choice("Parts", "sheet", list(PARTS), default="forms", titles=PARTS, row=True)


def choose_beside_attention() -> tuple[str, ...]:
    """The mixers to compare, attention last."""
    titles = names.mixer_titles(wired=False)
    rivals = [name for name in titles if name != "attention"]
    chosen = controls.several(
        "Beside attention", "mixers", rivals, default=("chord", "cdil"), titles=titles
    )
    return (*chosen, "attention")
