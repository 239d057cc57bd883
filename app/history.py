"""Choosing among runs (store and gallery) and their snapshots, and reading them cached."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import controls, engine, say
from app.escape import plain
from app.names import run_title
from paramixer_core.config import Residual
from paramixer_core.errors import ParamixerError
from paramixer_core.gallery import Gallery, Shelf
from paramixer_core.inspection import (
    Example,
    Inspection,
    block_of,
    compact_example,
    compacts_of,
    inputs_of,
    inspect_example,
    inspect_probe,
    num_examples,
    product_so_far,
)
from paramixer_core.models.paramixer import ParamixerBlock
from paramixer_core.runs.run import Run
from paramixer_core.runs.store_errors import StoreError

LISTED = 50
FIRST_SHOWN = "gallery-digits-chord"


@dataclass(frozen=True)
class Views:
    """One example of a run at a step as arrays: inputs, answer, and per block its matrices.

    `target` and `correct` are None for a sequence of one's own. A block holds `operator` and
    `product` (N, N) and, of attention, `attention` (heads, N, N).
    """

    inputs: NDArray[Any]
    target: NDArray[Any] | None
    answer: NDArray[np.float32] | None
    correct: bool | None
    blocks: list[dict[str, NDArray[np.float32]]]


@st.cache_resource
def gallery() -> Gallery:
    """The runs that ship with the lab."""
    return Gallery()


def shelf(run_id: str) -> Shelf:
    """Where a run is kept: the gallery, or this server's store."""
    return gallery() if gallery().holds(run_id) else engine.store()


def runs_with_snapshots() -> list[Run]:
    """The newest own runs that can be looked at, those that the link names, and the gallery's.

    Other people's runs are shown to who has their link, and in nobody's list.
    """
    try:
        store = engine.store()
        listed = {run.id: run for run in (*engine.named_runs(), *store.in_sight(limit=LISTED))}
        own = [run for run in listed.values() if store.snapshots(run.id)]
        own.sort(key=lambda run: -run.created)
    except StoreError as error:
        st.warning(f"{plain(error)} Only the gallery can be shown.", icon=":material/folder_off:")
        own = []
    return own + gallery().runs()


def first_run(runs: list[Run]) -> Run:
    """What to show before anything was chosen: the newest own run, else one of the gallery."""
    if not gallery().holds(runs[0].id):
        return runs[0]
    return next((run for run in runs if run.id == FIRST_SHOWN), runs[0])


def pick_run(label: str, key: str, runs: list[Run], default: Run) -> Run:
    """One of these runs, by its id in the link."""
    by_id = {run.id: run for run in runs}
    titles = {run.id: describe(run) for run in runs}
    picked = controls.choice(label, key, list(by_id), default=default.id, titles=titles)
    return by_id[picked]


def describe(run: Run) -> str:
    """A run in a list: who, on what, how far."""
    what = f"{run_title(run)} · {say.task(run)}"
    if gallery().holds(run.id):
        return f"{what} · gallery"
    return f"{what} · step {run.step:,} · {run.id}"


def pick_step(run: Run, key: str = "step", example: Example = 0) -> int:
    """One of the run's snapshots that hold this example, the newest by default."""
    steps = steps_with(run, example)
    return controls.stop("Training step", key, steps, default=steps[-1])


def steps_with(run: Run, example: Example = 0) -> list[int]:
    """The snapshots at which this test example can be seen.

    The gallery keeps weights of its last step alone: of other steps only the probe's examples.
    """
    steps = [snapshot.step for snapshot in shelf(run.id).snapshots(run.id)]
    if not gallery().holds(run.id) or in_probe(run.id, steps[-1], example):
        return steps
    return steps[-1:]


@st.cache_data(max_entries=128, show_spinner=False)
def probed(run_id: str, step: int) -> int:
    """How many examples a snapshot's probe holds."""
    return len(shelf(run_id).probe(run_id, step, ["inputs"])["inputs"])


@st.cache_data(max_entries=32, show_spinner=False)
def inputs(run_id: str, step: int, example: int) -> NDArray[Any]:
    """The tokens of a test example."""
    where = shelf(run_id)
    if in_probe(run_id, step, example):
        held: NDArray[Any] = where.probe(run_id, step, ["inputs"])["inputs"][example]
        return held
    found: NDArray[Any] = inputs_of(where.run(run_id).config, example)[0][0].numpy()
    return found


def in_probe(run_id: str, step: int, example: Example) -> bool:
    """Whether a snapshot's probe holds this example, so that nothing has to be computed."""
    return isinstance(example, int) and example < probed(run_id, step)


@st.cache_data(max_entries=16, show_spinner=False)
def views(run_id: str, step: int, example: Example) -> Views:
    """The matrices of a test example at a snapshot: of the probe, or computed by the core."""
    where = shelf(run_id)
    config = where.run(run_id).config
    if isinstance(example, int) and in_probe(run_id, step, example):
        return as_views(inspect_probe(config, where.probe(run_id, step), example))
    return as_views(inspect_example(config, where.state(run_id, step), example))


def as_views(seen: Inspection) -> Views:
    """An inspection as arrays, without its batch axis."""
    blocks = []
    for block in seen.blocks:
        arrays = {"product": block.product[0].numpy(), "operator": block.operator[0].numpy()}
        if block.attention is not None:
            arrays["attention"] = block.attention[0].numpy()
        blocks.append(arrays)
    return Views(
        seen.inputs[0].numpy(),
        None if seen.target is None else seen.target[0].numpy(),
        None if seen.answer is None else seen.answer[0].numpy(),
        seen.correct,
        blocks,
    )


@dataclass(frozen=True)
class FactorViews:
    """Factor m of a block, and the product of the first m."""

    factor: NDArray[np.float32]
    product: NDArray[np.float32]


@st.cache_data(max_entries=8, show_spinner=False)
def factor(
    run_id: str, step: int, example: Example, block: int, m: int, residual: Residual
) -> FactorViews:
    """W_m (m from 1) and what the first m factors make of V_0 with this residual."""
    where = shelf(run_id)
    config = where.run(run_id).config
    if isinstance(example, int) and in_probe(run_id, step, example):
        compact = compacts_of(config, where.probe(run_id, step), example)[block]
    else:
        compact = compact_example(config, where.state(run_id, step), example)[block]
    factors = block_of(config, compact).operators(compact).factors
    if factors is None:
        raise ParamixerError("a mixer with factors", config.mixer, "choose CHORD or CDIL")
    product = product_so_far(factors[:, 0], m, residual=residual)
    return FactorViews(factors[m - 1, 0].numpy(), product.numpy())


def num_factors(run_id: str) -> int:
    """M of a run's blocks; 0 for a mixer without factors."""
    block = block_of(shelf(run_id).run(run_id).config)
    return len(block.offsets) if isinstance(block, ParamixerBlock) else 0


@st.cache_data(max_entries=32, show_spinner=False)
def examples(run_id: str) -> int:
    """How many test examples the run's task has."""
    return num_examples(shelf(run_id).run(run_id).config)


@st.cache_data(max_entries=128, show_spinner=False)
def spectra(run_id: str, step: int) -> dict[str, NDArray[np.float64]]:
    """The singular values that a snapshot holds, by "block.{l}.spectrum.{matrix}"."""
    probe = shelf(run_id).probe(run_id, step)
    return {name: values for name, values in probe.items() if ".spectrum." in name}
