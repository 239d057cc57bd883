"""Blocks with random initial weights: spectra at one setting, and ranks over d, N and seeds."""

import itertools
from collections.abc import Sequence

import numpy as np
import streamlit as st

from app import controls, jobs, rank_views, ranks
from app.figures.ranks import Spread, spreads_figure
from app.guarded import fragment
from app.ranks import Entry
from paramixer_core.analysis.block_matrices import (
    MatrixKind,
    MatrixName,
    measure_fresh,
    measure_plan,
    rank_bound,
)
from paramixer_core.analysis.rank import MAX_EXACT_SIDE, RankReport
from paramixer_core.analysis.rank_sweep import SweepPoint, sweep_fresh
from paramixer_core.config import RunConfig

AT_ONCE = 256
ASKED = "sweep-asked"
TICK_SECONDS = 0.5
STOPS = (2, 4, 8, 16, 32, 64, 128, 256, 512)
MIXERS = ("chord", "cdil", "attention")
SWEPT = {"channels": "channels D", "seq_len": "tokens N"}
FIGURES = {"effective_rank": "effective", "numerical_rank": "numerical", "stable_rank": "stable"}
RANDOM, ADDING, ORDER = "random", "adding", "temporal_order"
TOKENS = {RANDOM: "random numbers", ADDING: "Adding task", ORDER: "Temporal Order task"}


def choose_shape(heads_first: int = 1) -> RunConfig:
    """N, D, heads and seed of the untrained blocks."""
    seq_len = controls.whole_number("Tokens N", "n", low=2, high=MAX_EXACT_SIDE, default=128)
    channels = controls.stop("Channels D", "width", STOPS, default=32)
    heads = controls.stop(
        "Heads of attention",
        "heads",
        [heads for heads in (1, 2, 4, 8) if heads <= channels],
        default=heads_first,
        tip="A head is D / heads wide: that is the d of the bound rank ≤ d.",
    )
    seed = controls.whole_number("Seed", "seed", low=0, high=2**31 - 1, default=0)
    return RunConfig(seq_len=seq_len, channels=channels, heads=heads, seed=seed, device="cpu")


def choose_config() -> tuple[RunConfig, bool]:
    """The setting of the untrained blocks, and whether they read random tokens."""
    config = choose_shape()
    tokens = controls.choice(
        "Tokens are",
        "tokens",
        list(TOKENS),
        default=RANDOM,
        titles=TOKENS,
        tip="With random numbers nothing but the mixer limits the rank. Adding's tokens carry two "
        "numbers each, and that limits it too.",
    )
    return config.replace(task=ADDING if tokens == RANDOM else tokens), tokens == RANDOM


def draw() -> None:
    """The whole part."""
    settings, view = st.columns([1, 3], gap="large")
    with settings:
        config, random_tokens = choose_config()
        mixers = controls.several(
            "Mixers",
            "who",
            MIXERS,
            default=("chord", "attention"),
            titles={mixer: ranks.short_title(mixer) for mixer in MIXERS},
        )
        configs = [config.replace(mixer=mixer) for mixer in mixers]
        kinds = ranks.choose_kinds(configs)
        lens = ranks.choose_lens(config.seq_len)
    plan = [(one, name) for one in configs for name in ranks.wanted_names(one, kinds)]

    work = None
    if config.seq_len > AT_ONCE:
        asked = (tuple(plan), random_tokens)
        work = jobs.job("rank-fresh", asked, measure_plan, *asked)
    ticking = work is not None and work.running

    def spectra() -> None:
        if work is None:
            reports = [fresh_rank(one, name, random_tokens) for one, name in plan]
        else:
            jobs.progress(work, len(plan), "matrix", "rank-fresh")
            reports = list(work.results)
        shown = ranks.shown_of(entries(plan, reports), lens)
        rank_views.spectra(shown, lens, "fresh-spectra", "Singular values before training")
        rank_views.table(shown, lens, "rank-figures")
        if ticking and work is not None and not work.running:
            st.rerun()

    with view:
        rank_views.definitions()
        fragment(spectra, run_every=TICK_SECONDS if ticking else None, key="fresh")()
        sweep(config, mixers, random_tokens)


def entries(
    plan: Sequence[tuple[RunConfig, MatrixName]], reports: Sequence[RankReport]
) -> list[Entry]:
    """The part of the plan that is measured."""
    return [
        Entry(ranks.short_title(config.mixer), config, name, report)
        for (config, name), report in zip(plan, reports, strict=False)
    ]


