"""The brightness of a picture of any mode and bit depth, 0 (black) to 1 (white)."""

import io
import struct
import warnings
import zlib
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageOps, UnidentifiedImageError

from paramixer_core.analysis.matrix_choices import (
    REMEDY,
    Background,
    MatrixChoices,
    require_size,
)
from paramixer_core.analysis.rank import MAX_EXACT_SIDE
from paramixer_core.errors import ParamixerError

FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "DIB", "GIF", "PPM")
"""Those that are decoded here; others would start foreign programs or are no pictures."""
PICTURE_SIDE = 256
LUMA = np.array([299.0, 587.0, 114.0])
"""ITU-R BT.601: the brightness of red, green and blue, in thousandths, so that grey stays exact."""
FULL = 255_000
BITS, PHOTOMETRIC, SAMPLE_FORMAT, ORIENTATION = 258, 262, 339, 274
SIGNED, WHITE_IS_ZERO = 2, 0
TIFF = (b"II*\0", b"MM\0*")
DAMAGED = (
    OSError,
    ValueError,
    SyntaxError,
    LookupError,
    TypeError,
    EOFError,
    ArithmeticError,
    struct.error,
    zlib.error,
)
"""What Pillow's decoders raise on broken files."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the file says of its pixels: bits a channel, and whether signed or white at zero."""

    bits: int
    signed: bool
    inverted: bool


def from_picture(
    content: bytes, name: str, choices: MatrixChoices
) -> tuple[Float[np.ndarray, "rows columns"], list[str]]:
    """Turned upright, on a background, its whole range scaled to 0..1, shrunk by area means."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # damaged metadata does not matter here
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(content), formats=FORMATS)
            require_size((picture.height, picture.width))
            notes = []
            if getattr(picture, "is_animated", False):
                notes.append("Only the first picture in the file is read.")
            header, turned = header_of(picture, content), picture.getexif().get(ORIENTATION, 1)
            picture.load()
            if turned in range(2, 9):
                notes.append("Turned upright, as the camera noted (EXIF orientation).")
            grey, more = brightness(ImageOps.exif_transpose(picture), header, choices)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ParamixerError(
            f"at most {MAX_EXACT_SIDE:,} rows and columns", "far more", "shrink the picture"
        ) from error
    except ParamixerError:
        raise
    except UnidentifiedImageError as error:
        if content.startswith(TIFF):
            raise ParamixerError(
                "a TIFF picture of 1 to 32 bits",
                f"other pixels in {name!r}",
                "save it as 8- or 16-bit grey or RGB",
            ) from error
        raise ParamixerError("a matrix or a picture", f"the file {name!r}", REMEDY) from error
    except DAMAGED as error:
        raise ParamixerError("a whole picture", f"a damaged one in {name!r}", REMEDY) from error
    notes += more
    side = choices.picture_side or PICTURE_SIDE
    if max(grey.shape) > side and np.isfinite(grey).all():
        rows, columns = grey.shape
        grey = shrunk(grey, side)
        notes.append(
            f"Shrunk from {rows:,} x {columns:,} to {grey.shape[0]:,} x {grey.shape[1]:,}: each "
            "entry is the mean of the pixels under it."
        )
    return grey, notes


def is_picture(content: bytes) -> bool:
    """Whether the first bytes are those of a picture."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            Image.open(io.BytesIO(content), formats=FORMATS).close()
    except Image.DecompressionBombError:
        return True
    except (UnidentifiedImageError, *DAMAGED):
        return content.startswith(TIFF)
    return True


def header_of(picture: Image.Image, content: bytes) -> Header:
    """From the tags of a TIFF, else from the format."""
    if picture.format == "TIFF":
        tags = picture.tag_v2  # type: ignore[attr-defined]
        return Header(
            max(tags.get(BITS, (1,))),
            SIGNED in tags.get(SAMPLE_FORMAT, (1,)),
            tags.get(PHOTOMETRIC) == WHITE_IS_ZERO,
        )
    if picture.format == "PNG":
        return Header(content[24], False, False)  # IHDR: 8 + 8 bytes, width, height, bit depth
    # Pillow scales the samples of PPM files to 16 bits; the rest have 8.
    return Header(16 if picture.mode.startswith("I") else 8, False, False)


