"""Beyond one example: mean matrices, and differences between classes or snapshots."""

from typing import Any

import streamlit as st
from numpy.typing import NDArray

from app import controls, history, inspect_compute
from app.components import Cell, matrix_view
from app.inspect_choice import Looked
from app.quantities import numeral
from paramixer_core.analysis.entries import colour_limit
from paramixer_core.tasks import make_task

WAYS = {
    "batch": "mean of a batch",
    "class": "mean of a class",
    "classes": "one class minus another",
    "steps": "this step minus another",
}


def draw(looked: Looked, step: int, cell: Cell) -> None:
    """The chosen average or difference."""
    names = make_task(looked.run.config.task, looked.run.config.seq_len).class_names
    ways = [way for way in WAYS if names or way not in ("class", "classes")]
    way = controls.choice("Show", "mean", ways, default="batch", titles=WAYS, row=True)
    if way == "steps":
        steps_apart(looked, step, cell)
        return
    if not inspect_compute.has_weights(looked.run, step):
        st.info(
            "A mean needs the network itself, and the gallery keeps it of the last step alone: "
            "move **Training step** to the end, or train the run yourself."
        )
        return
    left, right = st.columns(2)
    with left:
        most = inspect_compute.most_examples(looked.run)
        count = controls.whole_number("Examples", "count", low=1, high=most, default=min(40, most))
    first = second = None
    with right:
        if way != "batch":
            first = pick_class("Class", "class", names, 0)
        if way == "classes":
            second = pick_class("Minus class", "minus", names, 1)
    matrix, used = inspect_compute.mean(
        looked.run.id, step, first, count, looked.block, looked.kind
    )
    title = f"Mean of {used} test examples"
    if first is not None:
        title += f" of class {names[first]}"
    if second is not None:
        other, others = inspect_compute.mean(
            looked.run.id, step, second, count, looked.block, looked.kind
        )
        matrix = matrix - other
        title += f", minus that of {others} of class {names[second]}"
    show(matrix, title, cell, "What these examples share remains; what differs averages out.")


def pick_class(label: str, key: str, names: tuple[str, ...], default: int) -> int:
    """A class by its name."""
    numbers = list(range(len(names)))
    titles = dict(enumerate(names))
    return controls.choice(label, key, numbers, default=default, titles=titles)


def steps_apart(looked: Looked, step: int, cell: Cell) -> None:
    """The same example at two snapshots."""
    steps = history.steps_with(looked.run, looked.example)
    other = controls.stop("Minus step", "minus_step", steps, default=steps[0])
    one, before = (
        inspect_compute.matrix_of(looked.run, at, looked.example, looked.block, looked.kind)
        for at in (step, other)
    )
    caption = "Orange: the weight grew. Purple: it fell."
    show(one - before, f"Step {step:,} minus step {other:,}", cell, caption)


def show(matrix: NDArray[Any], title: str, cell: Cell, caption: str) -> None:
    """One matrix, its colours ending where nearly all entries lie."""
    limit = colour_limit(matrix)
    matrix_view(
        matrix,
        title=title,
        row_label="output token i",
        column_label="input token j",
        value_label="mixing weight",
        limit=limit,
        key="average",
        group="inspect",
        selection=cell,
        report=False,
        max_size=520,
        caption=f"{caption} The colours end at {numeral(limit)}.",
    )
