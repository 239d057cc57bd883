"""Settings of the web server that an operator gives in the environment."""

import os
import re
from dataclasses import dataclass

from paramixer_core.errors import ParamixerError
from paramixer_core.runs.memory import parse_size

MEBI = 2**20

ORIGIN = re.compile(r"https?:" + r"//[\w.*:\[\]-]+$")
"""An origin that may frame the lab: a scheme and a host, without a path."""


def frame_ancestors() -> tuple[str, ...]:
    """Other sites whose pages may show the lab in a frame: PARAMIXER_FRAMES, separated by spaces.

    Raises ParamixerError for what is no origin.
    """
    named = tuple(os.environ.get("PARAMIXER_FRAMES", "").split())
    for origin in named:
        if not ORIGIN.match(origin):
            raise ParamixerError(
                "PARAMIXER_FRAMES as origins, each a scheme and a host", origin, "set it so"
            )
    return named


def trusted_proxies(text: str | None = None) -> str:
    """Whose X-Forwarded-* headers count: PARAMIXER_PROXY, nobody's by default.

    1 stands for a proxy on this machine; else addresses or networks, separated by commas.
    """
    told = os.environ.get("PARAMIXER_PROXY", "") if text is None else text
    return {"": "", "0": "", "1": "127.0.0.1,::1"}.get(told.strip(), told.strip())


@dataclass(frozen=True)
class Room:
    """Bytes of files that were sent and not used yet: of one tab, and of all."""

    session: int = 200 * MEBI
    in_all: int = 1000 * MEBI


def room_for_files() -> Room:
    """PARAMIXER_TAB_FILES and PARAMIXER_ALL_TABS_FILES, as "200 MB". ParamixerError for others."""
    tab, tabs = (os.environ.get(f"PARAMIXER_{name}_FILES", "") for name in ("TAB", "ALL_TABS"))
    return Room(
        parse_size("PARAMIXER_TAB_FILES", tab) if tab else Room.session,
        parse_size("PARAMIXER_ALL_TABS_FILES", tabs) if tabs else Room.in_all,
    )


LONGEST_TAB_SECONDS = 90
"""Streamlit itself forgets a tab that is gone for 120 seconds, at some time after that."""


def tab_seconds() -> float:
    """How long a tab that is cut off keeps its files: PARAMIXER_TAB_SECONDS, 60 by default."""
    text = os.environ.get("PARAMIXER_TAB_SECONDS", "60")
    if not text.isdecimal() or not 1 <= int(text) <= LONGEST_TAB_SECONDS:
        raise ParamixerError(
            f"PARAMIXER_TAB_SECONDS from 1 to {LONGEST_TAB_SECONDS}", text, "set it so"
        )
    return float(text)
