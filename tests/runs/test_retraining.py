"""Cards and exports describe the run that was: trained again from them, its losses are the same."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from paramixer_core.cards import card_markdown, card_rows, run_card
from paramixer_core.config import RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.runs import Command, Run, RunStore, export
from paramixer_core.runs.forks import fork, renew
from paramixer_core.runs.lineage import lineage
from paramixer_core.runs.retraining import commands, plan, retrain, segments_of
from tests.runs.conftest import TINY
from tests.runs.test_session import play
from tests.runs.trained import train_here

RATES = {13: [(Command.LEARNING_RATE, 0.1)], 17: [(Command.LEARNING_RATE, 1e-3)]}
LATER = {31: [(Command.LEARNING_RATE, 0.03)]}


@pytest.fixture
def parent(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run whose rate was changed by hand at two steps, and that ended early."""
    run = store.create(TINY)
    play(store, run.id, {**RATES, 45: [(Command.STOP, None)]}, monkeypatch)
    return store.run(run.id)


@pytest.fixture
def child(store: RunStore, parent: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Its fork with another rate, which was changed by hand once more."""
    run = fork(store, parent.id, 20, {"learning_rate": 0.02, "steps": 40})
    play(store, run.id, LATER, monkeypatch)
    return store.run(run.id)


def losses(store: RunStore, *runs: tuple[Run, int]) -> list[float]:
    """The losses of runs, each up to a step, in a row."""
    kept = [store.records(run.id).loss[: until - (run.parent_step or 0)] for run, until in runs]
    return [float(loss) for part in kept for loss in part]


def test_a_steered_run_is_trained_again_from_its_json(store: RunStore, parent: Run) -> None:
    segments = segments_of(json.loads(export.run_json(store, parent.id)))
    assert segments[0].rates == ((13, 0.1), (17, 1e-3))
    assert [record.loss for record in retrain(segments)] == losses(store, (parent, 45))


def test_a_fork_is_trained_again_from_its_card(store: RunStore, parent: Run, child: Run) -> None:
    card = run_card(child, store.evaluations(child.id), lineage(store, child.id))
    segments = segments_of(json.loads(json.dumps(card)))
    assert [(part.run, part.begin, part.end) for part in segments] == [
        (parent.id, 0, 20),
        (child.id, 20, 40),
    ]
    again = [record.loss for record in retrain(segments)]
    assert again == losses(store, (parent, 20), (child, 40))


def test_one_command_trains_a_steered_fork_again(store: RunStore, parent: Run, child: Run) -> None:
    (command,) = commands(lineage(store, child.id))
    for change in ("13=0.1", "17=0.001", "20=0.02", "31=0.03"):
        assert f"--rate-at {change}" in command
    (stage,) = plan(lineage(store, child.id))
    again = train_here(store, store.create(stage.config).id)
    assert losses(store, (again, 40)) == losses(store, (parent, 20), (child, 40))
    # What was planned is noted as what happened, so that its own card is as good.
    assert store.rate_changes(again.id) == ((13, 0.1), (17, 1e-3), (20, 0.02), (31, 0.03))


def test_a_fork_that_changed_more_than_its_rate_takes_a_second_command(
    store: RunStore, parent: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = fork(store, parent.id, 20, {"batch": 6, "seed": 9, "steps": 30})
    play(store, run.id, {}, monkeypatch)
    first, second = commands(lineage(store, run.id))
    assert "--steps 20" in first
    assert "fork RUN --step 20" in second
    assert "--batch 6 --learning-rate 0.001 --steps 30 --seed 9" in second
    again = [record.loss for record in retrain(lineage(store, run.id))]
    assert again == losses(store, (parent, 20), (store.run(run.id), 30))


def test_a_script_trains_the_same_again(store: RunStore, child: Run, tmp_path: Path) -> None:
    file = tmp_path / "again.py"
    file.write_text(export.run_script(store, child.id))
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, file], cwd=root, env={**_environment(), "PYTHONPATH": str(root)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    printed = [float(line.split()[1]) for line in done.stdout.splitlines()]
    assert printed[20:] == losses(store, (child, 40))


def _environment() -> dict[str, str]:
    import os

    import torch

    return {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}


def test_every_export_tells_how_the_run_was_steered(
    store: RunStore, parent: Run, child: Run, tmp_path: Path
) -> None:
    rows = {
        int(row["step"]): row
        for row in csv.DictReader(io.StringIO(export.run_csv(store, child.id)))
    }
    assert [float(rows[step]["learning_rate"]) for step in (21, 31, 32)] == [0.02, 0.02, 0.03]
    assert rows[21]["forked_from"] == f"{parent.id}@20"
    assert rows[21]["mixing"] == child.conditions[0].mixing
    assert rows[21]["threads"] == str(child.conditions[0].threads)
    assert "torch=" in rows[21]["versions"]
    path = tmp_path / "weights.safetensors"
    path.write_bytes(export.run_weights(store, child.id))
    with safe_open(path, framework="np") as file:
        told = json.loads(file.metadata()["steering"])
    assert (told["parent"], told["parent_step"]) == (parent.id, 20)
    assert [part.rates for part in segments_of(told)] == [((13, 0.1), (17, 1e-3)), ((31, 0.03),)]
    assert export.hparams_of(child, lineage(store, child.id))["parent_step"] == 20
    events = export.write_tensorboard(store, child.id, tmp_path).read_bytes()
    for words in (b"_hparams_/session_start_info", b"train/learning_rate", b"after step 31: 0.03"):
        assert words in events


def test_weights_of_an_earlier_step_tell_of_nothing_later(store: RunStore, parent: Run) -> None:
    from safetensors import deserialize

    content = export.run_weights(store, parent.id, 10)
    assert deserialize(content)
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    (segment,) = segments_of(json.loads(header["__metadata__"]["steering"]))
    assert (segment.end, segment.rates) == (10, ())


def test_a_card_reads_in_words(store: RunStore, child: Run, parent: Run) -> None:
    card = run_card(child, store.evaluations(child.id), lineage(store, child.id))
    rows = card_rows(card)
    assert rows["parent_step"] == 20
    assert f"run {parent.id}, steps 0 to 20, learning rate 0.01, after step 13: 0.1" in str(
        rows["history.1"]
    )
    assert "thread" in str(rows["history.2"])
    assert "--rate-at 31=0.03" in card_markdown(card)


def test_a_fork_goes_on_with_the_rate_in_force(store: RunStore, parent: Run) -> None:
    # Step 20 is after both changes; the configured rate is 0.01.
    assert fork(store, parent.id, 20, {}).config.learning_rate == 1e-3


def test_ancestors_outlive_their_runs(store: RunStore, parent: Run, child: Run) -> None:
    store.delete(parent.id)
    grandchild = fork(store, child.id, 40, {"steps": 41})
    told = lineage(store, grandchild.id)
    assert [part.run for part in told] == [parent.id, child.id, grandchild.id]
    assert told[0].rates == ((13, 0.1), (17, 1e-3))


def test_a_renewed_fork_begins_with_its_snapshot(
    store: RunStore, child: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = renew(store, child.id)
    assert (again.step, again.parent, again.parent_step) == (20, child.parent, 20)
    play(store, again.id, LATER, monkeypatch)
    np.testing.assert_array_equal(store.records(again.id).loss, store.records(child.id).loss)


def test_weights_of_a_file_cannot_be_trained_again_and_say_so(store: RunStore, parent: Run) -> None:
    from paramixer_core.runs import snapshots

    arrays = snapshots.read_arrays(store.snapshots(parent.id)[0].file)
    run = store.create(TINY, parent_step=0, first_snapshot=arrays)
    with pytest.raises(ParamixerError, match="weights come from its seed"):
        segments_of(json.loads(export.run_json(store, run.id)))
    assert "cannot be trained again" in export.run_json(store, run.id)


def test_planned_changes_survive_json() -> None:
    config = TINY.replace(rate_changes=((13, 0.1), (37, 1e-3)))
    assert RunConfig.from_dict(json.loads(json.dumps(config.as_dict()))) == config
