"""The server's one run store and executor, shared by every browser."""

import atexit
import secrets
import threading
from collections.abc import Sequence
from functools import cache

import streamlit as st

from paramixer_core.config import RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.runs.executor import Executor, open_executor
from paramixer_core.runs.races import race_runs, submit_race
from paramixer_core.runs.run import Run
from paramixer_core.runs.store import RunStore

RUNS = "runs"
MAX_SHOWN = 30


_opening = threading.Lock()


def executor() -> Executor:
    """What trains the runs of this server; may be asked for by any thread."""
    with _opening:
        return opened()


@cache
def opened() -> Executor:
    """The one executor; `cache_clear` has the next who asks open another one."""
    store = RunStore()
    atexit.register(store.close)
    return open_executor(store)


def store() -> RunStore:
    """Where the runs are kept."""
    return executor().store


def owner() -> str:
    """A name for this browser tab, so that the queue can be fair to all of them."""
    name: str = st.session_state.setdefault("owner", secrets.token_urlsafe(8))
    return name


def race(base: RunConfig, mixers: Sequence[str], seeds: Sequence[int], *, match: bool) -> None:
    """Start one run per mixer and seed on identical batches, and put them into the link."""
    race_id = submit_race(executor(), base, mixers, seeds, owner=owner(), match_parameters=match)
    show([run.id for run in race_runs(store(), race_id)])


def reset(runs: list[Run]) -> None:
    """Stop runs and make them anew from the same initial weights, held at step 0."""
    for run in runs:
        if run.state.active:
            executor().stop(run.id)
    fresh = [executor().restart(run.id, owner=owner()) for run in runs]
    for run in fresh:
        executor().pause(run.id)
    show([run.id for run in fresh])


def show(run_ids: list[str]) -> None:
    """Put these runs into the page's link."""
    st.session_state[RUNS] = run_ids
    st.query_params[RUNS] = ",".join(run_ids)


def shown() -> list[Run]:
    """The runs that the link names, else those shown last in this tab; unknown ones said aloud."""
    text = st.query_params.get(RUNS)
    wanted = text.split(",") if text else st.session_state.get(RUNS, [])
    runs = []
    for run_id in dict.fromkeys(wanted[:MAX_SHOWN]):
        try:
            runs.append(executor().status(run_id))
        except ParamixerError as error:
            st.warning(str(error), icon=":material/link_off:")
    if [run.id for run in runs] != (text or "").split(","):
        if runs:
            show([run.id for run in runs])
        else:
            st.session_state[RUNS] = []
            st.query_params.pop(RUNS, None)
    return runs
