"""Controls whose values live in the URL: a link restores a page, a bad link is repaired aloud.

A link may also carry `lock=name,name`: those controls are shown but can't be changed, for lessons.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import streamlit as st

from app.guarded import said
from app.linked import Linked

T = TypeVar("T")


def linked_whole_number(label: str, key: str, low: int, high: int, default: int) -> Linked[int]:
    """A whole number from `low` to `high`."""

    def parse(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise ValueError(text)
        return value

    def nearest(text: str) -> int:
        return int(max(low, min(high, float(text))))

    linked = Linked(key, label, default, f"a whole number from {low:,} to {high:,}", parse, nearest)
    linked.begin()
    st.session_state[key] = max(low, min(high, st.session_state[key]))
    return linked


def whole_number(
    label: str, key: str, *, low: int, high: int, default: int, step: int = 1, tip: str = ""
) -> int:
    """A whole number, typed or stepped."""
    linked = linked_whole_number(label, key, low, high, default)
    value = st.number_input(
        label, low, high, step=step, key=key, help=tip or None, disabled=linked.locked
    )
    return linked.keep(int(value))


def odd_number(label: str, key: str, *, low: int, high: int, default: int, tip: str = "") -> int:
    """An odd number from `low` to `high`, themselves odd; an even one that is typed goes up by one.

    One from `low` alone is not asked for.
    """

    def parse(text: str) -> int:
        value = int(text)
        if not low <= value <= high or value % 2 == 0:
            raise ValueError(text)
        return value

    def nearest(text: str) -> int:
        return int(max(low, min(high, float(text)))) | 1

    def make_odd() -> None:
        st.session_state[key] = int(st.session_state[key]) | 1

    named = f"an odd number from {low:,} to {high:,}"
    linked = Linked(key, label, default, named, parse, nearest)
    linked.begin()
    st.session_state[key] = max(low, min(high, st.session_state[key])) | 1
    if low == high:
        return linked.keep(low)
    value = st.number_input(
        label, low, high, step=2, key=key, help=tip or None, disabled=linked.locked,
        on_change=said(make_odd),
    )  # fmt: skip
    return linked.keep(int(value))


def slider(label: str, key: str, *, low: int, high: int, default: int, tip: str = "") -> int:
    """A whole number picked on a line; where only one is possible, nothing is shown."""
    linked = linked_whole_number(label, key, low, high, default)
    if low == high:
        return linked.keep(low)
    value = st.slider(label, low, high, key=key, help=tip or None, disabled=linked.locked)
    return linked.keep(int(value))


def number(
    label: str, key: str, *, low: float, high: float, default: float, tip: str = ""
) -> float:
    """A positive number such as a learning rate, typed."""

    def parse(text: str) -> float:
        value = float(text)
        if not low <= value <= high:
            raise ValueError(text)
        return value

    def nearest(text: str) -> float:
        value = float(text)
        return default if value != value else max(low, min(high, value))

    linked = Linked(key, label, default, f"a number from {low:g} to {high:g}", parse, nearest)
    linked.begin()
    value = st.number_input(
        label,
        low,
        high,
        step=default / 2,
        format="%g",
        key=key,
        help=tip or None,
        disabled=linked.locked,
    )
    return linked.keep(float(value))


def choice(
    label: str,
    key: str,
    options: Sequence[T],
    *,
    default: T,
    titles: Mapping[T, str] | None = None,
    tip: str = "",
    row: bool = False,
) -> T:
    """One of a few options, in a list or, with `row`, side by side."""
    named = {str(option): option for option in options}

    def parse(text: str) -> T:
        if text not in named:
            raise ValueError(text)
        return named[text]

    def nearest(text: str) -> T:
        numbers = {option: float(name) for name, option in named.items()}
        return min(numbers, key=lambda option: abs(numbers[option] - float(text)))

    linked = Linked(key, label, default, f"one of {', '.join(named)}", parse, nearest)
    linked.begin()
    if st.session_state[key] not in options:
        st.session_state[key] = default

    def title(option: T) -> str:
        return (titles or {}).get(option, str(option))

    if row:
        picked = st.segmented_control(
            label,
            options,
            key=key,
            format_func=title,
            help=tip or None,
            required=True,
            disabled=linked.locked,
        )
    else:
        picked = st.selectbox(
            label,
            options,
            key=key,
            format_func=title,
            help=tip or None,
            disabled=linked.locked,
        )
    return linked.keep(default if picked is None else picked)


def several(
    label: str,
    key: str,
    options: Sequence[str],
    *,
    default: Sequence[str],
    titles: Mapping[str, str],
    tip: str = "",
) -> tuple[str, ...]:
    """Some of a few options, side by side; none chosen means the default."""

    def parse(text: str) -> list[str]:
        names = text.split(",")
        if not set(names) <= set(options):
            raise ValueError(text)
        return names

    def nearest(text: str) -> list[str]:
        return [name for name in text.split(",") if name in options] or list(default)

    joined = ListedNames(default)
    linked = Linked[list[str]](
        key, label, joined, f"names among {', '.join(options)}", parse, nearest
    )
    linked.begin()
    held = [name for name in st.session_state[key] if name in options]
    st.session_state[key] = held or list(default)
    picked = st.pills(
        label,
        options,
        key=key,
        selection_mode="multi",
        wrap=True,
        format_func=lambda name: titles.get(name, name),
        help=tip or None,
        disabled=linked.locked,
    )
    return tuple(linked.keep(ListedNames(picked or default)))


class ListedNames(list[str]):
    """Names whose text is what the URL shows: joined by commas."""

    def __str__(self) -> str:
        return ",".join(self)


def dark_theme() -> bool:
    """Whether this browser shows the dark theme now."""
    return st.context.theme.type == "dark"


def stop(label: str, key: str, stops: Sequence[int], *, default: int, tip: str = "") -> int:
    """One of several whole numbers in order, picked on a line."""

    def parse(text: str) -> int:
        value = int(text)
        if value not in stops:
            raise ValueError(text)
        return value

    def nearest(text: str) -> int:
        return min(stops, key=lambda place: abs(place - float(text)))

    linked = Linked(key, label, default, f"one of {list(stops)}", parse, nearest)
    linked.begin()
    if st.session_state[key] not in stops:
        st.session_state[key] = nearest(str(st.session_state[key]))
    if len(stops) == 1:
        return linked.keep(stops[0])
    value = st.select_slider(label, stops, key=key, help=tip or None, disabled=linked.locked)
    return linked.keep(int(value))
