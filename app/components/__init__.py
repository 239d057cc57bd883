"""Views drawn in the browser: live curves, matrices, the ring and tokens, on st.components.v2."""

from app.components.growth import growth_view
from app.components.lines import MAX_POINTS, Line, LineChart, live_lines, points_per_line
from app.components.matrix import Cell, matrix_view, pressed_cell
from app.components.matrix_sources import (
    DenseMatrix,
    MatrixSource,
    SparseMatrix,
    StreamedMatrix,
    pattern_of_offsets,
)
from app.components.ring import ring_view
from app.components.routes import routes_view
from app.components.runs import Card, runs_payload, runs_view
from app.components.tokens import TokenForm, TokenValues, tokens_view, values_view

__all__ = [
    "MAX_POINTS",
    "Card",
    "Cell",
    "DenseMatrix",
    "Line",
    "LineChart",
    "MatrixSource",
    "SparseMatrix",
    "StreamedMatrix",
    "TokenForm",
    "TokenValues",
    "growth_view",
    "live_lines",
    "matrix_view",
    "pattern_of_offsets",
    "points_per_line",
    "pressed_cell",
    "ring_view",
    "routes_view",
    "runs_payload",
    "runs_view",
    "tokens_view",
    "values_view",
]
