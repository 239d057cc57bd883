"""One setting that lives in the URL: read from the link, repaired aloud, kept between pages."""

from collections.abc import Callable
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
