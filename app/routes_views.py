"""What the routes page draws: the product, the routes of an entry, and the sum that adds up."""

import streamlit as st

from app import quantities, routes
from app.components import Cell, SparseMatrix, matrix_view, routes_view
from app.routes import Source
from paramixer_core.analysis.routes import RouteReport
from paramixer_core.config import Residual

GROUP = "routes"
TITLES = {
    Residual.PER_FACTOR: "(I + W{last}) ⋯ (I + W1)",
    Residual.FIRST: "W{last} (⋯ (W1 + I) ⋯) + I",
    Residual.AROUND_BLOCK: "W{last} ⋯ W1 + I",
    Residual.NONE: "W{last} ⋯ W1",
}


def pick_entry(source: Source, last: int, cell: Cell) -> Cell:
    """The product; a click picks an entry."""
    picked = matrix_view(
        routes.product(source),
        title=f"{TITLES[source.residual].format(last=last)}: click an entry",
        row_label="output token i",
        column_label="input token j",
        value_label="weight",
        selection=cell,
        key="routes-product",
        group=GROUP,
    )
    return picked or cell


def tell(report: RouteReport, residual: Residual) -> None:
    """What the entry is, in a sentence and in a sum."""
    if residual is Residual.FIRST:
        st.caption(
            "Every factor adds V₀, so a route may also **enter after a factor**: it then uses the "
            "links of the later factors alone."
        )
    routes_word = "route" if report.count == 1 else "routes"
    if report.count == 0:
        st.warning(
            f"Token {report.row} cannot read token {report.column}: there is no route, so the "
            f"entry is {quantities.numeral(report.entry, 6)}.",
            icon=":material/link_off:",
        )
        return
    st.markdown(
        f"Entry ({report.row}, {report.column}) is the sum of **{report.count:,} {routes_word}** "
        f"from token {report.column} to token {report.row}. In absolute value they add up to "
        f"{report.absolute:.4g}; **{quantities.percent(report.cancellation)} cancels out**."
    )
    entry, *terms = quantities.aligned(
        [report.entry, report.listed, report.remainder, report.direct]
    )
    names = [f"the {len(report.strongest):,} listed", "all others", "residual around the block"]
    shown = [f"({term})" if term.startswith("−") else term for term in terms]
    with st.container(key="sum"):
        st.markdown(
            f"**{entry}** = "
            + " + ".join(
                f"**{term}** {name}"
                for term, name in zip(shown[: 3 if report.direct else 2], names, strict=False)
            )
        )


def draw(report: RouteReport, seq_len: int) -> None:
    """The layered graph with its list."""
    routes_view(
        report,
        seq_len,
        title=f"How token {report.column} reaches token {report.row}",
        key="routes",
        group=GROUP,
        caption="The list: tokens from the one read to its reader, and the product of the weights.",
    )


def totals(report: RouteReport, factor: int, seq_len: int) -> None:
    """The totals of one factor's links as a matrix; they add up to the entry."""
    links = report.links[factor - 1]
    matrix_view(
        SparseMatrix.of_entries(links.rows, links.columns, links.totals, seq_len),
        title=f"Factor {factor}: the sum of all routes over each link",
        row_label="token i",
        column_label="reads token j",
        value_label="total of the routes",
        signed=True,
        key="totals",
        group=GROUP,
        factor=factor,
        report=False,
    )
    total, waiting, entry = quantities.aligned([links.total, links.waiting, report.entry])
    later = (
        f" with the {waiting} of the routes on which V₀ enters after this factor"
        if links.waiting
        else ""
    )
    st.caption(
        f"{len(links.rows):,} links of factor {factor} lie on some route; their totals add up"
        f"{later} to {total}, whichever the factor: the entry, {entry}"
        + (", without the residual around the block." if report.direct else ".")
    )
