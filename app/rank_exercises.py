"""Three questions with the page's own controls: commit to an answer, then see what is measured."""

from collections.abc import Callable, Sequence

import streamlit as st

from app import controls, jobs, matrix_lab, matrix_lab_views, rank_fresh, rank_singular
from app.guarded import fragment
from app.matrix_lab import FAMILIES
from app.quantities import numeral
from paramixer_core.analysis.block_matrices import MatrixKind, MatrixName
from paramixer_core.analysis.contest import contest, entrants, first_rank, winner
from paramixer_core.analysis.targets import TARGETS
from paramixer_core.protocols import Protocol

REVEALED = "revealed"
FIT_STEPS = 200
FIT_SIDE_LIMIT = 128
ASKED_TARGETS = ("shift", "low_rank", "circulant", "hadamard", "permutation", "blocks")


def draw() -> None:
    """The chosen question."""
    name = controls.choice(
        "Question",
        "ask",
        list(QUESTIONS),
        default="logits",
        titles={"logits": "1 Logits", "ring": "2 The ring", "budget": "3 One budget"},
        row=True,
    )
    QUESTIONS[name]()


def commit(name: str, setting: object, question: str, answers: Sequence[str]) -> str | None:
    """Ask; the committed answer once it is to be revealed, for this setting alone."""
    st.markdown(f"**{question}**")
    guess = st.radio("Your prediction", answers, index=None, key=f"guess-{name}")
    asked = (name, setting, guess)
    if st.button(
        "Reveal", type="primary", icon=":material/visibility:", key="reveal", disabled=guess is None
    ):
        st.session_state[REVEALED] = asked
    return guess if st.session_state.get(REVEALED) == asked else None


def judge(guess: str, truth: str, measured: str) -> None:
    """Whether the prediction was right, beside what was measured."""
    with st.container(key="answer"):
        if guess == truth:
            st.success(f"Right. {measured}", icon=":material/check:")
        else:
            st.warning(f"You said {guess}. {measured}", icon=":material/lightbulb:")


def counted(count: int, what: str) -> str:
    """How many of something.

    >>> counted(1, "wave"), counted(0, "wave")
    ('1 wave', '0 waves')
    """
    return f"{count} {what}" + "s" * (count != 1)


def logits() -> None:
    """What bounds the rank of the logits."""
    settings, view = st.columns([1, 3], gap="large")
    with settings:
        config = rank_fresh.choose_shape(heads_first=4).replace(mixer="attention")
        if config.seq_len > rank_fresh.AT_ONCE:
            st.caption(f"Measured at N = {rank_fresh.AT_ONCE}: longer ones take a while.")
            config = config.replace(seq_len=rank_fresh.AT_ONCE)
    names: dict[int, list[str]] = {}
    for name, rank in (
        ("D / heads", config.channels // config.heads),
        ("D", config.channels),
        ("N", config.seq_len),
    ):
        names.setdefault(rank, []).append(name)
    answers = [f"{rank} ({' = '.join(same)})" for rank, same in names.items()]
    with view:
        guess = commit(
            "logits",
            config,
            f"{config.seq_len} random tokens with D = {config.channels}, "
            f"{counted(config.heads, 'head')}: what is the rank of one head's logits QKᵀ/√d?",
            answers,
        )
        if guess is None:
            return
        found = rank_fresh.fresh_rank(config, MatrixName(MatrixKind.LOGITS, 1), True)
        softmax = MatrixName(MatrixKind.HEAD if config.heads > 1 else MatrixKind.PRODUCT,
                             1 if config.heads > 1 else 0)  # fmt: skip
        after = rank_fresh.fresh_rank(config, softmax, True)
        rank = found.numerical_rank
        judge(
            guess,
            next((text for text in answers if text.startswith(f"{rank} ")), ""),
            f"The measured rank is **{rank}**: Q and K have D / heads columns, and no more "
            f"directions than columns survive, nor more than N. After the softmax it is "
            f"**{after.numerical_rank}**, with an effective rank of {after.effective_rank:.3g} "
            f"(tolerance {numeral(after.tolerance, 1)}): softmax can fill the rank up, but a steep "
            "spectrum stays.",
        )


def ring() -> None:
    """How many waves a factor with equal rows wipes out."""
    settings, view = st.columns([1, 3], gap="large")
    with settings:
        chosen = rank_singular.choose_ring()
    with view:
        guess = commit(
            "ring",
            chosen,
            f"N = {chosen.seq_len}, every row of W has {chosen.own} for its own token and 1 for "
            f"its other links ({rank_singular.LINKS[chosen.links]}). How many of the "
            f"{chosen.seq_len} waves around the ring does W wipe out?",
            ["none", "one", "two", "more"],
        )
        if guess is None:
            return
        case = rank_singular.case_of(chosen, 3, 0)
        lost = chosen.seq_len - case.factor.numerical_rank
        truth = {0: "none", 1: "one", 2: "two"}.get(lost, "more")
        judge(
            guess,
            truth,
            f"W has rank **{case.factor.numerical_rank} of {chosen.seq_len}**: "
            f"{counted(lost, 'wave')} lost. With the residual the rank is "
            f"**{case.with_residual.numerical_rank}**, after a nudge of 0.001 "
            f"**{case.nudged.numerical_rank}**.",
        )
        rank_singular.waves(case)


def budget() -> None:
    """Who holds a matrix better at the same number of parameters."""
    settings, view = st.columns([1, 3], gap="large")
    with settings:
        name = controls.choice(
            "Target",
            "asked",
            ASKED_TARGETS,
            default="shift",
            titles={name: TARGETS[name].title for name in ASKED_TARGETS},
        )
        aim = matrix_lab.made_aim(name, most=FIT_SIDE_LIMIT)
    budgets = entrants(aim.side, first_rank(aim.side))
    spent = budgets[Protocol.CDIL]
    with view:
        guess = commit(
            "budget",
            (aim.digest, aim.side),
            f"{aim.title}, {aim.side} × {aim.side}, {spent.parameters:,} parameters: who comes "
            f"closer, the best rank {spent.rank} or {len(spent.wiring.offsets)} CDIL factors?",
            ["low rank", "sparse", "neither"],
        )
        if guess is None:
            return
        low = float(matrix_lab.low_rank_curve(aim.digest, aim.matrix)[spent.rank])
        work = jobs.job(
            "exercise-fit", aim.digest, contest, aim.matrix, {Protocol.CDIL: spent}, FIT_STEPS
        )

        def tick() -> None:
            jobs.progress(work, 34, "report", "exercise-fit")
            if ticking and not work.running:
                st.rerun()

        ticking = work.running
        fragment(tick, run_every=0.5 if ticking else None, key="exercise")()
        last = matrix_lab_views.last_of(list(work.results), Protocol.CDIL)
        if ticking or last is None:
            return
        judge(
            guess,
            winner(last.error, low),
            f"The best rank {spent.rank} leaves an error of **{low:.3f}**, "
            f"{FAMILIES[Protocol.CDIL]} after {FIT_STEPS} steps **{last.error:.3f}** (within 0.01 "
            f"counts as neither). {aim.known}",
        )


QUESTIONS: dict[str, Callable[[], None]] = {"logits": logits, "ring": ring, "budget": budget}
