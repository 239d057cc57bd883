"""How arrays travel to a component: one small JSON header and raw little-endian bytes, never JSON
numbers."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FIRST_VIEW_BYTES = 300_000
"""What the first view of any matrix may cost, payload and code together."""

_ALIGNMENT = 8
_FOLDER = Path(__file__).parent


def pack(header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """One byte string of a header and named arrays.

    Layout: 4 bytes with the header's length (little-endian), the header as JSON padded with blanks
    to a multiple of 8 bytes, then every array in C order, each padded to a multiple of 8. The
    header gains `arrays`: name -> [dtype, shape, byte offset behind the header].
    """
    places: dict[str, tuple[str, list[int], int]] = {}
    blobs: list[bytes] = []
    offset = 0
    for name, array in arrays.items():
        little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        blob = little.tobytes()
        places[name] = (array.dtype.name, list(array.shape), offset)
        blob += bytes(-len(blob) % _ALIGNMENT)
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps({**header, "arrays": places}, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-(len(text) + 4) % _ALIGNMENT)
    return len(text).to_bytes(4, "little") + text + b"".join(blobs)


def unpack(payload: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The header and the arrays of a packed byte string: what the browser does, for tests."""
    length = int.from_bytes(payload[:4], "little")
    header: dict[str, Any] = json.loads(payload[4 : 4 + length])
    arrays = {}
    for name, (dtype, shape, offset) in header.pop("arrays").items():
        count = int(np.prod(shape, dtype=np.int64))
        start = 4 + length + offset
        arrays[name] = np.frombuffer(payload, dtype, count=count, offset=start).reshape(shape)
    return header, arrays


def script(*names: str) -> str:
    """Several of the folder's JavaScript files as one module, without indents and comment lines.

    Streamlit sends a component's code with every changed message, so what only people need is
    left out.
    """
    lines = "\n".join(_read(f"js/{name}.js") for name in names).splitlines()
    kept = (line.strip() for line in lines)
    return "\n".join(line for line in kept if line and not line.startswith("//"))


def style(*names: str) -> str:
    """Several of the folder's style sheets as one, without indents."""
    lines = "\n".join(_read(f"js/{name}.css") for name in names).splitlines()
    return "\n".join(line.strip() for line in lines if line.strip())


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
