"""A classroom on one server: `python -m tests.load.classroom` measures what its pupils feel.

Each of 30 sessions does what a browser does: it opens the Train page of three live runs over a
websocket that speaks Streamlit's protocol, fetches their feed twice a second over HTTP, and every
few seconds uses a control of the page. The same runs are then trained again with nobody watching.
With `--queued 1000` so many runs wait behind them all the time.
Figures, not assertions: times belong to the machine that they were measured on.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from pathlib import Path

from paramixer_core.config import RunConfig
from paramixer_core.runs import RunState, RunStore
from tests.load.pupil import Session, connection
from tests.load.server import serving

MIXERS = ("chord", "cdil", "attention")
ENDLESS = 1_000_000
WAITING = RunConfig(seq_len=16, channels=8, hidden=8, batch=8, steps=ENDLESS)


def measure(sessions: int, seconds: float, further: int, queued: int = 0) -> dict[str, object]:
    """Serve, train three runs, let the sessions watch, then train the same unwatched."""
    workers = str(len(MIXERS))  # all three train at once
    with serving(PARAMIXER_WORKERS=workers) as server, RunStore(server.home) as store:
        return asyncio.run(_lesson(store, server.pid, sessions, seconds, further, queued))


async def _lesson(
    store: RunStore, pid: int, sessions: int, seconds: float, further: int, queued: int
) -> dict[str, object]:
    teacher = Session(f"mixers={','.join(MIXERS)}&task=adding&n=128&steps={ENDLESS}")
    async with connection() as desk:
        await teacher.ask(desk)
        await teacher.ask(desk, press="Start")
        ids = await _started(store)
        configs = [WAITING.replace(seed=seed) for seed in range(queued)]
        waiting = await asyncio.to_thread(store.create_race, configs, owner="", race=None, host="")
        alone = await _speed(store, ids, seconds / 3)
        memory_before = resident(pid)
        idle = asyncio.create_task(teacher.listen(desk))
        watchers = [Session(f"runs={','.join(ids)}") for _ in range(sessions)]
        spent = cpu_seconds(pid)
        steps_before, began = _steps(store, ids), time.monotonic()
        stopped = asyncio.Event()
        lesson = [asyncio.create_task(w.live(began + seconds, stopped)) for w in watchers]
        await asyncio.sleep(seconds)
        watched = (_steps(store, ids) - steps_before) / (time.monotonic() - began)
        memory_after, spent = resident(pid), cpu_seconds(pid) - spent
        await asyncio.sleep(2.0)
        after = await _speed(store, ids, seconds / 3)
        eager = [Session("", feed=watchers[0].feed) for _ in range(sessions)]
        await asyncio.gather(*(one.hurry(further // sessions) for one in eager))
        memory_at_last = resident(pid)
        teacher.query = watchers[0].query
        still = await asyncio.to_thread(_waiting, store, waiting)
        await asyncio.to_thread(store.delete_all, waiting, active=True)
        idle.cancel()
        await teacher.ask(desk)
        await teacher.ask(desk, press="Stop")
        while any(run.state.active for run in store.runs()):
            await asyncio.sleep(0.1)
        stopped.set()
        await asyncio.gather(*lesson)
    final = {f"step {store.run(run_id).step:,} of {ENDLESS:,}" for run_id in ids}
    ticks = sorted(tick for watcher in watchers for tick in watcher.ticks)
    controls = sorted(control for watcher in watchers for control in watcher.controls)
    unwatched = (alone + after) / 2
    return {
        "sessions": sessions,
        "runs that waited all the time": still,
        "load of the machine": os.getloadavg()[0],
        "seconds": seconds,
        "errors": [error for watcher in watchers for error in watcher.errors],
        "sessions that did not see the last step": sum(w.shown != final for w in watchers),
        "ticks": len(ticks),
        "tick ms median": 1e3 * statistics.median(ticks),
        "server CPU ms per tick or control": 1e3 * spent / (len(ticks) + len(controls)),
        "tick ms 95 %": 1e3 * ticks[int(0.95 * len(ticks))],
        "controls": len(controls),
        "control ms median": 1e3 * statistics.median(controls),
        "control ms 95 %": 1e3 * controls[int(0.95 * len(controls))],
        "kB per session and second": statistics.mean(w.received for w in watchers) / seconds / 1e3,
        "steps/s unwatched": unwatched,
        "steps/s watched": watched,
        "training slowed by %": 100 * (1 - watched / unwatched),
        "server MiB before": memory_before / 2**20,
        "server MiB after": memory_after / 2**20,
        f"server MiB after {further} ticks more": memory_at_last / 2**20,
    }


async def _started(store: RunStore) -> list[str]:
    for _ in range(1200):
        runs = store.runs()
        if len(runs) == len(MIXERS) and all(run.step > 20 for run in runs):
            return [run.id for run in runs]
        await asyncio.sleep(0.1)
    raise TimeoutError("The runs did not start within two minutes.")


def _waiting(store: RunStore, ids: list[str]) -> int:
    return sum(store.run(run_id).state is RunState.QUEUED for run_id in ids)


def _steps(store: RunStore, ids: list[str]) -> int:
    return sum(store.run(run_id).step for run_id in ids)


async def _speed(store: RunStore, ids: list[str], seconds: float) -> float:
    before, began = _steps(store, ids), time.monotonic()
    await asyncio.sleep(seconds)
    return (_steps(store, ids) - before) / (time.monotonic() - began)


def resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used, all its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure and print as JSON."""
    parser = argparse.ArgumentParser(description="A classroom on one server.")
    parser.add_argument("--sessions", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument(
        "--further",
        type=int,
        default=0,
        help="ticks after the lesson, as fast as they come, to see whether memory grows; "
        "30 sessions make 216,000 in an hour",
    )
    parser.add_argument("--queued", type=int, default=0, help="runs that wait meanwhile")
    asked = parser.parse_args()
    figures = measure(asked.sessions, 60 * asked.minutes, asked.further, asked.queued)
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
