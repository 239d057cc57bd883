"""A sequence of one's own in place of a test example."""

import streamlit as st

from app import history
from app.escape import plain
from paramixer_core.errors import ParamixerError
from paramixer_core.runs.run import Run
from paramixer_core.tasks import make_task
from paramixer_core.uploads.typed import (
    read_typed,
    sequence_text,
    typing_help,
)

OWN = "own_sequences"


def sequence(run: Run, example: int) -> str | None:
    """The text that the reader entered for this task and length, if it is in use."""
    config = run.config
    place = f"{config.task}-{config.seq_len}"
    used: dict[str, str] = st.session_state.setdefault(OWN, {})
    with st.expander("Type your own sequence", expanded=place in used):
        task = make_task(config.task, config.seq_len)
        step = history.steps_with(run, example)[-1]
        start = sequence_text(task, history.inputs(run.id, step, example))
        text = st.text_area(
            f"{config.seq_len} tokens",
            used.get(place, start),
            key=f"own-{place}-{example}",
            height=160,
            max_chars=400_000,
            help=typing_help(task),
        )
        with st.container(horizontal=True):
            if st.button("Use it", type="primary", key="own_use"):
                try:
                    read_typed(task, text)
                except ParamixerError as error:
                    st.error(plain(error), icon=":material/edit:")
                else:
                    used[place] = text
                    st.rerun()
            if place in used and st.button("Back to the test example", key="own_back"):
                del used[place]
                st.rerun()
        if place in used:
            for note in read_typed(task, used[place]).notes:
                st.caption(plain(note))
    return used.get(place)
