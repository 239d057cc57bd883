"""Spectra of trained networks side by side, through time on one scrubber, live while they train."""

from collections.abc import Sequence

import streamlit as st

from app import controls, history, inspect_choice, inspect_film, jobs, rank_views, ranks
from app.components import Line, live_lines, points_per_line
from app.escape import plain
from app.guarded import fragment
from app.inspect_choice import Looked
from app.quantities import numeral
from app.ranks import Entry, Shown
from paramixer_core.analysis.block_matrices import (
    Attempt,
    MatrixKind,
    MatrixName,
    attempt,
    estimate_block,
)
from paramixer_core.analysis.rank import MAX_EXACT_SIDE
from paramixer_core.runs.run import Run

SMOOTHING = 0.9
AT_ONCE = 512
ADDING_RANK = 4
"""The most that first-block logits of the Adding task can have: 2 features, 2 biases."""
REFRESH_SECONDS = 1.5
FIRST_SHOWN = "gallery-temporal_order-chord"


def draw() -> None:
    """The whole part."""
    runs = history.runs_with_snapshots()
    settings, view = st.columns([1, 3], gap="large")
    with settings:
        run = history.pick_run("Run", "run", runs, first_run(runs))
        rival = inspect_choice.pick_rival(run, runs)
        both = [run] if rival is None else [run, rival]
        blocks = min(one.config.blocks for one in both)
        block = controls.slider("Block", "block", low=1, high=blocks, default=1) - 1
        kinds = ranks.choose_kinds([one.config for one in both])
        lens = ranks.choose_lens(run.config.seq_len)
    looked = Looked(run, rival, 0, block, "operator")
    live = any(one.state.active for one in both)

    def frame() -> None:
        if run.config.seq_len > MAX_EXACT_SIDE:
            estimates(both, block)
            return
        follow(looked, live)
        step = inspect_film.scrub(looked)
        measured = entries(both, step, block, kinds)
        shown = ranks.shown_of(measured, lens)
        rank_views.not_finite(measured)
        if shown:
            rank_views.spectra(shown, lens, "spectra")
            rank_views.table(shown, lens, "rank-figures")
            insight(run, shown)
        through_time(both, measured, block, step)

    with view:
        rank_views.definitions()
        playing = st.session_state.get(inspect_film.PLAYING)
        ticking = live or run.config.seq_len > AT_ONCE
        every = inspect_film.FRAME_SECONDS if playing else (REFRESH_SECONDS if ticking else None)
        fragment(frame, run_every=every, key="rank-film")()


def first_run(runs: Sequence[Run]) -> Run:
    """What is shown before anything was chosen: a run with a rival that shows the bottleneck."""
    own = history.first_run(list(runs))
    if not history.gallery().holds(own.id):
        return own
    return next((run for run in runs if run.id == FIRST_SHOWN), own)


def follow(looked: Looked, live: bool) -> None:
    """While a run trains, stay at its newest snapshot if that is where the reader was."""
    steps = history.steps_with(looked.run)
    newest = st.session_state.get("rank-newest")
    if live and newest == (looked.run.id, st.session_state.get("step")):
        st.session_state["step"] = steps[-1]
    st.session_state["rank-newest"] = (looked.run.id, steps[-1])


def entries(runs: Sequence[Run], step: int, block: int, kinds: Sequence[MatrixKind]) -> list[Entry]:
    """Every wanted matrix of the runs at (or nearest to) the step, as far as it is there."""
    found = []
    for place, (owner, run) in enumerate(zip(owners(runs), runs, strict=True)):
        at = nearest(run, step)
        late = "" if at == step else f" (step {at:,})"
        names = tuple(ranks.wanted_names(run.config, kinds))
        if run.config.seq_len <= AT_ONCE:
            reports = [ranks.run_rank(run.id, at, block, name) for name in names]
        else:
            reports = long_reports(run, at, block, names, place)
        found += [Entry(owner + late, run.config, one.name, one.report, one.odd) for one in reports]
    return found


def owners(runs: Sequence[Run]) -> list[str]:
    """Short names that tell runs apart."""
    names = [ranks.short_title(run.config.mixer) for run in runs]
    return [
        f"{name} · {run.id[-4:]}" if names.count(name) > 1 else name
        for name, run in zip(names, runs, strict=True)
    ]


def nearest(run: Run, step: int) -> int:
    """The run's snapshot that is nearest to a step."""
    return min(history.steps_with(run), key=lambda other: abs(other - step))


def long_reports(
    run: Run, step: int, block: int, names: tuple[MatrixName, ...], place: int
) -> list[Attempt]:
    """What a job has measured so far, with its progress and a button that ends it."""
    request = (run.id, step, block, names)
    compact = ranks.compact_of(run.id, step, block)
    work = jobs.job(f"rank-long-{place}", request, attempt, run.config, compact, names)
    jobs.progress(work, len(names), "matrix", f"rank-long-{place}")
    return work.results


