"""What the app can train, show and export, a script can."""

from pathlib import Path

import pytest

from paramixer_core.runs import RunState, RunStore
from paramixer_core.runs.__main__ import main
from tests.runs.conftest import TINY
from tests.runs.trained import train_here

SHAPE = ("--seq-len", "7", "--channels", "4", "--hidden", "4", "--device", "cpu")
SETTINGS = (*SHAPE, "--batch", "4", "--steps", "20", "--learning-rate", "0.01")


def test_a_run_is_trained_to_its_end_with_a_progress_bar(
    store: RunStore, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARAMIXER_WORKERS", "2")
    assert main(["--store", str(store.folder), "train", *SETTINGS, "--positions", "yes"]) == 0
    (run,) = store.runs()
    assert (run.state, run.step) == (RunState.FINISHED, 20)
    assert run.config == TINY.replace(steps=20, positions=True)
    said = capsys.readouterr()
    assert "[########################] 20/20" in said.err
    assert said.out.startswith(f"{run.id} test loss ")


def test_runs_are_listed_shown_exported_and_deleted(
    store: RunStore, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run = train_here(store, store.create(TINY.replace(steps=20)).id)
    here = ["--store", str(store.folder)]
    assert main([*here, "list"]) == 0
    assert f"{run.id}  " in capsys.readouterr().out
    assert main([*here, "show", run.id]) == 0
    shown = capsys.readouterr().out
    assert "learning_rate = 0.01" in shown
    assert "snapshots [0, 1, 2, 5, 10, 20]" in shown
    files = [tmp_path / name for name in ("a.csv", "a.json", "a.safetensors")]
    options = zip(("--csv", "--json", "--weights"), map(str, files), strict=True)
    flat = [word for pair in options for word in pair]
    assert main([*here, "export", run.id, *flat, "--tensorboard", str(tmp_path / "tb")]) == 0
    written = capsys.readouterr().out.splitlines()
    assert len(written) == 4
    assert all(Path(name).stat().st_size > 100 for name in written)
    assert main([*here, "delete", run.id]) == 0
    assert store.runs() == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["show", "nobody"], "the id of a run in this store, got 'nobody'"),
        (["export", "nobody", "--csv", "x"], "got 'nobody'"),
        (["delete", "nobody"], "got 'nobody'"),
        (["train", "--learning-rate", "-1"], "learning_rate above 0"),
        (["train", "--mixer", "nobody"], "a mixer among"),
        (["train", "--batch", "4096", "--seq-len", "131072"], "a run that fits in this machine's"),
        (["train", "--continue", "nobody"], "got 'nobody'"),
    ],
)
def test_bad_input_ends_with_one_sentence_and_trains_nothing(
    store: RunStore,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    sentence: str,
) -> None:
    monkeypatch.setenv("PARAMIXER_SPARES", "0")
    assert main(["--store", str(store.folder), *words]) == 2
    said = capsys.readouterr()
    assert sentence in said.err
    assert said.err.count("\n") == 1
    assert store.runs() == []


def test_text_for_a_number_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--steps", "many"])
    assert "argument --steps: invalid int value: 'many'" in capsys.readouterr().err
