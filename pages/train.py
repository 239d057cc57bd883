"""Train: press one button and watch a Paramixer learn, beside its rival."""

import streamlit as st

from app import compute, controls, engine, live
from app.navigation import link_to
from paramixer_core.config import LinkSource, Residual, RunConfig
from paramixer_core.tasks import TASKS

st.title("Watch a Paramixer learn")
st.markdown(
    "Choose a task and who competes. All start from the same seed and see **identical batches**; "
    "each trains in a process of its own, so you may close this page and come back to its link."
)
settings, view = st.columns([1, 3], gap="large")
titles = compute.mixer_titles()
with settings:
    task = controls.choice(
        "Task", "task", list(TASKS), default="digits", titles=compute.task_titles()
    )
    st.caption(TASKS[task].summary)
    seq_len = controls.task_length(task)
    mixers = controls.several(
        "Mixers", "mixers", list(titles), default=("chord", "attention"), titles=titles
    )
    steps = controls.whole_number("Steps", "steps", low=1, high=1_000_000, default=1000)
    seed = controls.whole_number("Seed", "seed", low=0, high=2**31 - 1, default=0)
    with st.expander("Width, learning rate and more"):
        channels = controls.whole_number("Channels D", "d", low=1, high=512, default=32)
        hidden = controls.whole_number("Hidden units H", "h", low=1, high=512, default=32)
        blocks = controls.whole_number("Blocks", "blocks", low=1, high=8, default=1)
        rate = controls.number("Learning rate", "rate", low=1e-6, high=10.0, default=1e-3)
        batch = controls.whole_number("Batch", "batch", low=1, high=1024, default=40)
        num_links = controls.choice("CDIL links K", "k", (3, 5, 7, 9), default=9, row=True)
        residual = controls.choice(
            "Residual", "residual", list(Residual), default=Residual("per_factor")
        )
        source = controls.choice(
            "Link MLPs read", "source", list(LinkSource), default=LinkSource.INPUT
        )
        device = controls.choice(
            "Device", "device", ("auto", *compute.device_names()), default="auto", row=True
        )
    configs = [
        RunConfig(
            task=task,
            seq_len=seq_len,
            mixer=mixer,
            channels=channels,
            hidden=hidden,
            blocks=blocks,
            num_links=num_links,
            residual=residual,
            link_source=source,
            batch=batch,
            learning_rate=rate,
            steps=steps,
            seed=seed,
            device=device,
        )
        for mixer in mixers
    ]
    if st.button("Start", type="primary", icon=":material/play_arrow:", width="stretch"):
        engine.start(configs)
with view:
    runs = engine.shown()
    if runs:
        live.watch(runs)
        link_to("inspect.py", "Look at the matrices that they learned")
    else:
        st.info("Nothing trains yet. Press **Start**: in a few seconds you see it learn.")
