"""The page's linked views as one HTML file that opens offline and stays interactive."""

import base64
import json
import tomllib
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from pathlib import Path

from app.components.client import CODE
from app.components.payload import script, style

ROOT = Path(__file__).resolve().parent.parent
FONT = '"Source Sans Pro", "Source Sans 3", system-ui, sans-serif'
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
)
THEME_NAMES = {
    "primaryColor": "primary-color",
    "backgroundColor": "background-color",
    "secondaryBackgroundColor": "secondary-background-color",
    "textColor": "text-color",
    "borderColor": "border-color",
}


@dataclass(frozen=True)
class SavedFrame:
    """What the views show at one moment: one payload per view, and what to call the moment."""

    label: str
    payloads: Sequence[bytes]


def standalone_page(
    title: str,
    views: Sequence[str],
    frames: Sequence[SavedFrame],
    feeds: Mapping[str, bytes],
    facts: Mapping[str, object],
    note: str,
    *,
    beside: Mapping[str, object] | None = None,
) -> str:
    """The file's text. `facts` are shown as a table, `beside` as its second column. `views`
    name the kind of each view ("tokens", "matrix"), in order.

    With several frames the reader moves through them on a slider; the last is shown first.
    """
    saved = {
        "views": list(views),
        "frames": [
            {"label": frame.label, "payloads": [_packed(payload) for payload in frame.payloads]}
            for frame in frames
        ],
        "feeds": {key: _packed(payload) for key, payload in feeds.items()},
    }
    columns = [facts] if beside is None else [facts, beside]
    rows = "".join(
        "".join(["<tr>", *(f"<td>{escape(str(text))}</td>" for text in (name, *values)), "</tr>"])
        for name in dict.fromkeys(name for column in columns for name in column)
        for values in [[column.get(name, "–") for column in columns]]
    )
    code = zlib.decompress(CODE).decode() + "\n" + script("standalone")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f"<title>{escape(title)}</title>\n<style>{_theme()}\n{style('standalone')}</style>\n"
        f"</head><body><h1>{escape(title)}</h1>\n<p>{escape(note)}</p>\n"
        '<div id="time"><label for="at">Training step</label>'
        '<input id="at" type="range" min="0" step="1"><span id="step"></span></div>\n'
        f'<div id="views"></div>\n<table>{rows}</table>\n'
        f'<script id="saved" type="application/json">{_inert(json.dumps(saved))}</script>\n'
        f'<script type="module">\n{code}\n</script></body></html>\n'
    )


def _packed(payload: bytes) -> str:
    return base64.b64encode(zlib.compress(payload, 6)).decode()


def _inert(text: str) -> str:
    """JSON that can't end its script element."""
    return text.replace("<", "\\u003c")


@lru_cache(maxsize=1)
def _theme() -> str:
    theme = tomllib.loads((ROOT / "app" / ".streamlit" / "config.toml").read_text())["theme"]
    sheets = []
    for name in ("light", "dark"):
        lines = [f"--st-{css}: {theme[name][key]};" for key, css in THEME_NAMES.items()]
        lines += [f"--st-base-radius: {theme['baseRadius']};", f"--st-font: {FONT};"]
        sheets.append(f":root {{ color-scheme: {name}; {' '.join(lines)} }}")
    return f"{sheets[0]} @media (prefers-color-scheme: dark) {{ {sheets[1]} }}"
