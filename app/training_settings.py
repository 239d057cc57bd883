"""The settings of the Train page: what is chosen becomes one configuration per mixer."""

from dataclasses import dataclass

import streamlit as st

from app import controls, names, wirings
from app.linked import settings_of
from paramixer_core.config import WIRING, LinkSource, Pooling, Residual, RunConfig
from paramixer_core.tasks import known_task

MAX_SEQ_LEN = 16_384
MAIN_MIXERS = ("chord", "cdil", "attention", WIRING)
SOURCES = {LinkSource.INPUT: "the embedding X", LinkSource.CURRENT: "the block's input"}
HEADS = {Pooling.FLATTEN: "all tokens", Pooling.CLASS_TOKEN: "a class token"}
PADDING = {"masked": "masked", "read": "read as a token"}
SIZES = {"own": "as set below", "papers": "the papers'"}
POSITIONS = {"task": "as the task says", "on": "on", "off": "off"}


@dataclass(frozen=True)
class Entry:
    """A race as chosen: what all share, who competes, on which seeds, at which sizes."""

    base: RunConfig
    mixers: tuple[str, ...]
    seeds: range
    match: bool
    paper_sizes: bool


def choose_race() -> Entry:
    """All controls of the Train page."""
    tasks = names.task_titles()
    task = controls.choice("Task", "task", list(tasks), default="digits", titles=tasks)
    st.caption(known_task(task).summary)
    seq_len = task_length(task)
    mask = choose_mask(task)
    wiring = wirings.to_compete(seq_len)
    titles = names.mixer_titles(wired=wiring)
    mixers = choose_mixers(titles)
    steps = controls.whole_number("Steps", "steps", low=1, high=1_000_000, default=1000)
    seed = controls.whole_number(
        "Seed",
        "seed",
        low=0,
        high=2**31 - 1,
        default=0,
        tip="Same seed, same losses, bit for bit, on the same "
        "mixing path and number of threads: both are kept with the run.",
    )
    with st.expander("Fair races"):
        repeats = controls.slider(
            "Repeat over seeds",
            "repeats",
            low=1,
            high=5,
            default=1,
            tip="Mean and spread over seeds, from the seed above on.",
        )
        match = controls.choice(
            "Parameter counts",
            "match",
            ("own", "matched"),
            default="own",
            titles={"own": "as they come", "matched": "matched within 5 %"},
            tip="Matched: H is chosen per mixer so that its count is closest to the first one's.",
        )
        sizes = controls.choice(
            "Rivals' sizes",
            "sizes",
            list(SIZES),
            default="own",
            titles=SIZES,
            tip="The papers': k = 256 for Linformer and Nystromformer, d ln d features for "
            "Performer with heads of width d, chunks of 64 and 8 hash rounds for Reformer.",
        )
        target = controls.slider(
            "Stop at test accuracy, % (0: never)", "target", low=0, high=100, default=0
        )
    with st.expander("Width, rate, links ..."):
        channels = controls.whole_number("Channels D", "d", low=1, high=512, default=32)
        shared = RunConfig(
            task=task,
            seq_len=seq_len,
            wiring=wiring,
            mask_padding=mask,
            steps=steps,
            target_accuracy=target / 100 or None,
            seed=seed,
            channels=channels,
            hidden=controls.whole_number("Hidden units H", "h", low=1, high=512, default=32),
            blocks=controls.whole_number("Blocks", "blocks", low=1, high=8, default=1),
            learning_rate=controls.number(
                "Learning rate", "rate", low=1e-6, high=10.0, default=1e-3
            ),
            batch=controls.whole_number("Batch", "batch", low=1, high=1024, default=40),
            num_links=controls.choice("CDIL links K", "k", (3, 5, 7, 9), default=9, row=True),
            rival_size=controls.whole_number(
                "Rivals' size k",
                "size",
                low=2,
                high=1024,
                default=32,
                tip="Linformer's projected tokens, Performer's features, Nystromformer's "
                "landmarks, Reformer's chunk, the window.",
            ),
            hash_rounds=controls.choice(
                "Reformer's hash rounds", "rounds", (1, 2, 4, 8), default=1, row=True
            ),
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
                titles=names.RESIDUALS,
                tip="What Vm = Wm Vm-1 adds: Vm-1 (after every factor), V₀ (at every factor), V₀ "
                "once at the end (around the block), or nothing.",
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
            pooling=controls.choice(
                "The head reads",
                "head",
                list(Pooling),
                default=Pooling.FLATTEN,
                titles=HEADS,
                row=True,
                tip="All N outputs of the last block side by side, or that of one class token "
                "alone, a learned vector put before the sequence.",
            ),
            device=controls.choice(
                "Device", "device", ("auto", *names.device_names()), default="auto", row=True
            ),
        )
    return Entry(shared, mixers, range(seed, seed + repeats), match == "matched", sizes == "papers")


def choose_mask(task: str) -> bool:
    """Whether padding is inert; asked only where the task has some."""
    if not known_task(task).padded:
        return False
    picked = controls.choice(
        "Padding",
        "padding",
        list(PADDING),
        default="masked",
        titles=PADDING,
        row=True,
        tip="Shorter sequences are filled up to N. Masked, what fills them is neither read nor "
        "reads, in any mixer, and the head finds zeros there. Read as a token: as in the authors' "
        "code.",
    )
    return picked == "masked"


def choose_mixers(titles: dict[str, str]) -> tuple[str, ...]:
    """Who competes: the main ones; the further rivals once asked for, or named by the link."""
    named = [*st.query_params.get("mixers", "").split(","), *settings_of("train").get("mixers", [])]
    further = [name for name in titles if name not in MAIN_MIXERS]
    every = st.session_state.get("more_mixers", False)
    shown = [name for name in titles if every or name in MAIN_MIXERS or name in named]
    picked = controls.several(
        "Mixers", "mixers", shown, default=("chord", "attention"), titles=titles
    )
    st.toggle(f"{len(further)} more rivals", key="more_mixers")
    return picked


def task_length(task: str) -> int:
    """N for a task: one of its fixed lengths, or any whole number where it has none."""
    lengths = known_task(task).seq_lens
    if lengths is None:
        return controls.whole_number("Tokens N", "n", low=2, high=MAX_SEQ_LEN, default=128)
    return controls.choice("Tokens N", "n", lengths, default=lengths[0], row=True)
