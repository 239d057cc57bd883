"""A data set of uploaded sequences: stated limits, a clean split, and a task like any other."""

import random
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from paramixer_core.config import RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.tasks import InputKind, known_task, make_task
from paramixer_core.training import Trainer
from paramixer_core.uploads import dataset
from paramixer_core.uploads.choices import FileKind, SequencesFound, Tokens
from paramixer_core.uploads.dataset import keep
from paramixer_core.uploads.preparing import Prepared, prepare


def letters(count: int = 60, classes: str = "AT", seed: int = 0) -> SequencesFound:
    dice = random.Random(seed)
    labels = [dice.choice(classes) for _ in range(count)]
    rows = ["".join(dice.choices("AT", [4, 1] if c == "A" else [1, 4], k=24)) for c in labels]
    return SequencesFound(FileKind.FASTA, rows, labels)


def texts(*rows: str, labels: str = "") -> SequencesFound:
    given = list(labels) or [("a", "b")[at % 2] for at in range(len(rows))]
    return SequencesFound(FileKind.TABLE, list(rows), given)


def series(rows: list[tuple[float, ...]]) -> SequencesFound:
    labels = [("a", "b")[at % 2] for at in range(len(rows))]
    return SequencesFound(FileKind.TABLE, list(map(np.array, rows)), labels, tokens=Tokens.NUMBERS)


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


def test_a_network_learns_an_uploaded_task(stored: Prepared) -> None:
    config = RunConfig(
        task=stored.name, seq_len=20, channels=8, hidden=8, learning_rate=0.01, device="cpu"
    )
    trainer = Trainer(config)
    before = trainer.evaluate().loss
    for _ in range(60):
        trainer.step()
    assert trainer.evaluate().loss < 0.5 * before


def test_numbers_are_scaled_by_the_largest_and_ends_are_not_numbers(stored: Prepared) -> None:
    rows = [(1.0, -8.0), (2.0, 4.0), (3.0, 1.0), (0.5, 0.0)]
    prepared = prepare(series(rows), 3, 0.25, "n")
    keep(prepared)
    task = make_task(prepared.name, 3)
    tested = task.test_set().inputs[..., 0]
    trained = task.batch(50, torch.Generator().manual_seed(0)).inputs[..., 0]
    found = {tuple(row) for row in [*tested[:, :2].tolist(), *trained[:, :2].tolist()]}
    assert found == {(0.125, -1.0), (0.25, 0.5), (0.375, 0.125), (0.0625, 0.0)}
    assert tested[:, 2].isnan().all()
    assert trained[:, 2].isnan().all()
    assert (task.input_kind, task.input_size, prepared.padded) == (InputKind.REAL, 1, 4)
    assert (prepared.scale, task.scale) == (8.0, 8.0)
    assert "Numbers are divided by 8, the largest size." in prepared.notes


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


ASKED = texts("x", "y", "z")
ASKED.questions.append("Which is it?")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"seq_len": 1}, "N from 2 to 16,384", id="n"),
        pytest.param({"test_share": 0.9}, "a test share", id="share"),
        pytest.param({"found": letters(classes="A")}, "different labels", id="labels"),
        pytest.param({"found": texts(*map(chr, range(5000, 14000)))}, "letters", id="alphabet"),
        pytest.param({"found": texts("x", "y")}, "at least 3", id="few"),
        pytest.param({"found": texts(*"xyz", labels="abc")}, "two of one class", id="alone"),
        pytest.param({"found": ASKED}, "Which is it", id="open"),
        pytest.param(
            {"found": texts(*["x"] * 20_000), "seq_len": 4096}, "tokens in all", id="size"
        ),
    ],
)
def test_the_limits_of_a_data_set_are_said(change: dict, said: str) -> None:
    given = {"found": letters(), "seq_len": 20, "test_share": 0.2, "title": ""} | change
    with pytest.raises(ParamixerError, match=said):
        prepare(**given)


