"""A store that the first version wrote, as it lies in version_1/, is read by this one."""

import shutil
from pathlib import Path

import numpy as np

from paramixer_core.runs import RunState, RunStore, schema
from tests.runs.hands import Hands
from tests.runs.trained import train_here

VERSION_1 = Path(__file__).with_name("version_1")


def test_a_store_of_the_first_version_is_read_and_its_runs_go_on(tmp_path: Path) -> None:
    home = shutil.copytree(VERSION_1, tmp_path / "home")
    store = RunStore(home)
    with store.reading() as database:
        assert database.execute("PRAGMA user_version").fetchone()[0] == len(schema.MIGRATIONS)
    runs = store.runs()
    assert sorted(run.state for run in runs) == sorted(
        [*[RunState.FINISHED] * 2, RunState.INTERRUPTED, RunState.QUEUED, RunState.FAILED]
    )
    assert [run.owner for run in runs if run.pinned] == ["cyd"]
    half = next(run for run in runs if run.state is RunState.INTERRUPTED)
    assert (half.step, store.records(half.id).step.tolist()) == (20, list(range(1, 21)))
    done = train_here(store, half.id)
    assert (done.state, done.step) == (RunState.FINISHED, 60)
    fresh = train_here(store, store.create(half.config).id)
    expected = store.records(fresh.id).loss[20:]  # but for how today's mixing rounds
    np.testing.assert_allclose(store.records(done.id).loss[20:], expected, rtol=1e-4)
    hands = Hands(store, places=1)  # the first server on it takes over what waited
    assert [hands.store.run(hand.run_id).owner for hand in hands.taken] == ["bob"]
    hands.close()
    store.close()
