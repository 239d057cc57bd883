"""Controls whose values live in the URL: a link restores a page, a bad link is repaired aloud.

A link may also carry `lock=name,name`: those controls are shown but can't be changed, for lessons.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import streamlit as st

T = TypeVar("T")
KEPT = "kept_settings"
LOCK = "lock"
SHOWN_URL_TEXT = 40


@dataclass(frozen=True)
class Linked(Generic[T]):
    """How one setting is read from the URL: what is valid, and what is nearest to the invalid."""

    key: str
    label: str
    default: T
    expected: str
    parse: Callable[[str], T]
    nearest: Callable[[str], T]

    def begin(self) -> None:
        """Put the setting into session state: from the URL, else as on an earlier visit.

        A text that `parse` refuses is replaced by the nearest valid value, or the default, and a
        sentence on the page says so. A URL that changed under us (the back button) is followed.
        """
        kept = st.session_state.setdefault(KEPT, {})
        text = st.query_params.get(self.key)
        if self.key in st.session_state and text in (None, str(kept.get(self.key))):
            return
        if text is None:
            st.session_state[self.key] = kept.get(self.key, self.default)
            return
        try:
            st.session_state[self.key] = self.parse(text)
        except ValueError:
            value = st.session_state[self.key] = self._repaired(text)
            shown = text if len(text) <= SHOWN_URL_TEXT else f"{text[:SHOWN_URL_TEXT]}..."
            st.warning(
                f"The link asked for {self.label} = `{shown.replace('`', '')}`; expected "
                f"{self.expected}. Showing {value} instead.",
                icon=":material/link_off:",
            )

    def _repaired(self, text: str) -> T:
        try:
            return self.nearest(text)
        except (ValueError, OverflowError):
            return self.default

    def keep(self, value: T) -> T:
        """Write the setting to the URL, and remember it for a later visit to its page."""
        st.session_state[KEPT][self.key] = value
        if st.query_params.get(self.key) != str(value):
            st.query_params[self.key] = str(value)
        return value

    @property
    def locked(self) -> bool:
        """Whether the link forbids changing this setting."""
        return self.key in st.query_params.get(LOCK, "").split(",")


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
