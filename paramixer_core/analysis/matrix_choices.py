"""What a reader of a matrix file may choose, what was found in it, and how large it may be."""

import gzip
import io
import zlib
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from paramixer_core.analysis.rank import MAX_EXACT_SIDE
from paramixer_core.choices import Choice
from paramixer_core.errors import ParamixerError

MAX_UNPACKED = 256 * 2**20
"""The most bytes that a compressed file may unpack to."""
REMEDY = "bring a .npy, .npz or .mtx file, a table of numbers or a picture"


class Background(Choice):
    """What lies behind the transparent parts of a picture."""

    WHITE = "white"
    BLACK = "black"


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixChoices:
    """How to read a matrix file. None: guess, and say what was guessed.

    Tables: `delimiter` (one letter; a blank stands for any run of blanks), `decimal` ("." or ","),
    `header` and `index` (whether the first row and the first column are labels), `encoding`.
    Archives (.npz): `array`, the name of the one to read. Pictures: `background` behind what is
    transparent, `white` (the number that is white where the file does not say), `picture_side`
    (the most rows or columns, default 256).
    """

    delimiter: str | None = None
    decimal: str | None = None
    header: bool | None = None
    index: bool | None = None
    encoding: str | None = None
    array: str | None = None
    background: Background | None = None
    white: float | None = None
    picture_side: int | None = None

    def __post_init__(self) -> None:
        if self.delimiter is not None and len(self.delimiter) != 1:
            raise ParamixerError(
                "one letter between the numbers", repr(self.delimiter), "give a comma, for one"
            )
        if self.decimal not in (None, ".", ","):
            raise ParamixerError("a decimal point or comma", repr(self.decimal), "give . or ,")
        if self.background is not None:
            object.__setattr__(self, "background", Background(self.background))
        if self.white is not None and not 0 < self.white < np.inf:
            raise ParamixerError("a positive number for white", self.white, "give 65535, for one")
        if self.picture_side is not None and not 2 <= self.picture_side <= MAX_EXACT_SIDE:
            raise ParamixerError(
                f"2 to {MAX_EXACT_SIDE:,} pixels a side", self.picture_side, "give 256, for one"
            )


GUESS = MatrixChoices()


@dataclass(frozen=True, slots=True, eq=False)
class MatrixFound:
    """The numbers of a file, and `notes`: sentences on what was read, guessed or left out."""

    matrix: Float[np.ndarray, "rows columns"]
    notes: list[str] = field(default_factory=list)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.matrix.shape
        return rows, columns

    @property
    def minimum(self) -> float:
        """The least entry."""
        return float(self.matrix.min())

    @property
    def maximum(self) -> float:
        """The largest entry."""
        return float(self.matrix.max())

    @property
    def mean(self) -> float:
        """The mean entry."""
        return float(self.matrix.mean())


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


def unpacked(content: bytes) -> bytes:
    """What a gzip file holds. Raises ParamixerError where it is damaged or too large unpacked."""
    try:
        with gzip.open(io.BytesIO(content)) as file:
            found = file.read(MAX_UNPACKED + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ParamixerError(
            "a whole gzip file", "a damaged one", "pack it again or bring it unpacked"
        ) from error
    if len(found) > MAX_UNPACKED:
        raise ParamixerError(
            f"at most {MAX_UNPACKED // 2**20} MiB once unpacked", "more", "bring a smaller matrix"
        )
    return found
