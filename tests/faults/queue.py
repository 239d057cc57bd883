"""A queue of a thousand, watched by a class: 30 browsers that each show 10 runs that wait."""

import asyncio
import random
import statistics
import sys
import time

from tests.faults.fault import Fault
from tests.faults.served import LONG, app_on, home_of, seen
from tests.load.pupil import Session

BROWSERS, EACH, LENGTH = 30, 10, 1_000
SECONDS = 20.0
MOST = 0.2  # seconds that 95 of 100 ticks may take


def long_queue() -> str:
    """Let everybody watch, and time the ticks."""
    configs = [LONG.replace(seed=seed) for seed in range(LENGTH + 1)]
    with home_of(*configs) as (home, ids), app_on(home):
        seen(ids[:1], lambda status, text: "trains" in text, 60)
        waiting = ids[-BROWSERS * EACH :]
        shares = [waiting[place::BROWSERS] for place in range(BROWSERS)]
        sessions = [
            Session("", feed=f"/live?runs={','.join(share)}&over=steps&curve=loss")
            for share in shares
        ]
        asyncio.run(_watch(sessions))
    ticks = sorted(tick for session in sessions for tick in session.ticks)
    errors = [error for session in sessions for error in session.errors]
    p95 = ticks[int(0.95 * len(ticks))]
    sys.stderr.write(
        f"{len(ticks)} ticks: median {1e3 * statistics.median(ticks):.0f} ms, "
        f"95 % {1e3 * p95:.0f} ms, most {1e3 * ticks[-1]:.0f} ms\n"
    )
    if errors:
        return f"{len(errors)} errors, {errors[0]}"
    return f"95 % of ticks under {1e3 * MOST:.0f} ms" if p95 < MOST else f"95 %: {1e3 * p95:.0f} ms"


async def _watch(sessions: list[Session]) -> None:
    until = time.monotonic() + SECONDS
    stopped = asyncio.Event()
    stopped.set()
    random.shuffle(sessions)
    await asyncio.gather(*(session.watch(until, stopped) for session in sessions))


FAULTS = (
    Fault(
        "long queue",
        f"{BROWSERS} browsers watch {EACH} runs each in a queue of {LENGTH:,}",
        f"95 % of ticks under {1e3 * MOST:.0f} ms",
        long_queue,
    ),
)
