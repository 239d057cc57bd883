"""Measuring this machine from the Cost page: what to measure, and the job while it runs."""

import secrets
import time

import streamlit as st

from app import controls, cost_parts, cost_sets, engine, jobs, names, say
from app.escape import plain
from app.guarded import fragment, said
from paramixer_core.config import MAX_SEQ_LEN, Precision
from paramixer_core.jobs import Job
from paramixer_core.measure.files import Measurements
from paramixer_core.measure.record import Machine, Plan, Point, Sweep, Work
from paramixer_core.measure.shelf import measure_and_keep
from paramixer_core.runs.run import RunState

ASKED, JOB = "measure-asked", "measure"
TICK_SECONDS = 0.5
WORKS = {Work.TRAINING: "a training step", Work.FORWARD: "a forward pass"}
LONGEST_POWER = MAX_SEQ_LEN.bit_length() - 1
MEGABYTE = 10**6


def choose_plan() -> Plan:
    """What to measure."""
    titles = names.mixer_titles(wired=False)
    mixers = controls.several(
        "Mixers to measure", "who", list(titles), default=cost_parts.MAIN, titles=titles
    )
    first, second, third = st.columns(3)
    with first:
        work = controls.choice("Time", "work", list(Work), default=Work.TRAINING, titles=WORKS)
        low = controls.slider("From N = 2^", "low", low=1, high=LONGEST_POWER, default=5)
        high = controls.slider("to N = 2^", "high", low=1, high=LONGEST_POWER, default=13)
        size = controls.whole_number("Rivals' size k", "size", low=2, high=1024, default=32)
    with second:
        device = controls.choice("Device", "device", names.device_names(), default=default_device())
        precision = controls.choice(
            "Numbers", "precision", list(Precision), default=Precision.FLOAT32
        )
        batch = controls.whole_number("Batch", "batch", low=1, high=1024, default=8)
        channels = controls.whole_number("Channels D", "d", low=1, high=1024, default=32)
    with third:
        seconds = controls.whole_number(
            "Time budget, s", "seconds", low=1, high=600, default=50,
            tip="A point that would not fit into what is left of it is left out, and said to be.",
        )  # fmt: skip
        memory = controls.whole_number(
            "Memory budget, MB (0: what is free)", "memory", low=0, high=10_000_000, default=0,
            tip="A mixer that needs more than that ends with a point 'out of memory'.",
        )  # fmt: skip
        num_links = controls.choice(
            "CDIL links K", "k", cost_parts.NUMBER_CHOICES, default=9, row=True
        )
        hidden = controls.whole_number("Hidden units H", "h", low=1, high=1024, default=32)
    return Plan(
        mixers=mixers,
        lengths=powers(low, high),
        work=work,
        precision=precision,
        device=device,
        batch=batch,
        channels=channels,
        hidden=hidden,
        num_links=num_links,
        rival_size=size,
        seconds=float(seconds),
        memory=memory * MEGABYTE,
    )


def default_device() -> str:
    """The best device of this machine."""
    return names.device_names()[0]


def powers(low: int, high: int) -> tuple[int, ...]:
    """Powers of two from one exponent to the other, whichever is the larger."""
    return tuple(2**power for power in range(min(low, high), max(low, high) + 1))


def draw() -> None:
    """The controls, the button, and the job while it runs."""
    asked: tuple[Plan, str] | None = st.session_state.get(ASKED)
    with st.expander("Measure this machine", icon=":material/timer:", expanded=asked is not None):
        plan = choose_plan()
        busy = len(engine.store().runs(states=[RunState.RUNNING]))
        if busy:
            st.warning(
                f"{busy} run{'s train' if busy > 1 else ' trains'} on this server now: that slows "
                "what is measured. Pause or wait for a fair result.",
                icon=":material/hourglass:",
            )
        if st.button("Measure", type="primary", icon=":material/timer:", key="measure-start"):
            engine.require_upload_room()
            asked = st.session_state[ASKED] = (plan, secrets.token_hex(4))
        if asked is not None:
            follow(asked)


def follow(asked: tuple[Plan, str]) -> None:
    """The job: progress while it runs, then its result becomes the shown set."""
    plan = asked[0]
    work = jobs.job(JOB, asked, measure_and_keep, plan, cost_sets.shelf().folder)

    def tick() -> None:
        if work.running:
            bar, button = st.columns([5, 1], vertical_alignment="center")
            points = [found for found in work.results if isinstance(found, Point)]
            bar.progress(*progress(plan, points, work.started))
            if button.button("Stop", key="measure-stop", icon=":material/stop:"):
                work.cancel()
                finish(plan, work)
        else:
            finish(plan, work)

    fragment(tick, run_every=TICK_SECONDS if work.running else None, key="measuring")()


def progress(plan: Plan, points: list[Point], started: float) -> tuple[float, str]:
    """How far, in words too: points come slower and slower, so time tells."""
    if not started:
        return 0.0, "Waits for another computation of this server."
    total = len(plan.lengths) * len(plan.mixers)
    spent = min(plan.seconds, time.monotonic() - started)
    reached = f", N = {points[-1].seq_len:,} done" if points else ""
    return (
        max(len(points) / total, spent / plan.seconds),
        f"{len(points)} of {total} points{reached}, at most "
        f"{say.duration(plan.seconds - spent)} left",
    )


def finish(plan: Plan, work: Job[Machine | Point | str]) -> None:
    """Show what was kept; of a stopped sweep, keep what had come."""
    st.session_state.pop(ASKED, None)
    if work.failure:
        st.error(plain(work.failure), icon=":material/error:")
        return
    kept = [found for found in work.results if isinstance(found, str)]
    machines = [found for found in work.results if isinstance(found, Machine)]
    points = tuple(found for found in work.results if isinstance(found, Point))
    if not kept and machines and points:
        measured = Measurements(machines[0], (Sweep(plan, points),))
        kept = [cost_sets.shelf().keep(measured)]
    if kept:
        st.query_params["set"] = kept[0]
        said(cost_sets.claim)(kept[0])
    st.rerun()
