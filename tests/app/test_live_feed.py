"""What watching browsers fetch: the store's own numbers, in one small message read once for all."""

import asyncio
import threading
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from starlette.requests import Request
from starlette.responses import Response

from app import engine, live_feed, say
from app.components.payload import unpack
from app.live_feed import Shared, Watched
from paramixer_core.config import RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.runs import RunStore
from paramixer_core.runs.journal import Entry, StoreJournal
from paramixer_core.runs.race_curves import RaceAxis, RaceQuantity
from paramixer_core.runs.run import Run, RunState
from tests.runs.hands import Hands

STEPS = 5_000


class StoreOnly:
    """An executor of runs that nobody trains."""

    def __init__(self, store: RunStore) -> None:
        self.store = store

    def troubles(self) -> list[str]:
        """Nothing is wrong."""
        return []

    def status(self, run_id: str) -> Run:
        return self.store.run(run_id)

    def statuses(self, run_ids: Sequence[str]) -> list[Run]:
        return self.store.several(run_ids)


@pytest.fixture
def store(tmp_path, monkeypatch) -> Iterator[RunStore]:
    """A store behind the engine."""
    made = RunStore(tmp_path)
    monkeypatch.setattr(engine, "executor", lambda: StoreOnly(made))
    yield made
    made.close()


def trained(store: RunStore, mixer: str = "chord", seed: int = 0, steps: int = STEPS) -> Run:
    """A run with figures as a worker would have written them."""
    run = store.create(RunConfig(mixer=mixer, seq_len=16, seed=seed, steps=2 * STEPS))
    draw = np.random.default_rng(seed)
    rows = [
        (step, float(loss), 0.5, float(norm), 100.0, step / 100)
        for step, (loss, norm) in enumerate(draw.random((steps, 2)), start=1)
    ]
    store.update(run.id, state=RunState.RUNNING, lease="held")
    StoreJournal(store, run.id, "held").write(Entry(records=rows))
    return store.run(run.id)


def ask(address: str, **headers: str) -> Response:
    """What the server answers to a browser."""
    path, query = address.split("?")
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }
    return asyncio.run(live_feed.answer(Request(scope)))


def test_figures_are_those_of_the_store(store):
    run = trained(store)
    header, arrays = unpack(live_feed.message(Watched((run.id,))))
    curve = store.records(run.id, max_points=600)
    np.testing.assert_array_equal(arrays["x0"], curve.step.astype(np.float32))
    np.testing.assert_array_equal(arrays["y0"], curve.loss.astype(np.float32))
    figures = dict(header["cards"][0]["figures"])
    assert figures["Batch loss"] == f"{curve.loss[-1]:.3g}"
    assert figures["Gradient norm"] == f"{curve.grad_norm[-1]:.3g}"
    assert header["cards"][0]["progressText"] == f"step {STEPS:,} of {2 * STEPS:,}"
    assert header["active"]


def test_another_curve_and_another_axis_can_be_asked_for(store):
    run = trained(store)
    watched = Watched((run.id,), RaceAxis.SECONDS, RaceQuantity.GRAD_NORM)
    header, arrays = unpack(live_feed.message(watched))
    curve = store.records(run.id, max_points=600)
    np.testing.assert_array_equal(arrays["x0"], curve.seconds.astype(np.float32))
    np.testing.assert_array_equal(arrays["y0"], curve.grad_norm.astype(np.float32))
    assert header["charts"][0]["xLabel"] == "seconds of training"


def test_a_message_does_not_grow_with_the_length_of_runs(store):
    runs = [trained(store, mixer) for mixer in ("chord", "cdil", "attention")]
    assert len(live_feed.message(Watched(tuple(run.id for run in runs)))) < 50_000


def test_seeds_of_one_setting_share_a_card_and_settings_of_one_mixer_do_not(store):
    seeds = [trained(store, seed=seed, steps=20) for seed in (1, 2)]
    other = store.create(RunConfig(mixer="chord", seq_len=16, steps=7))
    header, _ = unpack(live_feed.message(Watched((seeds[0].id, seeds[1].id, other.id))))
    names = [card["name"] for card in header["cards"]]
    assert len(names) == 2
    assert names[1].endswith(other.id[:4])
    assert "seeds 1, 2" in header["cards"][0]["setting"]
    assert "±" in dict(header["cards"][0]["figures"])["Batch loss"]


