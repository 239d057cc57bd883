"""Pictures as matrices: every mode and bit depth is the same brightness, upright, on white."""

import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from paramixer_core.analysis.matrix_pictures import LUMA
from paramixer_core.analysis.matrix_upload import Background, MatrixChoices, read_matrix
from paramixer_core.errors import ParamixerError
from tests.analysis.picture_files import grey8, grey16, packed12, rgb16_png, saved, tiff, whole

FILES = Path(__file__).parent / "matrix_files"
SHARES = np.random.default_rng(3).integers(0, 256, size=(9, 12)) / 255
SHARES[0, 0], SHARES[0, 1] = 1.0, 0.0


def depths(shares: np.ndarray) -> dict[str, tuple[bytes, float]]:
    """One picture in many forms, each with the step of its depth."""
    high, wide = shares.shape
    grey, deep = grey8(shares), grey16(shares)
    half = np.round(shares * 255)
    return {
        "L.png": (saved(grey, "PNG"), 255),
        "LA.png": (saved(grey.convert("LA"), "PNG"), 255),
        "P.png": (saved(grey.convert("P"), "PNG"), 255),
        "RGB.png": (saved(grey.convert("RGB"), "PNG"), 255),
        "RGBA.webp": (saved(grey.convert("RGBA"), "WEBP", lossless=True), 255),
        "L.bmp": (saved(grey, "BMP"), 255),
        "P.gif": (saved(grey, "GIF"), 255),
        "L.tif": (saved(grey, "TIFF"), 255),
        "lzw.tif": (saved(grey, "TIFF", compression="tiff_lzw"), 255),
        "CMYK.tif": (saved(grey.convert("RGB").convert("CMYK"), "TIFF"), 120),
        "I16.png": (saved(deep, "PNG"), 65535),
        "I16.tif": (saved(deep, "TIFF"), 65535),
        "I16B.tif": (tiff(whole(shares, ">u2", 65535), wide, high, big=True, bits=16), 65535),
        "I16R.pgm": (b"P5 %d %d 65535\n" % (wide, high) + whole(shares, ">u2", 65535), 65535),
        "signed16.tif": (tiff(whole(shares, "<i2", 32767), wide, high, bits=16, form=2), 32767),
        "white0.tif": (
            tiff(whole(1 - shares, "<u2", 65535), wide, high, bits=16, photometric=0),
            65535,
        ),
        "12.tif": (tiff(packed12(shares), wide, high, bits=12), 4095),
        "I32.tif": (tiff(whole(shares, "<i4", 2**31 - 1), wide, high, bits=32, form=2), 2**31),
        "U32.tif": (tiff(whole(shares, "<u4", 2**32 - 1), wide, high, bits=32), 2**32),
        "I32of16.tif": (saved(Image.fromarray((shares * 65535).astype(np.int32)), "TIFF"), 60000),
        "I32of8.tif": (saved(Image.fromarray(half.astype(np.int32)), "TIFF"), 255),
        "F.tif": (saved(Image.fromarray(shares.astype(np.float32)), "TIFF"), 1e6),
        "RGB16.png": (rgb16_png(shares), 255),
    }


@pytest.mark.parametrize("form", list(depths(SHARES)))
def test_the_same_picture_is_the_same_matrix_in_every_mode_and_depth(form):
    content, step = depths(SHARES)[form]
    found = read_matrix(content, form)
    assert found.shape == SHARES.shape
    np.testing.assert_allclose(found.matrix, SHARES, atol=1.01 / step)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 14).map(lambda k: 2 * k), st.integers(2, 20))
def test_depths_agree_at_any_size(seed, wide, high):
    shares = np.random.default_rng(seed).uniform(size=(high, wide))
    shares[0, :2] = 0.0, 1.0  # white is white in each
    for form, (content, step) in depths(shares).items():
        found = read_matrix(content, form).matrix
        np.testing.assert_allclose(found, shares, atol=1.01 / step + 0.51 / 255 * (step <= 255))


def test_sixteen_bit_grey_is_not_clipped_to_white_and_its_scale_is_said():
    ramp = np.linspace(0, 1, 64).reshape(8, 8)
    found = read_matrix(saved(grey16(ramp), "PNG"), "a.png")
    np.testing.assert_allclose(found.matrix, ramp, atol=1e-5)
    assert found.notes == ["16-bit grey: divided by 65,535, its white."]


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_a_photo_is_the_same_in_grey_colour_and_inks(mode):
    ramp = np.add.outer(np.linspace(0, 0.6, 40), np.linspace(0, 0.4, 40))
    picture = grey8(ramp).convert("RGB").convert(mode)
    found = read_matrix(saved(picture, "JPEG", quality=95), "a.jpg")
    np.testing.assert_allclose(found.matrix, ramp, atol=4 / 255)
    assert any("CMYK" in note for note in found.notes) == (mode == "CMYK")


def test_one_bit_is_black_and_white():
    flags = SHARES > 0.5
    for kind in ("PNG", "TIFF", "BMP"):
        picture = Image.fromarray(flags.astype(np.uint8) * 255).convert("1")
        found = read_matrix(saved(picture, kind), f"a.{kind.lower()}").matrix
        np.testing.assert_array_equal(found, flags)


