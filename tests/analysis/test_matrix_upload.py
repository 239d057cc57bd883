import io

import numpy as np
import pytest
from PIL import Image

from paramixer_core.analysis.matrix_lab import best_low_rank
from paramixer_core.analysis.matrix_upload import MatrixChoices, Squared, read_matrix, squared
from paramixer_core.errors import ParamixerError

MATRIX = np.arange(12.0).reshape(3, 4) / 7


def npy(array, **options):
    out = io.BytesIO()
    np.save(out, array, **options)
    return out.getvalue()


def header_of(rows, columns):
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        out, {"descr": "<f8", "fortran_order": False, "shape": (rows, columns)}
    )
    return out.getvalue()


def picture(array, kind="PNG"):
    out = io.BytesIO()
    Image.fromarray(array).save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize("mark", [",", ";", "\t", " "])
def test_csv_and_npy_give_their_numbers_exactly(mark):
    text = "\n".join(mark.join(map(repr, row)) for row in MATRIX.tolist())
    np.testing.assert_array_equal(read_matrix(text.encode(), "a.csv").matrix, MATRIX)
    np.testing.assert_array_equal(read_matrix(npy(MATRIX), "a.npy").matrix, MATRIX)
    whole = np.arange(6).reshape(2, 3)
    np.testing.assert_array_equal(read_matrix(npy(whole), "a.npy").matrix, whole)


def test_a_picture_is_its_brightness_shrunk_to_the_side():
    grey = np.tile(np.uint8([0, 255]), (6, 3))
    np.testing.assert_array_equal(read_matrix(picture(grey), "a.png").matrix, grey / 255)
    large = np.full((600, 300), 51, dtype=np.uint8)
    shrunk = read_matrix(picture(large), "a.png", MatrixChoices(picture_side=100)).matrix
    assert shrunk.shape == (100, 50)
    np.testing.assert_allclose(shrunk, 0.2)


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        (b"", "a.csv", "an empty file"),
        (b"\n \n", "a.csv", "blank lines"),
        (b"1,2\n3", "a.csv", "1 in row 2"),
        (b"1,x\n3,4", "a.csv", "'x' in row 1, column 2"),
        (b"1,nan\n3,4", "a.csv", "finite numbers only"),
        (b"\xff\xfe\x00", "a.csv", "UTF-8"),
        (b"7", "a.csv", "1 x 1"),
        (b"not an array", "a.npy", "which it did not"),
        (b"not a picture", "a.png", "'a.png'"),
        (npy(np.array([{}], dtype=object), allow_pickle=True), "a.npy", "ever unpickled"),
        (npy(MATRIX)[:-8], "a.npy", "ends early"),
        (npy(MATRIX)[:9], "a.npy", "a damaged one"),
        (npy(np.zeros((0, 4))), "a.npy", "at least one row"),
        (npy(np.zeros(4)), "a.npy", "shape \\(4,\\)"),
        (npy(np.ones((2, 2)) * 1j), "a.npy", "real part"),
        (npy(np.array([["a"]])), "a.npy", "the type"),
        (header_of(20_000, 20_000), "a.npy", "at most 4,096 .* 20,000 x 20,000"),
        ((b"1," * 20_000 + b"1\n") * 2, "a.csv", "at most 4,096"),
    ],
)
def test_bad_files_get_one_sentence(content, name, says):
    with pytest.raises(ParamixerError, match=says):
        read_matrix(content, name)


def test_a_picture_of_20000_pixels_a_side_is_refused_by_its_header():
    small = picture(np.zeros((2, 2), dtype=np.uint8), "BMP")
    wide = small[:18] + (20_000).to_bytes(4, "little") * 2 + small[26:]
    with pytest.raises(ParamixerError, match="at most 4,096"):
        read_matrix(wide, "a.bmp")


def test_squares_are_cropped_padded_and_bounded():
    wide = np.arange(20 * 30.0).reshape(20, 30)
    np.testing.assert_array_equal(squared(wide, Squared.CROP), wide[:, :20])
    padded = squared(wide, Squared.PAD)
    assert padded.shape == (30, 30)
    np.testing.assert_array_equal(padded[:20], wide)
    assert not padded[20:].any()
    assert squared(np.ones((2, 3)), Squared.CROP).shape == (16, 16)
    assert squared(np.ones((2, 3)), Squared.CROP).sum() == 6
    assert squared(np.ones((900, 700)), Squared.PAD).shape == (512, 512)


def test_low_rank_holds_a_constant_matrix_exactly():
    assert best_low_rank(squared(np.full((20, 20), 3.0), Squared.CROP), 1).error < 1e-12
