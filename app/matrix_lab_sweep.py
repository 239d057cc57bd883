"""Error against budget: both families from the least to the largest number of parameters."""

import json
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import streamlit as st

from app import controls, jobs, matrix_lab
from app.figures.budgets import BudgetPoints, budgets_figure
from app.guarded import fragment
from app.matrix_lab import FAMILIES, Aim, Setting
from paramixer_core.analysis.contest import (
    SweepResult,
    sweep_budgets,
    sweep_csv,
    sweep_plan,
    winner,
)

TICK_SECONDS = 1.0
ASKED = "lab-sweep-asked"


def sweep(aim: Aim, setting: Setting) -> None:
    """What low rank leaves at every budget, known at once, and what a job finds for the factors."""
    st.subheader("Error against budget", anchor=False)
    request = (aim.digest, setting.num_links, setting.steps, setting.seed)
    plan = sweep_plan(aim.side, setting.num_links)
    asked = st.session_state.get(ASKED) == request
    if not asked:
        if st.button(
            f"Fit {len(plan)} budgets", icon=":material/play_arrow:", key="lab-sweep-start"
        ):
            st.session_state[ASKED] = request
            st.rerun()
        draw(aim, [])
        return
    work = jobs.job(
        "lab-sweep",
        request,
        sweep_budgets,
        aim.matrix,
        setting.num_links,
        setting.steps,
        setting.seed,
    )
    ticking = work.running

    def tick() -> None:
        results = list(work.results)
        jobs.progress(work, len(plan), "budget", "lab-sweep")
        draw(aim, results)
        summary(results)
        if ticking and not work.running:
            st.rerun()

    fragment(tick, run_every=TICK_SECONDS if ticking else None, key="lab-sweep-view")()
    if not ticking and work.results:
        export(aim, list(work.results))


def draw(aim: Aim, results: Sequence[SweepResult]) -> None:
    """The line of low rank and the points of the fits."""
    low = matrix_lab.low_rank_curve(aim.digest, aim.matrix)
    points = []
    for protocol, name in FAMILIES.items():
        own = [result for result in results if result.protocol is protocol]
        points.append(
            BudgetPoints(
                name,
                np.array([result.parameters for result in own]),
                np.array([result.sparse_error for result in own]),
                [f"{result.factors} factors" for result in own],
                protocol.value,
            )
        )
    st.plotly_chart(
        budgets_figure(low, points, dark=controls.dark_theme()),
        key="lab-budgets",
        config={"displayModeBar": False},
    )


def summary(results: Sequence[SweepResult]) -> None:
    """Who wins how often."""
    for protocol, name in FAMILIES.items():
        won = [
            winner(result.sparse_error, result.low_rank_error)
            for result in results
            if result.protocol is protocol
        ]
        if won:
            st.markdown(
                f"- **{name}** wins at {won.count('sparse')} of {len(won)} budgets, low rank at "
                f"{won.count('low rank')}; {won.count('neither')} within 0.01."
            )


def export(aim: Aim, results: list[SweepResult]) -> None:
    """The sweep as files."""
    everything = {
        "target": aim.title,
        "side": aim.side,
        "results": [asdict(one) for one in results],
    }
    with st.container(horizontal=True, gap="small"):
        for label, text, name in (
            ("Sweep, CSV", sweep_csv(results), "sweep.csv"),
            ("Sweep, JSON", json.dumps(everything, indent=1), "sweep.json"),
        ):
            st.download_button(label, text, name, key=f"lab-{name}", on_click="ignore")
