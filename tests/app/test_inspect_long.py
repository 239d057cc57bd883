"""Sequences too long for a matrix: the page shows exact parts of it, quickly."""

import time

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app import engine, inspect_long
from app.inspect_long import spans
from paramixer_core.analysis.operators import SparseOperator
from paramixer_core.config import RunConfig
from paramixer_core.inspection import compacts_of, sparse_operator
from paramixer_core.protocols import Protocol, protocol_offsets
from paramixer_core.runs import snapshots
from paramixer_core.runs.run import Run, RunState
from paramixer_core.training import Trainer
from tests.small_runs import SMALL


def stored(config: RunConfig) -> Run:
    """An untrained run in this server's store."""
    trainer = Trainer(config)
    tensors = {f"{snapshots.STATE}{name}": value for name, value in trainer.state().items()}
    tensors |= {f"{snapshots.PROBE}{name}": value for name, value in trainer.probe().items()}
    arrays = {name: value.numpy() for name, value in tensors.items()}
    run = engine.opened().store.create(config, parent_step=0, first_snapshot=arrays)
    engine.opened().store.update(run.id, state=RunState.FINISHED)
    return run


@pytest.mark.parametrize("mixer", ["chord", "attention"])
def test_the_page_of_a_long_run_shows_overview_block_row_and_column(mixer: str) -> None:
    run = stored(SMALL.replace(seq_len=2048, batch=1, mixer=mixer))
    page = AppTest.from_string("from app.navigation import run_app\nrun_app('inspect.py')")
    page.query_params["run"] = run.id
    page.query_params["token"] = "2047"
    page.run(timeout=60)
    assert not page.exception
    assert not page.error
    assert any("4,194,304 entries" in caption.value for caption in page.caption)
    tiles = inspect_long.overview(run.id, 0, 0, 0, "operator")
    probe = engine.opened().store.probe(run.id, 0)
    dense = sparse_operator(run.config, compacts_of(run.config, probe, 0)[0]).block(
        range(2048), range(2048)
    )
    means = dense.reshape(128, 16, 128, 16).mean((1, 3))
    np.testing.assert_allclose(tiles.values, means, rtol=1e-6, atol=1e-9 * np.abs(means).max())


def test_a_tile_stands_for_its_own_tokens_and_the_last_may_be_smaller() -> None:
    config = SMALL.replace(seq_len=1100, batch=1)
    run = stored(config)
    tiles = inspect_long.overview(run.id, 0, 0, 0, "operator")
    rows, columns = spans(tiles, (2, 0), 1100)
    assert (rows, columns) == (list(range(18, 27)), list(range(9)))
    rows, _ = spans(tiles, (len(tiles.values) - 1, 0), 1100)
    assert (rows[0], rows[-1]) == (1098, 1099)


def test_a_row_and_a_column_of_16384_tokens_come_within_200_milliseconds() -> None:
    offsets = protocol_offsets(Protocol.CHORD, 16_384, 9)
    weights = np.random.default_rng(0).normal(size=(14, 16_384, 15), scale=0.2)
    operator = SparseOperator.of_weights(weights, offsets)
    times = []
    for token in range(5):
        started = time.perf_counter()
        assert operator.rows([token]).shape == (1, 16_384)
        operator.columns([token])
        times.append(time.perf_counter() - started)
    assert min(times) < 0.4
