"""The data sets that this browser uploaded, and how one is deleted with all that came of it."""

import streamlit as st

from app import engine, names
from app.escape import plain
from app.guarded import said
from paramixer_core.errors import ParamixerError
from paramixer_core.runs.uploaded import trained_on
from paramixer_core.tasks import is_uploaded

GONE, KEPT = "uploaded-gone", "uploaded-kept"


def draw() -> None:
    """A list with a button, once there is something in it."""
    if gone := st.session_state.pop(GONE, ""):
        st.success(plain(gone), icon=":material/delete:")
    if refused := st.session_state.pop(KEPT, ""):
        st.warning(plain(refused), icon=":material/block:")
    kept = [name for name in engine.brought() if is_uploaded(name)]
    if not kept:
        return
    with st.expander(f"Your uploaded sequences ({len(kept)})"):
        titles = names.task_titles()
        name = st.selectbox(
            "Data set",
            kept,
            format_func=lambda one: f"{titles.get(one, 'no longer there')} · {one[-6:]}",
            key="uploaded-name",
        )
        st.caption(
            "It is seen by you and by whoever has a link to it or to a run trained on it. "
            "Deleting is final: the file, and every run trained on it with its curves and "
            "snapshots, also where somebody else started the run."
        )
        runs = len(trained_on(engine.store(), name))
        with_runs = f" and {runs} run{'s' * (runs > 1)} trained on it" if runs else ""
        sure = st.checkbox(f"Delete it{with_runs}, for good", key=f"uploaded-sure-{name}")
        st.button(
            "Delete",
            icon=":material/delete_forever:",
            key="uploaded-delete",
            disabled=not sure,
            on_click=said(delete),
            args=(name,),
        )


def delete(name: str) -> None:
    """Delete a data set; what keeps it from going is said on the page."""
    try:
        runs = engine.delete_upload(name)
    except ParamixerError as error:
        st.session_state[KEPT] = str(error)
        return
    with_runs = f", with {runs} run{'s' * (runs != 1)}" if runs else ""
    st.session_state[GONE] = f"The data set is deleted{with_runs}."
