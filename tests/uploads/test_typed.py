"""A sequence as text: what is shown of an example reads back as that example."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from paramixer_core.errors import ParamixerError
from paramixer_core.tasks import InputKind, Task, make_task
from paramixer_core.uploads.choices import FileKind, SequencesFound, Tokens
from paramixer_core.uploads.dataset import keep
from paramixer_core.uploads.preparing import prepare
from paramixer_core.uploads.tokens import alphabet_of, numbered
from paramixer_core.uploads.typed import (
    MAX_LETTERS,
    parse_sequence,
    read_typed,
    sequence_text,
    typing_help,
)


@pytest.mark.parametrize(("name", "n"), [("adding", 12), ("temporal_order", 12), ("digits", 64)])
def test_the_text_of_an_example_is_that_example(name: str, n: int) -> None:
    task = make_task(name, n)
    for inputs in task.test_set().inputs[:5]:
        assert torch.equal(parse_sequence(task, sequence_text(task, inputs.numpy()))[0], inputs)


def test_blanks_commas_and_marks_are_read() -> None:
    inputs = parse_sequence(make_task("adding", 4), "1, -0.5*\n2e-1  0*")
    assert inputs[0].tolist() == [[1, 0], [-0.5, 1], [pytest.approx(0.2), 0], [0, 1]]
    assert parse_sequence(make_task("temporal_order", 4), "ab\n XY").tolist() == [[0, 1, 4, 5]]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("adding", "1 2 3", "add 1"),
        ("adding", "1 2 3 4 5", "remove 1"),
        ("adding", "1 2 x 4", "'x' at token 2"),
        ("adding", "1 2 nan 4", "'nan' at token 2"),
        ("adding", "1 2 3 1e999", "'1e999' at token 3"),
        ("temporal_order", "abqX", "'q' at token 2"),
        ("temporal_order", "a" * (MAX_LETTERS + 1), "paste less"),
        ("temporal_order", "", "add 4"),
    ],
)
def test_a_wrong_text_is_told_where(name: str, text: str, said: str) -> None:
    with pytest.raises(ParamixerError, match=said):
        parse_sequence(make_task(name, 4), text)


def test_a_mark_where_there_are_none_is_refused() -> None:
    with pytest.raises(ParamixerError, match="drop the"):
        parse_sequence(make_task("digits", 64), "0 " * 63 + "1*")


ROWS = {
    Tokens.LETTERS: ["no way\\n\n", "a\tb ", "\u200bé e\u0301", "👩‍🔬🇳🇴x", "yes", "\xa0 a·b"],
    Tokens.WORDS: [("[MAX", "1", "]"), ("7",), ("\\n", "x\u200b"), ("1", "1"), ("2", "7"), ("]",)],
    Tokens.BYTES: ["乐 ok", "\\xe4\n", "é\u0085", "a", "b b", "👩‍🔬"],
}


def uploaded(
    rows: list, tokens: Tokens, seq_len: int, monkeypatch: pytest.MonkeyPatch, home: Path, **more
) -> Task:
    monkeypatch.setenv("PARAMIXER_HOME", str(home))
    labels = [("a", "b")[at % 2] for at in range(len(rows))]
    found = SequencesFound(FileKind.TABLE, rows, labels, tokens=tokens, **more)
    return make_task(keep(prepare(found, seq_len, 0.5, "")), seq_len)


def everything(task: Task) -> Tensor:
    batch = task.batch(60, torch.Generator().manual_seed(0))
    return torch.cat([task.test_set().inputs, batch.inputs])


@pytest.mark.parametrize("seq_len", [2, 3, 5, 13])
@pytest.mark.parametrize("tokens", ROWS)
def test_what_is_shown_of_uploaded_symbols_reads_back(
    tokens, seq_len, monkeypatch, tmp_path
) -> None:
    task = uploaded(ROWS[tokens], tokens, seq_len, monkeypatch, tmp_path)
    for inputs in everything(task):
        text = sequence_text(task, inputs.numpy())
        assert torch.equal(parse_sequence(task, text)[0], inputs), text
        assert "\n" not in text


def test_what_is_shown_of_uploaded_numbers_reads_back(monkeypatch, tmp_path) -> None:
    rows = [np.array([0.1 * n, -3.7, 2e-7][: 1 + n % 3]) for n in range(8)]
    task = uploaded(rows, Tokens.NUMBERS, 4, monkeypatch, tmp_path)
    for inputs in everything(task):
        text = sequence_text(task, inputs.numpy())
        assert torch.equal(parse_sequence(task, text)[0].nan_to_num(9), inputs.nan_to_num(9))
        assert "nan" not in text
    assert "They are the file's divided by 3.7." in typing_help(task)


def test_blanks_are_symbols_where_the_data_has_them(monkeypatch, tmp_path) -> None:
    task = uploaded(["a b", "b a", "ab", "bb"], Tokens.LETTERS, 3, monkeypatch, tmp_path)
    assert parse_sequence(task, "a b").tolist() == [[2, 1, 3]]
    assert parse_sequence(task, "a\nb").tolist() == [[2, 1, 3]]
    bare = uploaded(["ab", "ba", "aa", "bb"], Tokens.LETTERS, 3, monkeypatch, tmp_path)
    assert parse_sequence(bare, "a b").tolist() == [[1, 2, 0]]


def test_a_short_text_is_filled_up_and_a_long_one_is_said(monkeypatch, tmp_path) -> None:
    task = uploaded(["ACG", "CA", "GG", "TT"], Tokens.LETTERS, 3, monkeypatch, tmp_path)
    typed = read_typed(task, "AC")
    assert typed.inputs.tolist() == [[1, 2, 0]]
    assert typed.notes == ["2 tokens and 1 of padding."]
    with pytest.raises(ParamixerError, match="remove 2"):
        read_typed(task, "ACGTA")
    with pytest.raises(ParamixerError, match="the 3 tokens"):
        read_typed(task, "")


def test_letters_take_the_datas_case_and_that_is_said(monkeypatch, tmp_path) -> None:
    task = uploaded(["ACG", "CA", "GG", "TT"], Tokens.LETTERS, 3, monkeypatch, tmp_path)
    typed = read_typed(task, "acG")
    assert typed.inputs.tolist() == [[1, 2, 3]]
    assert typed.notes == ["In the data's case: a as A, c as C."]
    both = uploaded(["Ab", "bA", "bb", "AA"], Tokens.LETTERS, 2, monkeypatch, tmp_path)
    with pytest.raises(ParamixerError, match="write it as b"):
        read_typed(both, "AB")


def test_a_rare_letter_is_read_as_the_symbol_of_rare_ones(monkeypatch, tmp_path) -> None:
    rows = ["aab", "aba", "bax", "aby", "bbb"]
    task = uploaded(rows, Tokens.LETTERS, 3, monkeypatch, tmp_path, letters_kept=2)
    typed = read_typed(task, "azb")
    assert typed.inputs.tolist() == [[1, 3, 2]]
    assert typed.notes == ["1 rare token read as □."]


@given(st.lists(st.text(max_size=8).filter(str.strip), min_size=4, max_size=8, unique=True))
def test_any_text_reads_back(rows: list[str]) -> None:
    for tokens in (Tokens.LETTERS, Tokens.BYTES):
        labels = [("a", "b")[at % 2] for at in range(len(rows))]
        found = SequencesFound(FileKind.TABLE, rows, labels, tokens=tokens)
        symbols, number, _ = alphabet_of(found, 8)
        task = SimpleNamespace(
            symbols=symbols, tokens=tokens, filling=0.0, seq_len=8, input_kind=InputKind.SYMBOLS
        )
        for inputs in numbered(rows, tokens, number, (len(rows), 8)):
            text = sequence_text(task, inputs)  # type: ignore[arg-type]
            assert parse_sequence(task, text)[0].tolist() == inputs.tolist()  # type: ignore[arg-type]
