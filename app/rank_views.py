"""How spectra and rank figures are drawn: curves, the table, and definitions one click away."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from app.components import Line, live_lines
from app.components.lines import MAX_POINTS
from app.escape import plain
from app.quantities import condition, numeral, ten_to
from app.ranks import RULES, Entry, Lens, Shown, matrix_title

FLOOR = 1e-17
MAX_LINES = 20

DEFINITIONS: dict[str, tuple[str, str]] = {
    "Numerical rank": (
        r"\#\{k : \sigma_k > \text{tolerance}\}, \qquad "
        r"\text{tolerance} = N\,\varepsilon\,\sigma_1 \ \text{or}\ 10^{-k}\sigma_1",
        "How many singular values stand clear of rounding. It depends on the tolerance, so the "
        "tolerance is always shown with it (Golub and Van Loan, 5.5.8).",
    ),
    "Effective rank": (
        r"\exp\Bigl(-\sum_k p_k \ln p_k\Bigr), \qquad p_k = \sigma_k / \textstyle\sum_l \sigma_l",
        "Over how many directions the spectrum is spread: N for the identity, 1 for a rank-one "
        "matrix (Roy and Vetterli, 2007).",
    ),
    "Stable rank": (
        r"\|A\|_F^2 / \|A\|_2^2 = \sum_k \sigma_k^2 / \sigma_1^2",
        "How much energy there is, counted in units of the strongest direction; one dominant "
        "direction brings it near 1. Never above the effective rank (Rudelson and Vershynin, "
        "2007).",
    ),
    "Condition number": (
        r"\sigma_1 / \sigma_N",
        "How close to singular: 1 for a rotation, infinite for a singular matrix.",
    ),
    "Energy in the top k": (
        r"\sum_{l \le k} \sigma_l^2 \Big/ \sum_l \sigma_l^2",
        "What the best approximation of rank k keeps; its squared relative error is the rest "
        "(Eckart and Young, 1936).",
    ),
    "Bound rank ≤ d": (
        r"\operatorname{rank}(Q K^\top) \le \min(\operatorname{rank} Q, \operatorname{rank} K) "
        r"\le d, \qquad Q, K \in \mathbb{R}^{N \times d}",
        "It holds for the logits of one head, whatever N and whatever the weights; d is the "
        "width of a head. It holds for none of the other matrices here, so it is drawn for the "
        "logits alone. In the softmax, exp works entry by entry and can raise the rank again; "
        "dividing by the row's sum rescales rows and leaves the rank as it is.",
    ),
}


def definitions() -> None:
    """Every measure, one click away, with its formula."""
    with st.container(horizontal=True, gap="small", key="definitions"):
        for title, (formula, words) in DEFINITIONS.items():
            with st.popover(title, type="tertiary"):
                st.latex(formula)
                st.markdown(words)


def not_finite(measured: Sequence[Entry]) -> None:
    """Say which matrices have no spectrum, and how many of their numbers are to blame."""
    odd = [one for one in measured if one.report is None]
    if not odd:
        return
    told = ", ".join(
        f"{plain(f'{one.owner}: {matrix_title(one.config, one.name)}')} "
        f"({one.odd:,} of {one.config.mixed_len**2:,})"
        for one in odd
    )
    rest = "The others are drawn." if len(odd) < len(measured) else "Choose an earlier step."
    st.warning(
        f"**Numbers that are not finite** (NaN or infinite) are in {told}: this network has "
        f"diverged, and a matrix with such numbers has no singular values. {rest}",
        icon=":material/warning:",
    )


def spectrum_lines(shown: Sequence[Shown], lens: Lens) -> list[Line]:
    """Spectra, the bound where it holds for one of them, and the tolerance, thinned to a tick."""
    drawn = shown[:MAX_LINES]
    points = max(2, (MAX_POINTS - 8) // max(1, len(drawn)))
    lines = []
    for at in drawn:
        relative = at.report.relative
        index = np.unique(np.geomspace(1, len(relative), points).round().astype(int))
        if len(relative) <= points:
            index = np.arange(1, len(relative) + 1)
        if lens.axis == "energy":
            y = np.array([at.report.energy(int(k)) for k in index])
        else:
            y = np.maximum(relative[index - 1], FLOOR)
        lines.append(Line(at.title, index, y, at.meaning))
    low = 0.0 if lens.axis != "log" else min((float(line.y.min()) for line in lines), default=FLOOR)
    for bound in sorted({at.bound for at in drawn if at.bound}):
        at_bound = np.array([bound + 0.5, bound + 0.5])
        lines.append(Line(f"bound d = {bound} of the logits", at_bound, np.array([low, 1.0])))
    if lens.axis == "log" and drawn:
        tolerances = {at.report.tolerance / at.report.singular_values[0] for at in drawn
                      if at.report.singular_values[0] > 0}  # fmt: skip
        if len(tolerances := {float(f"{tolerance:.3g}") for tolerance in tolerances}) == 1:
            level = tolerances.pop()
            ends = np.array([1, len(drawn[0].report.relative)])
            lines.append(Line("tolerance", ends, np.array([level, level]), "neutral"))
    return lines


def spectra(shown: Sequence[Shown], lens: Lens, key: str, title: str = "Singular values") -> None:
    """The curves of several matrices."""
    log = lens.axis == "log"
    y_label = "singular value / the largest" + (" (log scale)" if log else "")
    caption = (
        "A curve that stays high is a matrix that mixes along many directions; one that falls at "
        "once mixes along few."
    )
    if lens.axis == "energy":
        y_label = "share of the energy in the top k"
        caption = "A curve that rises at once is a matrix that few directions describe."
    live_lines(
        spectrum_lines(shown, lens),
        title=title,
        x_label="top k" if lens.axis == "energy" else "index of the singular value",
        y_label=y_label,
        log_y=log,
        y_range=None if log else (0, 1),
        height=340,
        key=key,
        caption=caption,
    )
    if len(shown) > MAX_LINES:
        st.caption(f"The first {MAX_LINES} of {len(shown)} are drawn; the table has all.")


def table(shown: Sequence[Shown], lens: Lens, key: str) -> None:
    """The rank figures of every matrix, with the tolerance that they hold for."""
    with st.container(key=key):
        st.table(
            {
                "Matrix": [at.title for at in shown],
                "Numerical rank": [
                    f"{at.report.numerical_rank:,} of {at.report.shape[0]:,}" for at in shown
                ],
                "Effective": [f"{at.report.effective_rank:.4g}" for at in shown],
                "Stable": [f"{at.report.stable_rank:.4g}" for at in shown],
                "Condition": [condition(at.report) for at in shown],
                f"Energy in top {lens.top}": [f"{at.report.energy(lens.top):.2%}" for at in shown],
                "Tolerance": [numeral(at.report.tolerance, 2) for at in shown],
            },
            hide_index=True,
            border="horizontal",
        )
    rule = RULES[lens.rule] if lens.rule != "own" else ten_to(-lens.exponent)
    st.caption(
        f"Numerical rank counts singular values above {rule} of the largest. The matrices are "
        "computed in float64 from the numbers that the network holds in float32."
    )
