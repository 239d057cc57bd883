"""What the Inspect page looks at: a run, an example, a block, which matrix, and who beside it."""

from dataclasses import dataclass

import streamlit as st

from app import controls, history, inspect_own, say
from app.components import Cell
from app.components.choice import whole_number
from app.escape import plain
from app.names import run_title
from paramixer_core.analysis.entries import strongest_link
from paramixer_core.inspection import MAX_DENSE_SEQ_LEN, Example
from paramixer_core.runs.run import Run

AT = "at"
CLICKED = "inspect_clicked"
CLICKABLE = ("mixing", "tokens")
"""Views whose clicks reach the server."""

NO_RIVAL = "none"
KINDS = {"operator": "with residual", "product": "bare"}
SCALES = {"film": "all steps", "step": "each step"}


@dataclass(frozen=True)
class Looked:
    """The choices that hold for every view of the page; the step is chosen by the scrubber."""

    run: Run
    rival: Run | None
    example: Example
    block: int
    kind: str
    one_scale: bool = True
    """Whether colours mean the same at every step, or are fitted to each."""

    @property
    def seq_len(self) -> int:
        """How many tokens its blocks mix: N, and a class token where there is one."""
        return self.run.config.mixed_len

    @property
    def subject(self) -> str:
        """Which sequence is looked at, in words."""
        return "your sequence" if isinstance(self.example, str) else f"test example {self.example}"

    @property
    def dense(self) -> bool:
        """Whether N x N matrices can be held."""
        return self.seq_len <= MAX_DENSE_SEQ_LEN

    @property
    def title(self) -> str:
        """Who mixes."""
        return run_title(self.run)


def choose() -> Looked:
    """The settings of the page."""
    runs = history.runs_with_snapshots()
    run = history.pick_run("Run", "run", runs, history.first_run(runs))
    st.caption(plain(say.task(run)))
    last = history.examples(run.id) - 1
    example = controls.whole_number("Test example", "example", low=0, high=last, default=0)
    block = controls.slider("Block", "block", low=1, high=run.config.blocks, default=1) - 1
    kind = controls.choice(
        "Mixing matrix",
        "show",
        list(KINDS),
        default="operator",
        titles=KINDS,
        tip="The block's true operator is (I + WM) ... (I + W1) where the residual follows every "
        "factor, as by default; the bare product is WM ... W1. For attention: I + A, or the "
        "attention matrix A.",
        row=True,
    )
    rival = pick_rival(run, runs)
    scale = controls.choice(
        "Colours",
        "colours",
        list(SCALES),
        default="film",
        titles=SCALES,
        tip="What the colours are fitted to. One scale for all steps lets you see weights grow and "
        "vanish; fitted to each step, its weak weights show too.",
        row=True,
    )
    own = inspect_own.sequence(run, example)
    return Looked(run, rival, own or example, block, kind, scale == "film")


def pick_rival(run: Run, runs: list[Run]) -> Run | None:
    """Another run on the same task and length, attention by default; or none."""
    same = {
        other.id: other
        for other in runs
        if other.id != run.id
        and (other.config.task, other.config.seq_len) == (run.config.task, run.config.seq_len)
        and other.config.mixed_len == run.config.mixed_len
    }
    if not same:
        return None
    other_kind = [other for other in same.values() if is_rival(run, other)]
    raced = [other for other in other_kind if run.race is not None and other.race == run.race]
    default = (raced or other_kind or list(same.values()))[0].id
    titles = {other.id: history.describe(other) for other in same.values()} | {NO_RIVAL: "nothing"}
    picked = controls.choice(
        "Beside it", "rival", [*same, NO_RIVAL], default=default, titles=titles
    )
    return same.get(picked)


def is_rival(run: Run, other: Run) -> bool:
    """Attention for a Paramixer, a Paramixer for attention."""
    return (run.config.mixer == "attention") != (other.config.mixer == "attention")


def selected(looked: Looked) -> Cell:
    """The cell that the reader chose last, in a view or by the link, else the strongest link.

    Views report their clicks with a time; they are read here, before any view is drawn, so that
    all views are drawn with the newest choice.
    """
    seq_len = looked.seq_len
    cell = as_cell(st.query_params.get(AT, st.session_state.get(AT, "")), seq_len)
    if cell is None:
        cell = first_cell(looked.run.id, looked.example, looked.block, looked.kind)
    clicks = [click for key in CLICKABLE if (click := clicked(key, cell, seq_len)) is not None]
    newest = max(clicks, default=None)
    if newest is not None and newest[0] > st.session_state.get(CLICKED, 0):
        st.session_state[CLICKED], cell = newest
        st.session_state[AT] = st.query_params[AT] = f"{cell.row}.{cell.column}"
    return cell


def clicked(key: str, before: Cell, seq_len: int) -> tuple[int, Cell] | None:
    """When and which cell was last chosen in a view; what it leaves open stays as before."""
    state = (st.session_state.get(key) or {}).get("selection") or {}
    at = whole_number(state.get("click"))
    row, column = whole_number(state.get("row")), whole_number(state.get("column"))
    if at is None or (row is None and column is None):
        return None
    cell = Cell(before.row if row is None else row, before.column if column is None else column)
    return (at, cell) if min(cell) >= 0 and max(cell) < seq_len else None


def as_cell(text: str, seq_len: int) -> Cell | None:
    """ "3.14" as row 3, column 14; None for anything else or outside."""
    parts = text.split(".")
    if len(parts) != 2 or not all(part.isdecimal() and len(part) < 9 for part in parts):
        return None
    cell = Cell(*map(int, parts))
    return cell if max(cell) < seq_len else None


@st.cache_data(max_entries=64, show_spinner=False)
def first_cell(run_id: str, example: Example, block: int, kind: str) -> Cell:
    """The strongest link of the run's last snapshot."""
    last = history.shelf(run_id).snapshots(run_id)[-1].step
    return Cell(*strongest_link(history.views(run_id, last, example).blocks[block][kind]))
