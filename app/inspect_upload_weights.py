"""Bring your own weights: a safetensors file becomes a run of this server."""

from typing import Any

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app import names, reading
from app.escape import plain
from paramixer_core.config import MAX_SEQ_LEN, WIRING
from paramixer_core.jobs import Job
from paramixer_core.uploads.at_work import Progress
from paramixer_core.uploads.door import UploadChoices
from paramixer_core.uploads.exported import BY_SHAPES
from paramixer_core.uploads.weight_questions import (
    Question,
    RecognisedWeights,
    WeightChoices,
    answer_words,
)
from paramixer_core.uploads.weights import MAX_BYTES
from paramixer_core.uploads.what_was_read import UploadKind, WeightsRead

MEBI = 2**20
USED, TESTED = "weights_used", "weights_tested"
"""What is being imported; and the file that was imported last, with what its test gave."""


def draw() -> None:
    """Choose a file, say what was read and what is assumed, and import it."""
    st.caption(
        f"A `.safetensors` file of at most {MAX_BYTES // MEBI} MiB, with the names of this lab or "
        "of the authors' Paramixer (`attention.0.fs.0.network.0.weight` ...). Other formats could "
        "run code when opened, so they are refused."
    )
    file = st.file_uploader("Weights", type=None, key="weights_file")
    reading.ready()
    if file is None:
        return
    key = f"weights-{reading.digest_of(file)}"
    answers: dict[str, Any] = st.session_state.setdefault(key, {})
    work = reading.job(file, chosen(answers), "weights-job")
    with st.container():
        reading.draw(work, "weights-job")
        found = network_in(work)
        if found is not None:
            report(found)
    asked = found
    if asked is None and answers:  # they do not fit: what can be asked without them is asked still
        plainly = chosen({"by_metadata": answers.get("by_metadata")})
        asked = network_in(reading.job(file, plainly, "weights-asked"))
    last = f"{key}-last"
    asked = asked or st.session_state.get(last)
    st.session_state[last] = asked  # its controls stay while the file is read otherwise
    if asked is None and not work.failure:
        return
    given = given_answers(asked, work.failure, answers, key)
    if given != answers:
        st.session_state[key] = given
        st.rerun()
    if found is not None:
        details(found)
        use(file, chosen(answers), key)


def chosen(answers: dict[str, Any]) -> UploadChoices:
    """How to read the file, with these answers."""
    return UploadChoices(kind=UploadKind.WEIGHTS, weights=WeightChoices(**answers))


def network_in(work: Job[Progress]) -> RecognisedWeights | None:
    """The network in the file, without its weights, once it is read."""
    read = reading.found(work)
    return read.found if isinstance(read, WeightsRead) else None


def given_answers(
    found: RecognisedWeights | None,
    problem: str,
    before: dict[str, Any],
    key: str,
) -> dict[str, Any]:
    """The controls for what the file leaves open, and what was answered with them."""
    given: dict[str, Any] = {}
    by_itself = before.get("by_metadata") is not False
    told = found is not None and found.from_metadata
    if told or not by_itself or BY_SHAPES in problem:
        label = "Go by what the file says about itself"
        if not st.toggle(label, True, key=f"{key}-told"):
            given["by_metadata"] = False
    if found is None or not found.questions:
        return given
    st.markdown("**What the file leaves open**")
    sure = st.session_state.get(f"{key}-sure", False)
    columns = st.columns(2)
    for place, question in enumerate(found.questions):
        with columns[place % 2]:
            answer = ask(question, key, sure)
        if answer is not None:
            given[question.field] = answer
        elif sure:
            given[question.field] = question.assumed
    if given.get("mixer") == WIRING:
        given["wiring"] = st.text_input(
            "The wiring's text", before.get("wiring", ""), key=f"{key}-wiring"
        )
    st.checkbox("These answers are right", key=f"{key}-sure")
    return given


def ask(question: Question, key: str, sure: bool) -> Any:
    """One open question as a control; None as long as the assumed answer stands."""
    place = f"{key}-{question.field}"
    assumed = f"Assumed: {answer_words(question.field, question.assumed)}"
    help_text = f"{question.why[:1].upper()}{question.why[1:]}."
    if not question.options:
        return st.number_input(
            question.title,
            1,
            MAX_SEQ_LEN,
            None,
            key=place,
            placeholder=assumed,
            help=help_text,
            disabled=sure,
        )
    labels = [assumed, *(answer_words(question.field, option) for option in question.options)]
    chosen = st.selectbox(
        question.title,
        range(len(labels)),
        key=place,
        format_func=lambda at: labels[at],
        help=help_text,
        disabled=sure,
    )
    return question.options[chosen - 1] if chosen else None


def report(found: RecognisedWeights) -> None:
    """What was read: green only where nothing is assumed."""
    config = found.config
    parts = [
        names.mixer_titles()[config.mixer],
        plain(answer_words("task", config.task)),
        f"N = {config.seq_len:,}",
        f"D = {config.channels}",
        f"{config.blocks} block{'s' * (config.blocks > 1)}",
    ]
    if found.num_links is not None:
        parts += [f"K = {found.num_links}"]
        parts += [f"residual: {answer_words('residual', config.residual)}"]
    else:
        parts += [f"{config.heads} head{'s' * (config.heads > 1)}"]
    count = f"{len(found.matched)} tensors read, {len(found.unused)} not used."
    words = f"{', '.join(parts)}. {count}"
    if found.certain:
        st.success(f"Read by {found.source}: {words}", icon=":material/verified:")
    else:
        open_ = "\n".join(f"- {plain(q.sentence)}" for q in found.questions if not q.answered)
        st.warning(
            f"Read by {found.source}, **with assumptions**: {words}\n\n{open_}",
            icon=":material/help:",
        )
    for warning in found.warnings:
        st.warning(plain(warning), icon=":material/warning:")


def details(found: RecognisedWeights) -> None:
    """Notes, and which tensor became which."""
    for note in found.notes:
        st.caption(plain(note))
    rows = [{"in the file": theirs, "here": ours} for theirs, ours in found.matched]
    rows += [{"in the file": name, "here": "not used"} for name in found.unused]
    st.dataframe(rows, hide_index=True, height=180)


def use(file: UploadedFile, choices: UploadChoices, key: str) -> None:
    """Import the weights and look at them; what their test gave is said afterwards."""
    if st.button("Look at it", type="primary", key="weights_use"):
        st.session_state[USED] = (key, choices)
        st.session_state.pop("weights-keep", None)
    if st.session_state.get(USED) == (key, choices):
        kept = reading.keep(file, choices, "weights-keep")
        if kept is not None:
            del st.session_state[USED]
            st.session_state[TESTED] = (key, kept.tested)
            st.query_params["run"] = kept.name
            st.rerun()
    of, sentence = st.session_state.get(TESTED, ("", ""))
    if of == key:
        st.info(sentence, icon=":material/task_alt:")
