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
from paramixer_core.runs.store_errors import StoreError

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


def race(
    base: RunConfig,
    mixers: Sequence[str],
    seeds: Sequence[int],
    *,
    match: bool,
    paper_sizes: bool = False,
) -> None:
    """Start one run per mixer and seed on identical batches, and put them into the link."""
    race_id = submit_race(
        executor(),
        base,
        mixers,
        seeds,
        owner=owner(),
        match_parameters=match,
        paper_sizes=paper_sizes,
    )
    show([run.id for run in race_runs(store(), race_id)])


def whole_races(runs: list[Run]) -> list[Run]:
    """These runs and all others of their races: one click made them, one click acts on them."""
    found = {run.id: run for run in runs}
    for name in dict.fromkeys(run.race for run in runs):
        if name is not None:
            for run in store().runs(race=name, limit=10_000):
                found.setdefault(run.id, run)
    return list(found.values())


def remove(runs: list[Run]) -> None:
    """Delete runs with their curves and snapshots, and take them out of the link."""
    executor().remove(*(run.id for run in runs))
    gone = {run.id for run in runs}
    show([run_id for run_id in st.session_state.get(RUNS, []) if run_id not in gone])


def reset(runs: list[Run]) -> None:
    """Stop runs and put new ones in their places, held at the same first weights: of a fork, at its
    snapshot. What raced together races together again.
    """
    executor().stop(*(run.id for run in runs if run.state.active))
    races = {run.race: secrets.token_hex(5) for run in runs if run.race}
    fresh = [
        executor().restart(run.id, owner=owner(), race=races.get(run.race or ""), held=True)
        for run in runs
    ]
    show([run.id for run in fresh])


def show(run_ids: list[str]) -> None:
    """Put these runs into the page's link."""
    st.session_state[RUNS] = run_ids
    if run_ids:
        st.query_params[RUNS] = ",".join(run_ids)
    else:
        st.query_params.pop(RUNS, None)


def changed(runs: list[Run]) -> bool:
    """Whether other runs than these are to be shown since the page was drawn, or one is gone."""
    return st.session_state.get(RUNS) != [run.id for run in runs] or not all(
        store().holds(run.id) for run in runs
    )


def shown() -> list[Run]:
    """The runs that the link names, else those shown last in this tab; unknown ones said aloud."""
    text = st.query_params.get(RUNS)
    wanted = text.split(",") if text else st.session_state.get(RUNS, [])
    runs = []
    for run_id in dict.fromkeys(wanted[:MAX_SHOWN]):
        try:
            runs.append(executor().status(run_id))
        except StoreError:
            raise  # the store's fault: the link stays as it is
        except ParamixerError as error:
            st.warning(str(error), icon=":material/link_off:")
    st.session_state[RUNS] = [run.id for run in runs]
    if st.session_state[RUNS] != (text or "").split(","):
        show(st.session_state[RUNS])
    return runs
