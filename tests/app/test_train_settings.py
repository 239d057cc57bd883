"""The Train page's settings of models: residual, padding, papers' sizes, and whose code runs."""

from streamlit.testing.v1 import AppTest

from app.names import RESIDUALS
from paramixer_core.config import Residual
from paramixer_core.uploads.dataset import keep
from paramixer_core.uploads.preparing import prepare
from paramixer_core.uploads.sequences import read_sequences


def open_train(**query: str) -> AppTest:
    page = AppTest.from_string("from app.navigation import run_app\nrun_app('train.py')")
    page.default_timeout = 60
    for key, value in query.items():
        page.query_params[key] = value
    return page.run()


def uploaded(seq_len: int) -> str:
    rows = ["abcab", "abacc", "cabbb", "bcaab", "aabca"]
    text = "".join(f"{label}\t{row}\n" for label, row in zip("xyxyx", rows, strict=True))
    sequences = read_sequences(text.encode(), "five.txt")
    return keep(prepare(sequences, seq_len, 0.4, f"five of {seq_len}"))


def test_padding_is_asked_about_only_where_a_task_has_some_and_masked_by_default() -> None:
    page = open_train(task=uploaded(7))
    assert not page.exception
    (padding,) = [one for one in page.get("button_group") if one.label == "Padding"]
    assert padding.value == "masked"
    for task in (uploaded(5), "digits", "adding"):
        page = open_train(task=task)
        assert not page.exception
        assert [one for one in page.get("button_group") if one.label == "Padding"] == []


def test_every_residual_has_a_title_and_none_of_them_is_called_the_authors() -> None:
    assert list(RESIDUALS) == list(Residual)
    assert not any("author" in title or "their" in title for title in RESIDUALS.values())
    page = open_train(residual="first")
    assert not page.exception
    (box,) = [one for one in page.selectbox if one.label == "Paramixer's residual"]
    assert box.value == Residual.FIRST


def test_the_papers_sizes_are_one_click() -> None:
    page = open_train(mixers="chord,linformer,reformer", sizes="papers")
    assert not page.exception
    (box,) = [one for one in page.selectbox if one.label == "Rivals' sizes"]
    assert box.value == "papers"


ORIGINS = """
from types import SimpleNamespace as Held

from app.results import origins
from paramixer_core.config import RunConfig

runs = [RunConfig(mixer="nystromformer", rival_size=77), RunConfig(mixer="cdil", num_links=5)]
rows = [Held(mixer=one.mixer, runs=[Held(config=one)]) for one in runs]
origins(Held(rows=rows))
"""


def test_a_race_says_whose_code_each_entrant_ran_its_size_and_what_it_lacks() -> None:
    (caption,) = AppTest.from_string(ORIGINS).run().caption
    first, second = caption.value.split("  \n")
    assert first.startswith("**Nystromformer**: Our own code after Xiong et al. 2021")
    assert "77 landmarks" in first
    assert "lacks the convolution" in first
    assert second.startswith("**Paramixer, CDIL links**: Our own code after the paper")
    assert "K = 5 links" in second
