"""Uploaded sequences: three formats, stated limits, a clean split, and a task like any other."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch

from paramixer_core.config import RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.tasks import InputKind, known_task, make_task
from paramixer_core.training import Trainer
from paramixer_core.uploads import dataset
from paramixer_core.uploads.dataset import Prepared, keep, prepare
from paramixer_core.uploads.sequences import (
    MAX_BYTES,
    FileKind,
    Sequences,
    columns_of,
    decoded,
    kind_of,
    read_csv,
    read_fasta,
    read_text,
)
from tests.uploads.mutations import SEQUENCE_FILES, is_sentence, sentence_of

FASTA = ">one gene\nACGT\nACGA\n\n>two plain\nTTTT\n>three gene\nacg\n"
TEXT = "good\tI liked it\nbad I did not\n\ngood again\n"
CSV = 'name,label,text\na,up,"x,y"\nb,down,zzz\nc,up,xy\n'
NUMBERS = "label;t1;t2;t3\nup;1;2;3\ndown;3;2;-4\nup;0;0;1e1\n"
REPEATS = 40  # of each mutation; 10,000 files in all were tried once


def test_fasta_joins_lines_and_takes_the_last_word_as_label() -> None:
    found = read_fasta(FASTA)
    assert found.rows == ["ACGTACGA", "TTTT", "ACG"]
    assert found.labels == ["gene", "plain", "gene"]


def test_text_splits_at_a_tab_else_at_the_first_blank() -> None:
    found = read_text(TEXT)
    assert found.labels == ["good", "bad", "good"]
    assert found.rows == ["I liked it", "I did not", "again"]


def test_csv_reads_one_text_column_or_several_number_columns() -> None:
    assert columns_of(CSV) == ["name", "label", "text"]
    assert columns_of("a,,a\n") == ["a", "(column 2)", "a (column 3)"]
    assert read_csv(CSV, "label", ["text"]).rows == ["x,y", "zzz", "xy"]
    found = read_csv(NUMBERS, "label", ["t3", "t1"])
    assert found.rows == [(3.0, 1.0), (-4.0, 3.0), (10.0, 0.0)]
    assert found.labels == ["up", "down", "up"]
    assert found.numeric


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("a.FASTA", "", "fasta"),
        ("a.csv", "", "csv"),
        ("a.txt", TEXT, "text"),
        ("a", FASTA, "fasta"),
    ],
)
def test_the_format_is_told_by_the_name_or_the_first_letter(name, text, kind) -> None:
    assert kind_of(name, text) is FileKind(kind)


def test_text_comes_in_utf_8_or_utf_16_with_its_mark() -> None:
    assert decoded("é".encode("utf-8-sig")) == decoded("é".encode("utf-16")) == "é"
    for content in ("é".encode("latin-1"), b"a\0b"):
        with pytest.raises(ParamixerError, match="a text file in UTF-8"):
            decoded(content)
    with pytest.raises(ParamixerError, match="at most 20 MiB"):
        decoded(bytes(MAX_BYTES + 1))


@pytest.mark.parametrize(
    ("read", "said"),
    [
        pytest.param(lambda: read_text("alone\n"), "in line 1", id="no-text"),
        pytest.param(lambda: read_text("a b\n"), "at least two", id="one"),
        pytest.param(lambda: read_fasta("ACGT\n>x y\n"), 'begins with ">"', id="no-head"),
        pytest.param(lambda: read_fasta(">a b\n>c d\nA\n"), "at least one token", id="empty"),
        pytest.param(lambda: columns_of("\na,b\n"), "a header line", id="no-header"),
        pytest.param(lambda: read_csv(CSV, "label", ["no"]), "columns among", id="column"),
        pytest.param(lambda: read_csv(CSV, "label", ["label"]), "choose them apart", id="same"),
        pytest.param(lambda: read_csv(CSV + "d,up\n", "label", ["text"]), "in line 5", id="short"),
        pytest.param(
            lambda: read_csv(NUMBERS + "up;x;nan;1\n", "label", ["t1", "t2"]), "in line 5", id="nan"
        ),
        pytest.param(lambda: read_text("a " + "x" * (2**20 + 1)), "lines of at most", id="long"),
        pytest.param(lambda: read_text(f"{'l' * 61} x\n"), "a label of 1 to 60", id="label"),
        pytest.param(lambda: read_text("a b\n" * 20_001), "at most 20,000", id="many"),
    ],
)
def test_a_file_that_is_wrong_is_told_where(read, said: str) -> None:
    with pytest.raises(ParamixerError, match=said):
        read()


def letters(count: int = 60, classes: str = "AT", seed: int = 0) -> Sequences:
    dice = random.Random(seed)
    labels = [dice.choice(classes) for _ in range(count)]
    rows = ["".join(dice.choices("AT", [4, 1] if c == "A" else [1, 4], k=24)) for c in labels]
    return Sequences(FileKind.FASTA, rows, labels)


def texts(*rows: str) -> Sequences:
    return Sequences(FileKind.TEXT, list(rows), [("a", "b")[at % 2] for at in range(len(rows))])


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Prepared:
    monkeypatch.setenv("PARAMIXER_HOME", str(tmp_path))
    prepared = prepare(letters(), 20, 0.25, "genes.fa")
    assert keep(prepared) == prepared.name
    return prepared


def test_an_uploaded_task_holds_the_files_letters_and_labels(stored: Prepared) -> None:
    task = make_task(stored.name, 20)
    tests = task.test_set()
    sent = {row[:20]: label for row, label in zip(letters().rows, letters().labels, strict=True)}
    assert len(tests.inputs) == stored.tests == round(0.25 * len(sent))
    for tokens, target in zip(tests.inputs, tests.targets, strict=True):
        text = "".join(stored.symbols[token] for token in tokens)
        assert sent[text] == stored.classes[target]
    assert known_task(stored.name).title == "genes.fa"
    assert (task.input_kind, task.input_size, task.output_size) == (InputKind.SYMBOLS, 3, 2)


def test_no_sequence_is_both_trained_on_and_tested(stored: Prepared) -> None:
    twice = letters(30)
    doubled = Sequences(twice.kind, [*twice.rows, *twice.rows], [*twice.labels, *twice.labels])
    prepared = prepare(doubled, 24, 0.5, "")
    assert prepared.repeated >= 30
    keep(prepared)
    task = make_task(prepared.name, 24)
    tested = {tuple(row) for row in task.test_set().inputs.tolist()}
    batch = task.batch(2000, torch.Generator().manual_seed(0))
    trained = {tuple(row) for row in batch.inputs.tolist()}
    assert len(trained) == prepared.trained
    assert not tested & trained


def test_a_network_learns_an_uploaded_task(stored: Prepared) -> None:
    config = RunConfig(
        task=stored.name, seq_len=20, channels=8, hidden=8, learning_rate=0.01, device="cpu"
    )
    trainer = Trainer(config)
    before = trainer.evaluate().loss
    for _ in range(60):
        trainer.step()
    assert trainer.evaluate().loss < 0.5 * before


def test_numbers_are_scaled_by_the_largest_and_filled_up(stored: Prepared) -> None:
    rows = [(1.0, -8.0), (2.0, 4.0), (3.0, 1.0), (0.5, 0.0)]
    prepared = prepare(Sequences(FileKind.CSV, rows, ["a", "b", "a", "b"]), 3, 0.25, "n")
    keep(prepared)
    task = make_task(prepared.name, 3)
    tested = task.test_set().inputs[..., 0].tolist()
    trained = task.batch(50, torch.Generator().manual_seed(0)).inputs[..., 0].tolist()
    found = {tuple(row) for row in [*tested, *trained]}
    assert found == {(0.125, -1.0, 0.0), (0.25, 0.5, 0.0), (0.375, 0.125, 0.0), (0.0625, 0.0, 0.0)}
    assert (task.input_kind, task.input_size, prepared.padded) == (InputKind.REAL, 1, 4)


@pytest.mark.parametrize(
    "name", ["uploaded-../../secret00000", "uploaded-0", "uploaded-" + "G" * 16]
)
def test_a_name_that_is_a_path_is_never_opened(name: str) -> None:
    with pytest.raises(ParamixerError, match="the name of an uploaded task"):
        make_task(name, 20)


def test_a_data_set_that_is_gone_is_said(stored: Prepared) -> None:
    with pytest.raises(ParamixerError, match="upload it again"):
        make_task("uploaded-" + "0" * 16, 20)
    with pytest.raises(ParamixerError, match="N = 20"):
        make_task(stored.name, 24)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"seq_len": 1}, "N from 2 to 4,096", id="n"),
        pytest.param({"test_share": 0.9}, "a test share", id="share"),
        pytest.param({"sequences": letters(classes="A")}, "different labels", id="labels"),
        pytest.param({"sequences": texts(*map(chr, range(400, 700)))}, "letters", id="alphabet"),
        pytest.param({"sequences": texts("x", "y")}, "at least 3", id="few"),
        pytest.param(
            {"sequences": texts(*["x"] * 20_000), "seq_len": 4096}, "tokens in all", id="size"
        ),
    ],
)
def test_the_limits_of_a_data_set_are_said(change: dict, said: str) -> None:
    given = {"sequences": letters(), "seq_len": 20, "test_share": 0.2, "title": ""} | change
    with pytest.raises(ParamixerError, match=said):
        prepare(**given)


def test_the_folder_does_not_grow_without_limit(stored: Prepared, monkeypatch) -> None:
    monkeypatch.setenv("PARAMIXER_UPLOAD_BYTES", "100")
    with pytest.raises(ParamixerError, match="of uploads on this server"):
        keep(prepare(letters(seed=1), 20, 0.25, ""))
    assert keep(stored) == stored.name


@pytest.mark.parametrize("mutate", SEQUENCE_FILES, ids=lambda mutate: mutate.__name__)
@pytest.mark.parametrize("kind", ["csv", "text", "fasta"])
def test_a_mutated_file_is_read_or_gets_one_sentence(mutate, kind: str) -> None:
    whole = {"csv": CSV, "text": TEXT, "fasta": FASTA}[kind].encode()
    dice = random.Random(f"{mutate.__name__}{kind}")
    for number in range(REPEATS):
        content = mutate(dice, whole)
        assert is_sentence(
            sentence_of(lambda content=content, number=number: use(content, kind, number % 2 == 0))
        )


def use(content: bytes, kind: str, one_column: bool) -> Prepared:
    """Everything that the page does with a file."""
    text = decoded(content)
    match kind_of(f"file.{kind}", text):
        case FileKind.CSV:
            first, *rest = columns_of(text)
            found = read_csv(text, first, rest[:1] if one_column else rest)
        case FileKind.FASTA:
            found = read_fasta(text)
        case FileKind.TEXT:
            found = read_text(text)
    return prepare(found, min(64, max(2, found.longest)), 0.2, "")


def test_labels_and_rows_stay_together_through_the_split(stored: Prepared) -> None:
    one = letters()
    order = np.random.default_rng(5).permutation(len(one.rows))
    other = Sequences(one.kind, [one.rows[i] for i in order], [one.labels[i] for i in order])
    prepared = prepare(other, 20, 0.25, "")
    keep(prepared)
    pairs = []
    for name in (stored.name, prepared.name):
        held = dataset.read_dataset(dataset.dataset_file(name))
        rows = zip(held.tokens.tolist(), held.labels.tolist(), strict=True)
        pairs.append({(tuple(tokens), label) for tokens, label in rows})
    assert pairs[0] == pairs[1]
