"""The server's one run store and executor, shared by every browser."""

import atexit
import secrets
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from functools import cache

import streamlit as st

from app import identity
from app.escape import plain
from paramixer_core.config import RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.runs import uploaded
from paramixer_core.runs.executor import Executor, open_executor
from paramixer_core.runs.ownership import OwnedExecutor, OwnedStore
from paramixer_core.runs.races import race_runs, submit_race
from paramixer_core.runs.run import Run
from paramixer_core.runs.store import RunStore
from paramixer_core.runs.store_errors import StoreError
from paramixer_core.uploads.dataset import dataset_file, read_dataset

RUNS = "runs"
MAX_SHOWN = 30
NAMING = (RUNS, "run", "rival", "source")
"""Settings of the pages whose values are ids of runs."""


_opening = threading.Lock()


def executor() -> OwnedExecutor:
    """What trains the runs of this server, as whoever is looking may use it.

    May be asked for by any thread; outside of a page it can only be looked at.
    """
    with _opening:
        held = opened()
    return OwnedExecutor(held, identity.actor())


@cache
def opened() -> Executor:
    """The one executor; `cache_clear` has the next who asks open another one."""
    store = RunStore()
    atexit.register(store.close)
    return open_executor(store)


def store() -> OwnedStore:
    """Where the runs are kept, as whoever is looking may use it."""
    return executor().store


def owner() -> str:
    """The name of this browser: its runs are its own, and the queue is fair to all browsers."""
    return identity.actor().name


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
            st.warning(plain(error), icon=":material/link_off:")
    st.session_state[RUNS] = [run.id for run in runs]
    if st.session_state[RUNS] != (text or "").split(","):
        show(st.session_state[RUNS])
    return runs


def named_runs() -> list[Run]:
    """The runs of this server that the link names, on any page, or that this tab showed last."""
    query = st.query_params
    texts = [query.get(name, "") for name in NAMING]
    wanted = [
        *(name for text in texts for name in text.split(",")),
        *st.session_state.get(RUNS, []),
    ]
    found = []
    for run_id in dict.fromkeys(filter(None, wanted[:MAX_SHOWN])):
        with suppress(ParamixerError):  # one of the gallery, or of none: the control says so
            found.append(store().run(run_id))
    return found


def claiming(name: str, size: int) -> AbstractContextManager[list[int]]:
    """Note that this browser brought `size` bytes, which the block keeps under `name`.

    Yields the sizes of what else it brought. Raises QuotaError if that is too much.
    """
    return uploaded.claiming(store(), name, identity.actor(), size)


def require_upload_room() -> None:
    """Raise QuotaError if this browser may bring nothing more, before it takes pains over it."""
    uploaded.require_room(store(), identity.actor())


def brought() -> list[str]:
    """Names of all that this browser brought, the newest first; the operator sees everybody's."""
    return uploaded.uploads_of(store(), identity.actor())


def disclaim(name: str) -> bool:
    """Give up what this browser brought under a name; whether its file is to be deleted."""
    return uploaded.disclaim(store(), name, identity.actor())


def delete_upload(name: str) -> int:
    """Delete a data set of this browser's with every run trained on it; returns how many."""
    held = opened()
    file = dataset_file(name, held.store.folder)
    runs = uploaded.delete_upload(held, file, name, identity.actor())
    read_dataset.cache_clear()
    st.cache_data.clear()
    return runs


def mine(runs: Sequence[Run]) -> list[Run]:
    """Those of these runs that this browser may change."""
    actor = identity.actor()
    return [run for run in runs if actor.owns(run.owner)]
