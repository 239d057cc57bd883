"""One example in its task's own form, with what was asked and what was answered."""

import dataclasses
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.components import TokenForm
from app.components.tokens import Form
from app.escape import plain
from app.history import Views
from app.quantities import numeral
from paramixer_core.config import Pooling, RunConfig
from paramixer_core.tasks import InputKind, known_task
from paramixer_core.tasks.temporal_order import SYMBOLS, X
from paramixer_core.uploads.escapes import shown

CLASS_LABEL = "C"
"""How a class token is drawn where there is room for a letter."""


def mixed_form(config: RunConfig, inputs: NDArray[Any]) -> TokenForm:
    """The tokens that a run's blocks mix: those of its task, after a class token if it has one."""
    form = token_form(config.task, inputs)
    if config.pooling is not Pooling.CLASS_TOKEN:
        return form
    marks = form.marks if form.marks is None else np.concatenate([[False], form.marks])
    return dataclasses.replace(
        form,
        values=np.concatenate([[0.0], form.values]),
        labels=(CLASS_LABEL, *form.labels) if form.labels else (),
        marks=marks,
        lead=CLASS_LABEL,
    )


def token_form(task: str, inputs: NDArray[Any]) -> TokenForm:
    """How the tokens of a task are drawn: a picture, bars with marks, or letters."""
    match task:
        case "digits":
            return TokenForm(Form.IMAGE, inputs[:, 0], wide=math.isqrt(len(inputs)))
        case "adding":
            return TokenForm(Form.NUMBERS, inputs[:, 0], marks=inputs[:, 1] > 0)
        case "temporal_order":
            labels = tuple(SYMBOLS[int(symbol)] for symbol in inputs)
            return TokenForm(Form.SYMBOLS, np.zeros(len(labels)), labels, inputs >= X)
        case _:
            return uploaded_form(task, inputs)


def uploaded_form(task: str, inputs: NDArray[Any]) -> TokenForm:
    """Sequences that somebody uploaded: letters, or numbers as bars."""
    kind = known_task(task)
    if kind.input_kind is InputKind.REAL:
        return TokenForm(Form.NUMBERS, np.nan_to_num(inputs[:, 0]))
    symbols = getattr(kind, "symbols", ())
    labels = tuple(shown(symbols[int(symbol)]) for symbol in inputs)
    return TokenForm(Form.SYMBOLS, np.zeros(len(labels)), labels)


def verdict(task: str, views: Views) -> str:
    """Target and answer in words."""
    if views.answer is None:
        return "This snapshot holds no answer; its matrices are shown."
    names = known_task(task).class_names
    answered = names[int(views.answer.argmax())] if names else numeral(float(views.answer[0]), 6)
    if views.target is None:
        return f"Answer **{plain(answered)}** to your sequence"
    asked = names[int(views.target)] if names else numeral(float(views.target[0]), 6)
    mark = ":material/check: right" if views.correct else ":material/close: wrong"
    return f"Target **{plain(asked)}**, answer **{plain(answered)}** - {mark}"
