"""One example drawn in its task's own form, with what was asked and what was answered."""

import math

import numpy as np
import streamlit as st

from app.components import matrix_view
from app.history import Views
from paramixer_core.tasks import TASKS
from paramixer_core.tasks.temporal_order import SYMBOLS


def draw(task: str, views: Views) -> None:
    """The input tokens, the target and the network's answer."""
    match task:
        case "digits":
            side = math.isqrt(len(views.inputs))
            matrix_view(
                views.inputs.reshape(side, side),
                title="The input: its tokens, row by row",
                value_label="ink",
                key="tokens",
                compact=True,
                max_size=200,
            )
        case "adding":
            marked = np.flatnonzero(views.inputs[:, 1])
            numbers = ", ".join(f"token {at}: {views.inputs[at, 0]:.6g}" for at in marked)
            st.markdown(f"Marked: {numbers}")
        case "temporal_order":
            st.code("".join(SYMBOLS[int(symbol)] for symbol in views.inputs), wrap_lines=True)
        case _:
            st.caption(f"{len(views.inputs):,} tokens")
    names = TASKS[task].class_names
    if names:
        asked, answered = names[int(views.target)], names[int(views.answer.argmax())]
    else:
        asked, answered = f"{views.target[0]:.6g}", f"{views.answer[0]:.6g}"
    verdict = ":material/check: right" if views.correct else ":material/close: wrong"
    st.markdown(f"Target **{asked}**, answer **{answered}** - {verdict}")
