"""The page and the reader can both choose; the last one who did has it."""

from streamlit.testing.v1 import AppTest

from app.components.choice import whole_number


def script() -> None:
    import streamlit as st

    from app.components.choice import latest_choice

    given = st.session_state.get("given", 0)
    st.text(str(latest_choice("view", given, st.session_state.get("clicked"))))


def test_the_last_choice_holds_whoever_made_it() -> None:
    app = AppTest.from_function(script).run()
    assert app.text[0].value == "0"
    for change, expected in [
        ({"clicked": (5, 1)}, "5"),
        ({}, "5"),
        ({"given": 7}, "7"),
        ({}, "7"),
        ({"clicked": (5, 2)}, "5"),
        ({"given": 7}, "5"),
    ]:
        for name, value in change.items():
            app.session_state[name] = value
        app.run()
        assert app.text[0].value == expected


def test_only_whole_numbers_count_as_whole_numbers() -> None:
    assert [whole_number(value) for value in (3, 3.5, True, "3", None)] == [
        3,
        None,
        None,
        None,
        None,
    ]
