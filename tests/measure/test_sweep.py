import dataclasses

import pytest
import torch

from paramixer_core.bench.__main__ import main
from paramixer_core.cost.shape import COSTED_MIXERS
from paramixer_core.errors import ParamixerError
from paramixer_core.measure import command
from paramixer_core.measure import sweep as sweeping
from paramixer_core.measure.files import Measurements
from paramixer_core.measure.memory_peak import is_out_of_memory, memory_limit, peak_of
from paramixer_core.measure.record import Clock, Machine, Outcome, Plan, Point, Work
from paramixer_core.measure.shelf import Shelf, measure_and_keep
from paramixer_core.measure.shipped import SHIPPED_SECONDS, shipped_plans
from paramixer_core.measure.sweep import LEAST_REPEATS, sweep

CPU = torch.device("cpu")
SMALL = {"batch": 2, "channels": 8, "hidden": 8, "seconds": 300.0, "device": "cpu"}


@pytest.fixture
def known_machine(monkeypatch):
    """No time spent on the machine's rates."""
    machine = Machine(
        date="2026-01-02T03:04:05+00:00", processor="A processor", cores=2, threads=1,
        device="cpu", system="Linux", python="3.11.2", torch="2.13.0", copy_bytes=1e10,
        matmul_flops=1e11,
    )  # fmt: skip
    monkeypatch.setattr(sweeping, "machine_of", lambda device, clock: machine)


quickly = pytest.mark.usefixtures("known_machine")


def points_of(plan):
    return [found for found in sweep(plan) if isinstance(found, Point)]


@pytest.mark.parametrize("work", list(Work))
def test_every_mixer_is_timed_at_every_length(work):
    plan = Plan(mixers=("cdil", "attention"), lengths=(7, 16), work=work, **SMALL)
    first, *points = sweep(plan)
    assert isinstance(first, Machine)
    assert first.copy_bytes > 1e8
    assert first.threads == torch.get_num_threads()
    assert [(point.mixer, point.seq_len) for point in points] == [
        ("cdil", 7), ("attention", 7), ("cdil", 16), ("attention", 16),
    ]  # fmt: skip
    for point in points:
        assert point.outcome is Outcome.MEASURED
        assert len(point.times) >= LEAST_REPEATS
        low, high = point.quartiles
        assert 0 < low <= point.median <= high


@quickly
def test_mixers_take_turns(monkeypatch):
    made = sweeping.call_of
    calls = []

    def noting(plan, device, mixer, seq_len):
        call = made(plan, device, mixer, seq_len)
        return lambda: (calls.append(mixer), call())

    monkeypatch.setattr(sweeping, "call_of", noting)
    (first, second) = points_of(Plan(mixers=("cdil", "attention"), lengths=(8,), **SMALL))
    turns = calls[2 * sweeping.WARM_UPS :]
    assert turns == ["cdil", "attention"] * len(first.times)
    assert len(second.times) == len(first.times)


@quickly
def test_beyond_the_memory_budget_there_is_one_point_that_says_so():
    plan = Plan(mixers=("plain_attention",), lengths=(16, 2048, 4096), memory=10**7, **SMALL)
    found = points_of(plan)
    assert [(point.seq_len, point.outcome) for point in found] == [
        (16, Outcome.MEASURED),
        (2048, Outcome.OUT_OF_MEMORY),
    ]
    assert found[-1].needed > 10**7


@quickly
def test_memory_that_really_runs_out_is_a_point_too(monkeypatch):
    def explode(*_):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate")

    monkeypatch.setattr(sweeping, "call_of", explode)
    (point,) = points_of(Plan(mixers=("chord",), lengths=(8, 16), **SMALL))
    assert point.outcome is Outcome.OUT_OF_MEMORY


@quickly
def test_another_error_is_not_taken_for_it(monkeypatch):
    def explode(*_):
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(sweeping, "call_of", explode)
    with pytest.raises(RuntimeError, match="shapes"):
        points_of(Plan(mixers=("chord",), lengths=(8,), **SMALL))


@quickly
def test_the_time_budget_is_kept_and_what_it_leaves_out_is_said():
    plan = Plan(
        mixers=("plain_attention",), lengths=(64, 4096, 8192),
        **SMALL | {"seconds": 2.0, "batch": 16},
    )  # fmt: skip
    found = points_of(plan)
    assert found[-1].outcome is Outcome.OUT_OF_TIME
    assert 8192 not in [point.seq_len for point in found]


