"""One setting that lives in the URL: read from the link, repaired aloud, kept between pages."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import streamlit as st

from app.escape import code, plain

T = TypeVar("T")
PAGE = "page_of_settings"
KEPT = "kept_settings"
LOCK = "lock"
SHOWN_URL_TEXT = 40


def turn_to(page: str) -> None:
    """Begin a page by its address: settings are a page's own, those of the one before are put away.

    Two pages may so use one name, such as n, with ranges of their own.
    """
    before = st.session_state.get(PAGE)
    if before is not None and before != page:
        for key in settings_of(before):
            st.session_state.pop(key, None)
    st.session_state[PAGE] = page


def settings_of(page: str) -> dict[str, Any]:
    """The settings of a page as they were last seen in this tab; may be changed before a visit."""
    pages: dict[str, dict[str, Any]] = st.session_state.setdefault(KEPT, {})
    return pages.setdefault(page, {})


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
        kept = settings_of(st.session_state.get(PAGE, ""))
        text = st.query_params.get(self.key)
        if self.key in st.session_state and text in (None, str(kept.get(self.key))):
            # Said anew in every run: a browser that a rerun overtakes before it has drawn the
            # control would else answer with the control's first option.
            st.session_state[self.key] = st.session_state[self.key]
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
                f"The link asked for {self.label} = {code(shown)}; expected "
                f"{plain(self.expected)}. Showing {plain(value)} instead.",
                icon=":material/link_off:",
            )

    def _repaired(self, text: str) -> T:
        try:
            return self.nearest(text)
        except (ValueError, OverflowError):
            return self.default

    def keep(self, value: T) -> T:
        """Write the setting to the URL, and remember it for a later visit to its page."""
        settings_of(st.session_state.get(PAGE, ""))[self.key] = value
        if st.query_params.get(self.key) != str(value):
            st.query_params[self.key] = str(value)
        return value

    @property
    def locked(self) -> bool:
        """Whether the link forbids changing this setting."""
        return self.key in st.query_params.get(LOCK, "").split(",")
