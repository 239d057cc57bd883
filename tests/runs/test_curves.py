"""Curves come back whole when they are short, and thinned with their extremes when long."""

import math
import sqlite3

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paramixer_core.config import RunConfig
from paramixer_core.runs import RunStore, curves, schema
from paramixer_core.runs.curves import RecordRow
from paramixer_core.runs.journal import Entry, StoreJournal


def noise(steps: int, seed: int = 0, first: int = 1) -> list[RecordRow]:
    draws = np.random.default_rng(seed).exponential(size=(steps, 3)).tolist()
    return [(first + i, *draws[i], 100.0, i / 100) for i in range(steps)]


def leased(store: RunStore) -> tuple[str, StoreJournal]:
    run = store.create(RunConfig())
    store.grant(run.id, "lease", "host")
    return run.id, StoreJournal(store, run.id, "lease")


def memory_database() -> sqlite3.Connection:
    database = sqlite3.connect(":memory:", isolation_level=None)
    database.row_factory = sqlite3.Row
    for statement in schema.MIGRATIONS[0].split(";"):
        database.execute(statement)
    return database


def test_a_short_curve_comes_back_unchanged(store: RunStore) -> None:
    run_id, journal = leased(store)
    rows = noise(100)
    journal.write(Entry(records=rows[:33]))
    journal.write(Entry(records=rows[33:]))
    curve = store.records(run_id)
    assert curve.step.tolist() == list(range(1, 101))
    assert curve.loss.tolist() == [row[1] for row in rows]
    assert curve.seconds.tolist() == [row[5] for row in rows]
    assert store.run(run_id).step == 100


def test_a_live_view_reads_only_what_is_new(store: RunStore) -> None:
    run_id, journal = leased(store)
    journal.write(Entry(records=noise(50)))
    assert store.records(run_id, after_step=47).step.tolist() == [48, 49, 50]
    assert len(store.records(run_id, after_step=50)) == 0


@given(
    steps=st.integers(1, 6000),
    first=st.sampled_from([1, 501, 100_001]),
    batch=st.integers(1, 700),
    max_points=st.integers(8, 600),
    seed=st.integers(0, 9),
)
def test_thinning_is_bounded_and_keeps_extremes_and_ends(
    steps: int, first: int, batch: int, max_points: int, seed: int
) -> None:
    database = memory_database()
    rows = noise(steps, seed, first)
    for start in range(0, steps, batch):
        curves.append(database, 1, rows[start : start + batch])
    curve = curves.read(database, 1, -1, max_points)
    database.close()
    assert len(curve) <= max_points
    assert (np.diff(curve.step) > 0).all()
    table = np.array(rows)
    assert (curve.step[0], curve.step[-1]) == (table[0, 0], table[-1, 0])
    for column, shown in zip(
        table.T[1:4], (curve.loss, curve.accuracy, curve.grad_norm), strict=True
    ):
        assert shown.min() == column.min()
        assert shown.max() == column.max()
        assert np.isin(shown, column).all()


def test_each_stretch_of_a_long_curve_keeps_its_own_spike(store: RunStore) -> None:
    run_id, journal = leased(store)
    rows = noise(40_000)
    spikes = range(1_000, 40_000, 4_000)
    for step in spikes:
        rows[step - 1] = (step, 50.0 + step, 0.5, 1.0, 100.0, step / 100)
    journal.write(Entry(records=rows))
    curve = store.records(run_id, max_points=200)
    assert set(spikes) <= set(curve.step.tolist())
    assert len(curve) <= 200


def test_reading_a_long_run_touches_a_bounded_number_of_rows(store: RunStore) -> None:
    run_id, journal = leased(store)
    touched = {}
    for steps, first in ((60_000, 1), (240_000, 60_001)):
        journal.write(Entry(records=noise(steps, first=first)))
        with store.reading() as database:
            ticks = 0

            def tick() -> int:
                nonlocal ticks
                ticks += 1
                return 0

            database.set_progress_handler(tick, 1000)
            curves.read(database, store.key_of(database, run_id), -1, 400)
            database.set_progress_handler(None, 0)
            touched[first + steps - 1] = ticks
    assert touched[300_000] < 2 * touched[60_000]


def test_going_back_forgets_the_rest_and_goes_on_as_if_it_had_never_been() -> None:
    straight, bent = memory_database(), memory_database()
    rows = noise(3000)
    curves.append(straight, 1, rows)
    # What is forgotten is flat: the extremes of its buckets are all steps that stay.
    curves.append(bent, 1, rows[:1234] + [(1235 + i, 1.0, 1.0, 1.0, 1.0, 1.0) for i in range(999)])
    curves.truncate(bent, 1, 1234)
    curves.append(bent, 1, rows[1234:])
    for table in ("records", "extremes"):
        expected, got = (
            [tuple(row) for row in database.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3")]
            for database in (straight, bent)
        )
        assert got == expected
    straight.close()
    bent.close()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_values_that_are_no_numbers_survive(store: RunStore, value: float) -> None:
    run_id, journal = leased(store)
    journal.write(Entry(records=[(1, 0.5, 0.5, value, 1.0, 1.0)]))
    np.testing.assert_equal(store.records(run_id).grad_norm, [value])
