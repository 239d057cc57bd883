"""A safetensors file that somebody sent: its header is checked, its tensors are read on demand."""

import json
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from paramixer_core.errors import ParamixerError
from paramixer_core.uploads.formats import REMEDY, header_length

MAX_BYTES = 50 * 2**20
MAX_TENSORS = 5_000
MAX_DIMENSIONS = 8

FLOATS = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
}
"""Dtypes that a network's weights may have. Others may be in the file, where nothing reads them."""

SIZES = {
    "BOOL": 1,
    "U8": 1,
    "I8": 1,
    "F8_E5M2": 1,
    "F8_E4M3": 1,
    "I16": 2,
    "U16": 2,
    "F16": 2,
    "BF16": 2,
    "I32": 4,
    "U32": 4,
    "F32": 4,
    "I64": 8,
    "U64": 8,
    "F64": 8,
}
"""Bytes an entry. Dtypes that are not listed are taken as they come: nothing reads them."""


@dataclass(frozen=True)
class Entry:
    """A tensor's dtype (safetensors' name for it), shape and place among the data, in bytes."""

    dtype: str
    shape: tuple[int, ...]
    first: int
    last: int


@dataclass(frozen=True)
class WeightFile:
    """A whole safetensors file: what its tensors are, its own notes, and its data."""

    entries: dict[str, Entry]
    metadata: dict[str, str]
    data: memoryview

    def tensor(self, name: str) -> Tensor:
        """A copy of one tensor as float32; raises ParamixerError unless it holds floats."""
        entry = self.entries[name]
        if entry.dtype not in FLOATS:
            raise ParamixerError(
                f"weights of dtype {', '.join(FLOATS)}",
                f"{entry.dtype} for {name}",
                "save the weights before they are quantised, as float32",
            )
        dtype = FLOATS[entry.dtype]
        held = bytearray(self.data[entry.first : entry.last])
        flat = torch.frombuffer(held, dtype=dtype) if held else torch.empty(0, dtype=dtype)
        return flat.to(torch.float32).reshape(entry.shape)


def read_file(content: bytes, name: str = "") -> WeightFile:
    """Read the header of a safetensors file; no tensor is read yet.

    Raises ParamixerError, in one sentence, for another kind of file (which is named), for a file
    over the limits, and for a header that its data contradict.
    """
    if len(content) > MAX_BYTES:
        raise ParamixerError(
            f"a file of at most {MAX_BYTES // 2**20} MiB",
            f"{len(content) / 2**20:.1f} MiB",
            "save the weights without the optimiser, or as float16",
        )
    length = header_length(content, name)
    try:
        header = json.loads(content[8 : 8 + length])
    except (ValueError, RecursionError) as error:
        raise ParamixerError("a safetensors header", error, REMEDY) from error
    if not isinstance(header, dict):
        raise ParamixerError("a safetensors header", type(header).__name__, REMEDY)
    metadata = header.pop("__metadata__", None)
    if not 1 <= len(header) <= MAX_TENSORS:
        raise ParamixerError(f"1 to {MAX_TENSORS:,} tensors", f"{len(header):,}", REMEDY)
    entries = {tensor: read_entry(tensor, held) for tensor, held in header.items()}
    require_contiguous(entries, len(content) - 8 - length)
    return WeightFile(entries, read_metadata(metadata), memoryview(content)[8 + length :])


def read_entry(name: str, held: Any) -> Entry:
    """One tensor's line of the header. Raises ParamixerError if it contradicts itself."""
    try:
        dtype, shape = held["dtype"], held["shape"]
        first, last = held["data_offsets"]
    except (TypeError, KeyError, ValueError) as error:
        raise ParamixerError("dtype, shape and place of a tensor", name, REMEDY) from error
    if not isinstance(dtype, str) or not isinstance(shape, list):
        raise ParamixerError("a dtype and a shape for every tensor", name, REMEDY)
    if len(shape) > MAX_DIMENSIONS:
        raise ParamixerError(
            f"tensors of at most {MAX_DIMENSIONS} dimensions",
            f"{len(shape):,} dimensions for {name}",
            REMEDY,
        )
    if not all(type(value) is int and 0 <= value <= MAX_BYTES for value in (*shape, first, last)):
        raise ParamixerError("whole numbers as shape and place", name, REMEDY)
    numbers = 1  # at most 8 factors below 2^26: no product here is long
    for side in shape:
        numbers *= side
    if last < first or (dtype in SIZES and last - first != numbers * SIZES[dtype]):
        raise ParamixerError("tensors that fill their places in the file", name, REMEDY)
    return Entry(dtype, tuple(shape), first, last)


def require_contiguous(entries: dict[str, Entry], size: int) -> None:
    """Raise ParamixerError unless the tensors fill the data, one behind the other."""
    end = 0
    for name, entry in sorted(entries.items(), key=lambda item: (item[1].first, item[1].last)):
        if entry.first != end:
            raise ParamixerError("tensors that fill their places in the file", name, REMEDY)
        end = entry.last
    if end != size:
        raise ParamixerError(
            f"a whole safetensors file with {end:,} bytes of data", f"{size:,}", "send it again"
        )


def read_metadata(metadata: Any) -> dict[str, str]:
    """The file's own notes, texts by name; anything else in their place is left out."""
    if not isinstance(metadata, dict):
        return {}
    return {name: value for name, value in metadata.items() if isinstance(value, str)}
