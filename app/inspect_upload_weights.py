"""Bring your own weights: a safetensors file becomes a run of this server."""

import streamlit as st

from app import engine, names
from app.escape import plain
from paramixer_core.config import LinkSource, Residual
from paramixer_core.uploads.importing import import_weights
from paramixer_core.uploads.recognise import Recognised, recognise
from paramixer_core.uploads.weights import MAX_BYTES, read_weights

LINKS = {"auto": "as K says", "chord": "CHORD", "cdil": "CDIL"}
RESIDUALS = {
    Residual.PER_FACTOR: "after every factor",
    Residual.AROUND_BLOCK: "around the block",
    Residual.NONE: "none",
}
SOURCES = {
    LinkSource.INPUT: "the first embedding, as the authors' do",
    LinkSource.CURRENT: "what reaches their block",
}
MEBI = 2**20


def draw() -> None:
    """Choose a file, say what was recognised, and import it."""
    st.caption(
        f"A `.safetensors` file of at most {MAX_BYTES // MEBI} MiB, with the names of this lab or "
        "of the authors' Paramixer (`attention.0.fs.0.network.0.weight` ...). Other formats could "
        "run code when opened, so they are refused."
    )
    file = st.file_uploader("Weights", type=None, key="weights_file")
    if file is None:
        return
    links = st.selectbox(
        "Links", list(LINKS), format_func=lambda name: LINKS[name], key="weights_links"
    )
    residual = st.selectbox(
        "Residual",
        list(RESIDUALS),
        format_func=lambda name: RESIDUALS[name],
        key="weights_residual",
    )
    source = st.selectbox(
        "Link MLPs read",
        list(SOURCES),
        format_func=lambda name: SOURCES[name],
        key="weights_source",
    )
    heads = st.number_input("Heads (attention)", 1, 64, 1, key="weights_heads")
    tensors, _ = read_weights(file.getvalue())
    found = recognise(
        tensors,
        mixer=None if links in (None, "auto") else links,
        heads=int(heads),
        residual=residual or Residual.PER_FACTOR,
        link_source=source or LinkSource.INPUT,
    )
    report(found)
    if st.button("Look at it", type="primary", key="weights_use"):
        run = import_weights(engine.store(), found, engine.owner())
        st.query_params["run"] = run.id
        st.rerun()


def report(found: Recognised) -> None:
    """What was matched and what was not."""
    config = found.config
    st.success(
        f"Recognised by {plain(found.source)}: {names.mixer_titles()[config.mixer]}, "
        f"{plain(names.task_titles()[config.task])}, N = {config.seq_len:,}, "
        f"D = {config.channels}, {config.blocks} block{'s' * (config.blocks > 1)}. "
        f"{len(found.matched)} tensors matched, {len(found.unused)} not used."
    )
    for note in found.notes:
        st.caption(plain(note))
    rows = [{"in the file": theirs, "here": ours} for theirs, ours in found.matched]
    st.dataframe(rows + [{"in the file": name, "here": "not used"} for name in found.unused],
                 hide_index=True, height=180)  # fmt: skip
