"""Training records in the store: appended in batches, read thinned with their extremes kept.

A run of a million steps must draw as fast as one of a thousand. Beside the records the store keeps
a pyramid: level L splits the steps into buckets of 16^L and remembers, for every finished bucket,
the steps where loss, accuracy and gradient norm are smallest and largest. A reader takes the
coarsest level that still fills the screen, and finer levels for the unfinished tail.
"""

import sqlite3
from collections.abc import Sequence

import numpy as np

from paramixer_core.runs.run import Curve, TestCurve

FACTOR = 16
TOP_LEVEL = 6  # 16^6 steps exceed the longest run that a RunConfig allows
COLUMNS = ("step", "loss", "accuracy", "grad_norm", "steps_per_second", "seconds")
WATCHED = slice(1, 4)  # the columns whose extremes are kept
POINTS_PER_BUCKET = 6  # smallest and largest of three columns

RecordRow = tuple[int, float, float, float, float, float]
"""(step, loss, accuracy, grad_norm, steps_per_second, seconds)."""


def append(database: sqlite3.Connection, run: int, rows: Sequence[RecordRow]) -> None:
    """Add records (ascending steps, after all present ones) and extend the pyramid.

    Must run inside a transaction.
    """
    if not rows:
        return
    before = _last_step(database, run)
    database.executemany(
        "INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?, ?, ?)",
        ((run, *row) for row in rows),
    )
    after = rows[-1][0]
    for level in range(1, TOP_LEVEL + 1):
        width = FACTOR**level
        first, last = (before + 1) // width * width, (after + 1) // width * width
        if last <= first:
            return
        found = _candidates(database, run, level - 1, first, last)
        if not len(found):  # a fork begins far from step 0
            continue
        steps = found[_extreme_rows(found, found[:, 0] // width), 0]
        database.executemany(
            "INSERT OR IGNORE INTO extremes VALUES (?, ?, ?)",
            ((run, level, int(step)) for step in steps),
        )


def truncate(database: sqlite3.Connection, run: int, last_step: int) -> None:
    """Forget everything after `last_step`, as if the run had never gone further."""
    for table in ("records", "evaluations", "snapshots"):
        database.execute(f"DELETE FROM {table} WHERE run = ? AND step > ?", (run, last_step))
    for level in range(1, TOP_LEVEL + 1):
        width = FACTOR**level
        whole = (last_step + 1) // width * width
        database.execute(
            "DELETE FROM extremes WHERE run = ? AND level = ? AND step >= ?", (run, level, whole)
        )


def adjust(database: sqlite3.Connection, run: int, step: int, learning_rate: float) -> None:
    """Note that `learning_rate` holds after `step` steps, whatever was noted for later."""
    database.execute("DELETE FROM adjustments WHERE run = ? AND step >= ?", (run, step))
    database.execute("INSERT INTO adjustments VALUES (?, ?, ?)", (run, step, learning_rate))
    database.execute("UPDATE runs SET learning_rate = ? WHERE key = ?", (learning_rate, run))


def read(database: sqlite3.Connection, run: int, after_step: int, max_points: int) -> Curve:
    """Records after `after_step`, at most `max_points`, each column's extremes among them."""
    last = _last_step(database, run)
    first = database.execute(
        "SELECT min(step) FROM records WHERE run = ? AND step > ?", (run, after_step)
    ).fetchone()[0]
    if first is None:
        return _curve(np.empty((0, len(COLUMNS))))
    span = last - first + 1
    level = 0
    while span > max_points and FACTOR ** (level + 1) * max_points <= span * POINTS_PER_BUCKET * 2:
        level += 1
    parts: list[np.ndarray] = []
    start = after_step + 1
    while level >= 0:
        width = FACTOR**level
        stop = (last + 1) // width * width
        if stop > start:
            parts.append(_candidates(database, run, level, start, stop))
            start = stop
        level -= 1
    ends = _rows(database, "records", "step IN (?, ?)", run, first, last)
    rows = np.concatenate([*parts, ends])
    _, unique = np.unique(rows[:, 0], return_index=True)
    return _curve(_thin(rows[unique], max_points))


def read_tests(database: sqlite3.Connection, run: int, after_step: int) -> TestCurve:
    """Figures on the test set after `after_step`."""
    found = database.execute(
        "SELECT step, loss, accuracy, seconds FROM evaluations WHERE run = ? AND step > ? "
        "ORDER BY step",
        (run, after_step),
    ).fetchall()
    table = np.array([tuple(row) for row in found], dtype=np.float64).reshape(-1, 4)
    return TestCurve(table[:, 0].astype(np.int64), table[:, 1], table[:, 2], table[:, 3])


def _thin(rows: np.ndarray, max_points: int) -> np.ndarray:
    if len(rows) <= max_points:
        return rows
    buckets = max(1, (max_points - 2) // POINTS_PER_BUCKET)
    low, high = rows[0, 0], rows[-1, 0]
    bucket = np.floor((rows[:, 0] - low) / (high - low + 1) * buckets)
    kept = np.union1d(_extreme_rows(rows, bucket), [0, len(rows) - 1])
    thinned: np.ndarray = rows[kept[-max_points:]]
    return thinned


def _extreme_rows(rows: np.ndarray, bucket: np.ndarray) -> np.ndarray:
    """Indices of the rows that hold a bucket's smallest or largest watched value, ascending."""
    starts = np.flatnonzero(np.diff(bucket, prepend=bucket[0] - 1))
    kept = []
    for column in rows.T[WATCHED]:
        # By bucket, then by value (NaN last, so it counts as largest), then by step.
        order = np.lexsort((column, bucket))
        kept.append(order[starts])
        kept.append(order[np.append(starts[1:], len(order)) - 1])
    return np.unique(np.concatenate(kept))


def _candidates(
    database: sqlite3.Connection, run: int, level: int, first: int, stop: int
) -> np.ndarray:
    """Records with first <= step < stop that level `level` of the pyramid keeps (0: all)."""
    if level == 0:
        return _rows(database, "records", "step >= ? AND step < ?", run, first, stop)
    return _rows(
        database,
        "extremes JOIN records USING (run, step)",
        "level = ? AND step >= ? AND step < ?",
        run,
        level,
        first,
        stop,
    )


def _rows(
    database: sqlite3.Connection, source: str, condition: str, run: int, *values: int
) -> np.ndarray:
    found = database.execute(
        f"SELECT {', '.join(COLUMNS)} FROM {source} WHERE run = ? AND {condition} ORDER BY step",
        (run, *values),
    )
    # SQLite keeps a NaN as a missing number; numpy reads a missing number as a NaN.
    table = np.array([tuple(row) for row in found], dtype=np.float64)
    return table.reshape(-1, len(COLUMNS))


def _last_step(database: sqlite3.Connection, run: int) -> int:
    last = database.execute("SELECT max(step) FROM records WHERE run = ?", (run,)).fetchone()[0]
    return -1 if last is None else int(last)


def _curve(rows: np.ndarray) -> Curve:
    return Curve(rows[:, 0].astype(np.int64), *rows.T[1:])
