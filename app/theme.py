"""What colours mean: one fixed ink per mixer and sign, and the colour scales of matrices.

Colours are never the only cue: every ink has a dash pattern too. The inks are those of Okabe and
Ito (distinct with red-green colour blindness); the signed scale runs from purple through the page's
own background to orange, the scale of non-negative values from the background to deep blue.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from jaxtyping import UInt8

SCALE_STEPS = 255
"""Levels 0..254 are colours; level 255 is kept for values that are not finite."""


class Scale(StrEnum):
    """How a matrix is coloured."""

    SIGNED = "signed"
    SEQUENTIAL = "sequential"


VARIED_DASHES = ((7, 3), (2, 3), (9, 3, 2, 3), (), (14, 4), (4, 2, 1, 2))
"""Dash patterns that tell things of one meaning apart, such as a run and its forks."""


@dataclass(frozen=True)
class Ink:
    """A colour with its form in the light and the dark theme, and its dash pattern in pixels."""

    light: str
    dark: str
    dash: tuple[int, ...] = ()

    def colour(self, dark: bool) -> str:
        """Its form in the theme that is shown."""
        return self.dark if dark else self.light

    def varied(self, variant: int) -> "Ink":
        """The same colour with another dash pattern, for the variant-th more thing of one meaning.

        >>> [INKS["chord"].varied(variant).dash for variant in (0, 1, 2)]
        [(), (7, 3), (2, 3)]
        """
        if variant == 0:
            return self
        others = [dash for dash in VARIED_DASHES if dash != self.dash]
        return Ink(self.light, self.dark, others[(variant - 1) % len(others)])

    @property
    def plotly_dash(self) -> str:
        """The dash pattern as Plotly writes it."""
        return ",".join(f"{length}px" for length in self.dash) or "solid"


INKS: dict[str, Ink] = {
    "chord": Ink("#0072b2", "#4fb3e8"),
    "cdil": Ink("#00835f", "#3ccba0", (7, 3)),
    "attention": Ink("#a8447f", "#e793c4", (2, 3)),
    "plain_attention": Ink("#7d3c98", "#c39bd3", (9, 3, 2, 3)),
    "linformer": Ink("#ad4c08", "#f29a56", (7, 3, 2, 3)),
    "performer": Ink("#7a6400", "#d9bf45", (4, 2)),
    "nystromformer": Ink("#a93226", "#f1948a", (10, 4)),
    "reformer": Ink("#34617a", "#8fc1da", (1, 3)),
    "linear_attention": Ink("#3f6b1f", "#a3d080", (5, 2, 1, 2)),
    "local_window": Ink("#5b6470", "#a7b0bc", (3, 2)),
    "positive": Ink("#b35806", "#f0a150"),
    "negative": Ink("#542788", "#b79be0", (6, 3)),
    "neutral": Ink("#5b6470", "#a7b0bc"),
    "warning": Ink("#a15c00", "#ffc266"),
    "selection": Ink("#00796b", "#4fe0cf"),
}
"""The ink of everything that has a fixed colour throughout the app."""

SPARE_INKS: tuple[Ink, ...] = (
    Ink("#0072b2", "#4fb3e8"),
    Ink("#b34e08", "#f29a56", (7, 3)),
    Ink("#00835f", "#3ccba0", (2, 3)),
    Ink("#8a4fa3", "#cf9ee2", (9, 3, 2, 3)),
    Ink("#7a6400", "#d9bf45", (4, 2)),
    Ink("#5b6470", "#a7b0bc", (1, 3)),
)
"""Inks for things without a meaning of their own, in the order in which they are handed out."""

RAMP = (
    ("#8147e5", "#b794f3"), ("#1f4ad8", "#abbdf6"), ("#1871ab", "#4fadeb"), ("#0f636c", "#1ad1e6"),
    ("#117a60", "#15ba91"), ("#0f6825", "#18db49"), ("#3d7911", "#5aba15"), ("#5d5d0d", "#c4c416"),
    ("#8d6414", "#d99918"), ("#924315", "#f2b089"), ("#ce291d", "#f1877f"), ("#ab185d", "#f5a7cc"),
)  # fmt: skip
"""Colours, light and dark, of things in a row, such as the factors of a chain: violet to red."""

RAMP_DASHES: tuple[tuple[int, ...], ...] = ((), (7, 3), (2, 3), (9, 3, 2, 3))

_ANCHORS: dict[tuple[Scale, bool], tuple[str, ...]] = {
    (Scale.SIGNED, False): ("#2d004b", "#6a4f9f", "#b9b0d8", "#ffffff", "#fbc07c", "#d0700f",
                            "#6b3105"),
    (Scale.SIGNED, True): ("#d9c8ff", "#9676d3", "#4d3a7d", "#1b1e24", "#7d4a12", "#e08a2b",
                           "#ffe0b0"),
    (Scale.SEQUENTIAL, False): ("#ffffff", "#cfdff0", "#8fb8dc", "#4a8bc2", "#1f5f9f", "#0b2f63"),
    (Scale.SEQUENTIAL, True): ("#1b1e24", "#1f3f66", "#2a6a9e", "#4a9bcb", "#97cfe6", "#f2fbff"),
}  # fmt: skip


def in_a_row(place: int, group: int = 0) -> str:
    """The meaning of the place-th thing of a row, 1, 2, ..., of the group-th such row of a chart.

    Twelve of a row differ in colour, neighbours in dash too, and equal places of up to four groups
    in dash.
    """
    return f"row-{place}-{group}"


def row_ink(place: int, group: int) -> Ink:
    """The ink of a thing in a row."""
    light, dark = RAMP[(place - 1) % len(RAMP)]
    return Ink(light, dark, RAMP_DASHES[(place - 1 + group) % len(RAMP_DASHES)])


def ink(meaning: str, order: int = 0) -> Ink:
    """The fixed ink of a meaning such as "chord", or of one that `in_a_row` gives; for anything
    else the spare ink of that order."""
    if meaning.startswith("row-"):
        place, group = meaning.split("-")[1:]
        return row_ink(int(place), int(group))
    return INKS.get(meaning.lower(), SPARE_INKS[order % len(SPARE_INKS)])


def colour_table(scale: Scale, *, dark: bool) -> UInt8[np.ndarray, "255 3"]:
    """RGB of every level of a scale.

    SIGNED: level 127 is zero, 0 the most negative and 254 the most positive. SEQUENTIAL: level 0 is
    zero, 254 the largest.
    """
    anchors = _ANCHORS[scale, dark]
    rgb = np.array([[int(text[at : at + 2], 16) for at in (1, 3, 5)] for text in anchors])
    at = np.linspace(0, len(anchors) - 1, SCALE_STEPS)
    channels = [np.interp(at, np.arange(len(anchors)), rgb[:, channel]) for channel in range(3)]
    table: UInt8[np.ndarray, "255 3"] = np.rint(np.stack(channels, axis=1)).astype(np.uint8)
    return table
