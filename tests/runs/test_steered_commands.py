"""The command line steers runs as the app does, sweeps settings, and leaves nothing half done."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from paramixer_core.runs import RunState, RunStore, export
from paramixer_core.runs.__main__ import main
from paramixer_core.runs.commands.settings import grid
from paramixer_core.runs.forks import fork
from tests.runs.conftest import TINY
from tests.runs.hands import Hands
from tests.runs.test_command_line import SETTINGS, SHAPE
from tests.runs.test_kills import workers_of
from tests.runs.trained import train_here
from tests.runs.waiting import wait_until

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def no_spares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARAMIXER_SPARES", "0")


def test_a_finished_run_goes_on_longer_as_a_fork(
    store: RunStore, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train_here(store, store.create(TINY.replace(steps=20)).id)
    here = ["--store", str(store.folder)]
    assert main([*here, "train", "--continue", run.id]) == 2
    assert "--steps MORE" in capsys.readouterr().err
    assert main([*here, "train", "--continue", run.id, "--steps", "5"]) == 0
    child = next(held for held in store.runs() if held.parent == run.id)
    assert (child.state, child.parent_step, child.step) == (RunState.FINISHED, 20, 25)
    assert f"its fork {child.id} goes on from step 20 to 25" in capsys.readouterr().err
    assert store.run(run.id).step == 20


def test_a_steered_fork_is_trained_again_from_its_exported_json(
    store: RunStore, tmp_path: Path
) -> None:
    planned = TINY.replace(steps=20, rate_changes=((13, 0.1), (17, 1e-3)))
    parent = train_here(store, store.create(planned).id)
    child = train_here(store, fork(store, parent.id, 10, {"batch": 6, "steps": 15}).id)
    file = tmp_path / "run.json"
    file.write_text(export.run_json(store, child.id))
    assert main(["--store", str(store.folder), "train", "--from", str(file)]) == 0
    again = next(run for run in store.runs() if run.id not in (child.id,) and run.parent)
    assert again.config.batch == 6
    assert store.records(again.id).loss.tolist() == store.records(child.id).loss.tolist()


def test_lists_sweep_every_combination_and_end_in_a_table(
    store: RunStore, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--learning-rate", "1e-3", "3e-3", "--mixer", "chord", "cdil", "--seed", "0", "1"]
    sized = [*SHAPE, "--batch", "4", "--steps", "3"]
    assert main(["--store", str(store.folder), "train", *sized, *words]) == 0
    runs = store.runs()[::-1]
    order = [(run.config.seed, run.config.learning_rate, run.config.mixer) for run in runs]
    assert order == [
        (seed, rate, mixer)
        for seed in (0, 1)
        for rate in (1e-3, 3e-3)
        for mixer in ("chord", "cdil")
    ]
    assert len({run.race for run in runs}) == 2  # a race compares equal settings
    said = capsys.readouterr()
    assert said.err.startswith("8 runs: learning rate 0.001, 0.003; mixer chord, cdil; seed 0, 1.")
    table = said.out.splitlines()[-5:]
    assert table[0].split()[:2] == ["learning_rate", "mixer"]
    assert [row.split()[:2] for row in table[1:]] == [
        ["0.001", "chord"],
        ["0.001", "cdil"],
        ["0.003", "chord"],
        ["0.003", "cdil"],
    ]


def test_a_grid_leaves_mixers_seeds_and_planned_rates_to_each_of_its_points() -> None:
    found = grid({"batch": [4, 8], "seed": [0, 1], "rate_changes": ((5, 0.1),)})
    assert found == [
        {"batch": 4, "rate_changes": ((5, 0.1),)},
        {"batch": 8, "rate_changes": ((5, 0.1),)},
    ]


def test_runs_are_pinned_unpinned_and_stopped(
    store: RunStore, capsys: pytest.CaptureFixture[str]
) -> None:
    waiting = store.create(TINY)
    here = ["--store", str(store.folder)]
    assert main([*here, "pin", waiting.id]) == 0
    assert store.run(waiting.id).pinned
    assert main([*here, "unpin", waiting.id]) == 0
    assert not store.run(waiting.id).pinned
    assert main([*here, "stop", waiting.id]) == 0
    assert store.run(waiting.id).state is RunState.STOPPED
    assert "stopped at step 0" in capsys.readouterr().out
    assert main([*here, "stop", "nobody"]) == 2


def test_exported_weights_are_imported_as_a_run(
    store: RunStore, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run = train_here(store, store.create(TINY.replace(steps=20, residual="none")).id)
    file = tmp_path / "weights.safetensors"
    file.write_bytes(export.run_weights(store, run.id))
    here = ["--store", str(store.folder)]
    assert main([*here, "import", str(file)]) == 0
    made = store.run(capsys.readouterr().out.split()[0])
    assert (made.state, made.step, made.imported) == (RunState.FINISHED, 20, True)
    assert made.config.residual == "none"
    text = tmp_path / "run.json"
    text.write_text(json.dumps({"config": {}}))
    assert main([*here, "import", str(text)]) == 2
    assert "train --from" in capsys.readouterr().err


def command(store: RunStore, *words: str) -> list[str]:
    return [sys.executable, "-m", "paramixer_core.runs", "--store", str(store.folder), *words]


def test_a_closed_pipe_ends_a_list_quietly(store: RunStore) -> None:
    for _ in range(30):
        store.create(TINY)
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        command(store, "list"), stdout=writer, stderr=subprocess.PIPE, cwd=ROOT, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("name", ["SIGHUP", "SIGINT", "SIGTERM"])
def test_a_command_that_is_ended_leaves_nothing_running(store: RunStore, name: str) -> None:
    endless = [*SHAPE, "--batch", "4", "--steps", "1000000", "--seed", "0", "1"]
    process = subprocess.Popen(
        command(store, "train", *endless),
        cwd=ROOT,
        env={**os.environ, "PARAMIXER_WORKERS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # What this test's own shell ignores, such as SIGINT in the background, is heeded there.
        preexec_fn=lambda: signal.signal(getattr(signal, name), signal.SIG_DFL),
    )
    try:
        wait_until(lambda: any(run.step > 3 for run in store.runs()))
        process.send_signal(getattr(signal, name))
        assert process.wait(60) == 130
    finally:
        process.kill()
    second, first = store.runs()
    assert {first.state, second.state} == {RunState.INTERRUPTED}
    assert "continue it when you like" in first.reason
    assert "continue it when you like" in second.reason
    assert store.resume_step(first.id) == first.step > 3


def test_a_command_that_is_killed_leaves_no_run_that_counts_as_running(
    store: RunStore, capsys: pytest.CaptureFixture[str]
) -> None:
    server = Hands(store, places=1)
    endless = [*SHAPE, "--batch", "4", "--steps", "1000000", "--seed", "0", "1"]
    with subprocess.Popen(
        command(store, "train", *endless),
        cwd=ROOT,
        env={**os.environ, "PARAMIXER_WORKERS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            wait_until(lambda: any(run.step > 3 for run in store.runs()))
            server._tick()
            waits, trains = store.runs()
            assert (waits.state, trains.state) == (RunState.QUEUED, RunState.RUNNING)
        finally:
            process.kill()
    wait_until(lambda: workers_of(store.folder) == [])
    assert main(["--store", str(store.folder), "list"]) == 0
    told = {line.split()[0]: line.split()[3] for line in capsys.readouterr().out.splitlines()}
    assert told == {trains.id: "interrupted", waits.id: "queued"}
    server._tick()
    left = store.run(trains.id)
    assert (left.state, left.lease) == (RunState.INTERRUPTED, None)
    assert "continue it when you like" in left.reason
    assert store.run(waits.id).state is RunState.RUNNING, "the server trains what waited"
    server.close()


def test_a_closed_choice_is_refused_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", *SETTINGS, "--residual", "sometimes"]) == 2
    assert "a residual among" in capsys.readouterr().err
