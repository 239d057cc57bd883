"""One scrubber over a run's snapshots: matrices, tokens, spectrum, ranks and loss move together."""

from collections.abc import Callable

import streamlit as st

from app import controls, history, inspect_choice, tokens
from app.components import Cell, matrix_view, tokens_view
from app.inspect_choice import Looked
from app.names import mixer_titles
from paramixer_core.errors import ParamixerError
from paramixer_core.inspection import colour_limit

FRAME_SECONDS = 0.9
PLAYING = "film_plays"
REWIND = "film_rewinds"
GROUP = "inspect"


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
            st.error(str(error), icon=":material/error:")

    st.fragment(frame, run_every=FRAME_SECONDS if playing else None, key="film")()


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
        st.caption("Of this example the gallery keeps the last step; example 0 can be scrubbed.")
    return step


def views(looked: Looked, step: int) -> Cell:
    """Input, mixing matrix and the rival's, linked; returns the selected cell."""
    seen = history.views(looked.run.id, step, looked.example)
    at = inspect_choice.selected(looked)
    top = st.container()
    shown = {"mixing": looked.title}
    ours, theirs = st.columns(2, gap="large")
    with ours:
        matrix = seen.blocks[looked.block][looked.kind]
        limit = colour_limit(matrix)
        picked = matrix_view(
            matrix,
            limit=limit,
            title=looked.title,
            row_label="output token i",
            column_label="input token j",
            value_label="mixing weight",
            key="mixing",
            group=GROUP,
            selection=at,
            caption=meaning(looked.run.config.mixer, looked.kind, limit),
        )
    if looked.rival is not None:
        rival = looked.rival
        their_steps = history.steps_with(rival, looked.example)
        their_step = min(their_steps, key=lambda other: abs(other - step))
        beside = history.views(rival.id, their_step, looked.example)
        shown["beside"] = name = mixer_titles()[rival.config.mixer]
        late = "" if their_step == step else f" (step {their_step:,})"
        with theirs:
            matrix = beside.blocks[min(looked.block, rival.config.blocks - 1)][looked.kind]
            limit = colour_limit(matrix)
            matrix_view(
                matrix,
                limit=limit,
                title=f"{name}{late}",
                row_label="output token i",
                column_label="input token j",
                value_label="mixing weight",
                key="beside",
                group=GROUP,
                report=False,
                caption=meaning(rival.config.mixer, looked.kind, limit),
            )
    with top:
        st.markdown(tokens.verdict(looked.run.config.task, seen))
        form = tokens.token_form(looked.run.config.task, seen.inputs)
        pointed = tokens_view(
            form,
            shown,
            title="The input, token by token",
            key="tokens",
            selection=at,
            group=GROUP,
        )
    return settle(at, picked, pointed)


def settle(at: Cell, picked: Cell | None, pointed: Cell) -> Cell:
    """The newest choice among the matrix and the tokens, remembered; the link follows."""
    for choice in (picked, pointed):
        if choice is not None and choice != at:
            inspect_choice.select(choice)
            return choice
    return at


def meaning(mixer: str, kind: str, limit: float) -> str:
    """What the colours of a mixing matrix say."""
    if mixer == "attention":
        base = "Row i: what output token i reads. Weights are positive, each row sums to one"
        base += ", and the diagonal also holds the residual's 1." if kind == "operator" else "."
    else:
        base = "Row i: what output token i reads. Orange adds the input token, purple subtracts it."
    return f"{base} The colours end at {limit:.3g}, which 99 % of the entries stay below."
