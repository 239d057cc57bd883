"""Picture files of every mode and depth from one array of shares, 0 black to 1 white."""

import io
import struct
import zlib

import numpy as np
from PIL import Image


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def grey8(shares: np.ndarray) -> Image.Image:
    return Image.fromarray(np.round(shares * 255).astype(np.uint8))


def grey16(shares: np.ndarray, order: str = "<") -> Image.Image:
    return Image.fromarray(np.round(shares * 65535).astype(f"{order}u2"))


def tiff(pixels: bytes, wide: int, high: int, *, big: bool = False, **tags: int) -> bytes:
    """An uncompressed grey TIFF written by hand: bits, photometric, form are what the test says."""
    order = ">" if big else "<"
    entries = {
        256: wide,
        257: high,
        258: tags["bits"],
        259: 1,
        262: tags.get("photometric", 1),
        273: 8,
        277: 1,
        278: high,
        279: len(pixels),
        339: tags.get("form", 1),
    }
    if "orientation" in tags:
        entries[274] = tags["orientation"]
    head = struct.pack(f"{order}2sHI", b"MM" if big else b"II", 42, 8 + len(pixels))
    body = struct.pack(f"{order}H", len(entries))
    for tag, value in sorted(entries.items()):
        body += struct.pack(f"{order}HHII", tag, 4, 1, value)
    return head + pixels + body + struct.pack(f"{order}I", 0)


def packed12(shares: np.ndarray) -> bytes:
    """Two 12-bit samples in three bytes, rows one after another."""
    bits = "".join(f"{round(share * 4095):012b}" for share in shares.ravel())
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def whole(shares: np.ndarray, kind: str, top: float) -> bytes:
    return np.round(shares * top).astype(kind).tobytes()


def rgb16_png(shares: np.ndarray) -> bytes:
    """A 16-bit colour PNG, which Pillow reads but cannot write."""
    high, wide = shares.shape
    rows = np.repeat(np.round(shares * 65535).astype(">u2"), 3, axis=1)
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", wide, high, 16, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(raw)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )
