"""How good the answers on the test set are: confused classes, baselines, errors, seeds."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from app import controls, engine, history, jobs, say
from app.components import Cell
from app.figures.confusion import confusion_figure, errors_figure
from app.guarded import fragment
from app.inspect_choice import Looked
from app.live_feed import grouped
from app.names import run_title
from paramixer_core.evaluation import ClassificationReport, RegressionReport, Report, report_of
from paramixer_core.runs.races import spread
from paramixer_core.runs.reports import RunReport, report_runs
from paramixer_core.runs.run import Run

TICK_SECONDS = 0.5


def of_runs(runs: Sequence[Run]) -> None:
    """The test set as answered by one of the shown mixers, over all of its seeds.

    The networks run in a process of their own, on the weights of their last snapshots.
    """
    groups = grouped(list(runs))
    name = st.selectbox("Answers on the test set by", list(groups), key="answers-of")
    group = groups[name]
    steps = tuple(engine.store().resume_step(run.id) for run in group)
    ready = [run.id for run, step in zip(group, steps, strict=True) if step is not None]
    if not ready:
        st.caption("Its first snapshot is on its way.")
        return
    asked = (tuple(ready), steps)
    work = jobs.job("answers", asked, report_runs, engine.store().folder, ready)
    ticking = work.running

    def tick() -> None:
        jobs.progress(work, len(ready), "run", "answers")
        if not work.running and work.results:
            draw_runs(work.results, name, group[0].config.mixer)
        if ticking and not work.running:
            st.rerun()

    fragment(tick, run_every=TICK_SECONDS if ticking else None, key="answers-view")()


def panel(looked: Looked, step: int, cell: Cell) -> None:
    """The looked-at run's answers on its whole test set; an uploaded network's too."""
    run = looked.run
    if not history.gallery().holds(run.id):
        of_runs([run])
        return
    draw([of_gallery(run.id)], f"{run_title(run)}, step {run.step:,}", run.config.mixer, "answers")


@st.cache_data(max_entries=16, show_spinner="Answering the whole test set")
def of_gallery(run_id: str) -> Report:
    """The report of a run that ships with the lab, from its last weights."""
    run = history.gallery().run(run_id)
    return report_of(run.config, history.gallery().state(run_id, run.step))


def draw_runs(found: Sequence[RunReport], name: str, mixer: str) -> None:
    """The reports of one mixer's seeds."""
    steps = sorted({report.step for report in found})
    when = f"step {steps[0]:,}" if len(steps) == 1 else f"steps {steps[0]:,} to {steps[-1]:,}"
    seeds = f", {len(found)} seeds" if len(found) > 1 else ""
    draw([report.report for report in found], f"{name}, {when}{seeds}", mixer, key="answers")


def draw(reports: Sequence[Report], subject: str, mixer: str, key: str) -> None:
    """Reports on one test set, of one network or of several seeds, as figures and sentences."""
    numbers = [report for report in reports if isinstance(report, RegressionReport)]
    classes = [report for report in reports if isinstance(report, ClassificationReport)]
    if numbers:
        draw_numbers(numbers, subject, mixer, key)
    if classes:
        draw_classes(classes, subject, key)


def draw_classes(reports: Sequence[ClassificationReport], subject: str, key: str) -> None:
    """Confusion matrix, accuracy per class, majority baseline and, of two classes, ROC-AUC."""
    first = reports[0]
    shares = np.mean([report.row_shares for report in reports], axis=0)
    several = len(reports) > 1
    mean = ", mean ± deviation over seeds" if several else ""
    confusions = [report.confusion for report in reports]
    counts = np.mean(confusions, axis=0)
    figure = confusion_figure(
        counts,
        shares,
        first.classes,
        title="Which class is taken for which",
        subject=f"{subject}{mean}",
        deviations=np.std(confusions, axis=0, ddof=1) if several else None,
        dark=controls.dark_theme(),
    )
    st.plotly_chart(figure, key=f"{key}-confusion", config={"displayModeBar": False})
    accuracy = spread([report.accuracy for report in reports])
    words = [
        f"**{say.share(accuracy)}** of {int(first.counts.sum()):,} test examples are right. Always "
        f"answering {first.majority_class}, the most frequent class, would be right for "
        f"**{first.majority_share:.1%}**."
    ]
    aucs = [report.roc_auc for report in reports if report.roc_auc is not None]
    if aucs:
        words.append(f"ROC-AUC **{say.figure(spread(aucs), 3)}** (0.5 is chance, 1 is perfect).")
    st.markdown(" ".join(words))
    rows = []
    for place, name in enumerate(first.classes):
        own = [float(report.class_accuracy[place]) for report in reports]
        absent = not first.counts[place]
        rows.append(
            {
                "Class": name,
                "Test examples": int(first.counts[place]),
                "Right": "none to test" if absent else say.share(spread(own)),
            }
        )
    st.dataframe(rows, hide_index=True, key=f"{key}-classes")


def draw_numbers(reports: Sequence[RegressionReport], subject: str, mixer: str, key: str) -> None:
    """How far off the answers are, against the tolerance and against always answering the mean."""
    first = reports[0]
    figure = errors_figure(
        np.concatenate([report.errors for report in reports]),
        first.mean_errors,
        first.tolerance,
        title=f"How far off: {subject}",
        ink=mixer,
        dark=controls.dark_theme(),
    )
    st.plotly_chart(figure, key=f"{key}-errors", config={"displayModeBar": False})
    accuracy = spread([report.accuracy for report in reports])
    off = spread([report.mean_absolute_error for report in reports])
    st.markdown(
        f"**{say.share(accuracy)}** of {len(first.errors):,} test examples are less than "
        f"{first.tolerance:g} off; the answers are {say.figure(off, 3)} off on average. Always "
        f"answering the mean would be right for **{first.mean_accuracy:.1%}**, and "
        f"{first.mean_baseline_error:.3g} off."
    )
