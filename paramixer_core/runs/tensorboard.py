"""TensorBoard event files, written without TensorBoard: framed records of scalar summaries."""

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

FILE_VERSION = b"brain.Event:2"
POLYNOMIAL = 0x82F63B78  # CRC-32C (Castagnoli), reflected


def write_events(path: Path, scalars: Iterable[tuple[float, int, str, float]]) -> None:
    """Write `(unix seconds, step, tag, value)` as an event file; replaces one that is there.

    Format: TFRecord frames (length, its masked CRC-32C, data, its masked CRC-32C) of Event
    messages {1: wall_time, 2: step, 5: Summary{1: Value{1: tag, 2: simple_value}}}.
    """
    with path.open("wb") as file:
        file.write(frame(_double(1, 0.0) + _bytes(3, FILE_VERSION)))
        for when, step, tag, value in scalars:
            summary = _bytes(1, _bytes(1, tag.encode()) + b"\x15" + struct.pack("<f", value))
            file.write(frame(_double(1, when) + b"\x10" + _varint(step) + _bytes(5, summary)))


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
