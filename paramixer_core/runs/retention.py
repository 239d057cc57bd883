"""How much disk the runs may take, and who goes first."""

import os
import shutil
from collections import Counter

from paramixer_core.errors import ParamixerError
from paramixer_core.runs.memory import parse_size, readable_size
from paramixer_core.runs.quotas import Quotas
from paramixer_core.runs.run import Run, RunState
from paramixer_core.runs.store import RunStore

DEFAULT_CAP = 10 * 10**9
LEAST_FREE = 200 * 10**6  # bytes that must stay free on the disk for a new run to begin


def disk_cap() -> int:
    """Bytes that all runs together may take: PARAMIXER_DISK (like "10 GB"), default 10 GB."""
    text = os.environ.get("PARAMIXER_DISK")
    return parse_size("PARAMIXER_DISK", text) if text else DEFAULT_CAP


def disk_used(store: RunStore) -> int:
    """Bytes that the store takes: its database and its snapshots."""
    with store.reading() as database:
        pages = database.execute("PRAGMA page_count").fetchone()[0]
        size = database.execute("PRAGMA page_size").fetchone()[0]
        files = database.execute("SELECT coalesce(sum(bytes), 0) FROM snapshots").fetchone()[0]
    return int(pages * size + files)


def make_room(store: RunStore, cap: int | None = None) -> list[Run]:
    """Delete the oldest ended runs that nobody pinned until the store is under its cap.

    The newest ended runs of every owner stay, `Quotas.kept_per_browser` of them, whoever needs
    the room. Returns what was deleted. Raises ParamixerError if that is not enough, or if the disk
    itself is nearly full.
    """
    limit = disk_cap() if cap is None else cap
    deleted: list[Run] = []
    used = disk_used(store)
    if used > limit:
        for run in removable(store):
            store.delete(run.id)
            deleted.append(run)
            used = disk_used(store)
            if used <= limit:
                break
    if used > limit:
        raise ParamixerError(
            f"at most {readable_size(limit)} of runs in {store.folder}",
            f"{readable_size(used)} that are pinned, under way or somebody's last ones",
            "unpin or delete some, or raise PARAMIXER_DISK",
        )
    free = shutil.disk_usage(store.folder).free
    if free < LEAST_FREE:
        raise ParamixerError(
            f"at least {readable_size(LEAST_FREE)} free on the disk that holds {store.folder}",
            readable_size(free),
            "delete runs that you no longer need, or other files",
        )
    return deleted


def removable(store: RunStore) -> list[Run]:
    """Runs that may go, the oldest first: ended, not pinned, not among their owner's last ones."""
    ended = [state for state in RunState if not state.active]
    kept = Counter[str]()
    most = Quotas.from_environment().kept_per_browser
    candidates = []
    for run in store.runs(states=ended, limit=100_000):
        kept[run.owner] += 1
        last = run.owner and kept[run.owner] <= most  # what has no owner is nobody's last one
        if not (last or run.pinned):
            candidates.append(run)
    return candidates[::-1]
