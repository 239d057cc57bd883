"""Steering changes what was chosen and nothing else; resets and forks go on from where they say."""

from collections.abc import Iterator, Sequence

import pytest
from streamlit.testing.v1 import AppTest

from app import engine, live_feed, say
from app.components.payload import unpack
from app.live_feed import Watched
from app.names import run_title
from paramixer_core.config import RunConfig
from paramixer_core.runs import RunState, RunStore
from paramixer_core.runs.forks import fork, renew
from paramixer_core.runs.race_curves import Band, RaceAxis
from paramixer_core.runs.run import Run
from tests.app.operating import act_as_operator
from tests.runs.conftest import TINY
from tests.runs.trained import train_here


class Noting:
    """An executor that trains nothing and notes what it is told."""

    def __init__(self, store: RunStore) -> None:
        self.store = store
        self.told: list[tuple[str, str, float | None]] = []

    def status(self, run_id: str) -> Run:
        return self.store.run(run_id)

    def statuses(self, run_ids: Sequence[str]) -> list[Run]:
        return self.store.several(run_ids)

    def troubles(self) -> list[str]:
        return []

    def stop(self, *run_ids: str) -> None:
        assert not run_ids, "nothing trains"

    def set_speed(self, run_id: str, speed: float | None) -> None:
        self.told.append(("speed", run_id, speed))

    def set_learning_rate(self, run_id: str, rate: float) -> None:
        self.told.append(("rate", run_id, rate))

    def restart(self, run_id: str, *, owner: str, race: str | None, held: bool) -> Run:
        return renew(self.store, run_id, owner, race=race, held=held)


@pytest.fixture
def executor(tmp_path, monkeypatch) -> Iterator[Noting]:
    """An executor behind the engine."""
    made = Noting(RunStore(tmp_path))
    act_as_operator(monkeypatch, made)
    yield made
    made.store.close()


def pace_page() -> None:
    from app import engine, steering

    steering.choose_pace(engine.store().runs()[::-1])


def fork_page() -> None:
    from app import engine, steering

    steering.choose_fork(engine.store().runs()[::-1])


def training(store: RunStore, rate: float, mixer: str = "chord") -> Run:
    """A run that trains, or so it says."""
    run = store.create(TINY.replace(learning_rate=rate, mixer=mixer))
    store.update(run.id, state=RunState.RUNNING, lease="held")
    return store.run(run.id)


def test_changing_the_speed_leaves_every_learning_rate_alone(executor):
    runs = [training(executor.store, 1e-3), training(executor.store, 3e-3, "attention")]
    page = AppTest.from_function(pace_page, default_timeout=60).run()
    assert page.number_input[0].value is None  # they differ
    page.get("button_group")[0].set_value("5 steps/s")
    page.button(key="apply").click().run()
    assert executor.told == [("speed", run.id, 5.0) for run in runs]


def test_a_rate_that_is_typed_is_everybodys(executor):
    runs = [training(executor.store, 1e-3), training(executor.store, 3e-3, "attention")]
    page = AppTest.from_function(pace_page, default_timeout=60).run()
    page.number_input[0].set_value(0.01)
    page.button(key="apply").click().run()
    assert executor.told == [("rate", run.id, 0.01) for run in runs]


def test_the_fork_form_offers_the_rate_in_force_at_its_step(executor):
    store = executor.store
    run = train_here(store, store.create(TINY.replace(rate_changes=((15, 0.2),), steps=25)).id)
    page = AppTest.from_function(fork_page, default_timeout=60).run()
    assert page.number_input[0].value == 0.2
    page.selectbox(key=f"fork-step-{run.id}").set_value(10).run()
    assert page.number_input[0].value == TINY.learning_rate


def test_a_fork_and_its_parent_differ_in_name_and_dash(executor):
    store = executor.store
    parent = train_here(store, store.create(TINY).id)
    child = fork(store, parent.id, 20, {})
    assert run_title(child) == f"{run_title(parent)}, fork at 20"
    header, _ = unpack(live_feed.message(Watched((parent.id, child.id))))
    names = [card["name"] for card in header["cards"]]
    assert len(set(names)) == 2
    dashes = [tuple(card["dash"]) for card in header["cards"]]
    assert len(set(dashes)) == 2
    for chart in header["charts"]:
        assert [tuple(line["dash"]) for line in chart["lines"]] in (dashes, dashes[:1])


def test_reset_holds_new_runs_at_their_first_step_and_a_fork_at_its_snapshot(executor, monkeypatch):
    store = executor.store
    parent = train_here(store, store.create(TINY, race="raced").id)
    child = train_here(store, fork(store, parent.id, 20, {}).id)
    shown: list[list[str]] = []
    monkeypatch.setattr(engine, "show", shown.append)
    monkeypatch.setattr(engine, "owner", lambda: "me")
    engine.reset([parent, child])
    first, second = (store.run(run_id) for run_id in shown[0])
    assert {first.state, second.state} == {RunState.PAUSED}
    assert (first.step, first.race not in (None, "raced")) == (0, True)
    assert (second.step, second.parent, second.parent_step) == (20, parent.id, 20)
    assert store.resume_step(second.id) == 20


def test_cards_over_seeds_tell_means_and_how_far_all_are(executor):
    store = executor.store
    runs = []
    for seed, (step, seconds) in enumerate(((30, 3.0), (60, 3.0))):
        run = store.create(RunConfig(seq_len=16, seed=seed, steps=60))
        store.update(run.id, state=RunState.STOPPED, step=step, seconds=seconds)
        runs.append(store.run(run.id))
    card = live_feed.card("CHORD", runs)
    assert card.progress == 0.75
    assert card.progress_text == "step 30 to 60 of 60, 2 seeds"
    assert dict(card.figures)["Steps/s, mean"] == "15"  # (30 / 3 + 60 / 3) / 2
    assert dict(card.figures)["Trained for"] == "3 s"


def test_a_curve_that_ends_with_the_fastest_seed_says_so():
    x = [0.0, 8.0]
    short, whole = (Band(x, x, x, x, 3, longest) for longest in (12.5, 8.0))
    said = say.ends({"CHORD": short, "CDIL": whole}, RaceAxis.SECONDS)
    assert said == (
        "A curve over seeds ends with its fastest seed: CHORD at 8 s (its other seeds go on to "
        "12.5 s)."
    )
    assert say.ends({"CDIL": whole}, RaceAxis.SECONDS) == ""
