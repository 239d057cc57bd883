"""A thousand runs: what a place in the queue costs, and one click that undoes another."""

from collections.abc import Callable, Iterator

import pytest

from paramixer_core.errors import ParamixerError
from paramixer_core.runs import RunState, RunStore, queueing
from paramixer_core.runs.queueing import QueuedRun
from tests.runs.conftest import TINY
from tests.runs.hands import Hands
from tests.runs.trained import train_here


@pytest.fixture
def hands(store: RunStore) -> Iterator[Hands]:
    """An executor with two places."""
    made = Hands(store, places=2)
    yield made
    made.close()


@pytest.fixture
def sorted_queues(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lengths of the queues that were put in order since the test began."""
    lengths: list[int] = []
    real = queueing.fair_order

    def counted(waiting: list[QueuedRun], *others: object) -> list[QueuedRun]:
        lengths.append(len(waiting))
        return real(waiting, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(queueing, "fair_order", counted)
    return lengths


def test_the_order_of_a_thousand_is_computed_once_for_all_who_ask(
    hands: Hands, sorted_queues: list[int]
) -> None:
    runs = hands.submit_all([TINY] * 1002, owner="", race="r")
    del sorted_queues[:]
    places = [hands.queue_position(run.id) for run in runs[:300]]
    assert places == [None, None, *range(1, 299)]
    assert hands.status(runs[40].id).reason == "Waits for a free hand; 38 ahead of it."
    assert sorted_queues == [1000]
    assert hands.queue_position("nobody") is None


def test_the_order_is_new_after_every_change_also_another_process_s(
    hands: Hands, store: RunStore
) -> None:
    runs = hands.submit_all([TINY] * 5, owner="ann", race="r")
    assert hands.queue_position(runs[4].id) == 3
    elsewhere = RunStore(store.folder)  # as another process has it
    elsewhere.withdraw([runs[2].id])
    assert hands.queue_position(runs[4].id) == 2
    elsewhere.update(runs[3].id, host="another")
    assert hands.queue_position(runs[4].id) == 1
    elsewhere.close()
    bobs = hands.submit(TINY, owner="bob")
    assert hands.queue_position(bobs.id) == 1
    hands.stop(runs[4].id)
    hands.remove(bobs.id)
    assert hands.queue_position(runs[4].id) is None
    assert hands.queue_position(bobs.id) is None


@pytest.mark.parametrize("how", ["one by one", "as a race"])
def test_submitting_a_thousand_puts_them_in_order_only_while_there_is_a_place(
    hands: Hands, sorted_queues: list[int], how: str
) -> None:
    if how == "as a race":
        hands.submit_all([TINY] * 300)
    else:
        for _ in range(300):
            hands.submit(TINY)
    assert len(sorted_queues) <= 3
    assert len(hands.taken) == 2


def test_a_freed_place_costs_one_look_at_the_queue(
    hands: Hands, sorted_queues: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = hands.submit_all([TINY] * 300)
    read: list[str] = []
    real: Callable[[str], object] = hands.store.run
    monkeypatch.setattr(hands.store, "run", lambda run_id: read.append(run_id) or real(run_id))
    del sorted_queues[:]
    hands._training[runs[0].id].paused = True
    hands._dispatch()
    assert len(sorted_queues) == 1
    assert read == [runs[2].id, runs[3].id]


def test_one_click_removes_what_one_click_made(hands: Hands, store: RunStore) -> None:
    kept = train_here(store, store.create(TINY.replace(steps=2), owner="bob").id)
    runs = hands.submit_all([TINY.replace(seed=seed) for seed in range(50)], owner="ann", race="r")
    (store.run_folder(runs[0].id)).mkdir()
    (store.run_folder(runs[0].id) / "00000000.safetensors").write_bytes(b"x")
    hands.remove(*(run.id for run in runs))
    assert [run.id for run in store.runs()] == [kept.id]
    assert store.snapshots(kept.id)
    assert all(hand.killed for hand in hands.taken)
    assert not store.run_folder(runs[0].id).exists()
    for hand in hands.taken:
        hands._ended(hand)  # its process has gone, and with it its run: nothing to settle
    assert hands._training == {}
    assert hands.troubles() == []
    hands.remove(*(run.id for run in runs))  # a second click: nothing to do


def test_a_pinned_run_keeps_its_race_from_being_removed(hands: Hands, store: RunStore) -> None:
    runs = hands.submit_all([TINY] * 3, race="r")
    store.pin(runs[1].id)
    with pytest.raises(ParamixerError, match=r"runs that are not pinned.*unpin them first"):
        hands.remove(*(run.id for run in runs))
    assert len(store.runs()) == 3


def test_a_race_is_paused_and_stopped_as_a_whole(hands: Hands, store: RunStore) -> None:
    runs = [run.id for run in hands.submit_all([TINY] * 50, race="r")]
    hands.pause(*runs)
    assert len(hands.taken) == 2  # none got a place while another lost it
    waiting = [run_id for run_id in runs if store.run(run_id).state is RunState.PAUSED]
    assert len(waiting) == 48
    hands.resume(*waiting)
    hands.stop(*runs)
    stopped = [run_id for run_id in runs if store.run(run_id).state is RunState.STOPPED]
    assert len(stopped) == 46  # two more got the places of those that pause
    assert len(hands.taken) == 4


def test_what_is_wrong_with_one_run_keeps_the_others_from_nothing(
    hands: Hands, store: RunStore
) -> None:
    runs = [run.id for run in hands.submit_all([TINY] * 5)]
    store.update(runs[3], state=RunState.FINISHED)
    with pytest.raises(ParamixerError, match="a run that is under way, got a finished one"):
        hands.pause(*runs)
    assert store.run(runs[4]).state is RunState.PAUSED
    assert store.run(runs[2]).state is RunState.PAUSED
