"""Choosing among stored runs and their snapshots, and reading them through the cache."""

from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import controls, engine, say
from app.names import mixer_titles
from paramixer_core.inspection import inspect_example, num_examples
from paramixer_core.runs.run import Run

LISTED = 50


@dataclass(frozen=True)
class Views:
    """One example of a run at a step as arrays: inputs, answer, and per block its matrices."""

    inputs: NDArray[np.generic]
    target: NDArray[np.generic]
    answer: NDArray[np.float32]
    correct: bool
    blocks: list[dict[str, NDArray[np.float32]]]


def runs_with_snapshots() -> list[Run]:
    """The newest runs that can be looked at, newest first."""
    store = engine.store()
    return [run for run in store.runs(limit=LISTED) if store.snapshots(run.id)]


def pick_run(label: str, key: str, runs: list[Run], default: Run) -> Run:
    """One of these runs, by its id in the link."""
    by_id = {run.id: run for run in runs}
    titles = {run.id: describe(run) for run in runs}
    picked = controls.choice(label, key, list(by_id), default=default.id, titles=titles)
    return by_id[picked]


def describe(run: Run) -> str:
    """A run in a list: who, on what, how far."""
    return f"{mixer_titles()[run.config.mixer]} · {say.task(run)} · step {run.step:,} · {run.id}"


def pick_step(run: Run, key: str = "step") -> int:
    """One of the run's snapshots, the newest by default."""
    steps = [snapshot.step for snapshot in engine.store().snapshots(run.id)]
    return controls.stop("Training step", key, steps, default=steps[-1])


@st.cache_data(max_entries=32, show_spinner=False)
def views(run_id: str, step: int, example: int) -> Views:
    """The matrices of a test example at a snapshot, computed once by the core."""
    store = engine.store()
    seen = inspect_example(store.run(run_id).config, store.state(run_id, step), example)
    blocks = []
    for block in seen.blocks:
        arrays = {"product": block.product[0].numpy(), "operator": block.operator[0].numpy()}
        if block.factors is not None:
            arrays["factors"] = block.factors[:, 0].numpy()
        if block.attention is not None:
            arrays["attention"] = block.attention[0].numpy()
        blocks.append(arrays)
    return Views(
        seen.inputs[0].numpy(),
        seen.target[0].numpy(),
        seen.answer[0].numpy(),
        seen.correct,
        blocks,
    )


@st.cache_data(max_entries=32, show_spinner=False)
def examples(run_id: str) -> int:
    """How many test examples the run's task has."""
    return num_examples(engine.store().run(run_id).config)


@st.cache_data(max_entries=128, show_spinner=False)
def spectra(run_id: str, step: int) -> dict[str, NDArray[np.float64]]:
    """The singular values that a snapshot holds, by "block.{l}.spectrum.{matrix}"."""
    probe = engine.store().probe(run_id, step)
    return {name: values for name, values in probe.items() if ".spectrum." in name}
