from pathlib import Path

import numpy as np
import pytest

from paramixer_core.config import RunConfig
from paramixer_core.cost import CostShape, cost_report
from paramixer_core.errors import ParamixerError
from paramixer_core.measure.accelerators import ACCELERATORS, accelerator
from paramixer_core.measure.calibration import (
    Calibration,
    Sample,
    calibrate,
    check,
    features,
    median_error,
    samples_of,
)
from paramixer_core.measure.files import Measurements
from paramixer_core.measure.record import Clock, Machine, Plan, Point, Sweep, Work, report_of
from paramixer_core.measure.roofline import Rates, least_seconds, part_seconds, training_bytes
from paramixer_core.measure.what_if import on_accelerator, on_measured
from paramixer_core.models import MIXERS

SHIPPED = Path(__file__).parents[2] / "assets" / "benchmarks" / "cpu.json"
MACHINE = Machine(
    date="2026-01-02T03:04:05+00:00", processor="A processor", cores=2, threads=1, device="cpu",
    system="Linux", python="3.11.2", torch="2.13.0", copy_bytes=1e10, matmul_flops=1e11,
)  # fmt: skip
RATES = np.array([1e-3, 1e-11, 4e-11, 2e-10, 3e-10, 1e-9])


@pytest.fixture(scope="module")
def shipped():
    return Measurements.from_json(SHIPPED.read_bytes())


@pytest.fixture(scope="module")
def checks(shipped):
    """Every shipped point as predicted from the other lengths."""
    return check(samples_of(shipped))


def made(configs):
    """Samples of a machine that obeys the model."""
    return [
        Sample(
            config,
            Point(
                mixer=config.mixer,
                seq_len=config.seq_len,
                times=(float(features(report_of(config)) @ RATES),),
            ),
        )
        for config in configs
    ]


GRID = [
    RunConfig(mixer=mixer, seq_len=2**power, channels=channels, batch=batch)
    for mixer in ("chord", "attention")
    for power in range(5, 12)
    for channels, batch in ((32, 8), (64, 2))
]


def test_a_machine_that_obeys_the_model_is_predicted_where_it_was_not_measured():
    calibration = calibrate(made(GRID))
    for mixer in ("chord", "attention"):
        config = RunConfig(mixer=mixer, seq_len=3000, channels=48, batch=5)
        expected = float(features(report_of(config)) @ RATES)
        assert calibration.seconds(config) == pytest.approx(expected, rel=0.05)
    assert median_error(check(made(GRID))) < 0.02


def test_a_mixer_that_was_not_measured_is_refused():
    with pytest.raises(ParamixerError, match="a mixer that was measured"):
        calibrate(made(GRID)).seconds(RunConfig(mixer="linformer"))
    assert calibrate(made(GRID)[:3]).rates == {}


