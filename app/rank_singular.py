"""The counter-example: a factor with equal rows, its eigenvalues, the residual and a nudge."""

from dataclasses import dataclass

import streamlit as st

from app import controls
from app.figures.ranks import waves_figure
from app.guarded import said
from app.quantities import condition, numeral, ten_to
from paramixer_core.analysis.generic_rank import GenericRank, generic_rank
from paramixer_core.analysis.rank import RankReport
from paramixer_core.analysis.singular import SingularCase, singular_case
from paramixer_core.analysis.supports import ring_supports
from paramixer_core.protocols import Protocol, protocol_offsets

LINKS = {
    "pair": "itself and the next: 0, +1",
    "cdil": "CDIL, first factor: 0, +1, −1",
    "chord": "CHORD: 0, +1, +2, +4, ...",
}
CASES = {
    "Equal weights, even N": {"ring": 12, "links": "pair", "own": 1},
    "Equal weights, odd N": {"ring": 13, "links": "pair", "own": 1},
    "Broken by the residual": {"ring": 12, "links": "pair", "own": 0},
    "CDIL, equal, N = 12": {"ring": 12, "links": "cdil", "own": 1},
    "CHORD, rows that sum to 0": {"ring": 16, "links": "chord", "own": -4},
}
MOST_TOKENS = 64


@dataclass(frozen=True)
class Ring:
    """A factor whose every row has the weight `own` for its token and 1 for its other links."""

    seq_len: int
    links: str
    own: int


def draw() -> None:
    """The whole part."""
    with st.container(horizontal=True, gap="small", key="cases"):
        for place, (title, values) in enumerate(CASES.items()):
            st.button(title, key=f"case-{place}", on_click=said(show_case), args=(values,))
    settings, view = st.columns([1, 3], gap="large")
    with settings:
        ring = choose_ring()
        exponent = controls.slider(
            "Nudge: random noise of deviation 10⁻ᵏ, k", "nudge", low=1, high=12, default=3
        )
        seed = controls.whole_number("Seed of the nudge", "seed", low=0, high=2**31 - 1, default=0)
    seq_len = ring.seq_len
    case = case_of(ring, exponent, seed)
    with view:
        figures(case, seq_len, exponent)
        st.markdown(verdict(case, seq_len))
        waves(case)
        st.caption(
            "A matrix is singular exactly where its curve touches 0: that wave is wiped out. The "
            "residual moves every eigenvalue by 1 in the complex plane, so it can lift one off 0 "
            "or push another onto it."
        )
        with st.popover("Why", icon=":material/function:", type="tertiary"):
            st.latex(r"W = \sum_k w_k P^{o_k}, \quad \lambda_j = \sum_k w_k e^{2\pi i j o_k / N}")
            st.markdown(
                "Equal rows make W a polynomial in the shift P, a circulant matrix: the waves "
                "around the ring are its eigenvectors. With weights (1, 1) at offsets (0, 1), "
                "λ at j = N/2 is 1 + (−1) = 0, which exists for even N alone."
            )
        generically(seq_len)


def show_case(values: dict[str, int | str]) -> None:
    """Put a case into the controls."""
    for key, value in values.items():
        st.session_state[key] = value


def choose_ring() -> Ring:
    """The factor with equal rows."""
    return Ring(
        controls.slider("Tokens N", "ring", low=4, high=MOST_TOKENS, default=12),
        controls.choice("Each row's links", "links", list(LINKS), default="pair", titles=LINKS),
        controls.slider(
            "Weight of the token itself",
            "own",
            low=-8,
            high=8,
            default=1,
            tip="Every other link has the weight 1, in every row.",
        ),
    )


def waves(case: SingularCase) -> None:
    """The size of every eigenvalue, without and with the residual."""
    st.plotly_chart(
        waves_figure(
            [
                ("W", case.sizes, "neutral"),
                ("I + W, with the residual", case.sizes_with_residual, "chord"),
            ],
            title="Eigenvalues, one for each wave around the ring",
            dark=controls.dark_theme(),
        ),
        key="waves",
        config={"displayModeBar": False},
    )