def test_cpu_time_counts_one_thread_and_leaves_the_others_as_they_were():
    before = torch.get_num_threads()
    machine, point = sweep(Plan(mixers=("chord",), lengths=(16,), clock=Clock.CPU, **SMALL))
    assert machine.threads == 1
    assert point.times
    assert torch.get_num_threads() == before


def test_a_plan_s_threads_are_those_that_compute_and_none_before_or_after():
    before = torch.get_num_threads()
    machine, _ = sweep(Plan(mixers=("chord",), lengths=(8,), threads=2, **SMALL))
    assert machine.threads == 2
    assert torch.get_num_threads() == before


def test_a_peak_is_what_a_call_holds_at_once():
    size = 40_000_000

    def call():
        first = torch.ones(size // 4)
        del first
        torch.ones(size // 4)

    peak = peak_of(call, CPU)
    assert peak is not None
    assert 0.95 * size <= peak <= 1.2 * size


def test_a_memory_limit_makes_running_out_an_error():
    with memory_limit(50_000_000):
        torch.ones(5_000_000)
        with pytest.raises(RuntimeError) as caught:
            torch.ones(500_000_000)
    assert is_out_of_memory(caught.value)
    assert len(torch.ones(20_000_000)) == 20_000_000


@quickly
def test_what_was_measured_is_kept(tmp_path):
    plan = Plan(mixers=("chord",), lengths=(8,), **SMALL)
    machine, point, name = measure_and_keep(plan, tmp_path)
    kept = Shelf(tmp_path).read(name)
    assert (kept.machine, kept.sweeps[0].points) == (machine, (point,))


@quickly
def test_the_command_writes_a_file_and_adds_to_it(tmp_path, capsys):
    path = tmp_path / "cpu.json"
    common = ["sweep", str(path), "--device", "cpu", "--from", "3", "--to", "4", "--seconds", "2"]
    main([*common, "--mixers", "chord", "--batch", "2"])
    main([*common, "--mixers", "attention", "--clock", "cpu", "--work", "forward"])
    assert "attention          N=16" in capsys.readouterr().out
    first, second = Measurements.from_json(path.read_text()).sweeps
    assert (first.plan.mixers, first.plan.batch) == (("chord",), 2)
    assert (second.plan.work, second.plan.clock) == (Work.FORWARD, Clock.CPU)


@quickly
def test_one_command_makes_the_set_that_ships(tmp_path, monkeypatch, capsys):
    def two_small_plans(seconds):
        assert seconds == 8
        plan = Plan(mixers=("chord",), lengths=(8,), **SMALL)
        return plan, dataclasses.replace(plan, work=Work.FORWARD)

    monkeypatch.setattr(command, "shipped_plans", two_small_plans)
    path = tmp_path / "cpu.json"
    path.write_text("what was there before")
    main(["sweep", str(path), "--shipped", "--seconds", "8"])
    found = Measurements.from_json(path.read_text())
    assert [one.plan.work for one in found.sweeps] == [Work.TRAINING, Work.FORWARD]
    assert "chord              N=8" in capsys.readouterr().out


def test_the_set_that_ships_is_wall_time_of_one_thread_for_every_mixer_up_to_131072():
    first, *others = shipped_plans()
    assert first.lengths == tuple(2**power for power in range(5, 18))
    assert sum(plan.seconds for plan in (first, *others)) == pytest.approx(SHIPPED_SECONDS)
    assert {plan.work for plan in others} == set(Work)
    for plan in (first, *others):
        assert (plan.clock, plan.threads, plan.mixers) == (Clock.WALL, 1, COSTED_MIXERS)


@quickly
def test_a_file_of_another_machine_is_not_added_to(tmp_path):
    path = tmp_path / "other.json"
    arguments = ["sweep", str(path), "--from", "3", "--to", "3", "--mixers", "chord"]
    main([*arguments, "--seconds", "2", "--device", "cpu"])
    found = Measurements.from_json(path.read_text())
    other = dataclasses.replace(found.machine, processor="another")
    path.write_text(Measurements(other, found.sweeps).to_json())
    with pytest.raises(ParamixerError, match="a file of the same machine, with processor"):
        main([*arguments, "--seconds", "2", "--device", "cpu"])
