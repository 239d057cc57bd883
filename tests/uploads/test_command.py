"""python -m paramixer_core.uploads: what files hold, by the path that the pages read by."""

import dataclasses
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from paramixer_core.runs import RunStore
from paramixer_core.uploads.__main__ import main
from paramixer_core.uploads.door import UploadChoices
from paramixer_core.uploads.options import GROUPS, OPTIONS, fields_of_choices
from tests.uploads.weight_files import SMALL, exported

CASES = Path(__file__).parent / "cases"


def read(capsys: pytest.CaptureFixture[str], *words: str | Path) -> dict:
    assert main([*map(str, words), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("01_spam_latin1.csv", {"rows": 120, "classes": {"ham": 91, "spam": 29},
                                "encoding": "cp1252"}),
        ("04_promoters.data", {"rows": 106, "seq_len": 57, "symbols": list("acgt")}),
        ("05_Beats_TRAIN.tsv", {"rows": 40, "seq_len": 48, "tokens": "numbers"}),
        ("06b_pipe_label.fasta", {"rows": 24, "classes": {"enhancer": 16, "promoter": 8},
                                  "train_classes": {"enhancer": 13, "promoter": 6},
                                  "test_classes": {"enhancer": 3, "promoter": 2}}),
        ("06d_reads.fa.gz", {"rows": 30, "seq_len": 50, "classes": {"neg": 15, "pos": 15}}),
        ("07_sep_line.csv", {"rows": 30, "conflicts": 0}),
        ("07b_decimal_comma.csv", {"tokens": "numbers", "seq_len": 4}),
        ("10_listops_basic.tsv", {"tokens": "words"}),
        ("13_reviews_zh.csv", {"tokens": "bytes"}),
    ],
)  # fmt: skip
def test_sequences_are_said_for_scripts(capsys, name, expected) -> None:
    found = read(capsys, CASES / name)
    assert found["kind"] == "sequences"
    assert {key: found[key] for key in expected} == expected
    assert found["notes"]
    assert sum(found["classes"].values()) == found["rows"]


def test_an_open_label_is_asked_and_no_class_is_made_up(capsys) -> None:
    path = CASES / "06_uniprot_headers.fasta"
    found = read(capsys, path)
    assert found["classes"] == found["train_classes"] == {}
    assert found["questions"][0]["choice"] == "label"
    assert "key SV" not in found["questions"][0]["question"]
    chosen = read(capsys, path, "--label", r"regex GENE(\d)")
    assert not chosen["questions"]
    assert sum(chosen["classes"].values()) == 24


@pytest.mark.parametrize(
    ("name", "line"), [("08_quoted_newlines.csv", "line 42"), ("09_missing.csv", "line 9")]
)
def test_what_cannot_be_read_is_one_sentence_and_status_two(capsys, name, line) -> None:
    assert main([str(CASES / name), "--json"]) == 2
    out, err = capsys.readouterr()
    assert line in err
    assert err.count("\n") == 1
    assert json.loads(out) == {"error": err.strip()}
    assert main([str(CASES / name)]) == 2
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "words",
    [
        ["no-such-file.csv"],
        [str(CASES)],
        [str(CASES / "07_sep_line.csv"), "--tokens", "syllables"],
        [str(CASES / "07_sep_line.csv"), "--test-share", "much"],
        [str(CASES / "07_sep_line.csv"), "--no-such-option"],
        [str(CASES / "07_sep_line.csv"), "--evaluate"],
        [],
    ],
)
def test_a_wrong_command_is_one_sentence_too(capsys, words) -> None:
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1


def test_sequences_are_kept_as_a_task_and_options_are_those_of_the_page(capsys, tmp_path) -> None:
    path = CASES / "01_spam_latin1.csv"
    options = ["--fold-case", "--test-share", "30%", "--seq-len", "20", "--label", "v1"]
    found = read(capsys, path, *options, "--import", "--store", tmp_path)
    assert found["seq_len"] == 20
    assert sum(found["test_classes"].values()) == round(
        0.3 * sum((*found["test_classes"].values(), *found["train_classes"].values()))
    )
    assert not [symbol for symbol in found["symbols"] if symbol.islower()]
    assert (tmp_path / "uploads" / f"{found['task']}.safetensors").exists()


def test_weights_are_tested_and_kept_as_a_run(capsys, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PARAMIXER_HOME", str(tmp_path))
    path = tmp_path / "mine.safetensors"
    path.write_bytes(exported(SMALL))
    found = read(capsys, path)
    assert found["mixer"] == SMALL.mixer
    assert found["residual"] == SMALL.residual.value
    assert found["accuracy"] is None
    assert found["unused"] == []
    kept = read(capsys, path, "--evaluate", "--import")
    assert 0 <= kept["accuracy"] <= 1
    with RunStore(tmp_path) as store:
        assert store.run(kept["run"]).config.mixer == SMALL.mixer


def test_a_matrix_is_said_by_its_numbers(capsys, tmp_path) -> None:
    ramp = np.linspace(0, 65535, 20 * 30).reshape(20, 30).astype(np.uint16)
    files = {"a.npy": io.BytesIO(), "grey.png": io.BytesIO(), "table.csv": io.BytesIO()}
    np.save(files["a.npy"], ramp)
    Image.fromarray(ramp).save(files["grey.png"], "PNG")
    np.savetxt(files["table.csv"], ramp / 7, delimiter=",")
    scales = {"a.npy": 1, "grey.png": 65535, "table.csv": 7}
    for name, held in files.items():
        (tmp_path / name).write_bytes(held.getvalue())
        found = read(capsys, tmp_path / name)
        assert found["kind"] == "matrix"
        assert found["shape"] == [20, 30]
        assert found["maximum"] == pytest.approx(65535 / scales[name])
        assert found["mean"] == pytest.approx(ramp.mean() / scales[name])
    assert main([str(tmp_path / "a.npy"), "--import"]) == 2


def test_a_table_of_numbers_is_read_as_asked(capsys, tmp_path) -> None:
    square = np.random.default_rng(0).integers(0, 2, (12, 12))
    path = tmp_path / "links.csv"
    np.savetxt(path, square, fmt="%d", delimiter=",")
    assert read(capsys, path)["kind"] == "matrix"
    assert read(capsys, path, "--kind", "sequences")["rows"] == 12
    assert read(capsys, path, "--label", "1")["kind"] == "sequences"
    assert read(capsys, CASES / "05_Beats_TRAIN.tsv", "--kind", "matrix")["shape"] == [40, 49]


def test_words_say_what_is_read_and_what_is_guessed(capsys) -> None:
    assert main([str(CASES / "01_spam_latin1.csv")]) == 0
    said = capsys.readouterr().out
    assert "120 labelled sequences of letters" in said
    assert "The encoding is cp1252, a guess" in said
    assert "“ham” is right on 75.0% of the tests" in said


def test_a_closed_pipe_ends_quietly() -> None:
    command = f"{sys.executable} -m paramixer_core.uploads {CASES}/10_listops_basic.tsv --json"
    done = subprocess.run(
        ["sh", "-c", f"({command}; echo $? >&2) | true"], capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == "0"


def test_every_choice_of_every_kind_has_an_option() -> None:
    offered = {place for option in OPTIONS for place in option.fields}
    assert offered == set(fields_of_choices())
    assert len({option.flag for option in OPTIONS}) == len(OPTIONS)
    assert set(GROUPS) <= {field.name for field in dataclasses.fields(UploadChoices)}
