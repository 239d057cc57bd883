"""Matrices in .npy, .npz and .mtx: the same numbers in every form, and nothing trusted."""

import gzip
import io
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import scipy.sparse

from paramixer_core.analysis import matrix_choices
from paramixer_core.analysis.matrix_upload import MatrixChoices, SeveralArraysError, read_matrix
from paramixer_core.errors import ParamixerError

FILES = Path(__file__).parent / "matrix_files"
MATRIX = np.random.default_rng(0).normal(size=(7, 7))
SPARSE = MATRIX * (np.abs(MATRIX) > 1)


def npy(array: np.ndarray, **options: bool) -> bytes:
    out = io.BytesIO()
    np.save(out, array, **options)
    return out.getvalue()


def npz(**arrays: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)
    return out.getvalue()


def zipped(**entries: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in entries.items():
            archive.writestr(f"{name}.npy", body)
    return out.getvalue()


def sparse_npz(kind: str) -> bytes:
    out = io.BytesIO()
    scipy.sparse.save_npz(out, scipy.sparse.csr_matrix(SPARSE).asformat(kind))
    return out.getvalue()


def market(matrix: object, **options: str) -> bytes:
    out = io.BytesIO()
    scipy.io.mmwrite(out, matrix, precision=17, **options)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["<f8", ">f8", "<f4", "<f2", "<i4", ">i2", "u1", "?", "<u8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_every_number_type_and_order_of_npy_is_read_exactly(kind, order):
    array = np.asarray(np.abs(MATRIX * 40) % 2 if kind == "?" else np.abs(MATRIX * 40), order=order)
    array = array.astype(kind)
    found = read_matrix(npy(array), "a.npy")
    np.testing.assert_array_equal(found.matrix, array.astype(np.float64))
    assert (found.shape, found.minimum, found.maximum) == ((7, 7), array.min(), array.max())
    assert found.mean == pytest.approx(array.astype(np.float64).mean())
    assert found.notes == []


def test_whole_numbers_that_float64_rounds_are_said():
    found = read_matrix(npy(np.array([[2**60 + 1, 1], [0, 0]])), "a.npy")
    assert found.notes == ["Whole numbers above 2⁵³ are rounded: the lab computes in float64."]


def test_the_archive_of_the_cases_is_read():
    found = read_matrix((FILES / "14g_two.npz").read_bytes(), "14g_two.npz")
    expected = np.load(FILES / "14g_two.npz")["a"]
    np.testing.assert_array_equal(found.matrix, expected)
    assert (found.shape, found.minimum, found.maximum) == ((64, 64), 0.0, 1.0)


def test_of_two_matrices_one_is_asked_for_by_name():
    content = npz(first=MATRIX, second=MATRIX.T)
    with pytest.raises(SeveralArraysError, match="got 2: first, second: choose one") as several:
        read_matrix(content, "a.npz")
    assert several.value.names == ["first", "second"]
    found = read_matrix(content, "a.npz", MatrixChoices(array="second"))
    np.testing.assert_array_equal(found.matrix, MATRIX.T)
    assert found.notes == ["Read: the array second. Not read: first."]
    with pytest.raises(ParamixerError, match="among first, second, got third"):
        read_matrix(content, "a.npz", MatrixChoices(array="third"))


def test_the_only_matrix_among_other_arrays_is_read_and_the_others_are_named():
    content = npz(labels=np.arange(7), words=np.array(["a"]), weights=MATRIX)
    found = read_matrix(content, "a.npz")
    np.testing.assert_array_equal(found.matrix, MATRIX)
    assert found.notes == ["Read: the array weights. Not read: labels, words."]


@pytest.mark.parametrize("kind", ["csr", "csc", "coo"])
def test_sparse_archives_of_scipy_are_made_dense(kind):
    found = read_matrix(sparse_npz(kind), "a.npz")
    np.testing.assert_array_equal(found.matrix, SPARSE)
    assert "stored entries; all others are 0" in found.notes[0]


def test_sparse_indices_outside_the_matrix_are_refused_before_use():
    whole = dict(np.load(io.BytesIO(sparse_npz("csr"))))
    for part in ("indices", "indptr"):
        wild = whole | {part: whole[part] + 1_000_000}
        with pytest.raises(ParamixerError, match="do not fit its shape"):
            read_matrix(npz(**wild), "a.npz")


def test_the_market_file_of_the_cases_is_read():
    found = read_matrix((FILES / "14f_sparse.mtx").read_bytes(), "14f_sparse.mtx")
    expected = np.zeros((16, 16))
    expected[0, 0], expected[1, 2], expected[15, 15] = 1.0, 0.5, 2.0
    np.testing.assert_array_equal(found.matrix, expected)
    assert found.notes == ["A sparse matrix with 3 stored entries; all others are 0."]


@pytest.mark.parametrize(
    ("written", "expected", "says"),
    [
        (market(MATRIX), MATRIX, ""),
        (market(scipy.sparse.coo_matrix(SPARSE)), SPARSE, "stored entries"),
        (market(MATRIX + MATRIX.T), MATRIX + MATRIX.T, "symmetric"),
        (
            market(scipy.sparse.coo_matrix(SPARSE + SPARSE.T), symmetry="symmetric"),
            SPARSE + SPARSE.T,
            "one half of a symmetric matrix",
        ),
        (
            market(scipy.sparse.coo_matrix(SPARSE - SPARSE.T), symmetry="skew-symmetric"),
            SPARSE - SPARSE.T,
            "skew-symmetric",
        ),
        (
            market(scipy.sparse.coo_matrix(SPARSE), field="pattern"),
            (SPARSE != 0).astype(float),
            "each stored entry is 1",
        ),
        (market(np.arange(12).reshape(3, 4)), np.arange(12).reshape(3, 4), "not square"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_dense_sparse_symmetric_and_pattern_market_files_are_read(written, expected, says, packed):
    content, name = (gzip.compress(written, mtime=0), "a.mtx.gz") if packed else (written, "a.mtx")
    found = read_matrix(content, name)
    np.testing.assert_allclose(found.matrix, expected, rtol=1e-15)
    assert says in " ".join(found.notes)
    assert ("The file was unpacked (gzip)." in found.notes) == packed


HEAD = b"%%MatrixMarket matrix coordinate real general\n"


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        (npy(np.float64(3)), "a.npy", "shape \\(\\)"),
        (npy(np.zeros((2, 3, 4))), "a.npy", "shape \\(2, 3, 4\\)"),
        (npy(np.array([[np.inf, 1], [1, 1]])), "a.npy", "finite"),
        (npy(np.array([[1, {}]], dtype=object), allow_pickle=True), "a.npy", "ever unpickled"),
        (npy(np.zeros((2, 2), dtype="M8[s]")), "a.npy", "the type datetime64"),
        (npz(a=np.zeros((2, 2), dtype=complex)), "a.npz", "real part"),
        (npz(a=np.array([{}], dtype=object)), "a.npz", "ever unpickled"),
        (npz(), "a.npz", "something else"),
        (zipped(a=npy(MATRIX)[:-30]), "a.npz", "ends early"),
        (zipped(a=b"nothing"), "a.npz", "a damaged one"),
        (npz(a=MATRIX)[:100], "a.npz", "a damaged one"),
        (b"PK\x03\x04", "a.npz", "a damaged one"),
        (b"text", "a.npz", "which it did not"),
        (b"1 1 1\n", "a.mtx", "begins with %%MatrixMarket"),
        (HEAD, "a.mtx", "a whole MatrixMarket file"),
        (HEAD + b"2 2 1\n3 1 1.0\n", "a.mtx", "a whole MatrixMarket file"),
        (HEAD + b"2 2 1\n1 1 x\n", "a.mtx", "a whole MatrixMarket file"),
        (HEAD + b"2 2 1\n1 1 nan\n", "a.mtx", "finite"),
        (HEAD.replace(b"real", b"complex") + b"2 2 1\n1 1 1 1\n", "a.mtx", "real part"),
        (gzip.compress(HEAD, mtime=0)[:-9], "a.mtx.gz", "a whole gzip file"),
    ],
)
def test_bad_files_get_one_sentence(content, name, says):
    with pytest.raises(ParamixerError, match=says) as raised:
        read_matrix(content, name)
    assert "\n" not in str(raised.value)


def header_alone(rows: int, columns: int) -> bytes:
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        out, {"descr": "<f8", "fortran_order": False, "shape": (rows, columns)}
    )
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (header_alone(100_000, 100_000), "a.npy"),
        (zipped(a=header_alone(100_000, 100_000) + bytes(10**7)), "a.npz"),
        (HEAD + b"1000000000 1000000000 1\n1 1 1.0\n", "a.mtx"),
        (HEAD + b"4000 4000 9000000000\n1 1 1.0\n", "a.mtx"),
        (b"%%MatrixMarket matrix array real general\n4000 4000\n1.0\n", "a.mtx"),
        (HEAD.replace(b"general", b"symmetric") + b"4000 4000 90000000\n1 1 1.0\n", "a.mtx"),
        (gzip.compress(bytes(64 * 2**20)), "a.csv.gz"),
    ],
)
def test_what_a_header_promises_is_refused_before_memory_is_taken(content, name, monkeypatch):
    monkeypatch.setattr(matrix_choices, "MAX_UNPACKED", 2**20)
    tracemalloc.start()
    try:
        with pytest.raises(ParamixerError):
            read_matrix(content, name)
        assert tracemalloc.get_traced_memory()[1] < 2**23
    finally:
        tracemalloc.stop()
