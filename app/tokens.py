"""One example in its task's own form, with what was asked and what was answered."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.components import TokenForm
from app.components.tokens import Form
from app.escape import plain
from app.history import Views
from paramixer_core.tasks import InputKind, known_task
from paramixer_core.tasks.temporal_order import SYMBOLS, X


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
        return TokenForm(Form.NUMBERS, inputs[:, 0])
    symbols = getattr(kind, "symbols", ())
    labels = tuple(symbols[int(symbol)] for symbol in inputs)
    return TokenForm(Form.SYMBOLS, np.zeros(len(labels)), labels)


def verdict(task: str, views: Views) -> str:
    """Target and answer in words."""
    if views.answer is None:
        return "This snapshot holds no answer; its matrices are shown."
    names = known_task(task).class_names
    answered = names[int(views.answer.argmax())] if names else f"{views.answer[0]:.6g}"
    if views.target is None:
        return f"Answer **{plain(answered)}** to your sequence"
    asked = names[int(views.target)] if names else f"{views.target[0]:.6g}"
    mark = ":material/check: right" if views.correct else ":material/close: wrong"
    return f"Target **{plain(asked)}**, answer **{plain(answered)}** - {mark}"
