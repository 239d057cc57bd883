"""The Matrix lab's live fit: error curves, who wins, and the matrices with their residuals."""

import io
from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import controls, jobs, matrix_lab
from app.components import Line, live_lines, matrix_view
from app.guarded import fragment
from app.matrix_lab import FAMILIES, Aim, Setting
from app.quantities import numeral
from paramixer_core.analysis.contest import FitReport, contest, num_reports, winner
from paramixer_core.analysis.entries import colour_limit
from paramixer_core.analysis.matrix_lab import Budget
from paramixer_core.csv_text import csv_text
from paramixer_core.protocols import Protocol

TICK_SECONDS = 0.7


def fit(aim: Aim, setting: Setting) -> None:
    """The fit, from its first step on, with everything that it has reached so far."""
    request = (aim.digest, setting.key)
    work = jobs.job(
        "lab-fit", request, contest, aim.matrix, dict(setting.budgets), setting.steps, setting.seed
    )
    ticking = work.running
    total = len(setting.budgets) * num_reports(setting.steps)

    def tick() -> None:
        reports = list(work.results)
        jobs.progress(work, total, "report", "lab-fit")
        errors(aim, setting, reports)
        verdicts(aim, setting, reports)
        matrices(aim, setting, reports)
        if ticking and not work.running:
            st.rerun()

    fragment(tick, run_every=TICK_SECONDS if ticking else None, key="lab")()
    if ticking:
        return
    with st.container(horizontal=True, gap="small"):
        files(list(work.results))


def errors(aim: Aim, setting: Setting, reports: Sequence[FitReport]) -> None:
    """The error of each fit over its steps, and the line that low rank draws at its budget."""
    low = matrix_lab.low_rank_curve(aim.digest, aim.matrix)
    lines = []
    for protocol in setting.budgets:
        own = [report for report in reports if report.protocol is protocol]
        lines.append(
            Line(
                FAMILIES[protocol],
                np.array([report.step for report in own]),
                np.array([report.error for report in own]),
                protocol.value,
            )
        )
    level = np.repeat(low[setting.rank], 2)
    lines.append(
        Line(f"best rank {setting.rank}", np.array([0, setting.steps]), level, "attention")
    )
    live_lines(
        lines,
        title="Relative error while it is fitted",
        x_label="step of gradient descent",
        y_label="|A − B|F / |A|F",
        y_range=(0, max([1.1, *(report.error for report in reports[:2])])),
        height=220,
        key="lab-errors",
        caption="0 is exact, 1 is no better than the zero matrix. Low rank needs no steps: its "
        "best is known.",
    )


def verdicts(aim: Aim, setting: Setting, reports: Sequence[FitReport]) -> None:
    """Each family beside low rank, all three at exactly the same number of parameters."""
    low = matrix_lab.low_rank_curve(aim.digest, aim.matrix)
    columns = st.columns(len(FAMILIES))
    for column, protocol in zip(columns, FAMILIES, strict=True):
        name = FAMILIES[protocol]
        with column, st.container(border=True, key=f"lab-{protocol.value}"):
            budget = setting.budgets[protocol]
            last = last_of(reports, protocol)
            error = "…" if last is None else f"{last.error:.4f}"
            st.markdown(
                f"**{name}**, {chain_words(budget)}: **{error}**  \n"
                f"**Low rank**, r = {budget.rank}: **{low[budget.rank]:.4f}**"
            )
            words = (
                f"**{budget.parameters:,} parameters each**, CHORD, CDIL and low rank alike, of "
                f"{aim.side**2:,} entries."
            )
            if last is not None:
                words += " " + won(winner(last.error, float(low[budget.rank])), name)
                words += "" if last.step == last.steps else f" (step {last.step})"
            st.caption(words)


def chain_words(budget: Budget) -> str:
    """How many factors a chain has, and what its last one lacks."""
    factors = len(budget.wiring.offsets)
    words = f"{factors} factor{'s' * (factors > 1)}"
    if budget.last_links < budget.whole_links:
        words += f", the last with {budget.last_links} of its {budget.whole_links} links"
    return words


def won(best: str, name: str) -> str:
    """Who is ahead, in words."""
    match best:
        case "sparse":
            return f"**{name} wins.**"
        case "low rank":
            return "**Low rank wins.**"
        case _:
            return "**A draw**, within 0.01."


def last_of(reports: Sequence[FitReport], protocol: Protocol) -> FitReport | None:
    """The newest report of a fit."""
    return next((report for report in reversed(reports) if report.protocol is protocol), None)


def matrices(aim: Aim, setting: Setting, reports: Sequence[FitReport]) -> None:
    """The target, both approximations and both residuals on one scale."""
    families = list(setting.budgets)
    protocol = controls.choice(
        "Show", "family", families, default=families[0], titles=FAMILIES, row=True
    )
    rank = setting.budgets[protocol].rank
    low = matrix_lab.low_rank(aim.digest, aim.matrix, rank)
    drawn = [one for one in reports if one.protocol is protocol and one.matrix is not None]
    limit = colour_limit(aim.matrix)
    shown: list[tuple[str, str, NDArray[np.floating]]] = [
        ("Target A", "target", aim.matrix),
        (f"Best rank {rank}", "low", low),
    ]
    left: list[tuple[str, str, NDArray[np.floating]]] = [
        (f"Residual of rank {rank}", "low-left", aim.matrix - low)
    ]
    if drawn and drawn[-1].matrix is not None:
        step = f", step {drawn[-1].step}"
        shown.append((FAMILIES[protocol] + step, "sparse", drawn[-1].matrix))
        name = f"Residual of {FAMILIES[protocol]}{step}"
        left.append((name, "sparse-left", aim.matrix - drawn[-1].matrix))
    place(shown, limit, (0, 1, 2))
    place(left, limit, (1, 2))
    st.caption(
        f"All on one scale that ends at ±{numeral(limit)}, which 99 % of the target's entries stay "
        "within: a pale residual is a good fit."
    )


def place(
    shown: Sequence[tuple[str, str, NDArray[np.floating]]], limit: float, at: Sequence[int]
) -> None:
    """A row of linked matrices in these of three columns."""
    columns = st.columns(3, gap="small")
    for number, (title, key, matrix) in zip(at, shown, strict=False):
        with columns[number]:
            matrix_view(
                matrix,
                title=title,
                key=f"lab-{key}",
                limit=limit,
                signed=True,
                group="lab",
                report=False,
                compact=True,
                max_size=300,
            )


def files(reports: Sequence[FitReport]) -> None:
    """The approximations and the error curve to take home."""
    for protocol, name in FAMILIES.items():
        own = [one for one in reports if one.protocol is protocol and one.matrix is not None]
        if own and own[-1].matrix is not None:
            st.download_button(
                f"{name}, npy",
                as_npy(own[-1].matrix),
                f"{protocol.value}.npy",
                key=f"lab-save-{protocol.value}",
                on_click="ignore",
            )
    if reports:
        lines = [(one.protocol.value, one.step, repr(one.error)) for one in reports]
        st.download_button(
            "Error curves, CSV",
            csv_text(("protocol", "step", "relative_error"), lines),
            "fit.csv",
            key="lab-save-errors",
            on_click="ignore",
        )


def as_npy(matrix: NDArray[np.floating]) -> bytes:
    """A matrix as a .npy file."""
    out = io.BytesIO()
    np.save(out, matrix, allow_pickle=False)
    return out.getvalue()
