"""How the product fills up: which pairs of tokens the first m factors link, m under one's hand."""

from typing import Any, Literal

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.components.choice import latest_choice, whole_number
from app.components.client import mount_code, mount_feed, mount_view
from app.components.payload import pack
from app.theme import INKS
from paramixer_core.errors import ParamixerError

MAX_TOKENS = 1024
"""An N x N picture is drawn in the browser."""

MAX_TABLE = 512
"""Above this N only a ring pattern's single row of steps is small enough to send."""

NEVER_SENT = 255

Mode = Literal["full", "small", "scrubber"]


def growth_payload(steps: NDArray[np.integer[Any]], factors: int, texts: dict[str, Any]) -> bytes:
    """The steps as one byte each: an (N, N) table, or the (N,) row of a ring pattern."""
    inks = {
        name: [INKS[meaning].light, INKS[meaning].dark]
        for name, meaning in (
            ("old", "chord"),
            ("new", "positive"),
            ("never", "neutral"),
            ("selection", "selection"),
        )
    }
    header = {
        **texts,
        "view": "growth",
        "seqLen": len(steps),
        "factors": factors,
        "steps": "ring" if steps.ndim == 1 else "table",
        "inks": inks,
    }
    return pack(header, {"steps": np.where(steps < 0, NEVER_SENT, steps).astype(np.uint8)})


def growth_view(
    steps: NDArray[np.integer[Any]],
    factors: int,
    *,
    title: str,
    key: str,
    hop: int = 0,
    group: str = "",
    report: bool = True,
    locked: bool = False,
    mode: Mode = "full",
    caption: str = "",
    max_size: int = 460,
) -> int:
    """Draw which pairs the first m factors link, with a scrubber and a play button; return m.

    Linked before m in one ink, by factor m in another, pairs that stay empty after all factors
    marked. Views and rings of one `group` show the same m in the same frame, and light up the
    same row and column.

    Args:
        steps: after how many factors row i reads column j, (N, N), or (N,) for a ring pattern
            (`ring_steps`); -1 for never.
        factors: M, the last place of the scrubber.
        hop: m at first, or from now on if it changed since the last run.
        report: whether a new m reaches Python (and reruns), once the reader rests.
        locked: whether m is fixed.
        mode: "small" has only title, picture and percentage, it follows the others of its group;
            "scrubber" has no picture of its own and drives them.

    Raises:
        ParamixerError: N too large to draw, or an m that is not there.
    """
    seq_len = len(steps)
    most = MAX_TOKENS if steps.ndim == 1 else MAX_TABLE
    if seq_len > most:
        raise ParamixerError(f"at most {most:,} tokens to draw", f"{seq_len:,}", "choose fewer")
    if not 0 <= hop <= factors:
        raise ParamixerError(f"a number of factors from 0 to {factors}", hop, "choose one of these")
    texts = {
        "key": key,
        "title": title,
        "group": group,
        "report": report,
        "locked": locked,
        "mode": mode,
        "compact": mode == "small",
        "caption": caption,
        "maxSize": max_size,
        "rowLabel": "token i",
        "columnLabel": "reads token j",
    }
    with st.container(gap=None):
        state = mount_view(key, growth_payload(steps, factors, texts), "hop")
        now = latest_choice(key, hop, _moved(state["hop"]))
        if not 0 <= now <= factors:
            now = hop
        mount_feed(key, pack({"key": key, "hop": now}, {}))
        mount_code()
    return now


def _moved(state: dict[str, Any] | None) -> tuple[int, int] | None:
    hop = whole_number((state or {}).get("hop"))
    click = whole_number((state or {}).get("click"))
    return None if hop is None or click is None else (hop, click)
