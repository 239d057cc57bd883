"""Files that are made to take all memory, or for ever: each ends in its sentence."""

import gzip
import json
import os
import struct
import threading
import time
import urllib.request
import zlib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Page, sync_playwright

from tests.chromium import ARGUMENTS, find_chromium
from tests.faults.fault import Fault
from tests.faults.served import OPENER, app_on, home_of
from tests.load.server import ADDRESS

MOST_SECONDS = 60.0
ANSWERS_WITHIN = 1.0
EXPECTED = "its sentence; the server answered within a second all the while"
WEIGHTS, SEQUENCES = "weights_file", "data_file"


def many_dimensions() -> bytes:
    """A tensor with as many dimensions as a header of 0.99 MiB can name."""
    shape = ",".join("1" * 500_000)
    text = f'{{"a":{{"dtype":"F32","shape":[{shape}],"data_offsets":[0,4]}}}}'.encode()
    return struct.pack("<Q", len(text)) + text + bytes(4)


def long_row() -> bytes:
    """One long sequence and thousands of short ones, all to be filled up to its length."""
    return b"a " + b"ACGT" * 4000 + b"\n" + b"b A\n" * 9000 + b"a C\n" * 900


def unpacks_without_end() -> bytes:
    """A small gzip file of 300 MiB."""
    return gzip.compress(bytes(300 * 2**20))


def many_columns() -> bytes:
    """A table of 100,000 columns."""
    return b"\n".join([b"label," + b"1," * 100_000] * 5)


def huge_market() -> bytes:
    """A MatrixMarket file of a billion rows and columns."""
    return b"%%MatrixMarket matrix coordinate real general\n1000000000 1000000000 1\n1 1 1.0\n"


def huge_array() -> bytes:
    """A NumPy file whose header says four billion rows and columns."""
    shape = (4_000_000_000,) * 2
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


def huge_picture() -> bytes:
    """A PNG of 60,000 x 60,000 pixels."""
    packer = zlib.compressobj(9)
    line = bytes(60_000 // 8 + 1)
    rows = b"".join(packer.compress(line) for _ in range(60_000)) + packer.flush()

    def chunk(kind: bytes, held: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + held))
        return struct.pack(">I", len(held)) + kind + held + check

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def long_network() -> bytes:
    """Weights for 131,072 tokens, a few kilobytes of them true."""
    from tests.uploads.weight_files import SMALL, exported

    content = exported(SMALL)
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    config = json.loads(header["__metadata__"]["config"]) | {"seq_len": 131_072}
    header["__metadata__"]["config"] = json.dumps(config)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + content[8 + length :]


def sent(name: str, box: str, content: bytes, sentence: str) -> str:
    """Send it to a box of the app in a browser, and ask the server meanwhile whether it lives."""
    with TemporaryDirectory() as scratch, home_of() as (home, _), app_on(home):
        path = Path(scratch) / name
        path.write_bytes(content)
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
            page = browser.new_page()
            address = "matrix_lab" if box == "matrix-file" else "inspect"
            page.goto(f"{ADDRESS}/{address}" + "?target=file" * (box == "matrix-file"))
            opened(page, box)
            with asked_often() as slowest:
                page.set_input_files(f".st-key-{box} input[type=file]", str(path))
                began = time.monotonic()
                seen = said(page, sentence)
                seconds = time.monotonic() - began
            browser.close()
        worst = max(slowest)
        if sentence not in seen:
            return f"{seconds:.0f} s: {seen[:300]}"
        return EXPECTED if worst < ANSWERS_WITHIN else f"an answer took {worst:.1f} s"