def test_colours_are_weighted_as_the_eye_sees_them():
    colours = np.random.default_rng(1).integers(0, 256, size=(7, 5, 3), dtype=np.uint8)
    found = read_matrix(saved(Image.fromarray(colours), "PNG"), "a.png").matrix
    np.testing.assert_allclose(found, colours @ LUMA / 255_000)


UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.T,
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].T,
    8: lambda a: np.rot90(a),
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("kind", ["PNG", "PNG16", "WEBP", "TIFF", "TIFF16"])
def test_every_camera_orientation_is_turned_upright_once(orientation, kind):
    expected = UPRIGHT[orientation](SHARES)
    if kind == "TIFF16":
        pixels = whole(SHARES, "<u2", 65535)
        content = tiff(pixels, 12, 9, bits=16, orientation=orientation)
    else:
        exif = Image.Exif()
        exif[274] = orientation
        picture = grey16(SHARES) if kind == "PNG16" else grey8(SHARES)
        options = {"lossless": True} if kind == "WEBP" else {}
        content = saved(picture, kind.removesuffix("16"), exif=exif, **options)
    found = read_matrix(content, f"a.{kind.lower()}")
    np.testing.assert_allclose(found.matrix, expected, atol=1e-5)
    assert any("Turned upright" in note for note in found.notes) == (orientation > 1)


def test_the_rotated_photo_of_the_cases_is_turned_upright():
    found = read_matrix((FILES / "14h_exif_rotated.jpg").read_bytes(), "14h_exif_rotated.jpg")
    raw = np.asarray(Image.open(FILES / "14h_exif_rotated.jpg")) / 255
    np.testing.assert_array_equal(found.matrix, np.rot90(raw, -1))
    assert found.notes == ["Turned upright, as the camera noted (EXIF orientation)."]


def test_transparent_parts_are_laid_on_white_or_on_black_by_choice_and_said():
    content = (FILES / "14i_alpha.png").read_bytes()
    alpha = np.asarray(Image.open(FILES / "14i_alpha.png"))[..., 3] / 255
    white = read_matrix(content, "14i_alpha.png")
    np.testing.assert_allclose(white.matrix, 1 - alpha)  # the picture itself is black
    assert white.notes == ["50.0% of the picture is transparent: it is laid on white."]
    black = read_matrix(content, "14i_alpha.png", MatrixChoices(background=Background.BLACK))
    assert not black.matrix.any()
    assert black.notes == ["50.0% of the picture is transparent: it is laid on black."]


def test_a_palette_entry_and_a_16_bit_value_can_be_transparent():
    palette = Image.fromarray(np.tile(np.uint8([0, 1]), (3, 2))).convert("P")
    found = read_matrix(saved(palette, "PNG", transparency=0), "a.png").matrix
    assert found[:, ::2].min() == 1
    assert found[:, 1::2].max() < 1
    deep = saved(grey16(SHARES), "PNG", transparency=0)
    expected = np.where(np.round(SHARES * 65535) == 0, 1, SHARES)
    np.testing.assert_allclose(read_matrix(deep, "a.png").matrix, expected, atol=1e-5)


def test_of_several_pictures_the_first_is_read_and_that_is_said():
    first, second = grey8(SHARES), grey8(1 - SHARES)
    for kind in ("GIF", "TIFF", "WEBP"):
        options = {"lossless": True} if kind == "WEBP" else {}
        content = saved(first, kind, save_all=True, append_images=[second], **options)
        found = read_matrix(content, f"a.{kind.lower()}")
        np.testing.assert_allclose(found.matrix, SHARES, atol=1e-9)
        assert found.notes[0] == "Only the first picture in the file is read."


def test_white_of_an_open_scale_can_be_chosen():
    floats = saved(Image.fromarray((SHARES * 300).astype(np.float32)), "TIFF")
    assert read_matrix(floats, "a.tif").maximum == 300
    scaled = read_matrix(floats, "a.tif", MatrixChoices(white=300))
    np.testing.assert_allclose(scaled.matrix, SHARES, atol=1e-6)


def test_shrinking_takes_means_of_areas_and_says_so():
    fine = np.kron(SHARES, np.ones((50, 50)))
    found = read_matrix(saved(grey16(fine), "PNG"), "a.png", MatrixChoices(picture_side=12))
    np.testing.assert_allclose(found.matrix, SHARES, atol=1e-5)
    assert found.notes[1].startswith("Shrunk from 450 x 600 to 9 x 12")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (saved(grey8(SHARES), "PNG")[:60], "a damaged one"),
        (saved(grey16(SHARES), "TIFF")[:60], "a damaged one|other pixels|file"),
        (tiff(b"\0" * 8 * 16, 4, 4, bits=64, form=3), "8- or 16-bit"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "a matrix or a picture"),
    ],
)
def test_broken_and_foreign_pictures_get_one_sentence(content, says):
    with pytest.raises(ParamixerError, match=says):
        read_matrix(content, "a.png")


def test_broken_bytes_never_raise_anything_else():
    generator = np.random.default_rng(0)
    for form, (content, _) in depths(SHARES).items():
        for _ in range(25):
            bad = bytearray(content)
            for place in generator.integers(0, len(bad), size=3):
                bad[place] = generator.integers(256)
            with contextlib.suppress(ParamixerError):
                read_matrix(bytes(bad), form)