@st.cache_data(max_entries=128, show_spinner=False)
def case_of(ring: Ring, exponent: int, seed: int) -> SingularCase:
    """The factor, with the residual, and nudged."""
    seq_len = ring.seq_len
    offsets = {
        "pair": (0, 1),
        "cdil": protocol_offsets(Protocol.CDIL, seq_len, 3)[0],
        "chord": protocol_offsets(Protocol.CHORD, seq_len)[0],
    }[ring.links]
    weights = [ring.own if offset == 0 else 1 for offset in offsets]
    return singular_case(weights, offsets, seq_len, nudge=10.0**-exponent, seed=seed)


def figures(case: SingularCase, seq_len: int, exponent: int) -> None:
    """Rank and condition of the three matrices."""
    shown: list[tuple[str, str, RankReport]] = [
        ("W", "factor", case.factor),
        ("I + W, with the residual", "residual", case.with_residual),
        (f"W nudged by {ten_to(-exponent)}", "nudged", case.nudged),
    ]
    for column, (title, key, report) in zip(st.columns(3), shown, strict=True):
        with column, st.container(border=True, key=f"singular-{key}"):
            st.metric(title, f"rank {report.numerical_rank} of {seq_len}")
            smallest = report.singular_values[-1]
            st.caption(
                f"Smallest singular value {numeral(smallest, 2)}, condition "
                f"{condition(report)}; tolerance {numeral(report.tolerance, 1)} (float64)."
            )


def verdict(case: SingularCase, seq_len: int) -> str:
    """What has happened, in one true sentence."""
    factor, residual, nudged = (
        report.numerical_rank == seq_len
        for report in (case.factor, case.with_residual, case.nudged)
    )
    lost = seq_len - case.factor.numerical_rank
    if not factor:
        text = f"**W is singular**: {lost} wave{'s' * (lost > 1)} around the ring vanish"
        text += "es" * (lost == 1)
        text += ". The residual heals it here" if residual else ". The residual does not heal it"
        text += ", and so does a random nudge" if residual and nudged else ""
        text += ", but a random nudge does" if not residual and nudged else ""
        return text + "."
    if not residual:
        return "W is full-rank, and **the residual makes it singular**: some eigenvalue was −1."
    return "Both are full-rank at these weights, as they are at almost all weights."


def generically(seq_len: int) -> None:
    """What holds for almost all weights, found in exact arithmetic."""
    st.subheader("And for almost all weights?", anchor=False)
    rows = []
    for protocol in Protocol:
        for residual in (True, False):
            found = generic(protocol, seq_len, residual)
            rows.append((protocol, residual, found))
    with st.container(key="generic"):
        st.table(
            {
                "Product of all factors": [
                    f"{protocol.value.upper()}, " + ("(I + W) each" if residual else "bare W each")
                    for protocol, residual, _ in rows
                ],
                "Generic rank": [f"{found.rank} of {found.size}" for _, _, found in rows],
                "Draws that reach it": [
                    f"{found.draws.count(found.rank)} of {len(found.draws)}" for _, _, found in rows
                ],
            },
            hide_index=True,
            border="horizontal",
        )
    st.caption(
        "Random weights on every link, eliminated exactly modulo the prime 2³¹ − 1: no rounding, "
        "no tolerance. A rank that one draw reaches holds for all weights outside a set of measure "
        "zero. A singular product is possible, but you have to aim for it; training may come "
        "close to it, which the condition number shows."
    )


@st.cache_data(max_entries=64, show_spinner=False)
def generic(protocol: Protocol, seq_len: int, residual: bool) -> GenericRank:
    """The rank that a protocol's product has for almost all weights."""
    offsets = protocol_offsets(protocol, seq_len, 3)
    return generic_rank(ring_supports(offsets, seq_len), residual=residual, draws=4)
