"""Adding and Temporal Order: what a batch holds is what the paper describes."""

from collections import Counter

import pytest
import torch

from paramixer_core.errors import ParamixerError
from paramixer_core.tasks import TASKS, Batch, InputKind, Task, make_task
from paramixer_core.tasks.task import num_test_sequences, two_positions
from paramixer_core.tasks.temporal_order import SYMBOLS

GENERATED = ["adding", "temporal_order"]
LENGTHS = [2, 7, 128]


def draw(task: Task, size: int, seed: int = 3) -> Batch:
    return task.batch(size, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("seq_len", LENGTHS)
def test_an_adding_target_is_half_plus_a_quarter_of_the_marked_sum(seq_len: int) -> None:
    batch = draw(make_task("adding", seq_len), 200)
    assert batch.inputs.shape == (200, seq_len, 2)
    assert batch.targets.shape == (200, 1)
    for row, target in zip(batch.inputs.tolist(), batch.targets[:, 0].tolist(), strict=True):
        marked = [number for number, mark in row if mark == 1]
        assert [mark for _, mark in row].count(0) == seq_len - 2
        assert len(marked) == 2
        assert target == pytest.approx(0.5 + sum(marked) / 4, abs=1e-6)


def example(name: str, *lines: str) -> list[list[str]]:
    """The words after each named line of the example that a task's docstring draws."""
    text = TASKS[name].__doc__ or ""
    return [text.split(f"  {line} ")[1].split("\n")[0].split() for line in lines]


def test_the_adding_example_in_the_docstring_is_true() -> None:
    numbers, marks, target = example("adding", "number", "mark", "target")
    assert len(numbers) == len(marks) == 6
    marked = [float(number) for number, mark in zip(numbers, marks, strict=True) if mark == "1"]
    assert len(marked) == 2
    assert float(target[-1]) == pytest.approx(0.5 + sum(marked) / 4)


def test_the_temporal_order_example_in_the_docstring_is_true() -> None:
    symbols, target = example("temporal_order", "symbols", "target")
    assert len(symbols) == 8
    assert set(symbols) <= set(SYMBOLS)
    assert target == ["".join(symbol for symbol in symbols if symbol in "XY")]


def test_adding_numbers_fill_minus_one_to_one_evenly() -> None:
    numbers = draw(make_task("adding", 100), 1000).inputs[..., 0]
    counts = torch.histc(numbers, bins=10, min=-1, max=1)
    assert counts.sum() == numbers.numel()
    assert (counts / numbers.numel() - 0.1).abs().max() < 0.005


def test_an_adding_answer_is_right_when_less_than_four_hundredths_off() -> None:
    task = make_task("adding", 4)
    errors = torch.tensor([[0.0], [0.039], [-0.039], [0.041], [-0.041]])
    targets = torch.full((5, 1), 0.5)
    assert task.correct(targets + errors, targets).tolist() == [True, True, True, False, False]
    assert task.loss(targets + errors, targets).item() == pytest.approx(
        errors.square().mean().item()
    )


def test_always_answering_one_half_is_wrong_846_times_in_a_thousand() -> None:
    task = make_task("adding", 8)
    targets = draw(task, 100_000).targets
    wrong = 1 - task.correct(torch.full_like(targets, 0.5), targets).float().mean().item()
    assert wrong == pytest.approx(0.92**2, abs=0.005)


@pytest.mark.parametrize("seq_len", LENGTHS)
def test_a_temporal_order_label_is_the_order_read_from_the_row(seq_len: int) -> None:
    task = make_task("temporal_order", seq_len)
    batch = draw(task, 200)
    assert batch.inputs.shape == (200, seq_len)
    for row, target in zip(batch.inputs.tolist(), batch.targets.tolist(), strict=True):
        read = "".join(SYMBOLS[symbol] for symbol in row if SYMBOLS[symbol] in "XY")
        assert task.class_names[target] == read


def test_temporal_order_classes_and_noise_are_balanced() -> None:
    batch = draw(make_task("temporal_order", 12), 20_000)
    classes = torch.bincount(batch.targets, minlength=4) / 20_000
    assert (classes - 0.25).abs().max() < 0.015
    noise = batch.inputs[batch.inputs < 4]
    assert noise.numel() == 20_000 * 10
    assert (torch.bincount(noise) / noise.numel() - 0.25).abs().max() < 0.005


@pytest.mark.parametrize("seq_len", [2, 3, 7])
def test_every_pair_of_positions_is_equally_likely(seq_len: int) -> None:
    drawn = 40_000
    first, second = two_positions(drawn, seq_len, torch.Generator().manual_seed(5))
    counts = Counter(zip(first.tolist(), second.tolist(), strict=True))
    pairs = [(i, j) for j in range(seq_len) for i in range(j)]
    assert sorted(counts) == sorted(pairs)
    expected = drawn / len(pairs)
    chi_squared = sum((count - expected) ** 2 / expected for count in counts.values())
    assert chi_squared < 2 * len(pairs) + 12


@pytest.mark.parametrize("name", GENERATED)
def test_a_seed_fixes_the_batch_and_another_seed_changes_it(name: str) -> None:
    task = make_task(name, 16)
    once, again, other = draw(task, 50), draw(task, 50), draw(task, 50, seed=4)
    assert torch.equal(once.inputs, again.inputs)
    assert torch.equal(once.targets, again.targets)
    assert not torch.equal(once.inputs, other.inputs)


@pytest.mark.parametrize("name", GENERATED)
def test_drawing_a_batch_leaves_the_global_generator_alone(name: str) -> None:
    before = torch.get_rng_state()
    draw(make_task(name, 16), 50)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", GENERATED)
def test_the_test_set_is_fixed_and_smaller_where_sequences_are_long(name: str) -> None:
    for seq_len, sequences in ((16, 1000), (1024, 256), (8192, 40)):
        test_set = make_task(name, seq_len).test_set()
        assert len(test_set.inputs) == len(test_set.targets) == sequences
        assert torch.equal(test_set.inputs, make_task(name, seq_len).test_set().inputs)
        assert num_test_sequences(seq_len) == sequences


@pytest.mark.parametrize("name", TASKS)
def test_a_task_describes_the_batches_that_it_gives(name: str) -> None:
    task = make_task(name, 64)
    batch = draw(task, 5)
    assert task.name == name
    outputs = torch.zeros(5, task.output_size)
    assert task.loss(outputs, batch.targets).shape == ()
    assert task.correct(outputs, batch.targets).shape == (5,)
    match task.input_kind:
        case InputKind.REAL:
            assert batch.inputs.shape == (5, 64, task.input_size)
        case InputKind.SYMBOLS:
            assert batch.inputs.shape == (5, 64)
            assert batch.inputs.max() < task.input_size
    if task.class_names:
        assert len(task.class_names) == task.output_size


@pytest.mark.parametrize("name", ["temporal_order", "digits"])
def test_a_class_is_right_only_when_it_scores_highest(name: str) -> None:
    task = make_task(name, 64)
    targets = torch.arange(task.output_size)
    scores = torch.eye(task.output_size)
    assert task.correct(scores, targets).all()
    assert not task.correct(scores.roll(1, 0), targets).any()
    expected = -torch.log_softmax(scores, 1).diagonal().mean()
    torch.testing.assert_close(task.loss(scores, targets), expected)


def test_an_unknown_task_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ParamixerError) as caught:
        make_task("sorting", 16)
    assert str(caught.value) == (
        "Expected a task among ['adding', 'temporal_order', 'digits'], got sorting: "
        "choose one of them."
    )


@pytest.mark.parametrize("name", TASKS)
def test_a_length_that_a_task_cannot_have_is_refused(name: str) -> None:
    with pytest.raises(ParamixerError, match="got 1: use a longer sequence"):
        make_task(name, 1)