@st.cache_data(max_entries=512, show_spinner=False)
def fresh_rank(config: RunConfig, name: MatrixName, random_tokens: bool) -> RankReport:
    """Rank of one matrix of an untrained block."""
    return next(measure_fresh(config, [name], random_tokens=random_tokens)).report


def sweep(base: RunConfig, mixers: tuple[str, ...], random_tokens: bool) -> None:
    """Ranks over D or N, several seeds each, as a job that is started by a button."""
    st.subheader("Over d, N and seeds", anchor=False)
    first, second, third = st.columns(3)
    with first:
        setting = controls.choice(
            "Change", "over", list(SWEPT), default="channels", titles=SWEPT, row=True
        )
    with second:
        figure = controls.choice(
            "Rank", "figure", list(FIGURES), default="effective_rank", titles=FIGURES
        )
    with third:
        seeds = controls.slider("Seeds", "seeds", low=1, high=10, default=3)
    values = sweep_values(base, setting)
    arguments = (base, mixers, setting, values, seeds, random_tokens)
    steps = len(values) * seeds * len(mixers)
    if base.seq_len > AT_ONCE and st.session_state.get(ASKED) != arguments:
        if st.button(f"Measure {steps} networks", icon=":material/play_arrow:", key="sweep-start"):
            st.session_state[ASKED] = arguments
            st.rerun()
        return
    work = jobs.job("rank-sweep", arguments, sweep_fresh, *arguments)

    def tick() -> None:
        jobs.progress(work, steps, "network", "rank-sweep")
        draw_sweep(list(itertools.chain.from_iterable(work.results)), figure, setting, base)
        st.caption(
            f"Mean of {seeds} seed{'s' * (seeds > 1)}, with bars from the smallest to the largest. "
            "Numerical rank counts above N ε(float32) of the largest singular value."
        )
        if ticking and not work.running:
            st.rerun()

    ticking = work.running
    fragment(tick, run_every=1.0 if ticking else None, key="sweep-view")()


def draw_sweep(points: list[SweepPoint], figure: str, setting: str, base: RunConfig) -> None:
    """The lines, and the bound where the logits are among them."""
    if not points:
        return
    logits = MatrixName(MatrixKind.LOGITS, 1)
    bound = None
    values = sorted({point.value for point in points if point.kind is MatrixKind.LOGITS})
    if values:
        at = [base.replace(mixer="attention", **{setting: value}) for value in values]
        limits = [rank_bound(one, logits) or one.seq_len for one in at]
        bound = (np.array(values), np.array(limits), "bound of the logits: min(d, N)")
    st.plotly_chart(
        spreads_figure(
            spreads(points, figure),
            x_label=f"{SWEPT[setting]} (log scale)",
            y_label=f"{FIGURES[figure]} rank (log scale)",
            title=f"{FIGURES[figure].capitalize()} rank over {SWEPT[setting]}, before training",
            bound=bound,
            dark=controls.dark_theme(),
        ),
        key="sweep",
        config={"displayModeBar": False},
    )


def sweep_values(base: RunConfig, setting: str) -> tuple[int, ...]:
    """The values that a sweep visits, around the chosen setting."""
    if setting == "channels":
        return tuple(stop for stop in STOPS[:7] if stop % base.heads == 0)
    return tuple(stop for stop in (8, 16, 32, 64, 128, 256) if stop <= 2 * base.seq_len)


def spreads(points: list[SweepPoint], figure: str) -> list[Spread]:
    """One line per mixer and matrix: mean, smallest and largest over the seeds at each value."""
    groups: dict[tuple[str, MatrixKind], dict[int, list[float]]] = {}
    for point in points:
        by_value = groups.setdefault((point.mixer, point.kind), {})
        by_value.setdefault(point.value, []).append(float(getattr(point, figure)))
    found, spare = [], itertools.cycle(ranks.SPARE[:6])
    for (mixer, kind), by_value in groups.items():
        values = sorted(by_value)
        config = RunConfig(mixer=mixer, device="cpu")
        name = MatrixName(kind, 1 if kind is MatrixKind.LOGITS else 0)
        columns = [np.array(by_value[value]) for value in values]
        found.append(
            Spread(
                f"{ranks.short_title(mixer)}: {ranks.matrix_title(config, name)}",
                np.array(values),
                np.array([column.mean() for column in columns]),
                np.array([column.min() for column in columns]),
                np.array([column.max() for column in columns]),
                mixer if kind is MatrixKind.OPERATOR else next(spare),
            )
        )
    return found
