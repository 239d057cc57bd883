"""The signed lens: mixing weights are no probabilities, so look at signs and row sums."""

from collections.abc import Sequence

import streamlit as st

from app import controls, inspect_compute
from app.components import Cell, Line, live_lines, matrix_view
from app.inspect_choice import Looked
from app.inspect_shown import ROWS_SUM_TO_ONE
from app.names import run_title
from app.quantities import numeral
from paramixer_core.analysis.entries import colour_limit
from paramixer_core.analysis.lens import Lens
from paramixer_core.runs.run import Run

LENSES = {
    Lens.SIGNED: ("as it is", "Orange is positive, purple negative."),
    Lens.POSITIVE: ("positive", "Negative weights are drawn as zero: only what is added."),
    Lens.NEGATIVE: ("negative", "Positive weights are drawn as zero: only what is subtracted."),
    Lens.ABSOLUTE: ("absolute", "Sizes without signs."),
    Lens.ROW_NORMALISED: (
        "row-normalised",
        "Each row over the sum of its sizes: comparable with attention's probabilities.",
    ),
}


def draw(looked: Looked, step: int, cell: Cell) -> None:
    """Both matrices through one lens, and how their row sums are spread."""
    lens = controls.choice(
        "Lens",
        "lens",
        list(Lens),
        default=Lens.SIGNED,
        titles={lens: title for lens, (title, _) in LENSES.items()},
        row=True,
    )
    runs = [looked.run] if looked.rival is None else [looked.run, looked.rival]
    sums: list[Line] = []
    for column, run in zip(st.columns(2, gap="large"), runs, strict=False):
        title = run_title(run)
        signs = inspect_compute.signs(run, step, looked, lens)
        limit, legend = inspect_compute.limit_of(looked, run, signs.shown)
        if lens is Lens.ROW_NORMALISED:
            limit = colour_limit(signs.shown)
            legend = f"The colours end at {numeral(limit)}, fitted to this step."
        with column:
            matrix_view(
                signs.shown,
                title=f"{title}: {LENSES[lens][0]}",
                row_label="output token i",
                column_label="input token j",
                value_label="weight through the lens",
                limit=limit,
                key=f"lens-{len(sums)}",
                group="inspect",
                selection=cell,
                report=False,
                caption=f"{LENSES[lens][1]} {legend}",
            )
            negative, mass = st.columns(2)
            negative.metric("Negative entries", f"{signs.negative_entries:.1%}")
            mass.metric(
                "Negative mass",
                f"{signs.negative_mass:.1%}",
                help="The negative entries' share of the sum of all sizes |a|.",
            )
        sums.append(Line(title, signs.share, signs.row_sums, run.config.mixer))
    live_lines(
        sums,
        title="Row sums, smallest to largest",
        x_label="share of the output tokens in %",
        y_label="sum of a row",
        height=220,
        key="row_sums",
        caption=sums_caption(runs, looked.kind == "operator"),
    )


def sums_caption(runs: Sequence[Run], residual: bool) -> str:
    """What the row sums of these runs can be."""
    text = "A flat line means that all rows have one sum."
    divided = [run_title(run) for run in runs if run.config.mixer in ROWS_SUM_TO_ONE]
    if divided:
        more = ", here 2 with the residual" if residual else ""
        text += f" {' and '.join(divided)}: 1 by construction{more}, up to rounding."
    free = [run_title(run) for run in runs if run.config.mixer not in ROWS_SUM_TO_ONE]
    if free:
        text += f" {' and '.join(free)}: any number, as nothing divides the rows by their sums."
    return text
