"""One scrubber over a run's snapshots: matrices, tokens, spectrum, ranks and loss move together."""

from collections.abc import Callable

import streamlit as st

from app import controls, history, inspect_choice, quantities, tokens
from app.components import Cell, matrix_view, tokens_view
from app.escape import plain
from app.guarded import fragment
from app.inspect_choice import Looked
from app.inspect_shown import GROUP, shown_at
from paramixer_core.errors import ParamixerError

FRAME_SECONDS = 0.9
PLAYING = "film_plays"
REWIND = "film_rewinds"


def film(looked: Looked, below: Callable[[Looked, int, Cell], None]) -> None:
    """The scrubber with its views, and whatever `below` draws for (looked, step, cell).

    All of it is one fragment: a new step redraws these views and nothing else on the page.
    """
    playing = bool(st.session_state.get(PLAYING))

    def frame() -> None:
        try:
            step = scrub(looked)
            cell = views(looked, step)
            below(looked, step, cell)
        except ParamixerError as error:
            st.error(plain(error), icon=":material/error:")

    fragment(frame, run_every=FRAME_SECONDS if playing else None, key="film")()


def scrub(looked: Looked) -> int:
    """Which snapshot is shown; while the film plays, one further each time."""
    steps = history.steps_with(looked.run, looked.example)
    playing = bool(st.session_state.get(PLAYING))
    if st.session_state.pop(REWIND, False):
        st.session_state["step"] = steps[0]
    elif playing and st.session_state.get("step") in steps:
        at = steps.index(st.session_state["step"])
        if at + 1 < len(steps):
            st.session_state["step"] = steps[at + 1]
        else:
            st.session_state[PLAYING] = False
            st.rerun()
    button, line = st.columns([1, 6], vertical_alignment="bottom")
    with line:
        step = controls.stop("Training step", "step", steps, default=steps[-1])
    with button:
        if playing and st.button("Stop", icon=":material/stop:", key="film", width="stretch"):
            st.session_state[PLAYING] = False
            st.rerun()
        if (
            not playing
            and len(steps) > 1
            and st.button("Play", icon=":material/movie:", key="film", width="stretch")
        ):
            st.session_state[PLAYING] = True
            st.session_state[REWIND] = step == steps[-1]
            st.rerun()
    if len(steps) == 1 and history.gallery().holds(looked.run.id):
        st.caption("Of this sequence the gallery keeps the last step; example 0 can be scrubbed.")
    return step


CLASS_TOKEN = " Token 0 (C) is the class token, whose output alone is read by the head."


def views(looked: Looked, step: int) -> Cell:
    """Input, mixing matrix and the rival's, linked; returns the selected cell."""
    shown = shown_at(looked, step)
    at = inspect_choice.selected(looked)
    st.markdown(tokens.verdict(looked.run.config.task, shown.seen))
    tokens_view(
        shown.form,
        shown.sources,
        title="The input, token by token",
        key="tokens",
        selection=at,
        group=GROUP,
        lines=shown.lines(at),
        caption="The colours of each line end at the strongest weight of its chosen token."
        + (CLASS_TOKEN if shown.form.lead else ""),
    )
    for column, one in zip(st.columns(2, gap="large"), shown.matrices, strict=False):
        with column:
            matrix_view(
                one.matrix,
                limit=one.limit,
                title=one.title,
                row_label="output token i",
                column_label="input token j",
                value_label="mixing weight",
                key=one.key,
                group=GROUP,
                selection=at,
                report=one.key == "mixing",
                caption=one.caption + quantities.not_finite(one.matrix),
            )
    return at