def test_the_signature_changes_with_a_state_alone(store):
    run = trained(store, steps=20)
    before = unpack(live_feed.message(Watched((run.id,))))[0]["signature"]
    store.update(run.id, step=21)
    assert unpack(live_feed.message(Watched((run.id,))))[0]["signature"] == before
    store.update(run.id, state=RunState.PAUSED)
    header, _ = unpack(live_feed.message(Watched((run.id,))))
    assert header["signature"] != before
    assert header["cards"][0]["status"] == [list(say.STATES[RunState.PAUSED])]


def test_the_server_sends_nothing_anew_and_says_what_it_cannot_find(store):
    run = trained(store, steps=20)
    store.update(run.id, state=RunState.STOPPED)
    address = Watched((run.id,)).address
    first = ask(address)
    assert first.status_code == 200
    assert unpack(first.body)[0]["url"] == address
    again = ask(address, **{"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.body) == (304, b"")
    missing = ask(address.replace(run.id, "nosuchrun"))
    assert missing.status_code == 404
    assert b"nosuchrun" in missing.body


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"runs": "", "over": "steps", "curve": "loss"},
        {"runs": ",".join("abcdefgh" * 5), "over": "steps", "curve": "loss"},
        {"runs": "a", "over": "miles", "curve": "loss"},
        {"runs": "a", "over": "steps", "curve": "test_loss"},
        {"runs": "a"},
    ],
)
def test_an_address_that_cannot_be_drawn_is_refused_in_a_sentence(query):
    with pytest.raises(ParamixerError, match=r"Expected .*, got "):
        Watched.asked(query)


def test_an_address_says_what_is_watched():
    watched = Watched(("a-1", "b_2"), RaceAxis.MULTIPLY_ADDS, RaceQuantity.ACCURACY)
    query = dict(pair.split("=") for pair in watched.address.split("?")[1].split("&"))
    assert Watched.asked(query) == watched


def test_all_who_ask_at_once_get_one_reading(monkeypatch):
    read = []
    monkeypatch.setattr(live_feed, "message", lambda watched: read.append(watched) or b"read")

    async def class_of_thirty() -> list[bytes]:
        shared, watched = Shared(), Watched(("run",))
        return await asyncio.gather(*(shared.message(watched) for _ in range(30)))

    assert asyncio.run(class_of_thirty()) == [b"read"] * 30
    assert len(read) == 1


def test_a_reading_that_takes_long_is_not_begun_again_beside_itself(monkeypatch):
    monkeypatch.setattr(live_feed, "SHARED_SECONDS", 0.0)
    begun, go_on = [], threading.Event()

    def slow(watched: Watched) -> bytes:
        begun.append(watched)
        assert go_on.wait(60)
        return b"read"

    monkeypatch.setattr(live_feed, "message", slow)

    async def one_after_the_other() -> list[bytes]:
        shared, asked = Shared(), [Watched(("a",)), Watched(("b",))]
        waiting = []
        for watched in asked * 5:
            waiting.append(asyncio.create_task(shared.message(watched)))
            await asyncio.sleep(0.01)
        go_on.set()
        return await asyncio.gather(*waiting)

    assert asyncio.run(one_after_the_other()) == [b"read"] * 10
    assert len(begun) == 2


def test_the_states_of_all_runs_are_read_in_one_query(store, monkeypatch):
    hands = Hands(store, places=1)
    runs = hands.submit_all([RunConfig(seq_len=16, seed=seed) for seed in range(30)])
    monkeypatch.setattr(engine, "executor", lambda: hands)
    queries: list[str] = []
    with store.reading() as database:
        database.set_trace_callback(queries.append)
    header, _ = unpack(live_feed.message(Watched(tuple(run.id for run in runs[3:13]))))
    assert len(header["cards"]) == 1
    read = [text for text in queries if "FROM runs" in text]
    assert len(read) <= 2, "the runs, and the queue's order if it changed"
    again: list[str] = queries.copy()
    queries.clear()
    live_feed.message(Watched(tuple(run.id for run in runs[3:13])))
    assert len([text for text in queries if "FROM runs" in text]) == 1, again
    hands.close()


def test_one_who_gives_up_takes_nothing_from_the_others(monkeypatch):
    monkeypatch.setattr(live_feed, "message", lambda watched: b"read")

    async def one_leaves() -> bytes:
        shared, watched = Shared(), Watched(("run",))
        leaving = asyncio.create_task(shared.message(watched))
        await asyncio.sleep(0)
        leaving.cancel()
        return await shared.message(watched)

    assert asyncio.run(one_leaves()) == b"read"
