"""Who goes next, and how many may wait: turns by owner, so that one who submits twenty runs delays
nobody else by more than one.
"""

import heapq
import sqlite3
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, Protocol, TypeVar

from paramixer_core.runs.quotas import Demand, require_within
from paramixer_core.runs.run import RunState


class Waiting(Protocol):
    """What the queue must know of a run."""

    @property
    def owner(self) -> str:
        """Who asked for it."""


class QueuedRun(NamedTuple):
    """A run that waits: its id and who asked for it."""

    id: str
    owner: str


T = TypeVar("T", bound=Waiting)


def fair_order(
    waiting: Iterable[T], running: Mapping[str, int], last_served: Mapping[str, float]
) -> list[T]:
    """Runs in the order in which they would start, from runs that were queued in this order.

    The next turn goes to the owner with the fewest runs running, then to the one who was served
    longest ago, then to the one who has waited longest. Takes O(runs log owners).
    """
    by_owner: defaultdict[str, deque[T]] = defaultdict(deque)
    for run in waiting:
        by_owner[run.owner].append(run)
    turns = [
        (running.get(owner, 0), (0, last_served.get(owner, 0.0)), place, owner)
        for place, owner in enumerate(by_owner)
    ]
    heapq.heapify(turns)
    order: list[T] = []
    while turns:
        load, _, place, owner = turns[0]
        order.append(by_owner[owner].popleft())
        if by_owner[owner]:
            heapq.heapreplace(turns, (load + 1, (len(order), 0.0), place, owner))
        else:
            heapq.heappop(turns)
    return order


class Order:
    """The order of a queue, computed once for each change and shared by all who ask."""

    def __init__(
        self, generation: Callable[[], int], queued: Callable[[], list[QueuedRun]]
    ) -> None:
        self._generation, self._queued = generation, queued
        self._lock = threading.Lock()
        self._known: object = None
        self._served: dict[str, float] = {}
        self._turns = 0
        self._ids: list[str] = []
        self._places: dict[str, int] = {}

    def serve(self, owner: str) -> None:
        """One of this owner's runs has its turn now."""
        with self._lock:
            self._served[owner] = time.time()
            self._turns += 1

    def ids(self, busy: Mapping[str, int]) -> list[str]:
        """The ids of those that wait, the next one first, while so many runs of owners run."""
        return self._fresh(busy)[0]

    def places(self, busy: Mapping[str, int]) -> Mapping[str, int]:
        """The place of every run that waits, 1 for the one that starts next."""
        return self._fresh(busy)[1]

    def _fresh(self, busy: Mapping[str, int]) -> tuple[list[str], dict[str, int]]:
        generation = self._generation()
        with self._lock:
            now = (generation, self._turns, frozenset(busy.items()))
            if now != self._known:
                ordered = fair_order(self._queued(), busy, self._served)
                self._ids = [run.id for run in ordered]
                self._places = {run_id: place + 1 for place, run_id in enumerate(self._ids)}
                self._known = now
            return self._ids, self._places


def require_run_quota(database: sqlite3.Connection, owner: str, more: int) -> None:
    """Raise QuotaError if `more` new runs of an owner are too many to wait or to be kept.

    Counts in the transaction that is to add them, so that two at once cannot pass together.
    """
    require_queue_quota(database, owner, more)
    of_owner, of_all = _count(database, owner, "1 = 1")
    require_within(
        "runs kept",
        Demand(of_owner + more, of_all + more),
        "runs",
        owned=bool(owner),
        remedy="remove runs that you no longer need",
    )


def require_queue_quota(database: sqlite3.Connection, owner: str, more: int) -> None:
    """Raise QuotaError if `more` runs of an owner are too many to wait."""
    of_owner, of_all = _count(database, owner, f"state = '{RunState.QUEUED}'")
    require_within(
        "runs that wait",
        Demand(of_owner + more, of_all + more),
        "queue",
        owned=bool(owner),
        remedy="stop or remove some that wait, or start fewer at once",
    )


def _count(database: sqlite3.Connection, owner: str, condition: str) -> tuple[int, int]:
    query = f"SELECT count(*) FROM runs WHERE {condition}"
    of_all = database.execute(query).fetchone()[0]
    of_owner = database.execute(f"{query} AND owner = ?", (owner,)).fetchone()[0]
    return int(of_owner), int(of_all)
