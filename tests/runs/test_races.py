"""Races are fair, their tables are right, and nobody is called a winner by chance."""

import csv
import dataclasses
import io
import json
from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import pytest

from paramixer_core.config import RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.runs import RunStore, export, races
from paramixer_core.runs.race_curves import RaceAxis, RaceQuantity, _band, race_curves
from paramixer_core.runs.races import count_parameters, race_configs, race_table, spread
from paramixer_core.training import Trainer
from tests.runs.conftest import TINY
from tests.runs.trained import InProcess

MIXERS = ["chord", "cdil", "attention"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunStore]:
    """One store for all tests of this file; they only read the race in it."""
    made = RunStore(tmp_path_factory.mktemp("races"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def race(store: RunStore) -> str:
    """Three mixers, two seeds, trained."""
    base = TINY.replace(steps=20)
    return races.submit_race(cast(Any, InProcess(store)), base, MIXERS, [0, 1])


def test_entrants_differ_in_mixer_and_seed_alone_and_see_the_same_batches(
    tiny: RunConfig,
) -> None:
    configs = race_configs(tiny, MIXERS, [3, 4])
    assert [(config.mixer, config.seed) for config in configs] == [
        (mixer, seed) for seed in (3, 4) for mixer in MIXERS
    ]
    assert {config.replace(mixer="chord", seed=0) for config in configs} == {tiny}
    batches = [Trainer(config).batch(5).inputs for config in configs[:3]]
    assert all((batch == batches[0]).all() for batch in batches)


@pytest.mark.parametrize("first", MIXERS)
@pytest.mark.parametrize("seq_len", [64, 256])
def test_matched_entrants_have_the_same_size_within_five_percent(first: str, seq_len: int) -> None:
    base = RunConfig(task="digits", seq_len=seq_len, hidden=48)
    mixers = [first, *(mixer for mixer in MIXERS if mixer != first)]
    configs = race_configs(base, mixers, [0], match_parameters=True)
    sizes = [sum(p.numel() for p in Trainer(config).network.parameters()) for config in configs]
    assert sizes == [count_parameters(config) for config in configs]
    assert configs[0].hidden == 48
    assert max(abs(size - sizes[0]) for size in sizes) <= 0.05 * sizes[0]


def test_sizes_that_cannot_match_are_told(tiny: RunConfig) -> None:
    base = tiny.replace(channels=256, hidden=1)
    with pytest.raises(ParamixerError, match=r"attention with .* parameters within 5 %.*hidden"):
        race_configs(base, ["chord", "attention"], [0], match_parameters=True)


@pytest.mark.parametrize(("mixers", "seeds"), [([], [0]), (["chord"], []), (["nobody"], [0])])
def test_a_race_of_nobody_is_refused(tiny: RunConfig, mixers: list[str], seeds: list[int]) -> None:
    with pytest.raises(ParamixerError, match="mixer"):
        race_configs(tiny, mixers, seeds)


def test_the_table_is_the_mean_and_spread_of_the_runs(store: RunStore, race: str) -> None:
    table = race_table(store, race)
    assert [row.mixer for row in table.rows] == MIXERS
    for row in table.rows:
        last = [store.evaluations(run.id).loss[-1] for run in row.runs]
        assert row.test_loss is not None
        assert row.test_loss.mean == pytest.approx(np.mean(last))
        assert row.test_loss.deviation == pytest.approx(np.std(last, ddof=1))
        assert row.test_loss.count == 2
        assert {run.parameters for run in row.runs} == {row.parameters}
    smallest = min(table.rows, key=lambda row: row.parameters)
    verdicts = {verdict.quantity: verdict for verdict in table.verdicts}
    assert verdicts.keys() == races.QUANTITIES.keys()
    assert verdicts["parameters"].winner == smallest.mixer
    assert verdicts["parameters"].clear


def test_a_lead_within_the_spread_is_not_clear(store: RunStore, race: str) -> None:
    rows = race_table(store, race).rows
    near = [
        dataclasses.replace(row, test_loss=spread([mean, mean + 1.0]))
        for row, mean in zip(rows, (1.0, 1.2, 9.0), strict=True)
    ]
    verdict = races._verdict(near, "test loss", ("test_loss", False))
    assert verdict is not None
    assert (verdict.winner, verdict.clear) == ("chord", False)
    far = [near[0], dataclasses.replace(near[1], test_loss=spread([7.0, 7.1])), near[2]]
    verdict = races._verdict(far, "test loss", ("test_loss", False))
    assert verdict is not None
    assert verdict.clear
    good = [dataclasses.replace(row, test_accuracy=row.test_loss) for row in far]
    verdict = races._verdict(good, "test accuracy", ("test_accuracy", True))
    assert verdict is not None
    assert (verdict.winner, verdict.clear) == ("attention", True)
    early = [near[0], dataclasses.replace(near[1], test_loss=None), near[2]]
    assert races._verdict(early, "test loss", ("test_loss", False)) is None


def test_curves_carry_the_band_over_seeds_on_each_axis(store: RunStore, race: str) -> None:
    rows = {row.mixer: row for row in race_table(store, race).rows}
    steps = race_curves(store, race, RaceQuantity.LOSS, RaceAxis.STEPS)
    work = race_curves(store, race, RaceQuantity.LOSS, RaceAxis.MULTIPLY_ADDS)
    for mixer, row in rows.items():
        both = np.array([store.records(run.id).loss for run in row.runs])
        np.testing.assert_allclose(steps[mixer].mean, both.mean(0))
        np.testing.assert_allclose(steps[mixer].high - steps[mixer].mean, both.std(0, ddof=1))
        np.testing.assert_allclose(work[mixer].x, steps[mixer].x * row.multiply_adds)
    seconds = race_curves(store, race, RaceQuantity.TEST_ACCURACY, RaceAxis.SECONDS, max_points=9)
    assert all(0 < len(band.x) <= 9 for band in seconds.values())


def test_seeds_that_share_no_stretch_yet_are_not_averaged() -> None:
    slow = (np.array([5.0, 6.0]), np.array([0.1, 0.2]))
    quick = (np.array([1.0, 2.0, 3.0]), np.array([0.3, 0.4, 0.5]))
    band = _band([quick, slow], 400)
    assert (band.x.tolist(), band.mean.tolist(), band.seeds) == ([5.0, 6.0], [0.1, 0.2], 1)


def test_an_unknown_race_is_named(store: RunStore) -> None:
    with pytest.raises(ParamixerError, match=r"the id of a race in this store, got 'nobody'"):
        race_table(store, "nobody")


def test_a_race_is_exported_with_full_configurations(store: RunStore, race: str) -> None:
    table = race_table(store, race)
    rows = list(csv.DictReader(io.StringIO(export.race_csv(table))))
    assert [row["mixer"] for row in rows] == MIXERS
    loss = table.rows[1].test_loss
    assert loss is not None
    assert float(rows[1]["test loss"]) == loss.mean
    held = json.loads(export.race_json(store, table))
    configs = [run["config"] for mixer in held["mixers"] for run in mixer["runs"]]
    expected = [run.config for row in table.rows for run in row.runs]
    assert [RunConfig.from_dict(config) for config in configs] == expected
    assert held["winners"]["parameters"]["clear"] is True
