"""Matrices in files of numbers: NumPy's .npy and .npz, SciPy's sparse .npz, MatrixMarket .mtx."""

import io
import lzma
import warnings
import zipfile
import zlib
from collections.abc import Callable
from typing import IO, Any

import numpy as np
import scipy.io
import scipy.sparse

from paramixer_core.analysis.matrix_choices import (
    MAX_UNPACKED,
    REMEDY,
    MatrixChoices,
    require_size,
)
from paramixer_core.errors import ParamixerError

NPY = b"\x93NUMPY"
ZIP = b"PK\x03\x04"
EMPTY_ZIP = b"PK\x05\x06"
MARKET = b"%%matrixmarket"
EXACT_WHOLE = 2**53
"""Up to here float64 holds every whole number."""
SPARSE_ROWS = {"csr": ("indices", "indptr"), "csc": ("indices", "indptr"), "coo": ("row", "col")}
BROKEN_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    NotImplementedError,  # a compression that Python cannot undo
    RuntimeError,  # an encrypted entry
    ValueError,
)


class SeveralArraysError(ParamixerError):
    """An .npz file with several matrices; `names` are theirs, and one must be chosen."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        super().__init__(
            "one matrix in the archive",
            f"{len(names)}: {', '.join(names)}",
            "choose one by its name",
        )


def from_npy(content: bytes) -> tuple[np.ndarray, list[str]]:
    """A NumPy array of numbers; one of Python objects would need unpickling and is refused."""
    return read_npy(lambda: io.BytesIO(content), ".npy file")


def read_npy(
    opened: Callable[[], IO[bytes]], what: str, limit: Callable[..., None] = require_size
) -> tuple[np.ndarray, list[str]]:
    """The array behind a stream whose header is checked before any number is read."""
    shape, dtype = npy_header(opened, what)
    if dtype.hasobject or dtype.kind not in "biufc":
        raise ParamixerError(
            "an array of numbers",
            "Python objects (a pickle)" if dtype.hasobject else f"the type {dtype}",
            "save it with a number type: nothing that is uploaded is ever unpickled",
        )
    limit(shape)
    try:
        with opened() as stream:
            found: np.ndarray = np.lib.format.read_array(stream, allow_pickle=False)
    except BROKEN_ZIP as error:
        raise ParamixerError(f"a whole {what}", "one that ends early", REMEDY) from error
    return found, rounding(found)


def npy_header(opened: Callable[[], IO[bytes]], what: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and type, read from the header alone."""
    try:
        with opened() as stream:
            version = np.lib.format.read_magic(stream)
            read = {
                (1, 0): np.lib.format.read_array_header_1_0,
                (2, 0): np.lib.format.read_array_header_2_0,
            }[version]
            shape, _, dtype = read(stream)
    except (*BROKEN_ZIP, KeyError) as error:
        raise ParamixerError(f"a whole {what}", "a damaged one", REMEDY) from error
    return shape, dtype


def rounding(found: np.ndarray) -> list[str]:
    """A note where float64 cannot hold the numbers exactly."""
    if found.dtype.kind in "iu" and max(abs(int(found.min())), int(found.max())) > EXACT_WHOLE:
        return ["Whole numbers above 2⁵³ are rounded: the lab computes in float64."]
    if found.dtype.kind == "f" and found.dtype.itemsize > 8:
        return [f"The numbers are {found.dtype}; they are rounded to float64."]
    return []


