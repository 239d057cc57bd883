"""Settings of the web server that an operator gives in the environment."""

import os
import re

from paramixer_core.errors import ParamixerError

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
