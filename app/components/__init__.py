"""Views drawn in the browser: live curves, matrices and the ring, on st.components.v2."""

from app.components.lines import MAX_POINTS, Line, live_lines, points_per_line

__all__ = ["MAX_POINTS", "Line", "live_lines", "points_per_line"]
