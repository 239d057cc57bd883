"""A matrix from a file that somebody brings: npy, CSV or a picture; nothing is unpickled."""

import csv
import io
import warnings

import numpy as np
from jaxtyping import Float
from PIL import Image, UnidentifiedImageError

from paramixer_core.analysis.rank import MAX_EXACT_SIDE, require_matrix
from paramixer_core.analysis.targets import MAX_SIDE
from paramixer_core.choices import Choice
from paramixer_core.errors import ParamixerError

LEAST_SIDE = 16
MAGIC = b"\x93NUMPY"
DELIMITERS = ",;\t "
REMEDY = "bring a .npy file, a CSV of numbers or a picture"


class Squared(Choice):
    """How a matrix that is not square becomes one."""

    CROP = "crop"  # keep the upper left square
    PAD = "pad"  # add zeros on the right or below


def read_matrix(
    content: bytes, name: str, picture_side: int = 256
) -> Float[np.ndarray, "rows columns"]:
    """The numbers in a file, in float64.

    A picture becomes its brightness, 0 (black) to 1 (white), shrunk to at most `picture_side`
    pixels a side. Sizes are checked before the numbers are read. Raises ParamixerError for
    anything but a finite matrix of 2 to 4,096 rows and columns.
    """
    if not content:
        raise ParamixerError("a file with a matrix in it", "an empty file", REMEDY)
    if content.startswith(MAGIC):
        matrix = from_npy(content)
    elif name.lower().endswith((".csv", ".tsv", ".txt")):
        matrix = from_csv(content)
    elif name.lower().endswith(".npy"):
        raise ParamixerError("a file that NumPy wrote", f"{name}, which it did not", REMEDY)
    else:
        matrix = from_picture(content, name, picture_side)
    values = require_matrix(matrix)
    if np.iscomplexobj(values):
        raise ParamixerError("real numbers", "complex ones", "save the real part")
    if max(values.shape) < 2:
        raise ParamixerError("at least two rows or columns", "1 x 1", "bring a larger matrix")
    return values


def from_npy(content: bytes) -> np.ndarray:
    """A NumPy array of numbers; one of Python objects would need unpickling and is refused."""
    stream = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(stream)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, _, dtype = read(stream)
    except (ValueError, KeyError) as error:
        raise ParamixerError("a whole .npy file", "a damaged one", REMEDY) from error
    if dtype.hasobject or dtype.kind not in "biufc":
        raise ParamixerError(
            "an array of numbers",
            "Python objects (a pickle)" if dtype.hasobject else f"the type {dtype}",
            "save it with a number type: nothing that is uploaded is ever unpickled",
        )
    require_size(shape)
    try:
        found: np.ndarray = np.load(io.BytesIO(content), allow_pickle=False)
    except ValueError as error:
        raise ParamixerError("a whole .npy file", "one that ends early", REMEDY) from error
    return found


def from_csv(content: bytes) -> np.ndarray:
    """Rows of numbers, separated by commas, semicolons, tabs or spaces."""
    try:
        lines = [line for line in content.decode("utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise ParamixerError("a CSV in UTF-8", "other bytes", REMEDY) from error
    if not lines:
        raise ParamixerError("rows of numbers", "a file of blank lines", REMEDY)
    delimiter = next((mark for mark in DELIMITERS if mark in lines[0]), ",")
    rows = list(csv.reader(lines, delimiter=delimiter, skipinitialspace=True))
    require_size((len(rows), len(rows[0])))
    values = np.empty((len(rows), len(rows[0])))
    for number, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise ParamixerError(
                f"{len(rows[0])} numbers in every row",
                f"{len(row)} in row {number + 1}",
                "fill the gaps or remove what is too much",
            )
        for place, text in enumerate(row):
            try:
                values[number, place] = float(text)
            except ValueError as error:
                raise ParamixerError(
                    "numbers only",
                    f"{text[:20]!r} in row {number + 1}, column {place + 1}",
                    "remove headings and labels",
                ) from error
    return values


def from_picture(content: bytes, name: str, side: int) -> np.ndarray:
    """The brightness of a picture, shrunk."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(content))
            require_size((picture.height, picture.width))
            grey = picture.convert("L")
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ParamixerError(
            f"at most {MAX_EXACT_SIDE:,} rows and columns", "far more", "shrink the picture"
        ) from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise ParamixerError("a matrix or a picture", f"the file {name!r}", REMEDY) from error
    grey.thumbnail((side, side))
    return np.asarray(grey, dtype=np.float64) / 255


def require_size(shape: tuple[int, ...]) -> None:
    """Raise ParamixerError unless it is the shape of a matrix that may be read."""
    if len(shape) != 2 or 0 in shape:
        raise ParamixerError(
            "one matrix with at least one row and column",
            f"an array of shape {tuple(shape)}",
            "save a single two-dimensional array",
        )
    if max(shape) > MAX_EXACT_SIDE:
        raise ParamixerError(
            f"at most {MAX_EXACT_SIDE:,} rows and columns",
            f"{shape[0]:,} x {shape[1]:,}",
            "cut it or shrink it first",
        )


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