def estimates(runs: Sequence[Run], block: int) -> None:
    """Leading singular values of blocks too long to decompose, each with its error."""
    st.info(
        f"Above N = {MAX_EXACT_SIDE:,} a spectrum is **estimated**: its largest singular values by "
        "Lanczos iteration, each within its stated bound, and the stable rank from random signs. "
        "Numerical and effective rank need the whole spectrum and are not guessed."
    )
    for place, (owner, run) in enumerate(zip(owners(runs), runs, strict=True)):
        step = history.steps_with(run)[-1]
        compact = ranks.compact_of(run.id, step, block)
        work = jobs.job(
            f"rank-estimate-{place}", (run.id, step, block), estimate_block, run.config, compact
        )
        jobs.progress(work, 1, "operator", f"rank-estimate-{place}")
        for found in work.results:
            st.markdown(
                f"**{plain(owner)}**, bare mixing matrix, step {step:,}: stable rank "
                f"**{found.stable_rank:.3g} ± {found.stable_rank_error:.2g}** (estimate). Largest "
                "singular values: "
                + ", ".join(
                    f"{numeral(value, 4)} ± {numeral(bound, 1)}"
                    for value, bound in zip(found.singular_values, found.bounds, strict=True)
                )
                + "."
            )


def insight(run: Run, shown: Sequence[Shown]) -> None:
    """What the numbers on the page say, in sentences."""
    logits = next((at for at in shown if at.name.kind is MatrixKind.LOGITS), None)
    told = []
    if logits is not None and logits.bound is not None:
        rank = logits.report.numerical_rank
        text = f"The logits have rank **{rank}**, within the bound d = {logits.bound}"
        if rank <= min(ADDING_RANK, logits.bound - 1) and run.config.task == "adding":
            text += (
                ": fewer than allowed. Adding's tokens carry two numbers each, so their embeddings "
                "span 3 dimensions, which LayerNorm only rescales; the bias of queries and keys "
                f"adds one more, so that rank {ADDING_RANK} is the most in the first block. A low "
                "rank can come from the **task**, too"
            )
        told.append(text + ".")
    whole = [at for at in shown if at.name.kind is MatrixKind.OPERATOR]
    if len({at.owner for at in whole}) > 1:
        top = max(whole, key=lambda at: at.report.effective_rank)
        text = f"With the residual, **{plain(top.owner)}** has the highest effective rank"
        if top.meaning == "attention":
            text += (
                ": the identity that it adds is full-rank by itself. **Attention wins on this "
                "count**; the bottleneck is in what it adds to the identity"
            )
        told.append(text + ".")
    if told:
        st.markdown(" ".join(told))


def through_time(runs: Sequence[Run], measured: Sequence[Entry], block: int, step: int) -> None:
    """Effective rank at every snapshot, beside the loss; one line marks the step shown above."""
    left, right = st.columns(2, gap="medium")
    lines = []
    inks = {
        (one.owner.split(" (step")[0], one.name.kind): (one.name, ink)
        for one, ink in zip(measured, ranks.inks(measured), strict=True)
    }
    for owner, run in zip(owners(runs), runs, strict=True):
        for kind in (MatrixKind.OPERATOR, MatrixKind.PRODUCT, MatrixKind.LOGITS):
            name, ink = inks.get((owner, kind), (None, ""))
            if name is None or run.config.seq_len > AT_ONCE or name.place > 1:
                continue
            curve = ranks.ranks_over_time(run.id, tuple(history.steps_with(run)), block, name)
            lines.append(Line(f"{owner}: {ranks.matrix_title(run.config, name)}", *curve, ink))
    with left:
        live_lines(
            lines,
            title="Effective rank at every snapshot",
            x_label="training step (log scale)",
            y_label="effective rank",
            log_x=True,
            log_y=True,
            mark=float(step),
            height=240,
            key="rank-time",
            empty="Choose logits, the mixing matrix or its form with the residual.",
            caption="The line marks the step that all views show.",
        )
    with right:
        live_lines(
            [loss_line(owner, run) for owner, run in zip(owners(runs), runs, strict=True)],
            title="Training loss",
            x_label="training step (log scale)",
            y_label="loss (log scale)",
            log_x=True,
            log_y=True,
            smoothing=SMOOTHING,
            mark=float(step),
            height=240,
            key="rank-loss",
            caption="Does the rank move when the loss does?",
        )


def loss_line(owner: str, run: Run) -> Line:
    """A run's training loss."""
    records = history.shelf(run.id).records(run.id, max_points=points_per_line(2))
    return Line(owner, records.step, records.loss, run.config.mixer)
