"""The Matrix lab: the core's errors on the page, equal budgets, uploads squared or refused."""

import io
import time

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from app.figures.budgets import BudgetPoints, budgets_figure
from paramixer_core.analysis.contest import entrants, first_rank
from paramixer_core.analysis.matrix_lab import low_rank_errors
from paramixer_core.analysis.targets import make_target
from paramixer_core.jobs import IDLE
from paramixer_core.protocols import Protocol


@pytest.fixture(scope="module", autouse=True)
def _no_process_left():
    yield
    IDLE.close()


def open_lab(**query: str) -> AppTest:
    page = AppTest.from_string(
        "from app.navigation import run_app\nrun_app('matrix_lab.py')", default_timeout=120
    )
    for key, value in {"side": "32", "fit": "50", **query}.items():
        page.query_params[key] = value
    return page.run()


def until_fitted(page: AppTest) -> AppTest:
    deadline = time.monotonic() + 90
    while any(button.key == "stop-lab-fit" for button in page.button):
        assert time.monotonic() < deadline
        time.sleep(0.3)
        page.run()
    return page


def said(page: AppTest) -> str:
    return "\n".join(text.value for text in [*page.markdown, *page.caption]).replace("\u2060", "")


def test_a_fit_is_compared_with_low_rank_at_exactly_its_parameters():
    page = until_fitted(open_lab(target="low_rank"))
    assert not page.exception
    low = low_rank_errors(make_target("low_rank", 32))
    budgets = entrants(32, first_rank(32))
    text = said(page)
    for protocol in Protocol:
        budget = budgets[protocol]
        assert f"**Low rank**, r = {budget.rank}: **{low[budget.rank]:.4f}**" in text
    assert {budget.rank for budget in budgets.values()} == {15}
    assert text.count("**960 parameters each**, CHORD, CDIL and low rank alike, of 1,024") == 2
    assert "**CDIL**, 11 factors, the last with 2 of its 3 links" in text
    assert "**CHORD**, 5 factors:" in text
    assert text.count("**Low rank wins.**") == 2


def test_the_hadamard_target_says_what_theory_allows_and_descent_misses():
    text = said(open_lab(target="hadamard"))
    assert "CDIL's M factors hold it exactly" in text
    assert "5 factors: error" in text
    assert "not convex" in text


def test_a_matrix_of_a_run_can_be_the_target():
    page = open_lab(target="run", which="logits-1")
    assert not page.exception
    assert "logits QKᵀ/√d" in said(page)


def uploaded(content: bytes, name: str) -> AppTest:
    page = open_lab(target="upload")
    assert "Bring a file" in page.info[0].value
    return page.file_uploader(key="matrix-file").set_value((name, content, "")).run()


def npy(array: np.ndarray, **options: bool) -> bytes:
    out = io.BytesIO()
    np.save(out, array, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        (b"", "a.csv", "an empty file"),
        (b"1,nan\n2,3", "a.csv", "finite numbers only"),
        (b"5", "a.csv", "1 x 1"),
        (npy(np.array([{}], dtype=object), allow_pickle=True), "a.npy", "ever unpickled"),
    ],
)
def test_a_bad_file_gets_a_sentence_and_the_page_stands(content, name, says):
    page = uploaded(content, name)
    assert not page.exception
    assert says in page.error[0].value


def test_an_oblong_matrix_is_cropped_or_padded_as_the_reader_says():
    page = uploaded(npy(np.random.default_rng(0).normal(size=(20, 33))), "wide.npy")
    assert "Made 20 x 20 from 20 x 33." in said(page)
    page.segmented_control(key="square").set_value("pad").run()
    assert "Made 33 x 33 from 20 x 33." in said(page)


def test_a_constant_matrix_is_low_ranks_and_said_so():
    text = said(uploaded(npy(np.full((20, 20), 3.0)), "flat.npy"))
    assert "A constant matrix has rank 1" in text


def test_the_budget_figure_holds_the_line_of_low_rank_and_the_fits():
    low = np.array([1.0, 0.5, 0.0])
    fits = BudgetPoints("CHORD", np.array([4]), np.array([0.3]), ["2 factors"], "chord")
    figure = budgets_figure(low, [fits])
    assert figure.data[0].x.tolist() == [0, 4, 8]
    assert figure.data[0].y.tolist() == [1.0, 0.5, 0.0]
    assert figure.data[1].y.tolist() == [0.3]


def test_what_was_guessed_of_a_table_is_said_and_can_be_changed():
    content = b"0,1,2\n0.5,0.25,0.125\n0.5,0.5,0.75\n"
    page = uploaded(content, "small.csv")
    assert "the first row is labels" in said(page)
    page.selectbox(key="header").set_value("no").run()
    assert not page.exception
    assert "labels" not in said(page)


def test_of_an_archive_with_two_matrices_one_is_asked_for_by_name():
    out = io.BytesIO()
    np.savez(out, first=np.eye(20), second=np.ones((20, 20)))
    page = uploaded(out.getvalue(), "two.npz")
    assert "got 2: first, second" in page.error[0].value
    page.selectbox(key="matrix-array").set_value("second").run()
    assert not page.error
    assert "Read: the array second. Not read: first." in said(page)
    assert "A constant matrix has rank 1" in said(page)


def test_transparent_parts_of_a_picture_can_be_laid_on_black():
    layers = np.zeros((20, 20, 4), dtype=np.uint8)
    layers[:10, :, 3] = 255
    out = io.BytesIO()
    Image.fromarray(layers).save(out, "PNG")
    page = uploaded(out.getvalue(), "clear.png")
    assert "50.0% of the picture is transparent: it is laid on white." in said(page)
    page.segmented_control(key="background").set_value("black").run()
    assert "it is laid on black." in said(page)
