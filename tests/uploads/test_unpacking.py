"""Packed files are unpacked within a limit; damaged and endless ones get a sentence."""

import gzip
import io
import tracemalloc
import zipfile

import pytest

from paramixer_core.errors import ParamixerError
from paramixer_core.uploads.unpacking import unpacked

PLAIN = b"label,text\na,x\nb,y\n"
LIMIT = 2**20


def zipped(*names: str, content: bytes = PLAIN) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, content)
    return file.getvalue()


def test_gzip_of_one_or_several_members_and_zip_of_one_file_are_unpacked() -> None:
    assert unpacked(PLAIN, LIMIT) == (PLAIN, "")
    assert unpacked(gzip.compress(PLAIN), LIMIT)[0] == PLAIN
    assert unpacked(gzip.compress(PLAIN) + gzip.compress(PLAIN), LIMIT)[0] == PLAIN + PLAIN
    content, said = unpacked(zipped("a.csv"), LIMIT)
    assert (content, said) == (PLAIN, "The file was unpacked from a zip archive: 19 bytes.")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(gzip.compress(bytes(2**26)), "at most 1 MiB", id="gzip-bomb"),
        pytest.param(zipped("a", content=bytes(2**26)), "at most 1 MiB", id="zip-bomb"),
        pytest.param(bytes(LIMIT + 1), "at most 1 MiB", id="large"),
        pytest.param(gzip.compress(PLAIN)[:-9], "a whole gzip file", id="cut"),
        pytest.param(b"\x1f\x8b" + b"x" * 50, "a whole gzip file", id="no-gzip"),
        pytest.param(b"PK\x03\x04" + b"x" * 50, "a whole zip file", id="no-zip"),
        pytest.param(zipped("a", "b"), "holds one file", id="two"),
    ],
)
def test_what_cannot_be_unpacked_is_said(content: bytes, said: str) -> None:
    with pytest.raises(ParamixerError, match=said):
        unpacked(content, LIMIT)


def test_a_file_that_grows_without_end_takes_no_more_memory_than_the_limit() -> None:
    bomb = gzip.compress(bytes(2**27))
    tracemalloc.start()
    with pytest.raises(ParamixerError):
        unpacked(bomb, LIMIT)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 4 * LIMIT
