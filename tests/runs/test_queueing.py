"""The queue takes turns by owner."""

from collections import Counter
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from paramixer_core.runs.queueing import fair_order


@dataclass(frozen=True)
class Asked:
    """A run as the queue sees it."""

    place: int
    owner: str


def line(submitted: list[str]) -> list[Asked]:
    return [Asked(place, owner) for place, owner in enumerate(submitted)]


names = st.sampled_from(["ann", "bob", "cem"])


@given(st.lists(names, max_size=30), st.dictionaries(names, st.integers(0, 3)))
def test_everybody_comes_once_and_each_owners_runs_in_their_order(
    submitted: list[str], running: dict[str, int]
) -> None:
    order = fair_order(line(submitted), running, {})
    assert sorted(order, key=lambda run: run.place) == line(submitted)
    for name in set(submitted):
        own = [run.place for run in order if run.owner == name]
        assert own == sorted(own)


@given(st.lists(names, max_size=30))
def test_while_two_wait_neither_gets_two_turns_ahead(submitted: list[str]) -> None:
    left, served = Counter(submitted), Counter[str]()
    for run in fair_order(line(submitted), {}, {}):
        left[run.owner] -= 1
        served[run.owner] += 1
        waiting = [name for name in left if left[name] > 0]
        assert all(served[run.owner] - served[name] <= 1 for name in waiting)


def test_twenty_runs_of_one_delay_another_by_one() -> None:
    waiting = line(["ann"] * 20 + ["bob"])
    assert fair_order(waiting, {}, {})[1].owner == "bob"
    assert fair_order(waiting, {"ann": 1}, {})[0].owner == "bob"


def test_a_turn_counts_as_a_run_that_is_running() -> None:
    order = fair_order(line(["ann", "ann", "bob", "bob", "bob"]), {"ann": 1}, {})
    assert [run.owner for run in order] == ["bob", "ann", "bob", "ann", "bob"]


def test_of_two_with_nothing_running_the_one_served_longer_ago_comes_first() -> None:
    waiting = line(["ann", "bob"])
    assert fair_order(waiting, {}, {"ann": 200.0, "bob": 100.0})[0].owner == "bob"
    assert fair_order(waiting, {}, {"ann": 100.0})[0].owner == "bob"