def from_npz(content: bytes, choices: MatrixChoices) -> tuple[np.ndarray, list[str]]:
    """The only matrix of an archive, or the chosen one; a sparse matrix of SciPy made dense."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except BROKEN_ZIP as error:
        raise ParamixerError("a whole .npz file", "a damaged one", REMEDY) from error
    with archive:
        entries = {
            name.removesuffix(".npy"): name for name in archive.namelist() if name.endswith(".npy")
        }
        if not entries:
            raise ParamixerError(
                "an .npz file with arrays in it", "a zip file of something else", REMEDY
            )
        if {"format", "shape", "data"} <= set(entries):
            return from_sparse(archive, entries)
        name = chosen_array(archive, entries, choices.array)
        found, notes = read_npy(lambda: archive.open(entries[name]), f"array {name}")
    others = [other for other in entries if other != name]
    if others:
        notes = [f"Read: the array {name}. Not read: {', '.join(others)}.", *notes]
    return found, notes


def chosen_array(archive: zipfile.ZipFile, entries: dict[str, str], wanted: str | None) -> str:
    """The name of the array to read: the wanted one, or the only matrix."""
    if wanted is not None:
        if wanted not in entries:
            raise ParamixerError(
                f"the name of an array among {', '.join(entries)}", wanted, "choose one of them"
            )
        return wanted
    if len(entries) == 1:
        return next(iter(entries))
    headers = {
        name: npy_header(lambda entry=entry: archive.open(entry), f"array {name}")  # type: ignore[misc]
        for name, entry in entries.items()
    }
    matrices = [
        name
        for name, (shape, dtype) in headers.items()
        if len(shape) == 2 and dtype.kind in "biufc"
    ]
    if len(matrices) == 1:
        return matrices[0]
    raise SeveralArraysError(matrices or list(entries))


def from_sparse(archive: zipfile.ZipFile, entries: dict[str, str]) -> tuple[np.ndarray, list[str]]:
    """What `scipy.sparse.save_npz` wrote; its indices are checked before they are used."""

    def part(name: str) -> np.ndarray:
        if name not in entries:
            raise ParamixerError("a whole sparse .npz file", f"one without {name}", REMEDY)
        return read_npy(lambda: archive.open(entries[name]), f"array {name}", require_list)[0]

    try:
        with archive.open(entries["format"]) as stream:
            kind = str(np.lib.format.read_array(stream, allow_pickle=False)[()])
    except BROKEN_ZIP as error:
        raise ParamixerError("a whole sparse .npz file", "a damaged one", REMEDY) from error
    kind = kind.removeprefix("b'").removesuffix("'")
    if kind not in SPARSE_ROWS:
        raise ParamixerError(
            f"a sparse format among {', '.join(SPARSE_ROWS)}", kind, "save it with .tocoo() first"
        )
    shape = tuple(int(side) for side in part("shape"))
    require_size(shape)
    data, first, second = part("data"), *map(part, SPARSE_ROWS[kind])
    try:
        if kind == "coo":
            found = scipy.sparse.coo_matrix((data, (first, second)), shape=shape)
        else:
            build = scipy.sparse.csr_matrix if kind == "csr" else scipy.sparse.csc_matrix
            found = build((data, first, second), shape=shape)
            found.check_format(full_check=True)
        dense: np.ndarray = found.toarray()
    except (ValueError, TypeError, IndexError) as error:
        raise ParamixerError(
            "a whole sparse .npz file", "indices that do not fit its shape", REMEDY
        ) from error
    return dense, [f"A sparse matrix with {len(data):,} stored entries; all others are 0."]


def require_list(shape: tuple[int, ...]) -> None:
    """Raise ParamixerError unless it is a list of numbers that may be read."""
    if len(shape) != 1 or shape[0] * 16 > MAX_UNPACKED:
        raise ParamixerError(
            "lists of entries in a sparse .npz file", f"an array of shape {shape}", REMEDY
        )


def from_market(content: bytes) -> tuple[np.ndarray, list[str]]:
    """A MatrixMarket file, sparse or dense; symmetric ones are filled up."""
    # The header's promises are held against the file's length before anything is allocated.
    try:
        rows, columns, entries, form, numbers, symmetry = scipy.io.mminfo(io.BytesIO(content))
    except (ValueError, OverflowError, TypeError, IndexError) as error:
        raise ParamixerError("a whole MatrixMarket file", str(error), REMEDY) from error
    require_size((rows, columns))
    shortest = 2 if form == "array" else 4  # "0\n" or "1 1\n"
    stored = entries if symmetry == "general" or form != "array" else entries // 2
    if (stored - 1) * shortest > len(content):
        raise ParamixerError(
            f"a MatrixMarket file with the {entries:,} entries of its header",
            "one that ends early",
            REMEDY,
        )
    try:
        with warnings.catch_warnings():  # which kind of sparse matrix it gives differs by release
            warnings.simplefilter("ignore", DeprecationWarning)
            read = scipy.io.mmread(io.BytesIO(content))
        found: np.ndarray = read.toarray() if scipy.sparse.issparse(read) else np.asarray(read)
    except (ValueError, OverflowError, TypeError, IndexError) as error:
        raise ParamixerError("a whole MatrixMarket file", str(error), REMEDY) from error
    notes = []
    if form == "coordinate":
        notes.append(f"A sparse matrix with {entries:,} stored entries; all others are 0.")
    if numbers == "pattern":
        notes.append("The file stores a pattern without values: each stored entry is 1.")
    if symmetry != "general":
        notes.append(f"The file stores one half of a {symmetry} matrix: the other is filled in.")
    return found, notes + rounding(found)
