"""Jobs of the pages: one per tab and key, finished ones shared, with progress and a stop."""

import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import streamlit as st

from app import engine, say
from app.escape import plain
from paramixer_core.jobs import Job

T = TypeVar("T")
MAX_KEPT = 24


def job(key: str, request: object, work: Callable[..., Iterator[T]], *arguments: Any) -> Job[T]:
    """The job for a request: a new request ends the tab's earlier job under this key.

    A finished one is shared with everybody who asks for the same.
    """
    return held(key, request, lambda: Job(work, arguments, engine.owner()))


def held(key: str, request: object, make: Callable[[], Job[T]], *, shared: bool = True) -> Job[T]:
    """The same for a job that `make` gives, not begun; `shared`: whether others may have it too."""
    now: tuple[object, Job[T]] | None = st.session_state.get(key)
    if now is not None and now[0] == request and not now[1].forsaken:
        return now[1]
    if now is not None:
        now[1].cancel()
        if now[1].finished and shared:
            share((key, now[0]), now[1])
    found = (finished_jobs().get((key, request)) if shared else None) or make().start()
    st.session_state[key] = (request, found)
    return found


def share(asked: object, done: Job[Any]) -> None:
    """Keep a finished job for others, the latest few."""
    kept = finished_jobs()
    kept[asked] = done
    while len(kept) > MAX_KEPT:
        kept.pop(next(iter(kept)))


@st.cache_resource
def finished_jobs() -> dict[object, Job[Any]]:
    """What was finished lately on this server."""
    return {}


def progress(work: Job[Any], total: int, unit: str, key: str) -> None:
    """How far the job under `key` is, with a button to end it or, once ended, to start it anew.

    Nothing once it is done.
    """
    done = len(work.results)
    if work.failure:
        st.error(plain(work.failure), icon=":material/error:")
    elif work.cancelled:
        told, button = st.columns([5, 1], vertical_alignment="center")
        told.caption(f"Stopped after {done:,} of {total:,}.")
        if button.button("Again", key=f"again-{key}", icon=":material/replay:"):
            st.session_state.pop(key)
            st.rerun()
    elif work.running:
        bar, button = st.columns([5, 1], vertical_alignment="center")
        bar.progress(min(1.0, done / total), text=pace(work, done, total, unit))
        if button.button("Stop", key=f"stop-{key}", icon=":material/stop:"):
            work.cancel()
            st.rerun()


def pace(work: Job[Any], done: int, total: int, unit: str) -> str:
    """How many are done, how fast they come, how long the rest may take."""
    if not work.started:
        return "Waits for another computation of this server."
    if not done:
        return f"{unit.capitalize()} 1 of {total:,} is on its way."
    each = (time.monotonic() - work.started) / done
    left = say.duration(each * (total - done))
    return f"{done:,} of {total:,}, {each:.2g} s each, {left} left"
