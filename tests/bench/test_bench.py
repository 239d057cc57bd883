"""The benchmark measures what it says, in turn, and tells it to people and to programs."""

import itertools
import json
import time

import pytest
import torch

from paramixer_core.bench import report, runner
from paramixer_core.bench.__main__ import main
from paramixer_core.bench.cases import (
    BASELINE,
    Group,
    Row,
    Work,
    device_paths,
    groups,
    operator_inputs,
    operator_work,
)
from paramixer_core.mixing import mix
from paramixer_core.mixing.reference import mix_reference
from paramixer_core.protocols import Protocol, protocol_offsets

CPU = torch.device("cpu")
LIMITS = runner.Limits(copy_bytes=1e9, matmul_flops=1e9)


def small_group(calls: list[str]) -> Group:
    group = Group("small")
    for name, size in ((BASELINE, 60_000), ("fast", 600)):

        def build(name: str = name, size: int = size):
            tensor = torch.ones(size)

            def call() -> None:
                calls.append(name)
                tensor.sin()

            return call

        group.add(Row(name, build, Work(bytes=1e3, flops=2e3)))
    return group


def test_rows_take_turns_in_bursts_after_a_warm_up():
    calls: list[str] = []
    results = list(runner.measure(small_group(calls), LIMITS, CPU, budget=0))
    assert [result.repeats for result in results] == [runner.MIN_REPEATS] * 2
    bursts = [(name, len(list(same))) for name, same in itertools.groupby(calls)]
    assert [name for name, _ in bursts] == [BASELINE, "fast"] * (1 + runner.MIN_REPEATS)
    assert [count for _, count in bursts[:2]] == [1, 1]
    assert all(count >= 2 for _, count in bursts[2:])


def test_the_first_call_of_a_burst_does_not_count():
    taken = iter([0.2, 0.01, 0.02])
    assert runner.seconds_per_call(lambda: time.sleep(next(taken)), CPU) < 0.2


def test_speed_up_and_distance_are_ratios_of_the_medians():
    base, fast = runner.measure(small_group([]), LIMITS, CPU, budget=0)
    assert base.speed_up == 1
    assert fast.speed_up == pytest.approx(base.seconds / fast.seconds)
    assert fast.limit_distance == pytest.approx(fast.seconds / 2e-6)  # 2e3 flops at 1e9 a second


def test_a_step_is_compared_with_the_same_mixer_by_the_authors_algorithm():
    medians = {"chord authors": 4.0, "chord native": 1.0, "cdil authors": 6.0, "attention": 2.0}
    assert runner.baseline_of("chord native", medians) == 4
    assert runner.baseline_of("cdil native", medians) == 6
    assert runner.baseline_of("attention", medians) is None


def test_every_group_has_its_baseline_and_only_names_known_paths():
    found = {group.name: group for group in groups(CPU)}
    operators = [group for name, group in found.items() if name.startswith("op ")]
    assert len(operators) == 8
    for group in operators:
        assert {BASELINE, "portable", "sdpa"} <= set(group.rows)
    assert any(group.quick for group in found.values())


def test_the_least_work_counts_every_tensor_once():
    offsets = protocol_offsets(Protocol.CHORD, 8)
    values, weights, grad = operator_inputs(offsets, 2, 8, 3, CPU)
    forward = values.nbytes + weights.nbytes + grad.nbytes  # the result is as large as its gradient
    backward = grad.nbytes + 2 * (values.nbytes + weights.nbytes)
    work = operator_work(offsets, 2, 8, 3)
    assert work.bytes == forward + backward
    assert work.flops == 3 * 2 * weights.numel() * 3


@pytest.mark.parametrize("path", device_paths(CPU))
def test_the_measured_paths_compute_the_reference(path):
    offsets = protocol_offsets(Protocol.CDIL, 16)
    values, weights, _ = operator_inputs(offsets, 2, 16, 4, CPU)
    expected = mix_reference(values, weights, offsets)
    found = mix(values, weights, offsets, implementation=path)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_the_command_prints_a_table_and_writes_json(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(runner, "measure_limits", lambda device: LIMITS)
    path = tmp_path / "results.json"
    main(["--quick", "--only", "op chord N=128 ", "--json", str(path), "--device", "cpu"])
    printed = capsys.readouterr().out
    written = json.loads(path.read_text())
    assert "op chord N=128 batch=8 D=32" in printed
    assert {"date", "processor", "device", "torch"} <= set(written["header"])
    rows = {result["row"]: result for result in written["results"]}
    assert rows[BASELINE]["speed_up"] == 1
    assert all(f"{row['seconds'] * 1e3:.3f}" in printed for row in rows.values())


def test_peak_memory_is_that_of_the_row_alone():
    group = "op chord N=512 batch=8 D=32"
    authors = runner.extra_memory(group, BASELINE, CPU)
    ours = runner.extra_memory(group, "portable", CPU)
    assert authors is not None
    assert ours is not None
    buffer = 9 * 8 * 512 * 10 * 32 * 4  # the products of all factors, kept for the backward pass
    assert authors > buffer
    assert ours < authors / 4


def test_a_row_without_a_baseline_leaves_its_column_empty():
    result = runner.Result("g", "r", 0.001, 0.1, 3, None, 2.0)
    line = list(report.table([result]))[-1]
    assert line.split() == ["r", "1.000", "10%", "2.0"]
