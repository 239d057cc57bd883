"""Pages with views run where no browser draws them, and take the page's own selection."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

DEMO = Path(__file__).parents[2] / "browser" / "components" / "views_demo.py"


@pytest.mark.parametrize("show", ["linked", "live", "largest", "large", "long"])
def test_every_view_mounts_without_an_error(show: str) -> None:
    app = AppTest.from_file(DEMO)
    app.query_params["show"] = show
    app.run(timeout=20)
    assert not app.exception


def page_with_a_selection() -> None:
    import numpy as np
    import streamlit as st

    from app.components import matrix_view

    given = st.session_state.get("given", (1, 2))
    cell = matrix_view(np.eye(4), title="Eye", key="eye", selection=given)
    st.text(str(cell and tuple(cell)))


def test_the_page_s_selection_holds_and_follows_its_changes() -> None:
    app = AppTest.from_function(page_with_a_selection).run()
    assert app.text[0].value == "(1, 2)"
    app.session_state["given"] = (3, 3)
    assert app.run().text[0].value == "(3, 3)"
    app.session_state["given"] = None
    assert app.run().text[0].value == "None"
    assert not app.exception