def brightness(
    picture: Image.Image, header: Header, choices: MatrixChoices
) -> tuple[Float[np.ndarray, "rows columns"], list[str]]:
    """A loaded picture's brightness in float64, and what is worth saying about it."""
    if picture.mode == "F":
        return scaled_floats(np.asarray(picture, dtype=np.float64), choices.white)
    if picture.mode.startswith("I"):
        values, notes = scaled_whole(picture, header, choices.white)
        clear = picture.info.get("transparency")
        if isinstance(clear, int):
            alpha = (np.asarray(picture) != clear).astype(np.float64)
            return on_background(values, alpha, notes, choices.background)
        return values, notes
    notes = []
    if header.bits == 16:
        notes.append("16-bit colour: the upper 8 bits of each channel are read.")
    if picture.mode == "CMYK":
        notes.append("CMYK inks are converted to red, green and blue without a colour profile.")
    if not picture.has_transparency_data:
        colours = np.asarray(picture.convert("RGB"), dtype=np.float64)
        return colours @ LUMA / FULL, notes
    layers = np.asarray(picture.convert("RGBA"), dtype=np.float64)
    values, alpha = layers[..., :3] @ LUMA / FULL, layers[..., 3] / 255
    return on_background(values, alpha, notes, choices.background)


def scaled_floats(
    values: Float[np.ndarray, "rows columns"], white: float | None
) -> tuple[Float[np.ndarray, "rows columns"], list[str]]:
    """A picture of floats is a matrix already; nothing says which number is white."""
    if white is not None:
        return values / white, [f"Floating-point pixels, divided by {white:g}."]
    return values, ["Floating-point pixels: the numbers are kept as they are."]


def scaled_whole(
    picture: Image.Image, header: Header, white: float | None
) -> tuple[Float[np.ndarray, "rows columns"], list[str]]:
    """Grey of more than 8 bits over the largest number of its depth, white."""
    raw = np.asarray(picture)
    if header.bits == 32 and not header.signed:
        raw = raw.astype(np.int32).view(np.uint32)
    values = raw.astype(np.float64)
    bits = header.bits if picture.mode == "I" or header.bits <= 16 else 16
    top, how = float(2 ** (bits - header.signed) - 1), f"{bits}-bit grey"
    if white is not None:
        top = white
    elif bits == 32:
        # Programs keep 8- and 16-bit pictures in 32-bit whole numbers without rescaling them.
        stored = next(depth for depth in (8, 16, 32) if values.max() <= 2**depth - 1)
        if stored < bits:
            top = float(2**stored - 1)
            how = f"32-bit grey that uses only {stored} bits"
    share = values / top
    note = f"{how.capitalize()}: divided by {top:,.0f}, its white."
    if header.inverted:
        return 1 - share, [note, "Zero is white in this file: black and white are swapped back."]
    return share, [note]


def on_background(
    values: Float[np.ndarray, "rows columns"],
    alpha: Float[np.ndarray, "rows columns"],
    notes: list[str],
    background: Background | None,
) -> tuple[Float[np.ndarray, "rows columns"], list[str]]:
    """What one sees of a picture with transparent parts."""
    if alpha.min() == 1:
        return values, notes
    chosen = background or Background.WHITE
    share = float((alpha < 1).mean())
    behind = 1.0 if chosen is Background.WHITE else 0.0
    note = f"{share:.1%} of the picture is transparent: it is laid on {chosen.value}."
    return values * alpha + behind * (1 - alpha), [*notes, note]


def shrunk(
    grey: Float[np.ndarray, "rows columns"], side: int
) -> Float[np.ndarray, "fewer_rows fewer_columns"]:
    """At most `side` rows and columns in the same proportions, each the mean of its area."""
    rows, columns = grey.shape
    share = side / max(rows, columns)
    size = (max(1, round(columns * share)), max(1, round(rows * share)))
    floats = Image.fromarray(grey.astype(np.float32))
    return np.asarray(floats.resize(size, Image.Resampling.BOX), dtype=np.float64)
