"""Files that are made to take all memory, or for ever: each ends in its sentence."""

import gzip
import json
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Error, sync_playwright

from tests.chromium import ARGUMENTS, find_chromium
from tests.faults.fault import Fault
from tests.faults.served import OPENER, app_on, home_of
from tests.load.server import ADDRESS

MOST_SECONDS = 60.0
ANSWERS_WITHIN = 1.0
EXPECTED = "its sentence; the server answered within a second all the while"
MATRIX = "matrix-file"
SAID = "[data-testid=stAlert], [data-testid=stMarkdown]"


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
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


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


@contextmanager
def asked_often() -> Iterator[list[float]]:
    """Ask the server for its health and a page while something else goes on; how long each took."""
    took: list[float] = []
    over = threading.Event()

    def ask() -> None:
        while not over.wait(0.05):
            for path in ("/_stcore/health", "/"):
                began = time.monotonic()
                with OPENER.open(f"{ADDRESS}{path}", timeout=60) as answer:
                    answer.read()
                took.append(time.monotonic() - began)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield took
    finally:
        over.set()
        asking.join()


def sent(bomb: "Bomb") -> str:
    """Send it to a box of the app in a browser, and ask the server meanwhile whether it lives."""
    address = "matrix_lab?target=upload" if bomb.box == MATRIX else "inspect"
    with TemporaryDirectory() as scratch, home_of() as (home, _), app_on(home):
        path = Path(scratch) / bomb.name
        path.write_bytes(bomb.make())
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
            page = browser.new_page()
            page.set_default_timeout(90_000)
            page.goto(f"{ADDRESS}/{address}")
            upload = page.locator(f".st-key-{bomb.box} input[type=file]")
            if bomb.box != MATRIX:
                page.locator("summary").filter(has_text=bomb.title).click()
            upload.wait_for(state="attached")
            with asked_often() as took:
                upload.set_input_files(str(path))
                said = page.locator("[data-testid=stAlert], [data-testid=stMarkdown]").filter(
                    has_text=bomb.sentence
                )
                try:
                    said.first.wait_for(timeout=1000 * MOST_SECONDS)
                    seen = ""
                except Error:
                    seen = page.locator("[data-testid=stMain]").inner_text()
            browser.close()
    if seen:
        return f"not said within {MOST_SECONDS:.0f} s: {seen[:300]}"
    return EXPECTED if max(took) < ANSWERS_WITHIN else f"an answer took {max(took):.1f} s"


@dataclass(frozen=True)
class Bomb:
    """A file, the box that it is sent to, and a part of the sentence that it ends in."""

    name: str
    box: str
    title: str
    make: Callable[[], bytes]
    sentence: str


WEIGHTS = ("weights_file", "Upload weights")
SEQUENCES = ("data_file", "Upload sequences to train on")
BOMBS = (
    Bomb("dimensions.safetensors", *WEIGHTS, many_dimensions, "at most 8 dimensions"),
    Bomb("long.safetensors", *WEIGHTS, long_network, "Expected"),
    Bomb("endless.csv.gz", *SEQUENCES, unpacks_without_end, "at most 20 MiB"),
    Bomb("wide.csv", *SEQUENCES, many_columns, "columns"),
    Bomb("long.txt", *SEQUENCES, long_row, "sequences to train on"),
    Bomb("huge.mtx", MATRIX, "", huge_market, "4,096 rows and columns"),
    Bomb("huge.npy", MATRIX, "", huge_array, "4,096 rows and columns"),
    Bomb("huge.png", MATRIX, "", huge_picture, "4,096 rows and columns"),
)

FAULTS = tuple(
    Fault(
        f"bomb {bomb.name}",
        " ".join((bomb.make.__doc__ or "").split()),
        EXPECTED,
        lambda bomb=bomb: sent(bomb),
    )
    for bomb in BOMBS
)
