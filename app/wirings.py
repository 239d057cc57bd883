"""A wiring of one's own: kept in the link, changed by the reader's hand."""

import re
from collections.abc import Callable

import streamlit as st

from app.escape import plain
from app.linked import LOCK, Linked, settings_of
from paramixer_core.analysis.wiring import MAX_NAME, Wiring
from paramixer_core.analysis.wiring_examples import wiring_examples
from paramixer_core.config import WIRING, Residual
from paramixer_core.errors import ParamixerError
from paramixer_core.protocols import Protocol

KEY = "w"
MOST_TOKENS = 256
SAID = "wiring-said"
UNDO = "wiring-undo"
MOST_UNDONE = 100
FIRST = Wiring.of_protocol(Protocol.CHORD, 16)

Change = Callable[[Wiring], Wiring]


def current() -> Wiring:
    """The wiring in the link, else the one edited last, else CHORD on 16 tokens."""
    linked = Linked[str](
        KEY,
        "wiring",
        FIRST.as_text(),
        f"a wiring of up to {MOST_TOKENS} tokens such as n8_f0.1.2.4x3",
        parse=_checked,
        nearest=_nearest,
    )
    linked.begin()
    return Wiring.parse(linked.keep(st.session_state[KEY]))


def locked() -> bool:
    """Whether the link forbids editing."""
    return KEY in st.query_params.get(LOCK, "").split(",")


def change(by: Change) -> None:
    """Change the wiring; a change that cannot be is said on the page instead."""
    before = st.session_state[KEY]
    try:
        after = _checked(by(Wiring.parse(before)).as_text())
    except ParamixerError as error:
        st.session_state[SAID] = str(error)
        return
    if after != before:
        st.session_state.setdefault(UNDO, []).append(before)
        del st.session_state[UNDO][:-MOST_UNDONE]
        st.session_state[KEY] = after


def undo() -> None:
    """Take the last change back."""
    if st.session_state.get(UNDO):
        st.session_state[KEY] = st.session_state[UNDO].pop()


def can_undo() -> bool:
    """Whether there is a change to take back."""
    return bool(st.session_state.get(UNDO))


def said() -> str:
    """Why the last change could not be made, told once."""
    sentence: str = st.session_state.pop(SAID, "")
    return sentence


def lay_out(protocol: Protocol, seq_len: int, num_links: int) -> Change:
    """Start over from CHORD or CDIL."""
    return lambda _: Wiring.of_protocol(protocol, seq_len, num_links)


def example(title: str) -> Change:
    """Start over from one of the examples, on as many tokens as now."""
    return lambda wiring: wiring_examples(wiring.seq_len)[title]


def offsets_from(text: str, factor: int) -> Change:
    """Give a factor the offsets that the reader wrote."""

    def by(wiring: Wiring) -> Wiring:
        words = re.split(r"[,;\s]+", text.strip().replace("−", "-"))
        try:
            numbers = [int(word) for word in words if word]
        except ValueError:
            raise ParamixerError(
                "whole numbers such as 0, 1, -1", text, "separate them by commas"
            ) from None
        return wiring.with_offsets(factor, numbers)

    return by


def everywhere(factor: int) -> Change:
    """Give every factor the offsets of this one."""

    def by(wiring: Wiring) -> Wiring:
        for other in range(1, len(wiring.offsets) + 1):
            wiring = wiring.with_offsets(other, wiring.offsets[factor - 1])
        return wiring

    return by


def broken(tokens: list[int]) -> Change:
    """Break these tokens and mend all others."""

    def by(wiring: Wiring) -> Wiring:
        for token in wiring.broken ^ frozenset(tokens):
            wiring = wiring.toggle_token(token)
        return wiring

    return by


def named(name: str) -> Change:
    """Give the wiring a name."""
    return lambda wiring: wiring.renamed(name[:MAX_NAME])


def written(wiring: Wiring, factor: int) -> str:
    """A factor's offsets as the reader writes them: 0, 1, -1."""
    half = wiring.seq_len // 2
    return ", ".join(
        str(offset if offset <= half else offset - wiring.seq_len)
        for offset in wiring.offsets[factor - 1]
    )


def carried() -> Wiring | None:
    """The wiring that the link or an earlier visit brings to another page; None without one."""
    text = st.query_params.get(KEY) or settings_of("wiring").get(KEY)
    if not text:
        return None
    try:
        return Wiring.parse(text)
    except ParamixerError as error:
        st.warning(
            f"The wiring in the link can't be read. {plain(error)}", icon=":material/link_off:"
        )
        del st.query_params[KEY]
        return None


def to_compete(seq_len: int) -> str:
    """The text of the wiring that the Train page can offer at this N; empty if there is none."""
    wiring = carried()
    if wiring is None:
        return ""
    if wiring.seq_len != seq_len:
        st.caption(
            f"**{plain(title(wiring))}** has N = {wiring.seq_len}: choose a task of that length "
            "to train it too."
        )
        return ""
    st.query_params[KEY] = wiring.as_text()
    st.caption(f"**{plain(title(wiring))}**, as you laid it out, can compete.")
    return wiring.as_text()


def title(wiring: Wiring) -> str:
    """What to call it."""
    return wiring.name or "Your wiring"


def to_train(wiring: Wiring, residual: Residual) -> dict[str, str]:
    """What the Train page's link needs to train it."""
    return {
        "task": "adding",
        "n": str(wiring.seq_len),
        "mixers": f"{WIRING},chord",
        "residual": residual,
        KEY: wiring.as_text(),
    }


def _checked(text: str) -> str:
    wiring = Wiring.parse(text)
    if wiring.seq_len > MOST_TOKENS:
        raise ParamixerError(
            f"up to {MOST_TOKENS} tokens to edit", wiring.seq_len, "use a shorter ring"
        )
    return wiring.as_text()


def _nearest(text: str) -> str:
    """As much of a broken link as can be read: its offsets, or its length with CHORD's links."""
    parts = text.split("_")
    for count in range(len(parts) - 1, 1, -1):
        try:
            return _checked("_".join(parts[:count]))
        except ParamixerError:
            continue
    found = re.match(r"n(\d{1,9})", text)
    seq_len = max(2, min(MOST_TOKENS, int(found[1]))) if found else FIRST.seq_len
    return Wiring.of_protocol(Protocol.CHORD, seq_len).as_text()
