"""The app, started as its users start it, and what a browser would see of its runs."""

import json
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from paramixer_core.config import RunConfig
from paramixer_core.runs import RunStore
from tests.load.pupil import header_of
from tests.load.server import ADDRESS, serving

LONG = RunConfig(
    seq_len=16, channels=8, hidden=8, batch=8, steps=1_000_000, learning_rate=1e-3, device="cpu"
)
"""A run that does not end by itself, thousands of steps a minute."""

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@contextmanager
def home_of(*configs: RunConfig, folder: Path | None = None) -> Iterator[tuple[Path, list[str]]]:
    """A folder with a store in which these runs wait, and their ids."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        home = Path(scratch) / "home"
        store = RunStore(home)
        ids = store.create_race(configs, owner="", race=None, host="")
        store.close()
        yield home, ids


@contextmanager
def app_on(home: Path, **settings: str) -> Iterator[int]:
    """The app on a store, one run at a time; its process id. It is ended."""
    told = {"PARAMIXER_HOME": str(home), "PARAMIXER_WORKERS": "1", **settings}
    with serving(**told) as server:
        yield server.pid


def watched(*ids: str) -> tuple[int, str]:
    """What the feed of live runs answers: its status, and the runs' states or its sentence."""
    address = f"{ADDRESS}/live?runs={','.join(ids)}&over=steps&curve=loss"
    try:
        with OPENER.open(address, timeout=60) as answer:
            cards = header_of(answer.read())["cards"]
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    return 200, json.dumps([[text for _, text in card["status"]] for card in cards])


def seen(ids: list[str], wanted: Callable[[int, str], bool], seconds: float) -> str:
    """What the feed says once it is wanted, or after so long."""
    deadline = time.monotonic() + seconds
    while True:
        status, text = watched(*ids)
        if wanted(status, text) or time.monotonic() > deadline:
            return text
        time.sleep(0.3)


def steps(store: RunStore, run_id: str, more: int, seconds: float = 120.0) -> int:
    """Wait until a run has made so many steps more; how many it has made."""
    begun = store.run(run_id).step
    deadline = time.monotonic() + seconds
    while (step := store.run(run_id).step) < begun + more and time.monotonic() < deadline:
        time.sleep(0.1)
    return step - begun


def without_gap(store: RunStore, run_id: str) -> bool:
    """Whether every step of a run is recorded, from the first to the last."""
    found = store.records(run_id, max_points=10**7).step
    return len(found) > 0 and found.tolist() == list(range(1, int(found[-1]) + 1))
