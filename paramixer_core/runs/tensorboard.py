"""TensorBoard event files, written without TensorBoard: framed records of scalar summaries."""

import struct
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

FILE_VERSION = b"brain.Event:2"
HParam = bool | int | float | str
POLYNOMIAL = 0x82F63B78  # CRC-32C (Castagnoli), reflected


def write_events(
    path: Path,
    scalars: Iterable[tuple[float, int, str, float]],
    hparams: Mapping[str, HParam] | None = None,
) -> None:
    """Write `(unix seconds, step, tag, value)` as an event file; replaces one that is there.

    Format: TFRecord frames (length, its masked CRC-32C, data, its masked CRC-32C) of Event
    messages {1: wall_time, 2: step, 5: Summary{1: Value{1: tag, 2: simple_value}}}. `hparams` are
    the settings that the plugin of that name lists.
    """
    with path.open("wb") as file:
        file.write(frame(_double(1, 0.0) + _bytes(3, FILE_VERSION)))
        if hparams:
            file.write(frame(_double(1, 0.0) + _bytes(5, _bytes(1, session_start(hparams)))))
        for when, step, tag, value in scalars:
            summary = _bytes(1, _bytes(1, tag.encode()) + b"\x15" + struct.pack("<f", value))
            file.write(frame(_double(1, when) + b"\x10" + _varint(step) + _bytes(5, summary)))


def session_start(hparams: Mapping[str, HParam]) -> bytes:
    """The Value{1: tag, 8: TensorProto, 9: SummaryMetadata} that begins a session of the plugin.

    SummaryMetadata{1: PluginData{1: name, 2: HParamsPluginData{3: SessionStartInfo{1: map of
    protobuf Values}}}}; the tensor is empty, as the plugin's own writer leaves it.
    """
    pairs = b"".join(
        _bytes(1, _bytes(1, name.encode()) + _bytes(2, _value(value)))
        for name, value in hparams.items()
    )
    plugin = _bytes(1, b"hparams") + _bytes(2, _bytes(3, pairs))
    nothing = _bytes(8, b"\x08\x01" + _bytes(2, _bytes(2, b"\x08\x00")))  # float32 of shape (0,)
    return _bytes(1, b"_hparams_/session_start_info") + nothing + _bytes(9, _bytes(1, plugin))


def _value(value: HParam) -> bytes:
    """A google.protobuf.Value: {2: number}, {3: text} or {4: truth}."""
    match value:
        case bool():
            return bytes([4 << 3, value])
        case int() | float():
            return _double(2, float(value))
        case str():
            return _bytes(3, value.encode())


def frame(data: bytes) -> bytes:
    """One TFRecord."""
    length = struct.pack("<Q", len(data))
    return length + masked_crc(length) + data + masked_crc(data)


def masked_crc(data: bytes) -> bytes:
    """CRC-32C, rotated and offset as TFRecord wants it."""
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def crc32c(data: bytes) -> int:
    """The Castagnoli checksum.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    crc = 0xFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def _table() -> Iterator[int]:
    for index in range(256):
        crc = index
        for _ in range(8):
            crc = crc >> 1 ^ (POLYNOMIAL if crc & 1 else 0)
        yield crc


TABLE = tuple(_table())


def _bytes(field: int, data: bytes) -> bytes:
    return bytes([field << 3 | 2]) + _varint(len(data)) + data


def _double(field: int, value: float) -> bytes:
    return bytes([field << 3 | 1]) + struct.pack("<d", value)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)
