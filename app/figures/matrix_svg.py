"""A matrix as an SVG picture: exact pixels, axes and colour bar, no scripts."""

import base64
import struct
import zlib
from html import escape
from textwrap import wrap

import numpy as np
from jaxtyping import UInt8

SIDE = 480
LEFT, TOP, GAP = 64, 64, 18
CAPTION_LETTERS = 84


def matrix_svg(
    levels: UInt8[np.ndarray, "rows columns"],
    table: UInt8[np.ndarray, "255 3"],
    *,
    title: str,
    row_label: str,
    column_label: str,
    ends: tuple[str, str, str],
    unit: str = "",
    caption: str = "",
) -> str:
    """The picture of colour levels (255: not finite, grey) with `ends` below its colour bar.

    `ends` are the texts at the left, in the middle and at the right of the bar, `unit` the text
    below them: what the colours stand for.
    """
    rows, columns = levels.shape
    colours = np.concatenate([table, np.full((1, 3), 136, np.uint8)])
    wide = SIDE
    tall = round(min(2 * SIDE, max(60, SIDE * rows / columns)))
    bar_top = TOP + tall + GAP
    bar = colours[:255][None, :, :]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + wide + 24}" '
        f'height="{bar_top + 114}" font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{LEFT}" y="20" font-size="15" font-weight="600">{escape(title)}</text>',
        f'<text x="{LEFT + wide / 2}" y="40" text-anchor="middle">{escape(column_label)}</text>',
        f'<text transform="translate(16 {TOP + tall / 2}) rotate(-90)" '
        f'text-anchor="middle">{escape(row_label)}</text>',
        _image(colours[levels], LEFT, TOP, wide, tall),
        f'<rect x="{LEFT}" y="{TOP}" width="{wide}" height="{tall}" fill="none" stroke="#888"/>',
        _image(bar, LEFT, bar_top, 200, 10),
    ]
    for share, anchor, text in zip((0, 100, 200), ("start", "middle", "end"), ends, strict=True):
        parts.append(
            f'<text x="{LEFT + share}" y="{bar_top + 24}" text-anchor="{anchor}" '
            f'font-size="11">{escape(text)}</text>'
        )
    parts.append(
        f'<text x="{LEFT + 100}" y="{bar_top + 40}" text-anchor="middle" font-size="11">'
        f"{escape(unit)}</text>"
    )
    for at in _ticks(columns):
        x = LEFT + (at + 0.5) * wide / columns
        parts.append(f'<text x="{x:.1f}" y="{TOP - 6}" text-anchor="middle">{at}</text>')
    for at in _ticks(rows):
        y = TOP + (at + 0.5) * tall / rows + 4
        parts.append(f'<text x="{LEFT - 6}" y="{y:.1f}" text-anchor="end">{at}</text>')
    for number, words in enumerate(wrap(caption, CAPTION_LETTERS)):
        y = bar_top + 62 + 15 * number
        parts.append(f'<text x="{LEFT}" y="{y}" font-size="11">{escape(words)}</text>')
    return "\n".join([*parts, "</svg>\n"])


def png(rgb: UInt8[np.ndarray, "rows columns 3"]) -> bytes:
    """Pixels as a PNG file (8-bit RGB, no filter)."""
    rows, columns, _ = rgb.shape
    raw = b"".join(b"\0" + row.tobytes() for row in np.ascontiguousarray(rgb))
    head = struct.pack(">IIBBBBB", columns, rows, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(raw, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


def _image(rgb: np.ndarray, x: float, y: float, wide: float, tall: float) -> str:
    text = base64.b64encode(png(rgb.astype(np.uint8))).decode()
    return (
        f'<image x="{x}" y="{y}" width="{wide}" height="{tall}" preserveAspectRatio="none" '
        f'style="image-rendering:pixelated" href="data:image/png;base64,{text}"/>'
    )


def _ticks(count: int) -> list[int]:
    for step in (1, 2, 5, 10, 20, 50, 100, 200, 500):
        if count / step <= 8:
            return list(range(0, count, step))
    return [0, count - 1]
