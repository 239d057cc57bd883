"""Columns of a CSV are guessed from names, else from what repeats and what is long."""

import pytest

from paramixer_core.errors import ParamixerError
from paramixer_core.uploads.columns import guess_columns

LINES = "".join(f"{n},{'ab'[n % 2]},hello {n}\n" for n in range(30))


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("id,label,text", ("label", "text")),
        ("id,kind,words", ("kind", "words")),
        ("text,Class,label2", ("Class", "text")),
    ],
)
def test_label_and_sequence_are_found(header: str, found: tuple[str, str]) -> None:
    assert guess_columns(f"{header}\n{LINES}") == found


def test_a_column_of_one_value_is_no_label() -> None:
    assert guess_columns("a,b,c\n" + "same,x,long text\nsame,y,longer text\nsame,x,text\n") == (
        "b",
        "c",
    )


def test_one_column_or_no_lines_are_guessed_too() -> None:
    assert guess_columns("only\nx\ny\n") == ("only", "only")
    assert guess_columns("a,b\n") == ("a", "b")
    with pytest.raises(ParamixerError, match="header line"):
        guess_columns("\n")
