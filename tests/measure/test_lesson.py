import dataclasses

import numpy as np
import pytest

from paramixer_core.config import RunConfig
from paramixer_core.measure.calibration import Calibration
from paramixer_core.measure.lesson import (
    FIRST_START,
    FORWARD_SHARE,
    LATER_START,
    LEAST_STEPS,
    NO_CORRECTION,
    Correction,
    Estimate,
    Notebook,
    Noted,
    RunEstimate,
    estimate_lesson,
    estimate_run,
    evaluation_share,
    learned,
    outcomes,
    typical_error,
)
from paramixer_core.runs.memory import estimate_memory
from paramixer_core.runs.run import Run, RunState
from paramixer_core.schedule import evaluation_due

CONSTANT = Calibration({"chord": np.array([0.01, 0, 0, 0, 0, 0])})
ONE = RunEstimate(step_seconds=0.1, steps=100, evaluations=0.0, memory=1000)


def run(name, *, seconds=10.0, step=100, state=RunState.FINISHED):
    return Run(
        id=name, config=RunConfig(), state=state, reason="", failure=None, owner="", race=None,
        parent=None, parent_step=None, created=0.0, started=None, ended=None, step=step,
        seconds=seconds, steps_per_second=0.0, learning_rate=0.0, speed=None, device="cpu",
        memory=5000, parameters=1, pid=None, host="", lease=None, pinned=False,
    )  # fmt: skip


def test_a_run_costs_its_steps_and_its_evaluations():
    config = RunConfig(mixer="chord", steps=500, batch=100)
    found = estimate_run(config, CONSTANT)
    assert (found.step_seconds, found.steps) == (pytest.approx(0.01), 500)
    due = 3 + 5  # at 10, 20, 50, and at every hundredth
    assert found.evaluations == pytest.approx(FORWARD_SHARE * 1000 / 100 * due / 500)
    assert found.seconds(NO_CORRECTION) == pytest.approx(5 * (1 + found.evaluations))
    assert found.memory == estimate_memory(config)


@pytest.mark.parametrize(
    ("steps", "count"), [(1, 1), (10, 1), (49, 3), (50, 3), (99, 4), (100, 4), (250, 6)]
)
def test_evaluations_are_counted_as_the_trainer_makes_them(steps, count):
    due = [step for step in range(1, steps + 1) if step == steps or evaluation_due(step)]
    assert len(due) == count
    config = RunConfig(batch=40)
    assert evaluation_share(config, steps) == pytest.approx(FORWARD_SHARE * 25 * count / steps)


def test_runs_share_the_workers_and_wait_for_their_processes():
    told = Correction(start=0.0)
    assert estimate_lesson([ONE], 2, told).seconds == pytest.approx(10)
    assert estimate_lesson([ONE] * 2, 2, told).seconds == pytest.approx(10)
    assert estimate_lesson([ONE] * 3, 2, told).seconds == pytest.approx(15)
    assert estimate_lesson([ONE] * 3, 2).memory == 2000
    assert estimate_lesson([ONE], 2).seconds == pytest.approx(10 + FIRST_START)
    assert estimate_lesson([ONE] * 2, 2).seconds == pytest.approx(10 + LATER_START)
    slower = Correction(3.0, 500, 1.0)
    assert estimate_lesson([ONE], 2, correction=slower).seconds == pytest.approx(31)
    assert estimate_lesson([ONE] * 3, 2, correction=Correction(1.0, 500)).memory == 3000
    assert estimate_lesson([ONE] * 3, 2).watt_hours == pytest.approx(30 * 10 / 3600)


@pytest.mark.parametrize(
    ("watt_hours", "name"), [(0.0, "A"), (0.1, "B"), (5, "C"), (99, "D"), (1e9, "E")]
)
def test_energy_has_a_class(watt_hours, name):
    assert Estimate(1.0, 1, watt_hours).energy_class == name


def test_what_was_said_is_read_again_and_broken_lines_are_passed_over(tmp_path):
    book = Notebook(tmp_path)
    assert book.noted() == {}
    book.note("one", ONE, Correction(2.0, 50))
    with book.path.open("a") as file:
        file.write('not json\n{"run": "two"}\n[1]\n')
    book.note("three", ONE, NO_CORRECTION)
    noted = book.noted()
    assert set(noted) == {"one", "three"}
    assert (noted["one"].model, noted["one"].said) == (0.1, 0.2)
    assert (noted["one"].model_memory, noted["one"].memory) == (1000, 1050)


def test_what_was_said_is_held_against_what_happened():
    noted = {
        name: Noted(name, model=0.05, said=0.08, model_memory=1000, memory=1, made=0.0)
        for name in ("slow", "early", "running")
    }
    runs = [
        run("slow"),  # 0.1 s a step
        run("early", step=LEAST_STEPS - 1),
        run("running", state=RunState.RUNNING),
        run("unsaid"),
    ]
    (found,) = outcomes(noted, runs)
    assert found.noted.run == "slow"
    assert found.error == pytest.approx(-0.2)
    assert typical_error([found]) == pytest.approx(0.2)
    assert (found.whole, found.start) == (None, None)
    assert learned([found]) == Correction(pytest.approx(2), 4000)
    assert (typical_error([]), learned([])) == (None, NO_CORRECTION)


def test_what_a_run_took_besides_its_steps_is_learned_from_finished_runs_at_full_speed():
    noted = {name: Noted(name, 0.1, 0.1, 1, 1, 0.0) for name in "abc"}
    share = evaluation_share(RunConfig(), 100)
    ended = dataclasses.replace(run("a"), started=50.0, ended=50.0 + 10 * (1 + share) + 3)
    slowed = dataclasses.replace(ended, id="b", speed=2.0)
    stopped = dataclasses.replace(ended, id="c", state=RunState.STOPPED)
    found = outcomes(noted, [ended, slowed, stopped])
    assert [one.start for one in found] == [pytest.approx(3), None, None]
    assert found[0].whole == pytest.approx(13 + 10 * share)
    assert learned(found).start == pytest.approx(3)


def test_one_strange_run_does_not_move_the_correction():
    noted = {name: Noted(name, 0.1, 0.1, 1, 1, 0.0) for name in "abc"}
    found = outcomes(noted, [run("a"), run("b"), run("c", seconds=1e6)])
    assert learned(found).time == pytest.approx(1)
    wild = [dataclasses.replace(one, seconds=1e9) for one in found]
    assert learned(wild).time == 50
