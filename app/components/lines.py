"""Live curves on a canvas that stays: only the points travel with a tick."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.components.client import mount_code, mount_view
from app.components.payload import pack
from app.theme import ink
from paramixer_core.errors import ParamixerError

MAX_POINTS = 2_400
"""Points that one tick may carry, all lines together: at most 38.4 kB with bands."""

MAX_LINES = 24


@dataclass(frozen=True)
class Line:
    """One named curve of P points: y over x, with an optional band from low to high.

    `meaning` names the ink ("chord", "cdil", "attention", ...; see `app.theme.INKS`); without one
    the line gets a spare ink by its place in the list. `variant` is 1, 2, ... for the further lines
    of one meaning: they differ in their dash. Values that are not finite break the line.
    """

    name: str
    x: NDArray[Any]
    y: NDArray[Any]
    meaning: str = ""
    low: NDArray[Any] | None = None
    high: NDArray[Any] | None = None
    variant: int = 0

    def __post_init__(self) -> None:
        sizes = {len(part) for part in (self.x, self.y, self.low, self.high) if part is not None}
        if len(sizes) > 1 or (self.low is None) != (self.high is None):
            raise ParamixerError(
                f"as many x, y, low and high values in the line {self.name!r}",
                sizes if len(sizes) > 1 else "half a band",
                "give arrays of one length, and low and high together",
            )


def points_per_line(num_lines: int) -> int:
    """How many points each of so many lines may have: what a caller thins its curves to."""
    return min(600, MAX_POINTS // max(1, num_lines))


def lines_payload(lines: Sequence[Line], frame: dict[str, Any]) -> bytes:
    """A chart as one message: the frame and what `lines_parts` says of the lines."""
    described, arrays = lines_parts(lines)
    return pack({**frame, "view": "lines", "lines": described}, arrays)


def lines_parts(
    lines: Sequence[Line],
) -> tuple[list[dict[str, Any]], dict[str, NDArray[np.float32]]]:
    """Names, inks and lengths of the lines, and x, y, low and high, all lines joined, as float32.

    Raises ParamixerError for more than MAX_POINTS points or MAX_LINES lines.
    """
    total = sum(len(line.x) for line in lines)
    if total > MAX_POINTS or len(lines) > MAX_LINES:
        raise ParamixerError(
            f"at most {MAX_POINTS} points in at most {MAX_LINES} lines",
            f"{total} points in {len(lines)} lines",
            "thin the curves to points_per_line(number of lines) before drawing them",
        )
    described = []
    for order, line in enumerate(lines):
        colour = ink(line.meaning, order).varied(line.variant)
        described.append(
            {
                "name": line.name,
                "light": colour.light,
                "dark": colour.dark,
                "dash": colour.dash,
                "count": len(line.x),
                "band": line.low is not None,
            }
        )
    arrays = {"x": _joined([line.x for line in lines]), "y": _joined([line.y for line in lines])}
    for side in ("low", "high"):
        parts = [getattr(line, side) for line in lines if getattr(line, side) is not None]
        arrays[side] = _joined(parts)
    return described, arrays


@dataclass(frozen=True, kw_only=True)
class LineChart:
    """What a chart of curves looks like, whatever its points are.

    Attributes:
        x_label, y_label: axis titles with their units.
        log_y: a logarithmic y axis; values of zero or less are left out.
        log_x: an x axis in log(1 + x), which begins at 0, for steps of a training run.
        mark: x of a vertical line, e.g. the step that the views beside it show.
        y_range: fixed ends of the y axis, e.g. (0, 1) for an accuracy; by default what is in view.
        smoothing: 0 draws the points; 0 < s < 1 draws them faintly and over them their running
            mean m_t = s m_(t-1) + (1 - s) y_t (corrected for the start); the legend says so.
        height: of the drawing area in pixels.
        empty: shown while there are no points.
        caption: a plain sentence on what to see.

    Raises:
        ParamixerError: a smoothing outside 0 <= s < 1.
    """

    title: str
    x_label: str = ""
    y_label: str = ""
    log_y: bool = False
    log_x: bool = False
    mark: float | None = None
    y_range: tuple[float, float] | None = None
    smoothing: float = 0.0
    height: int = 260
    empty: str = "Nothing to draw yet."
    caption: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.smoothing < 1:
            raise ParamixerError(
                "a smoothing from 0 to below 1", self.smoothing, "0 switches it off"
            )

    @property
    def frame(self) -> dict[str, Any]:
        """The same under the names that the browser's side knows."""
        return {
            "title": self.title,
            "xLabel": self.x_label,
            "yLabel": self.y_label,
            "logY": self.log_y,
            "logX": self.log_x,
            "mark": self.mark,
            "yRange": self.y_range,
            "smoothing": self.smoothing,
            "height": self.height,
            "empty": self.empty,
            "caption": self.caption,
        }


def live_lines(lines: Sequence[Line], *, key: str, **look: Any) -> None:
    """Draw curves that keep their canvas, zoom and legend while their points change.

    Call it in a fragment with the same key at every tick. Readers toggle lines in the legend, drag
    to zoom, double-click to zoom out, hover or use the arrow keys to read exact values.

    Args:
        lines: the curves, thinned to `points_per_line` points each; [] shows the text `empty`.
        look: what `LineChart` takes.

    Raises:
        ParamixerError: too many points or lines, or what LineChart refuses.
    """
    frame = {**LineChart(**look).frame, "key": key}
    with st.container(gap=None):
        mount_view(key, lines_payload(lines, frame))
        mount_code()


def _joined(parts: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
    if not parts:
        return np.empty(0, np.float32)
    return np.concatenate([np.asarray(part, dtype=np.float32) for part in parts])
