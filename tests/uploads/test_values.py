"""What cells hold: decimal marks, missing values, tokens and case."""

import numpy as np
import pytest

from paramixer_core.errors import ParamixerError
from paramixer_core.uploads.choices import Case, Missing, NumberForm, Tokens
from tests.uploads.test_sequences import numbers, read


@pytest.mark.parametrize(
    ("cells", "values", "form"),
    [
        ("1,5;2", (1.5, 2.0), None),
        ("1.234,5;2", (1234.5, 2.0), None),
        ('"1,234.5";2', (1234.5, 2.0), None),
        ("1.234;2", (1234.0, 2.0), NumberForm.COMMA_GROUPED),
        ("1.234;2", (1.234, 2.0), NumberForm.POINT),
    ],
)
def test_decimal_and_thousands_marks(cells: str, values: tuple, form: NumberForm | None) -> None:
    found = read(f"label;x;y\na;{cells}\nb;{cells}\na;{cells}\n", numbers=form)
    assert numbers(found)[0] == values
    assert found.questions == []


def test_a_mark_that_may_be_either_is_asked() -> None:
    found = read("label;x;y\na;1.234;2\nb;1.234;2\na;5.678;1\n")
    assert "Is 1.234 1.234 or 1234?" in found.questions[0]
    assert read("label,x,y\na,1.234,2\nb,1.234,2\na,5.678,1\n").questions == []


def test_missing_values_are_refused_left_out_shortened_or_kept() -> None:
    text = "label,x,y,z\na,1,2,3\nb,1,,3\nNA,1,1,1\na,1,2,\nb,3,2,1\n"
    with pytest.raises(ParamixerError, match="in line 3"):
        read(text)
    found = read(text, missing=Missing.SKIP)
    assert (found.labels, found.skipped, found.lines) == (["a", "b"], 3, [2, 6])
    assert "3 rows with missing values left out." in found.notes
    short = read("label,x,y\na,1,2\nb,3,\na,2,1\n", missing=Missing.SHORTEN)
    assert numbers(short) == [(1.0, 2.0), (3.0,), (2.0, 1.0)]
    kept = read("label,text\nNA,x\nb,nan\nNA,y\n", missing=Missing.KEEP)
    assert (kept.labels, kept.rows) == (["NA", "b", "NA"], ["x", "nan", "y"])


def test_series_of_different_lengths_are_shorter_ones() -> None:
    found = read("1\t0.5\t0.5\t1\n2\t1\t2\n1\t3\t1\t1\n2\t1\t0\n", "a.tsv")
    assert numbers(found)[1] == (1.0, 2.0)
    assert "2 rows with gaps at the end are shorter sequences." in found.notes


def test_a_missing_label_is_no_class() -> None:
    with pytest.raises(ParamixerError, match="a label in line 3"):
        read("label,text\na,x\nNaN,y\nb,z\n")


@pytest.mark.parametrize(
    ("rows", "tokens"),
    [
        (["A C G T", "A A T", "G G T"], Tokens.WORDS),
        (["the film was good", "I left before the end", "so and so"], Tokens.LETTERS),
        (["1.5 2 3.25", "1 2 3", "3 2 1"], Tokens.NUMBERS),
        (["".join(map(chr, range(0x4E00, 0x4F00))), "一二", "三"], Tokens.BYTES),
    ],
)
def test_tokens_are_told(rows: list[str], tokens: Tokens) -> None:
    found = read("".join(f"{'aba'[at]}\t{row}\n" for at, row in enumerate(rows)), "a.tsv")
    assert found.tokens is tokens
    assert read("a\tAC GT\nb\tGG\na\tTT\n", "a.tsv", tokens=Tokens.WORDS).rows[0] == ("AC", "GT")


def test_parentheses_of_listops_are_dropped_and_brackets_are_words() -> None:
    found = read("Source\tTarget\n( ( ( [MAX 1 ) 2 ) ] )\t2\n3\t3\n4\t2\n", "basic_train.tsv")
    assert found.rows[0] == ("[MAX", "1", "2", "]")
    assert found.labels == ["2", "3", "2"]


@pytest.mark.parametrize(
    ("case", "rows"),
    [
        (None, ["ACGTN", "ACGT", "ACGT"]),
        (Case.KEEP, ["ACgtn", "ACGT", "ACGT"]),
        (Case.LOWER, ["acgtn", "acgt", "acgt"]),
    ],
)
def test_soft_masked_letters_are_folded_or_kept(case: Case | None, rows: list[str]) -> None:
    assert read(">1 a\nACgtn\n>2 b\nACGT\n>3 a\nACGT\n", "a.fa", case=case).rows == rows


def test_numbers_are_rounded_as_python_rounds_them() -> None:
    dice = np.random.default_rng(0)
    values = dice.standard_normal((50, 3)) * 10.0 ** dice.integers(-8, 8, (50, 3))
    text = "".join(
        f"{'ab'[n % 2]},{','.join(map(repr, row))}\n" for n, row in enumerate(values.tolist())
    )
    assert numbers(read(text)) == list(map(tuple, values.tolist()))
