"""Runs that train, as cards and curves that the browser fetches for itself.

A tick that reruns a script costs the server 15-20 ms for every browser, so thirty of them leave no
time to train. Here the page hands over its first message and an address; from then on the browser
asks there for newer ones, which are the same bytes for all who watch the same runs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.components.client import mount_code, mount_view
from app.components.lines import Line, LineChart, lines_parts
from app.components.payload import pack
from app.theme import ink


@dataclass(frozen=True)
class Card:
    """What one card says of runs that differ only in their seed.

    `status` are pairs of a Material icon and words; `progress` is 0..1; `figures` are pairs of a
    label and a number in words. `variant` is 1, 2, ... for further cards of one mixer: see `Line`.
    """

    name: str
    mixer: str
    status: Sequence[tuple[str, str]]
    progress: float
    progress_text: str
    figures: Sequence[tuple[str, str]]
    setting: str
    variant: int = 0


def runs_payload(
    cards: Sequence[Card],
    charts: Sequence[tuple[LineChart, Sequence[Line]]],
    *,
    signature: str,
    active: bool,
    **extra: Any,
) -> bytes:
    """One message: cards, then charts whose arrays are x0, y0, low0, high0, x1, ...

    `signature` changes when buttons must change with it; `active` is false once nothing moves.
    """
    arrays: dict[str, NDArray[np.float32]] = {}
    described = []
    for place, (chart, lines) in enumerate(charts):
        parts, values = lines_parts(lines)
        described.append({**chart.frame, "lines": parts})
        arrays |= {f"{name}{place}": value for name, value in values.items()}
    header = {
        **extra,
        "view": "runs",
        "signature": signature,
        "active": active,
        "cards": [_described(card) for card in cards],
        "charts": described,
    }
    return pack(header, arrays)


def runs_view(message: bytes, *, key: str) -> None:
    """Draw a message of `runs_payload`, and go on drawing newer ones from its `url`.

    When the signature of a newer one differs, the fragment or page around it runs again.
    """
    with st.container(gap=None):
        mount_view(key, message, "signature")
        mount_code()


def _described(card: Card) -> dict[str, Any]:
    colour = ink(card.mixer).varied(card.variant)
    return {
        "name": card.name,
        "mixer": card.mixer,
        "light": colour.light,
        "dark": colour.dark,
        "dash": colour.dash,
        "status": [list(part) for part in card.status],
        "progress": card.progress,
        "progressText": card.progress_text,
        "figures": [list(figure) for figure in card.figures],
        "setting": card.setting,
    }
