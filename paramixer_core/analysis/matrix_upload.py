"""A matrix from a file that somebody brings: arrays, tables, pictures; nothing is unpickled."""

import numpy as np
from jaxtyping import Float

from paramixer_core.analysis.matrix_arrays import (
    EMPTY_ZIP,
    MARKET,
    NPY,
    ZIP,
    SeveralArraysError,
    from_market,
    from_npy,
    from_npz,
)
from paramixer_core.analysis.matrix_choices import (
    GUESS,
    REMEDY,
    Background,
    MatrixChoices,
    MatrixFound,
    unpacked,
)
from paramixer_core.analysis.matrix_pictures import from_picture, is_picture
from paramixer_core.analysis.matrix_tables import from_table
from paramixer_core.analysis.rank import require_matrix
from paramixer_core.analysis.targets import MAX_SIDE
from paramixer_core.choices import Choice
from paramixer_core.errors import ParamixerError

__all__ = [
    "Background",
    "MatrixChoices",
    "MatrixFound",
    "MatrixKind",
    "SeveralArraysError",
    "Squared",
    "kind_by_name",
    "kind_of",
    "read_matrix",
    "squared",
]
LEAST_SIDE = 16
GZIP = b"\x1f\x8b"
PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".pgm", ".ppm")
TABLES = (".csv", ".tsv", ".txt", ".dat", ".asc")


class MatrixKind(Choice):
    """The kinds of files that hold a matrix."""

    ARRAY = "array"  # .npy
    ARCHIVE = "archive"  # .npz
    MARKET = "market"  # .mtx
    TABLE = "table"
    PICTURE = "picture"


class Squared(Choice):
    """How a matrix that is not square becomes one."""

    CROP = "crop"  # keep the upper left square
    PAD = "pad"  # add zeros on the right or below


def read_matrix(content: bytes, name: str, choices: MatrixChoices = GUESS) -> MatrixFound:
    """The numbers in a file, in float64, with notes on how they were read.

    Reads .npy, .npz (one array; dense or SciPy's sparse), MatrixMarket, tables of numbers, each
    also gzipped, and pictures: their brightness, 0 (black) to 1 (white), shrunk to at most
    `choices.picture_side` pixels a side. Sizes are checked before the numbers are read. Raises
    SeveralArraysError where an archive holds several matrices and none is chosen, and
    ParamixerError for anything but a finite real matrix of at most 4,096 rows and columns.
    """
    if not content:
        raise ParamixerError("a file with a matrix in it", "an empty file", REMEDY)
    notes = []
    if content.startswith(GZIP):
        content, name = unpacked(content), name.lower().removesuffix(".gz")
        notes.append("The file was unpacked (gzip).")
    match kind_of(content, name):
        case MatrixKind.ARRAY:
            matrix, more = from_npy(content)
        case MatrixKind.ARCHIVE:
            matrix, more = from_npz(content, choices)
        case MatrixKind.MARKET:
            matrix, more = from_market(content)
        case MatrixKind.TABLE:
            matrix, more = from_table(content, choices)
        case MatrixKind.PICTURE:
            matrix, more = from_picture(content, name, choices)
    if np.iscomplexobj(matrix):
        raise ParamixerError("real numbers", "complex ones", "save the real part")
    values = require_matrix(matrix)
    if max(values.shape) < 2:
        raise ParamixerError("at least two rows or columns", "1 x 1", "bring a larger matrix")
    rows, columns = values.shape
    if rows != columns:
        more.append(f"{rows:,} x {columns:,} is not square.")
    return MatrixFound(values, notes + more)


def kind_of(content: bytes, name: str) -> MatrixKind:
    """What the file holds, by its first bytes where they say it, else by its name's ending."""
    if content.startswith(GZIP):
        return kind_of(unpacked(content), name.lower().removesuffix(".gz"))
    ending = name.lower()
    if content.startswith(NPY):
        return MatrixKind.ARRAY
    if content.startswith((ZIP, EMPTY_ZIP)):
        return MatrixKind.ARCHIVE
    if content[: len(MARKET)].lower() == MARKET:
        return MatrixKind.MARKET
    if ending.endswith((".npy", ".npz")):
        raise ParamixerError("a file that NumPy wrote", f"{name}, which it did not", REMEDY)
    if ending.endswith(".mtx"):
        raise ParamixerError(
            "a MatrixMarket file, which begins with %%MatrixMarket",
            f"{name}, which does not",
            REMEDY,
        )
    if ending.endswith(PICTURES) or is_picture(content):
        return MatrixKind.PICTURE
    if ending.endswith(TABLES) or is_text(content):
        return MatrixKind.TABLE
    return MatrixKind.PICTURE


def kind_by_name(beginning: bytes, name: str) -> MatrixKind:
    """What a file holds as far as its first bytes and its name tell: nothing is opened for it."""
    ending = name.lower().removesuffix(".gz")
    if beginning.startswith(NPY) or ending.endswith(".npy"):
        return MatrixKind.ARRAY
    if beginning.startswith((ZIP, EMPTY_ZIP)) or ending.endswith(".npz"):
        return MatrixKind.ARCHIVE
    if ending.endswith(".mtx"):
        return MatrixKind.MARKET
    return MatrixKind.PICTURE if ending.endswith(PICTURES) else MatrixKind.TABLE


def is_text(content: bytes) -> bool:
    """Whether a file without a telling name is plain text."""
    try:
        return "\0" not in content.decode()
    except UnicodeDecodeError:
        return False


def squared(
    matrix: Float[np.ndarray, "rows columns"], how: Squared
) -> Float[np.ndarray, "side side"]:
    """The matrix cropped or padded to a square, of 16 to 512 rows and columns.

    Smaller ones are padded with zeros to 16; of larger ones the upper left 512 x 512 are kept.
    """
    rows, columns = matrix.shape
    match how:
        case Squared.CROP:
            side = min(rows, columns)
        case Squared.PAD:
            side = max(rows, columns)
    side = min(max(side, LEAST_SIDE), MAX_SIDE)
    found = np.zeros((side, side))
    kept = matrix[:side, :side]
    found[: kept.shape[0], : kept.shape[1]] = kept
    return found
