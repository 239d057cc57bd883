"""A sequence as text: what is shown of an example reads back as that example."""

import pytest
import torch

from paramixer_core.errors import ParamixerError
from paramixer_core.tasks import make_task
from paramixer_core.uploads.typed import MAX_LETTERS, parse_sequence, sequence_text


@pytest.mark.parametrize(("name", "n"), [("adding", 12), ("temporal_order", 12), ("digits", 64)])
def test_the_text_of_an_example_is_that_example(name: str, n: int) -> None:
    task = make_task(name, n)
    for inputs in task.test_set().inputs[:5]:
        assert torch.equal(parse_sequence(task, sequence_text(task, inputs.numpy()))[0], inputs)


def test_blanks_commas_and_marks_are_read() -> None:
    inputs = parse_sequence(make_task("adding", 4), "1, -0.5*\n2e-1  0*")
    assert inputs[0].tolist() == [[1, 0], [-0.5, 1], [pytest.approx(0.2), 0], [0, 1]]
    assert parse_sequence(make_task("temporal_order", 4), "ab\n XY").tolist() == [[0, 1, 4, 5]]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("adding", "1 2 3", "add 1"),
        ("adding", "1 2 3 4 5", "remove 1"),
        ("adding", "1 2 x 4", "'x' at token 2"),
        ("adding", "1 2 nan 4", "'nan' at token 2"),
        ("adding", "1 2 3 1e999", "'1e999' at token 3"),
        ("temporal_order", "abqX", "'q' at token 2"),
        ("temporal_order", "a" * (MAX_LETTERS + 1), "paste less"),
        ("temporal_order", "", "add 4"),
    ],
)
def test_a_wrong_text_is_told_where(name: str, text: str, said: str) -> None:
    with pytest.raises(ParamixerError, match=said):
        parse_sequence(make_task(name, 4), text)


def test_a_mark_where_there_are_none_is_refused() -> None:
    with pytest.raises(ParamixerError, match="drop the"):
        parse_sequence(make_task("digits", 64), "0 " * 63 + "1*")
