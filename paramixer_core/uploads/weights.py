"""Weights from a file that somebody sent: safetensors alone, its header checked before its data."""

import json
import math
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from paramixer_core.errors import ParamixerError

MAX_BYTES = 50 * 2**20
MAX_HEADER_BYTES = 2**20
MAX_TENSORS = 5_000
MAX_SIDE = 2**31
DTYPES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4}
"""Dtypes that weights may have, in bytes an entry."""

REMEDY = "save the weights with safetensors.torch.save_file and upload that file"


def read_weights(content: bytes) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors by name (floating ones as float32) and the file's own notes.

    Raises ParamixerError for anything but a whole safetensors file within the limits whose
    numbers are all finite.
    """
    header = read_header(content)
    notes = header.pop("__metadata__", None) or {}
    require_layout(header, len(content) - 8 - int.from_bytes(content[:8], "little"))
    try:
        tensors = load(content)
    except (SafetensorError, ValueError, TypeError, RuntimeError, OverflowError) as error:
        raise ParamixerError("a whole safetensors file", error, REMEDY) from error
    found = {}
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise ParamixerError(
                "finite weights", f"NaN or infinity in {name}", "upload a run that did not diverge"
            )
        found[name] = tensor.float() if tensor.is_floating_point() else tensor
    if not isinstance(notes, dict):
        notes = {}
    return found, {str(name): str(value) for name, value in notes.items()}


def read_header(content: bytes) -> dict[str, Any]:
    """The file's header as a dict, read without touching the tensors."""
    if len(content) > MAX_BYTES:
        raise ParamixerError(
            f"a file of at most {MAX_BYTES // 2**20} MiB",
            f"{len(content) / 2**20:.1f} MiB",
            "save the weights without the optimiser, or as float16",
        )
    if content[:2] == b"PK" or content[:1] == b"\x80":
        raise ParamixerError(
            "a safetensors file",
            "a pickle or zip archive, which is never opened here",
            REMEDY,
        )
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or length > min(MAX_HEADER_BYTES, len(content) - 8):
        raise ParamixerError("a whole safetensors file", "another kind of file, or a part", REMEDY)
    try:
        header = json.loads(content[8 : 8 + length])
    except (ValueError, RecursionError) as error:
        raise ParamixerError("a safetensors header", error, REMEDY) from error
    if not isinstance(header, dict):
        raise ParamixerError("a safetensors header", type(header).__name__, REMEDY)
    return header


def require_layout(header: dict[str, Any], size: int) -> None:
    """Raise ParamixerError unless every tensor has a known dtype and lies within the file."""
    if not 1 <= len(header) <= MAX_TENSORS:
        raise ParamixerError(f"1 to {MAX_TENSORS:,} tensors", len(header), REMEDY)
    for name, entry in header.items():
        try:
            dtype, shape = entry["dtype"], entry["shape"]
            first, last = entry["data_offsets"]
        except (TypeError, KeyError, ValueError) as error:
            raise ParamixerError("dtype, shape and place of a tensor", name, REMEDY) from error
        whole = [*shape, first, last] if isinstance(shape, list) else [None]
        if not all(type(value) is int and 0 <= value < MAX_SIDE for value in whole):
            raise ParamixerError("whole numbers as shape and place", name, REMEDY)
        if not isinstance(dtype, str) or dtype not in DTYPES:
            raise ParamixerError(f"weights of dtype {', '.join(DTYPES)}", dtype, REMEDY)
        if last > size or last - first != math.prod(shape) * DTYPES[dtype]:
            raise ParamixerError("tensors that fill their places in the file", name, REMEDY)
