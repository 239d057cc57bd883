"""Sets of measurements: which there are, choosing, bringing, taking along and removing them."""

from functools import cache

import streamlit as st

from app import controls, engine
from app.escape import plain
from app.prose import ASSETS
from paramixer_core.errors import ParamixerError
from paramixer_core.measure.files import MAX_FILE_BYTES, Measurements
from paramixer_core.measure.record import Clock, Work
from paramixer_core.measure.shelf import Shelf, name_of

SHIPPED = "cpu"
KIND = "measured-"
"""Comes before a set's name where it is noted who brought what."""
NONE = "none"


@cache
def shipped() -> Measurements:
    """The set that comes with the app: a CPU."""
    return Measurements.from_json((ASSETS / "benchmarks" / f"{SHIPPED}.json").read_bytes())


def shelf() -> Shelf:
    """The sets of this server."""
    return Shelf()


@st.cache_data(max_entries=64, show_spinner=False)
def kept(name: str) -> Measurements:
    """A set by its name; its content cannot change, since the name holds its digest."""
    return shipped() if name == SHIPPED else shelf().read(name)


def keep(measured: Measurements) -> str:
    """Keep a set of this browser's; its name. Raises QuotaError if it has too many."""
    with engine.claiming(KIND + name_of(measured), len(measured.to_json())):
        return shelf().keep(measured)


def claim(name: str) -> None:
    """Note that a set which lies on the shelf already is this browser's; QuotaError as `keep`."""
    with engine.claiming(KIND + name, len(shelf().read(name).to_json())):
        pass


def read(name: str) -> Measurements | None:
    """A set, or None with a sentence on the page if it cannot be read."""
    try:
        return kept(name)
    except ParamixerError as error:
        st.error(plain(error), icon=":material/error:")
        return None


def titles() -> dict[str, str]:
    """Every readable set's title by its name, the shipped one first."""
    found = {SHIPPED: "shipped with the app"}
    named = (st.query_params.get("set"), st.query_params.get("beside"))
    own = engine.brought()
    for name in shelf().names():
        if name not in named and KIND + name not in own:
            continue  # somebody else's
        try:
            found[name] = title(kept(name))
        except ParamixerError:
            found[name] = f"{name} (cannot be read)"
    return found


def title(measured: Measurements) -> str:
    """Date, what was timed, and where."""
    plan = measured.sweeps[0].plan
    what = "training" if plan.work is Work.TRAINING else "forward"
    machine = measured.machine
    where = machine.processor if machine.device == "cpu" else machine.device
    stamp = machine.date[:16].replace("T", " ")
    return f"{stamp} · {what}, batch {plan.batch} · {where}"


def choose() -> tuple[str, str]:
    """The set that is shown, and the one beside it or NONE."""
    there = titles()
    name = controls.choice("Measurements", "set", list(there), default=SHIPPED, titles=there)
    others = [NONE, *(other for other in there if other != name)]
    beside = controls.choice(
        "Beside them", "beside", others, default=NONE, titles={NONE: "nothing", **there}
    )
    return name, beside


def files(name: str, measured: Measurements) -> None:
    """Taking a set along, bringing one, removing one."""
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            "Measurements, JSON",
            measured.to_json(),
            f"paramixer-{name}.json",
            key="set-json",
            on_click="ignore",
            icon=":material/download:",
        )
        st.download_button(
            "Points, CSV",
            measured.to_csv(),
            f"paramixer-{name}.csv",
            key="set-csv",
            on_click="ignore",
        )
        own = KIND + name in engine.brought()
        if (
            name != SHIPPED
            and own
            and st.button("Remove", icon=":material/delete:", key="set-remove")
        ):
            if engine.disclaim(KIND + name):
                shelf().delete(name)
            st.rerun()
    if name == SHIPPED:
        wall = measured.sweeps[0].plan.clock is Clock.WALL
        threads = measured.machine.threads
        st.caption(
            "Made by `python -m paramixer_core.bench sweep FILE --shipped`: "
            + ("wall time" if wall else "time spent computing, not wall time,")
            + f" of {threads} thread{'s' * (threads > 1)}"
            + ", as many as a run gets while all cores train" * (threads == 1)
            + ". No set of a GPU ships: none was at hand."
        )
    brought = st.file_uploader(
        "Measurements of another machine (JSON)",
        type="json",
        key="set-upload",
        max_upload_size=MAX_FILE_BYTES // 10**6,
    )
    if brought is not None and st.session_state.get("set-taken") != brought.file_id:
        try:
            added = keep(Measurements.from_json(brought.getvalue()))
        except ParamixerError as error:
            st.error(plain(error), icon=":material/error:")
            return
        st.session_state["set-taken"] = brought.file_id
        st.query_params["set"] = added
        st.rerun()
