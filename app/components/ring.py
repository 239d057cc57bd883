"""The ring of tokens: a factor's links, and how far a token's value gets hop by hop."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.components.choice import latest_choice, whole_number
from app.components.client import mount_code, mount_feed, mount_view
from app.components.matrix_sources import MAX_SIDE, NO_LINK
from app.components.payload import pack
from app.theme import INKS
from paramixer_core.errors import ParamixerError

DRAWN_TOKENS = 128
"""Above this many tokens only every n-th is drawn with its links, and the view says so."""

STEPS_BYTES = 65_536
"""A whole N x N table of steps is sent up to N = 256; above that one source's column."""


Factor = Sequence[int] | NDArray[Any]
"""Offsets that every row shares, or (N, K) column indices with -1 for no link."""


def drawn_every(seq_len: int) -> int:
    """Every how many tokens one is drawn."""
    return -(-seq_len // DRAWN_TOKENS)


def ring_payload(
    seq_len: int,
    factors: Sequence[Factor],
    steps: NDArray[Any] | None,
    texts: dict[str, Any],
) -> bytes:
    """Links of every factor (offsets, or the columns of the drawn rows) and, if small, the steps.

    `steps` is (N, N): after how many factors row i reads column j; or (N,): the same for the
    column (i + d) mod N of any row of a ring pattern. -1 is never; it travels as 255.
    """
    every = drawn_every(seq_len)
    arrays: dict[str, NDArray[Any]] = {}
    described: list[list[int] | int] = []
    for order, factor in enumerate(factors):
        if isinstance(factor, np.ndarray) and factor.ndim == 2:
            rows = factor[::every]
            arrays[f"links{order}"] = np.where(rows < 0, NO_LINK, rows).astype(np.uint16)
            described.append(int(rows.shape[1]))
        else:
            described.append([int(offset) % seq_len for offset in factor])
    shape = "none"
    if steps is not None and steps.ndim == 1:
        shape, arrays["steps"] = "ring", _as_bytes(steps)
    elif steps is not None and steps.size <= STEPS_BYTES:
        shape, arrays["steps"] = "table", _as_bytes(steps)
    elif steps is not None:
        shape = "column"
    inks = {name: [INKS[name].light, INKS[name].dark] for name in ("selection", "chord", "cdil")}
    inks["new"] = [INKS["positive"].light, INKS["positive"].dark]
    header = {
        **texts,
        "view": "ring",
        "seqLen": seq_len,
        "every": every,
        "factors": described,
        "steps": shape,
        "inks": inks,
    }
    return pack(header, arrays)


def ring_view(
    seq_len: int,
    factors: Sequence[Factor],
    *,
    title: str,
    key: str,
    factor: int = 1,
    steps: NDArray[Any] | None = None,
    source: int = 0,
    group: str = "",
    report: bool = True,
    led: bool = False,
    caption: str = "",
    max_size: int = 440,
) -> int:
    """Draw N tokens on a circle with the links of one factor; return the source token.

    The reader picks a source token (click, or the number input) and plays or steps through the
    factors: after factor m those tokens are filled that read the source through W_m ... W_1. With
    a `group`, the cell under the pointer in a matrix lights up as the link from token j to token
    i, and the token under the pointer as the row of the matrices.

    Args:
        factors: one entry per factor, e.g. `protocol_offsets(...)` or (N, K) column arrays.
        factor: whose links are drawn at rest, from 1.
        steps: after how many factors row i reads column j, (N, N), or (N,) for a ring pattern
            (`ring_steps`), -1 for never; without it there is nothing to play.
        source: the token picked at first, or from now on if it changed since the last run.
        report: whether a picked source reaches Python (and reruns).
        led: whether another view of the group moves the factor, so that no buttons are needed.

    Raises:
        ParamixerError: a factor or a source that is not there; N too large for this view.
    """
    if not 2 <= seq_len < MAX_SIDE:
        raise ParamixerError(f"2 to {MAX_SIDE - 1} tokens", seq_len, "choose another N")
    if not 1 <= factor <= len(factors):
        raise ParamixerError(f"a factor from 1 to {len(factors)}", factor, "choose one of these")
    if not 0 <= source < seq_len:
        raise ParamixerError(f"a token from 0 to {seq_len - 1}", source, "choose one of these")
    texts = {
        "key": key,
        "title": title,
        "factor": factor,
        "group": group,
        "report": report,
        "led": led,
        "caption": caption,
        "maxSize": max_size,
    }
    with st.container(gap=None):
        state = mount_view(key, ring_payload(seq_len, factors, steps, texts), "source")
        now = latest_choice(key, source, _clicked(state.get("source"), seq_len))
        if not 0 <= now < seq_len:
            now = source
        column = {}
        if steps is not None and steps.ndim == 2 and steps.size > STEPS_BYTES:
            column = {"column": _as_bytes(steps[:, now])}
        mount_feed(key, pack({"key": key, "source": now}, column))
        mount_code()
    return now


def _as_bytes(steps: NDArray[Any]) -> NDArray[np.uint8]:
    return np.where(steps < 0, 255, steps).astype(np.uint8)


def _clicked(state: dict[str, Any] | None, seq_len: int) -> tuple[int, int] | None:
    token = whole_number((state or {}).get("token"))
    click = whole_number((state or {}).get("click"))
    if token is None or click is None or not 0 <= token < seq_len:
        return None
    return token, click
