"""Train: press one button and watch a Paramixer learn, beside its rival."""

import streamlit as st

from app import engine, lesson_cost, live, steering
from app.guarded import fragment
from app.navigation import link_to
from app.training_settings import choose_race


@fragment
def settings() -> None:
    """What to train: a changed setting runs this part of the page alone."""
    entry = choose_race()
    if st.button("Start", type="primary", icon=":material/play_arrow:", width="stretch"):
        lesson_cost.start(entry)
        st.rerun()
    lesson_cost.line(entry)


st.title("Watch a Paramixer learn")
st.markdown(
    "Choose a task and who competes. All start from the same seed and see **identical batches**; "
    "each trains in a process of its own, so you may close this page and come back to its link."
)
runs = engine.shown()
# On a phone, where one column follows the other, what trains comes before what could.
with st.container(key="view-first" if runs else "settings-first"):
    left, right = st.columns([1, 3], gap="large")
with left:
    settings()
with right:
    if runs:
        live.watch(runs)
        steering.steer(runs)
        lesson_cost.verdict(runs)
        link_to("inspect.py", "Look at the matrices that they learned")
    else:
        st.info("Nothing trains yet. Press **Start**: in a few seconds you see it learn.")
