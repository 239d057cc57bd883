"""Who goes next: turns by owner, so that one who submits twenty runs delays nobody else by more
than one.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping
from typing import Protocol, TypeVar


class Waiting(Protocol):
    """What the queue must know of a run."""

    @property
    def owner(self) -> str:
        """Who asked for it."""


T = TypeVar("T", bound=Waiting)


def fair_order(
    waiting: Iterable[T], running: Mapping[str, int], last_served: Mapping[str, float]
) -> list[T]:
    """Runs in the order in which they would start, from runs that were queued in this order.

    The next turn goes to the owner with the fewest runs running, then to the one who was served
    longest ago, then to the one who has waited longest.
    """
    by_owner: defaultdict[str, deque[T]] = defaultdict(deque)
    for run in waiting:
        by_owner[run.owner].append(run)
    load = Counter(running)
    arrival = {owner: place for place, owner in enumerate(by_owner)}
    served = {owner: (0, last_served.get(owner, 0.0)) for owner in by_owner}
    order: list[T] = []
    while by_owner:
        owner = min(by_owner, key=lambda name: (load[name], served[name], arrival[name]))
        order.append(by_owner[owner].popleft())
        load[owner] += 1
        served[owner] = (len(order), 0.0)
        if not by_owner[owner]:
            del by_owner[owner]
    return order
