"""The box for files of sequences: what was guessed is shown, and every guess can be changed."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app import identity, inspect_upload_sequences
from paramixer_core.job_workers import IDLE
from paramixer_core.runs.ownership import Actor
from paramixer_core.uploads.choices import Missing, Tokens

CASES = Path(__file__).parents[1] / "uploads" / "cases"
UNIPROT = "".join(
    f">sp|Q{n}|G{n}_TEST OS=Testus OX={n % 3} SV=1\nACGT{'ACGT'[n % 4]}{'AC' * (n // 4)}\n"
    for n in range(24)
)


def uploaded(name: str, content: bytes | None = None) -> AppTest:
    page = AppTest.from_string(
        "from app import inspect_upload, navigation\n"
        "inspect_upload.explained(inspect_upload.inspect_upload_sequences.draw)"
    )
    page.default_timeout = 90
    page.run()
    held = (CASES / name).read_bytes() if content is None else content
    page.file_uploader(key="data_file").upload(name, held).run()
    assert not page.exception
    return page


def said(page: AppTest) -> str:
    texts = [*page.caption, *page.markdown, *page.warning, *page.error]
    return " ".join(text.value.replace("\\", "") for text in texts)


def can_be_used(page: AppTest) -> bool:
    return any(button.key == "data_use" for button in page.button)


@pytest.mark.parametrize(
    ("name", "sentences"),
    [
        ("01_spam_latin1.csv", ["encoding is cp1252, a guess", "“ham” would be right on **75%**"]),
        ("05_Beats_TRAIN.tsv", ["The first line is data", "**32** sequences to train on"]),
        ("06d_reads.fa.gz", ["was unpacked from gzip", "label is “word 2” of each header"]),
        ("07b_decimal_comma.csv", ["Numbers look like 1234,5", "divided by 0.98"]),
        ("13_reviews_zh.csv", ["Tokens are bytes", "377 different letters"]),
    ],
)
def test_what_was_guessed_is_said_and_the_file_can_be_used(name, sentences) -> None:
    page = uploaded(name)
    for sentence in sentences:
        assert sentence in said(page)
    assert can_be_used(page)


def test_classes_are_counted_before_training() -> None:
    page = uploaded("01_spam_latin1.csv")
    counts = page.dataframe[1].value
    assert counts.to_dict("list") == {"class": ["ham", "spam"], "train": [73, 23], "test": [18, 6]}


def test_an_open_label_is_asked_and_can_be_chosen() -> None:
    page = uploaded("up.fasta", UNIPROT.encode())
    assert "Which part of the header is the label?" in said(page)
    assert not can_be_used(page)
    options = page.selectbox(key="data_label").options
    assert "key OX: 0, 1, 2 (3 classes)" in options
    page.selectbox(key="data_label").select("key OX").run()
    assert can_be_used(page)
    page.selectbox(key="data_label").select(None).run()
    assert not can_be_used(page)
    page.text_input(key="data_pattern").input(r"OX=(\d)").run()
    assert "pattern: 0, 1, 2 (3 classes)" in said(page)
    assert can_be_used(page)


def test_a_missing_value_is_named_by_its_line_and_may_be_left_out() -> None:
    page = uploaded("09_missing.csv")
    assert "in line 9" in said(page)
    assert not can_be_used(page)
    page.selectbox(key="data_missing").select(Missing.SKIP).run()
    assert "2 rows with missing values left out." in said(page)
    assert can_be_used(page)


def test_tokens_can_be_changed_and_rare_letters_become_one() -> None:
    page = uploaded("13_reviews_zh.csv")
    page.toggle(key="data_change").set_value(True).run()
    page.selectbox(key="data_tokens").select(Tokens.LETTERS)
    page.selectbox(key="data_letters_kept").select(31).run()
    assert "346 rare symbols" in said(page)


def test_a_new_file_is_guessed_anew() -> None:
    page = uploaded("02_SMSSpamCollection")
    page.toggle(key="data_change").set_value(True).run()
    page.selectbox(key="data_header").select(True).run()
    assert "names the columns, as chosen" in said(page)
    held = (CASES / "04_promoters.data").read_bytes()
    page.file_uploader(key="data_file").upload("04_promoters.data", held).run()
    assert "as chosen" not in said(page)


def test_a_browser_that_brought_too_many_is_told_so_and_nothing_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PARAMIXER_UPLOADS_PER_BROWSER", "1")
    IDLE.close()  # a process that waits already has the limits of its start
    monkeypatch.setattr(identity, "actor", lambda: Actor("one browser"))
    # The box stands alone here, without the page that it leads to.
    monkeypatch.setattr(inspect_upload_sequences, "link_to", lambda page, label: None)
    for content, refused in ((UNIPROT, False), (UNIPROT.replace("AC", "TG"), True)):
        page = uploaded("a.fasta", content.encode())
        page.selectbox(key="data_label").select("key OX").run()
        page.button(key="data_use").click().run()
        assert ("at most 1 uploads of one browser" in said(page)) is refused
        assert bool(page.success) is not refused
