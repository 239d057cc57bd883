"""A table written in any usual way is read back as it was: cells, labels, lines."""

import csv
import io

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from paramixer_core.uploads.choices import NumberForm, Separator, SequenceChoices, SequencesFound
from paramixer_core.uploads.sequences import read_sequences

SEPARATORS = st.sampled_from([",", ";", "\t", "|"])
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])
ENDS = st.sampled_from(["\n", "\r\n", "\r"])
WRITABLE = st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"))
TEXT = st.text(st.one_of(st.sampled_from("ab ,;|\"'#"), WRITABLE), min_size=1, max_size=12)
CELLS = TEXT.map(lambda text: "t" + " ".join(text.split()) + "e")


def written(rows: list[list[str]], separator: str, end: str, quoting: int, encoding: str) -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=separator, lineterminator=end, quoting=quoting).writerows(rows)
    return file.getvalue().encode(encoding)


def read(content: bytes, **choices: object) -> SequencesFound:
    return read_sequences(content, "table.csv", SequenceChoices(**choices))


@given(
    st.lists(CELLS, min_size=4, max_size=12),
    SEPARATORS,
    ENDS,
    ENCODINGS,
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.booleans(),
    st.booleans(),
)
def test_texts_come_back(texts, separator, end, encoding, quoting, header, label_last) -> None:
    rows = [[("neg", "pos")[at % 2], text] for at, text in enumerate(texts)]
    given_rows = [["label", "text"], *rows] if header else rows
    shown = [row[::-1] for row in given_rows] if label_last else given_rows
    content = written(shown, separator, end, quoting, encoding)
    found = read(content, separator=Separator(separator), comment="")
    assert found.labels == [label for label, _ in rows]
    assert found.rows == texts
    assert found.lines == list(range(1 + header, len(rows) + 1 + header))


@given(
    st.lists(
        st.lists(st.floats(-1e20, 1e20, allow_subnormal=False), min_size=3, max_size=3),
        min_size=4,
        max_size=10,
    ),
    st.sampled_from([";", "\t", "|"]),
    ENCODINGS,
    st.booleans(),
    st.sampled_from([NumberForm.POINT, NumberForm.COMMA]),
    st.integers(0, 3),
)
def test_numbers_come_back_to_the_last_bit(
    values, separator, encoding, header, form, place
) -> None:
    rows = [[repr(value).replace(".", form.decimal) for value in row] for row in values]
    for at, row in enumerate(rows):
        row.insert(place, ("low", "high")[at % 2])
    names = [["a", "b", "c", "d"]] if header else []
    content = written([*names, *rows], separator, "\n", csv.QUOTE_MINIMAL, encoding)
    found = read(content, numbers=form)
    assert np.array_equal(np.array(found.rows), np.array(values))
    assert found.labels == [("low", "high")[at % 2] for at in range(len(rows))]


@given(st.lists(st.text(st.sampled_from("ab\n"), min_size=1), min_size=4, max_size=8), ENDS)
def test_the_line_of_a_row_is_the_files_own(texts, end) -> None:
    cells = ["s" + text + "e" for text in texts]
    rows = [[("neg", "pos")[at % 2], cell] for at, cell in enumerate(cells)]
    content = written(rows, ",", end, csv.QUOTE_ALL, "utf-8")
    found = read(b"# one\n" + content, comment="#", quotes=True, tokens=Tokens.LETTERS)
    assert found.rows == cells
    before = [sum(cell.count("\n") + 1 for cell in cells[:at]) for at in range(len(cells))]
    assert found.lines == [2 + lines for lines in before]
