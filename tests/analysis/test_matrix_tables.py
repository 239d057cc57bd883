"""Tables of numbers as programs write them: the same array out of each, errors by file line."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from paramixer_core.analysis.matrix_upload import MatrixChoices, read_matrix
from paramixer_core.errors import ParamixerError

FILES = Path(__file__).parent / "matrix_files"
RAMP = np.arange(256).reshape(16, 16) / 4095
NUMBERS = st.floats(-1e6, 1e6, allow_subnormal=False)


def frame(matrix: np.ndarray, **options: object) -> str:
    named = options.pop("named", False)
    columns = [f"channel {k}" for k in range(matrix.shape[1])] if named else None
    index = [f"token {k}" for k in range(len(matrix))] if named else None
    return pd.DataFrame(matrix, index=index, columns=columns).to_csv(**options)


def savetxt(matrix: np.ndarray, **options: object) -> str:
    out = io.StringIO()
    np.savetxt(out, matrix, **options)
    return out.getvalue()


def joined(matrix: np.ndarray, mark: str, decimal: str = ".", quote: str = "") -> str:
    cells = [
        [quote + repr(x).replace(".", decimal) + quote for x in row] for row in matrix.tolist()
    ]
    return "\n".join(mark.join(row) for row in cells) + "\n"


FORMS = {
    "commas": lambda a: joined(a, ","),
    "commas and blanks": lambda a: joined(a, ", "),
    "semicolons": lambda a: joined(a, ";"),
    "tabs": lambda a: joined(a, "\t"),
    "bars": lambda a: joined(a, "|"),
    "blanks": lambda a: joined(a, "   "),
    "padded": lambda a: "  " + joined(a, "   ").replace("\n", "  \n  "),
    "decimal commas, semicolons": lambda a: joined(a, ";", ","),
    "decimal commas, tabs": lambda a: joined(a, "\t", ","),
    "decimal commas, blanks": lambda a: joined(a, " ", ","),
    "decimal commas, quoted": lambda a: joined(a, ",", ",", '"'),
    "quoted": lambda a: joined(a, ",", quote='"'),
    "sep line": lambda a: "sep=;\n" + joined(a, ";"),
    "sep line, decimal commas": lambda a: "sep=;\r\n" + joined(a, ";", ","),
    "a comma at each end": lambda a: joined(a, ",").replace("\n", ",\n"),
    "byte order mark": lambda a: "\ufeff" + joined(a, ";"),
    "minus signs as they are set": lambda a: joined(a, ";").replace("-", "−"),
    "blank lines": lambda a: "\n\n" + joined(a, ",").replace("\n", "\n\n"),
    "savetxt": savetxt,
    "savetxt, header and footer": lambda a: savetxt(a, header="one\ntwo, 3", footer="end"),
    "savetxt, percent": lambda a: savetxt(a, header="matrix", comments="% "),
    "pandas": frame,
    "pandas, no index": lambda a: frame(a, index=False),
    "pandas, bare": lambda a: frame(a, index=False, header=False),
    "pandas, named": lambda a: frame(a, named=True),
    "pandas, named, no index": lambda a: frame(a, named=True, index=False),
    "pandas, index named": lambda a: frame(a, index_label="index"),
    "pandas, European": lambda a: frame(a, sep=";", decimal=","),
    "pandas, European, named": lambda a: frame(a, sep=";", decimal=",", named=True),
    "pandas, tabs": lambda a: frame(a, sep="\t"),
    "R": lambda a: "".join(
        [
            " ".join(f'"V{k + 1}"' for k in range(a.shape[1])) + "\n",
            *(f'"{k + 1}" ' + " ".join(map(repr, row)) + "\n" for k, row in enumerate(a.tolist())),
        ]
    ),
}


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=20, deadline=None)
@given(arrays(np.float64, st.tuples(st.integers(2, 6), st.integers(2, 6)), elements=NUMBERS))
def test_an_array_comes_back_exactly_from_every_form(form, matrix):
    found = read_matrix(FORMS[form](matrix).encode(), "a.csv")
    np.testing.assert_array_equal(found.matrix, matrix)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("14_savetxt_header.txt", "Comments, skipped: 1 line with # or % in front."),
        ("14b_decimal_comma.csv", "semicolons between the numbers, a decimal comma."),
        ("14c_pandas.csv", "the first row and the first column are labels."),
    ],
)
def test_the_tables_of_the_cases_have_their_values(name, said):
    content = (FILES / name).read_bytes()
    found = read_matrix(content, name)
    if name == "14b_decimal_comma.csv":
        text = content.decode().replace(",", ".").replace(";", " ")
        expected = np.loadtxt(io.StringIO(text))
    elif name == "14c_pandas.csv":
        expected = np.loadtxt(io.BytesIO(content), delimiter=",", skiprows=1)[:, 1:]
    else:
        expected = np.loadtxt(io.BytesIO(content))
    np.testing.assert_array_equal(found.matrix, expected)
    assert found.shape == (16, 16)
    assert said in " ".join(found.notes)


def test_a_first_line_of_data_is_data():
    for first in ("0,1,2", "0.0,1.0,2.0", "1,2,3"):
        found = read_matrix(f"{first}\n3,4,5\n6,7,8\n".encode(), "a.csv")
        assert found.shape == (3, 3)
    whole = read_matrix(b"0 1\n1 0\n2 5\n", "a.txt")
    assert whole.shape == (3, 2)


def test_every_guess_can_be_changed():
    content = b"0,1,2\n0.5,0.25,0.125\n0.5,0.5,0.75\n"
    assert read_matrix(content, "a.csv").shape == (2, 3)
    assert read_matrix(content, "a.csv", MatrixChoices(header=False)).shape == (3, 3)
    assert read_matrix(content, "a.csv", MatrixChoices(index=True)).shape == (2, 2)
    one = read_matrix(b"1,5\n2,5\n", "a.csv", MatrixChoices(delimiter=";", decimal=","))
    np.testing.assert_array_equal(one.matrix, [[1.5], [2.5]])
    two = read_matrix(b"1,5\n2,5\n", "a.csv")
    np.testing.assert_array_equal(two.matrix, [[1, 5], [2, 5]])


def test_other_encodings_are_read_and_said():
    text = frame(RAMP, named=True).replace("channel", "Größe").replace("token", "Wörter")
    wide = read_matrix(text.encode("utf-16"), "a.csv")
    np.testing.assert_array_equal(wide.matrix, RAMP)
    assert "The file's encoding is UTF-16." in wide.notes
    western = read_matrix(text.encode("cp1252"), "a.csv")
    np.testing.assert_array_equal(western.matrix, RAMP)
    assert "a guess" in western.notes[0]
    named = read_matrix(text.encode("cp1252"), "a.csv", MatrixChoices(encoding="cp1252"))
    np.testing.assert_array_equal(named.matrix, RAMP)
    assert "guess" not in " ".join(named.notes)


def test_a_table_without_a_telling_name_is_read():
    assert read_matrix(b"1 2\n3 4\n", "matrix").shape == (2, 2)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("# made\n\n1,2\n3,x\n", "'x' in row 4, column 2"),
        ("a,b\n1,2\n3,\n", "an empty cell in row 3, column 2"),
        ("# made\n1,2\n3,4,5\n", "3 in row 3"),
        (",0,1\n0,1.5,2\n1,2,oops\n", "'oops' in row 3, column 3"),
        ("1,2\n3,1_000\n", "'1_000' in row 2"),
        ("# only\n# comments\n", "a file of comments"),
        ("1,nan\n2,3\n", "finite"),
        ("1,1e999\n2,3\n", "finite"),
    ],
)
def test_errors_name_the_line_of_the_file(text, says):
    with pytest.raises(ParamixerError, match=says):
        read_matrix(text.encode(), "a.csv")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"delimiter": ",,"}, "one letter"),
        ({"decimal": ";"}, "a decimal point or comma"),
        ({"background": "blue"}, "a background among white, black"),
        ({"white": -1.0}, "a positive number for white"),
        ({"picture_side": 1}, "2 to 4,096"),
    ],
)
def test_choices_that_make_no_sense_are_refused(options, says):
    with pytest.raises(ParamixerError, match=says):
        MatrixChoices(**options)
