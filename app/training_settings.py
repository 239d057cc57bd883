"""The settings of the Train page: what is chosen becomes one configuration per mixer."""

import streamlit as st

from app import controls, names
from paramixer_core.config import LinkSource, Residual, RunConfig
from paramixer_core.tasks import TASKS

MAX_SEQ_LEN = 16_384
RESIDUALS = {
    Residual.PER_FACTOR: "after every factor",
    Residual.AROUND_BLOCK: "around the block",
    Residual.NONE: "none",
}
SOURCES = {LinkSource.INPUT: "the embedding X", LinkSource.CURRENT: "the block's input"}
POSITIONS = {"task": "as the task says", "on": "on", "off": "off"}


def choose_runs() -> list[RunConfig]:
    """All controls; one configuration per chosen mixer, equal but for the mixer."""
    titles = names.mixer_titles()
    task = controls.choice(
        "Task", "task", list(TASKS), default="digits", titles=names.task_titles()
    )
    st.caption(TASKS[task].summary)
    seq_len = task_length(task)
    mixers = controls.several(
        "Mixers", "mixers", list(titles), default=("chord", "attention"), titles=titles
    )
    steps = controls.whole_number("Steps", "steps", low=1, high=1_000_000, default=1000)
    seed = controls.whole_number(
        "Seed", "seed", low=0, high=2**31 - 1, default=0, tip="Same seed, same losses, bit for bit."
    )
    with st.expander("Width, rate, links ..."):
        channels = controls.whole_number("Channels D", "d", low=1, high=512, default=32)
        shared = RunConfig(
            task=task,
            seq_len=seq_len,
            steps=steps,
            seed=seed,
            channels=channels,
            hidden=controls.whole_number("Hidden units H", "h", low=1, high=512, default=32),
            blocks=controls.whole_number("Blocks", "blocks", low=1, high=8, default=1),
            learning_rate=controls.number(
                "Learning rate", "rate", low=1e-6, high=10.0, default=1e-3
            ),
            batch=controls.whole_number("Batch", "batch", low=1, high=1024, default=40),
            num_links=controls.choice("CDIL links K", "k", (3, 5, 7, 9), default=9, row=True),
            heads=controls.choice(
                "Attention heads",
                "heads",
                [heads for heads in (1, 2, 4, 8) if channels % heads == 0],
                default=1,
                row=True,
            ),
            residual=controls.choice(
                "Paramixer's residual",
                "residual",
                list(Residual),
                default=Residual.PER_FACTOR,
                titles=RESIDUALS,
            ),
            link_source=controls.choice(
                "Link MLPs read",
                "source",
                list(LinkSource),
                default=LinkSource.INPUT,
                titles=SOURCES,
            ),
            positions={"task": None, "on": True, "off": False}[
                controls.choice(
                    "Learned positions",
                    "positions",
                    list(POSITIONS),
                    default="task",
                    titles=POSITIONS,
                )
            ],
            device=controls.choice(
                "Device", "device", ("auto", *names.device_names()), default="auto", row=True
            ),
        )
    return [shared.replace(mixer=mixer) for mixer in mixers]


def task_length(task: str) -> int:
    """N for a task: one of its fixed lengths, or any whole number where it has none."""
    lengths = TASKS[task].seq_lens
    if lengths is None:
        return controls.whole_number("Tokens N", "n", low=2, high=MAX_SEQ_LEN, default=128)
    return controls.choice("Tokens N", "n", lengths, default=lengths[0], row=True)