def test_the_features_count_every_multiply_add_once():
    report = report_of(RunConfig(mixer="chord", seq_len=100))
    one, dense, mixing, kept, fresh, parameters = features(report)
    assert fresh == 0
    assert (one, kept, parameters) == (1, report.activation_bytes // 4, report.parameters)
    assert dense + mixing == report.training
    assert mixing == report.part("Mixing").training


def test_what_lies_in_a_tensor_of_32_mib_or_more_is_counted_apart():
    below = report_of(RunConfig(mixer="plain_attention", seq_len=1023, batch=8))
    above = report_of(RunConfig(mixer="plain_attention", seq_len=1024, batch=8))
    assert below.part("Attention scores").widest == 8 * 1023**2
    assert features(below)[4] == 0
    assert features(above)[4] == above.part("Attention scores").kept == 8 * 1024 * (32 + 1024)


def test_wall_time_is_read_where_there_is_any():
    def swept(clock, seconds):
        point = Point(mixer="chord", seq_len=8, times=(seconds,))
        return Sweep(Plan(mixers=("chord",), lengths=(8,), clock=clock, device="cpu"), (point,))

    wall, cpu = swept(Clock.WALL, 2.0), swept(Clock.CPU, 1.0)
    both, alone = (samples_of(Measurements(MACHINE, sweeps)) for sweeps in ((cpu, wall), (cpu,)))
    assert [sample.point.median for sample in both] == [2.0]
    assert [sample.point.median for sample in alone] == [1.0]


def test_the_shipped_set_holds_every_mixer(shipped):
    assert {point.mixer for sweep in shipped.sweeps for point in sweep.points} == set(MIXERS)
    assert set(calibrate(samples_of(shipped)).rates) == set(MIXERS)
    assert samples_of(shipped, Work.FORWARD)


@pytest.mark.parametrize("mixer", ["chord", "cdil", "attention"])
def test_training_time_is_predicted_within_30_percent_from_other_lengths(checks, mixer):
    own = [
        one
        for one in checks
        if one.sample.config.mixer == mixer and 2**8 <= one.sample.config.seq_len <= 2**13
    ]
    assert {one.sample.config.seq_len for one in own} == {2**power for power in range(8, 14)}
    assert max(abs(one.error) for one in own) < 0.3


@pytest.mark.parametrize("mixer", list(MIXERS))
def test_every_mixer_s_training_time_is_predicted_within_30_percent_in_the_median(checks, mixer):
    own = [one for one in checks if one.sample.config.mixer == mixer]
    assert median_error(own) < 0.3


def test_all_mixers_together_are_predicted_within_15_percent_in_the_median(checks):
    assert median_error(checks) < 0.15


def test_no_measured_step_beats_the_roofline_of_its_machine(shipped):
    rates = Rates.of(shipped.machine)
    for sample in samples_of(shipped):
        assert sample.point.median > 0.8 * least_seconds(report_of(sample.config), rates)


def test_a_part_is_bound_by_arithmetic_or_by_traffic():
    part = cost_report(CostShape(mixer="attention", seq_len=1024)).part("Attention scores")
    slow_memory, slow_units = Rates(1e30, 1.0), Rates(1.0, 1e30)
    assert part_seconds(part, slow_units, Work.TRAINING) == 2 * part.training
    assert part_seconds(part, slow_memory, Work.TRAINING) == 4 * 4 * part.kept
    assert part_seconds(part, slow_units, Work.FORWARD) == 2 * part.forward


def test_written_out_scores_cross_the_memory_bus_fifteen_times_in_a_step():
    part = cost_report(CostShape(mixer="plain_attention", seq_len=512)).part("Attention scores")
    slow = Rates(1e30, 4.0)  # one number a second
    stream, scores = 512 * 32, 512**2
    assert part_seconds(part, slow, Work.FORWARD) == stream + 6 * scores
    assert part_seconds(part, slow, Work.TRAINING) == 4 * stream + 15 * scores


def test_what_does_not_fit_is_said():
    small = CostShape(mixer="plain_attention", seq_len=1024)
    large = CostShape(mixer="plain_attention", seq_len=2**20)
    t4 = accelerator("t4")
    assert on_accelerator(small, t4).fits
    assert not on_accelerator(large, t4).fits
    assert on_accelerator(large, t4).memory == training_bytes(cost_report(large))
    calibration = Calibration({"chord": RATES})
    chord = CostShape(mixer="chord", seq_len=2**24)
    found = on_measured(chord, Rates(1e11, 1e10), calibration, 1e9)
    assert found.seconds == pytest.approx(float(features(cost_report(chord)) @ RATES))
    assert not found.fits
    assert on_measured(small, Rates(1e11, 1e10), calibration, 1e9).seconds is None


def test_a_faster_machine_of_the_table_is_predicted_faster():
    shape = CostShape(mixer="chord", seq_len=2**16, batch=8)
    assert (
        on_accelerator(shape, accelerator("h100")).least
        < on_accelerator(shape, accelerator("t4")).least
    )
    assert all(machine.source and machine.read for machine in ACCELERATORS.values())
    with pytest.raises(ParamixerError, match="an accelerator among"):
        accelerator("tpu")


def test_a_point_does_not_help_to_predict_itself():
    samples = made(GRID)
    odd = samples[-1]
    wrong = Sample(
        odd.config,
        Point(mixer=odd.config.mixer, seq_len=odd.config.seq_len, times=(1e-6,)),
    )
    rest = [one for one in samples if one.config.seq_len != odd.config.seq_len]
    (found,) = [one for one in check([*rest, wrong]) if one.sample is wrong]
    assert found.predicted == pytest.approx(odd.point.median, rel=0.05)
