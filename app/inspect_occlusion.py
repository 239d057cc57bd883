"""Does it matter? Masking each token beside the weight with which it is read."""

import streamlit as st

from app import history, inspect_compute, tokens
from app.components import Cell, TokenValues, values_view
from app.inspect_choice import Looked
from app.quantities import fixed


def draw(looked: Looked, step: int, _cell: Cell) -> None:
    """Effects and weights on the input, with their rank correlation and a warning."""
    st.warning(
        "A mixing weight is not an explanation. It says how strongly a token is mixed in, not "
        "whether the answer depends on it: later layers can ignore or cancel it.",
        icon=":material/info:",
    )
    if not inspect_compute.has_weights(looked.run, step):
        st.info(
            "Masking needs the network itself, and the gallery keeps it of the last step alone: "
            "move **Training step** to the end, or train the run yourself."
        )
        return
    masked = inspect_compute.masked(looked.run.id, step, looked.example, looked.block, looked.kind)
    left, right = st.columns([1, 3], gap="large")
    with left:
        st.metric(
            "Rank correlation",
            fixed(masked.correlation, 3),
            help="Spearman's: 1 if the two rank all tokens alike, 0 if they have nothing in "
            "common, −1 if they rank them the other way round.",
        )
        st.caption(
            "Effect: how far the network's outputs move (Euclidean distance) when the token is "
            "masked: a number by zero, a symbol by the mean of all symbols. Weight: the sum of "
            "|a| down the token's column."
        )
    with right:
        seen = history.views(looked.run.id, step, looked.example)
        values_view(
            tokens.token_form(looked.run.config.task, seen.inputs),
            [
                TokenValues("Effect of masking the token", masked.effects, "effect"),
                TokenValues("How strongly it is read", masked.weights, "weight"),
            ],
            title="Mask a token: does the answer change?",
            key="occlusion",
            group="inspect",
        )
