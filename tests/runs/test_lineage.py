"""What the store keeps of how a run was steered: changes of rate, starts, and older stores."""

import json
from pathlib import Path

import numpy as np
import pytest

import paramixer_core
from paramixer_core.runs import Command, RunStore, export, schema
from paramixer_core.runs.forks import fork
from paramixer_core.runs.lineage import lineage
from paramixer_core.runs.segments import Conditions, differences
from tests.runs.conftest import TINY
from tests.runs.test_session import play


def test_a_rate_set_at_the_very_step_of_a_snapshot_is_in_force_there(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store.create(TINY)
    play(store, run.id, {20: [(Command.LEARNING_RATE, 0.05)]}, monkeypatch)
    again = fork(store, run.id, 20, {})
    assert again.config.learning_rate == 0.05
    play(store, again.id, {}, monkeypatch)
    np.testing.assert_array_equal(
        store.records(again.id).loss, store.records(run.id, after_step=20).loss
    )


def test_a_planned_change_survives_a_crash_before_and_after_it(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = TINY.replace(rate_changes=((13, 0.1), (37, 1e-3)))
    whole, broken = store.create(planned), store.create(planned)
    play(store, whole.id, {}, monkeypatch)
    play(store, broken.id, {40: [(Command.STOP, None)]}, monkeypatch)
    store.snapshots(broken.id)[-1].file.unlink()
    play(store, broken.id, {}, monkeypatch)
    np.testing.assert_array_equal(store.records(broken.id).loss, store.records(whole.id).loss)
    assert store.rate_changes(broken.id) == planned.rate_changes


def test_each_start_notes_its_conditions_and_a_difference_is_said(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store.create(TINY)
    play(store, run.id, {30: [(Command.STOP, None)]}, monkeypatch)
    now = Conditions.now
    monkeypatch.setattr(
        Conditions,
        "now",
        classmethod(
            lambda cls, step, device: cls.from_dict(now(step, device).as_dict() | {"threads": 77})
        ),
    )
    play(store, run.id, {}, monkeypatch)
    held = store.run(run.id).conditions
    assert [start.step for start in held] == [0, 30]
    (sentence,) = differences(held)
    assert sentence.startswith("Continued after step 30 with 77 threads instead of ")
    assert sentence in json.loads(export.run_json(store, run.id))["warnings"]
    assert differences(held[:1] * 2) == []


def test_conditions_hold_the_labs_version_and_whether_the_run_was_deterministic(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PARAMIXER_DETERMINISTIC", raising=False)
    first = Conditions.now(0, "cpu")
    monkeypatch.setenv("PARAMIXER_DETERMINISTIC", "1")
    later = Conditions.now(5, "cpu")
    assert dict(first.versions)["paramixer-lab"] == paramixer_core.__version__
    assert Conditions.from_dict(later.as_dict()) == later
    (sentence,) = differences([first, later])
    assert "deterministic algorithms on instead of deterministic algorithms off" in sentence
    moved = later.as_dict() | {"versions": {**dict(later.versions), "paramixer-lab": "0.0.1"}}
    assert "paramixer-lab 0.0.1 instead of" in differences([later, Conditions.from_dict(moved)])[0]


def test_conditions_of_versions_that_noted_less_differ_in_what_they_noted_alone() -> None:
    now = Conditions.now(5, "cpu")
    noted = now.as_dict()
    del noted["deterministic"], noted["versions"]["paramixer-lab"]
    before = Conditions.from_dict(noted)
    assert before.deterministic is None
    assert differences([before, now]) == []


def test_a_store_of_the_version_before_is_migrated_and_its_forks_still_tell(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    old = schema.connect(path)
    schema.migrate(old, path, schema.MIGRATIONS[:1])
    for row in (("p", None, None, 30), ("c", "p", 20, 40)):
        old.execute(
            "INSERT INTO runs (id, config, state, created, learning_rate, "
            "parent, parent_step, step) VALUES (?, ?, 'finished', 0, 0.01, ?, ?, ?)",
            (row[0], json.dumps(_old_config()), *row[1:]),
        )
    old.execute("INSERT INTO adjustments VALUES (1, 13, 0.1), (1, 25, 0.2)")
    old.close()
    store = RunStore(tmp_path)
    told = lineage(store, "c")
    assert [(part.run, part.begin, part.end) for part in told] == [("p", 0, 20), ("c", 20, 40)]
    assert told[0].rates == ((13, 0.1),)
    assert store.run("c").conditions == ()
    assert store.run("p").config == TINY
    store.close()


def _old_config() -> dict[str, object]:
    """TINY as a version without planned changes wrote it."""
    return {name: value for name, value in TINY.as_dict().items() if name != "rate_changes"}
