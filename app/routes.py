"""Which entry of which product the routes page takes apart."""

from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import controls, names, wirings
from app.components import Cell
from app.escape import plain
from app.patterns import FEWEST_LINKS, MOST_TOKENS, choose_links, most_links
from paramixer_core.analysis.chains import Chain, run_wiring, strongest_entry
from paramixer_core.analysis.routes import RouteReport
from paramixer_core.analysis.wiring import MAX_LINKS, Wiring
from paramixer_core.config import WIRING, Residual
from paramixer_core.protocols import Protocol
from paramixer_core.runs.run import Run

SOURCES = {"random": "random", "run": "a run"}
LINKS = {Protocol.CHORD.value: "CHORD", Protocol.CDIL.value: "CDIL"}


@dataclass(frozen=True)
class RandomSource:
    """Random weights on a wiring."""

    wiring: str
    residual: Residual
    seed: int


@dataclass(frozen=True)
class RunSource:
    """The weights with which a trained run mixes one test example."""

    run: str
    step: int
    example: int
    block: int
    residual: Residual


Source = RandomSource | RunSource


def choose_source() -> Source:
    """Random weights, or those of a run."""
    kind = controls.choice(
        "Weights", "from", list(SOURCES), default="random", titles=SOURCES, row=True
    )
    return choose_run() if kind == "run" else choose_random()


def choose_random() -> RandomSource:
    """Pattern, length, residual and seed."""
    carried = wirings.carried()
    titles = LINKS | ({WIRING: plain(wirings.title(carried))} if carried else {})
    pattern = controls.choice(
        "Links", "links", list(titles), default=Protocol.CHORD.value, titles=titles, row=True
    )
    if carried is not None and pattern == WIRING:
        wiring = carried
    else:
        seq_len = controls.whole_number("Tokens N", "n", low=2, high=MOST_TOKENS, default=16)
        num_links = FEWEST_LINKS
        if pattern == Protocol.CDIL:
            num_links = choose_links(most_links(seq_len, MAX_LINKS))
        wiring = Wiring.of_protocol(Protocol(pattern), seq_len, num_links)
    residual = choose_residual(Residual.PER_FACTOR)
    seed = controls.whole_number("Seed of the weights", "seed", low=0, high=2**31 - 1, default=0)
    return RandomSource(wiring.as_text(), residual, seed)


def choose_residual(default: Residual) -> Residual:
    """Which operator's routes: the true one, or the bare product."""
    return controls.choice(
        "Residual",
        "residual",
        list(Residual),
        default=default,
        titles=names.RESIDUALS,
        tip="After every factor: (I + WM) ... (I + W1). V₀ at every factor: "
        "WM (... (W1 + I) ...) + I. Around the block: WM ... W1 + I. None: WM ... W1.",
    )


def choose_run() -> RunSource:
    """A run with sparse factors, one of its snapshots, a test example and a block."""
    from app import history  # it imports torch, which takes seconds

    runs = [run for run in history.runs_with_snapshots() if traceable(run)]
    run = history.pick_run("Run", "run", runs, runs[0])
    last = history.examples(run.id) - 1
    example = controls.whole_number("Test example", "example", low=0, high=last, default=0)
    step = history.pick_step(run, example=example)
    block = controls.slider("Block", "block", low=1, high=run.config.blocks, default=1)
    return RunSource(run.id, step, example, block, choose_residual(run.config.residual))


def traceable(run: Run) -> bool:
    """Whether a run has factors, few enough tokens and so routes to show."""
    return run.config.mixer in (*LINKS, WIRING) and run.config.mixed_len <= MOST_TOKENS


@st.cache_resource(max_entries=16, show_spinner="Reading the weights ...")
def chain(source: Source) -> Chain:
    """The factors."""
    if isinstance(source, RandomSource):
        return Chain.random(Wiring.parse(source.wiring), source.residual, source.seed)
    from app import history  # it imports torch, which takes seconds
    from paramixer_core.inspection import compact_example, compacts_of

    where = history.shelf(source.run)
    config = where.run(source.run).config
    if source.example < history.probed(source.run, source.step):
        compacts = compacts_of(config, where.probe(source.run, source.step), source.example)
    else:
        compacts = compact_example(config, where.state(source.run, source.step), source.example)
    weights = compacts[source.block - 1]["link_weights"][0].numpy()
    return Chain.of_weights(run_wiring(config), weights, source.residual)


@st.cache_data(max_entries=8, show_spinner="Multiplying the factors ...")
def product(source: Source) -> NDArray[np.float64]:
    """The operator, to pick an entry of."""
    return chain(source).dense()


@st.cache_data(max_entries=32, show_spinner=False)
def strongest(source: Source) -> Cell:
    """The entry of largest size off the diagonal."""
    return Cell(*strongest_entry(product(source)))


@st.cache_data(max_entries=64, show_spinner=False)
def trace(source: Source, row: int, column: int, strongest: int) -> RouteReport:
    """The entry taken apart."""
    return chain(source).trace(row, column, strongest)


def entry_in_link(source: Source, seq_len: int) -> Cell:
    """Row i and column j as the link, or the last click, says; at first the strongest entry."""
    first = strongest(source)
    at = [
        controls.linked_whole_number(label, key, 0, seq_len - 1, default)
        for label, key, default in (("Row i", "i", first.row), ("Column j", "j", first.column))
    ]
    return Cell(*(linked.keep(st.session_state[linked.key]) for linked in at))


def choose_entry(cell: Cell, seq_len: int) -> Cell:
    """The same, to type; a cell that was clicked is put in first."""
    st.session_state["i"], st.session_state["j"] = cell
    row = controls.whole_number("Row i: the reader", "i", low=0, high=seq_len - 1, default=0)
    column = controls.whole_number(
        "Column j: the token read", "j", low=0, high=seq_len - 1, default=seq_len - 1
    )
    return Cell(row, column)