def test_the_folder_does_not_grow_without_limit(stored: Prepared, monkeypatch) -> None:
    monkeypatch.setenv("PARAMIXER_UPLOAD_BYTES", "100")
    with pytest.raises(ParamixerError, match="of uploads on this server"):
        keep(prepare(letters(seed=1), 20, 0.25, ""))
    assert keep(stored) == stored.name


OLD = Path(__file__).parent / "cases"


@pytest.mark.parametrize(
    ("name", "shape", "first", "padded"),
    [
        ("uploaded-98d52c546b44e489", (6, 8), torch.int64, True),
        ("uploaded-9968747857e1d3e4", (6, 4, 1), torch.float32, False),
    ],
)
def test_a_data_set_of_the_first_layout_is_what_it_was(
    name, shape, first, padded, stored: Prepared
) -> None:
    file = dataset.dataset_file(name)
    file.write_bytes((OLD / file.name).read_bytes())
    held = load_file(OLD / file.name)
    task = make_task(name, shape[1])
    tests = task.test_set()
    assert (tuple(tests.inputs.shape), tests.inputs.dtype) == (shape, first)
    assert torch.equal(tests.inputs.reshape(6, -1), held["tokens"][:6])
    assert torch.equal(tests.targets, held["labels"][:6])
    picked = torch.randint(6, 24, (9,), generator=torch.Generator().manual_seed(1))
    batch = task.batch(9, torch.Generator().manual_seed(1))
    assert torch.equal(batch.inputs.reshape(9, -1), held["tokens"][picked])
    assert (task.padded, task.title) == (padded, held_title(name))


def held_title(name: str) -> str:
    return {"uploaded-98d52c546b44e489": "old letters"}.get(name, "old numbers")


@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        (["ab", "ba", "aa", "bb"], torch.uint8),
        (["".join(map(chr, range(0x4E00, 0x4F80))), "一二", "二一", "一一"], torch.uint16),
    ],
)
def test_symbols_are_stored_in_the_smallest_type_and_read_as_whole_numbers(
    rows, kind, stored: Prepared
) -> None:
    prepared = prepare(texts(*rows), 400, 0.5, "")
    keep(prepared)
    assert dataset.read_dataset(dataset.dataset_file(prepared.name)).tokens.dtype is kind
    task = make_task(prepared.name, 400)
    batch = task.batch(5, torch.Generator().manual_seed(0))
    assert (batch.inputs.dtype, batch.targets.dtype) == (torch.int64, torch.int64)
    assert torch.equal(task.padding(batch.inputs), batch.inputs == 0)


def test_one_long_row_takes_no_more_memory_than_its_data_set() -> None:
    rows = ["ab" * 8000, *(f"{n:b}" for n in range(1500))]
    tracemalloc.start()
    prepared = prepare(texts(*rows), 16_000, 0.2, "")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 6 * len(prepared.content)


@pytest.mark.parametrize("tokens", [Tokens.NUMBERS, Tokens.LETTERS])
def test_a_network_does_not_read_the_padding_of_a_data_set(tokens, stored: Prepared) -> None:
    dice = np.random.default_rng(0)
    lengths = [3 + n % 5 for n in range(40)]
    if tokens is Tokens.NUMBERS:
        found = series([tuple(dice.standard_normal(n)) for n in lengths])
    else:
        found = texts(*("".join(dice.choice(list("ACGT"), n)) + "AC" for n in lengths))
    prepared = prepare(found, 9, 0.25, "")
    keep(prepared)
    config = RunConfig(
        task=prepared.name, seq_len=9, channels=8, hidden=8, device="cpu", mask_padding=True
    )
    trainer = Trainer(config)
    losses = [trainer.step().loss for _ in range(5)]
    assert np.isfinite([*losses, trainer.evaluate().loss]).all()
    task = make_task(prepared.name, 9)
    inputs = task.test_set().inputs
    padding = task.padding(inputs)
    assert padding is not None
    assert padding.any()
    assert not padding.all(1).any()
