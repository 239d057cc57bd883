"""Every CSV that a page or the library writes has as many fields in each line as headings."""

import csv
import io

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from app import cost_sets
from app.inspect_export import csv_text as matrix_csv
from paramixer_core.analysis.contest import SweepResult, sweep_csv
from paramixer_core.csv_text import csv_text
from paramixer_core.protocols import Protocol
from tests.app.test_inspect_long import stored
from tests.app.test_pages import open_page
from tests.small_runs import SMALL


@pytest.fixture
def saved(monkeypatch) -> dict[str, str]:
    """What the download buttons of a page would save, by file name."""
    files: dict[str, str] = {}

    def keep(label, data, file_name=None, *_, **__):
        content = data() if callable(data) else data
        files[file_name] = content if isinstance(content, str) else content.decode("latin-1")

    monkeypatch.setattr(st, "download_button", keep)
    return files


def parsed(text: str) -> list[list[str]]:
    """The lines of a CSV, each with as many fields as the first, as pandas reads them too."""
    rows = list(csv.reader(io.StringIO(text)))
    assert {len(row) for row in rows} == {len(rows[0])}
    frame = pd.read_csv(io.StringIO(text))
    assert frame.shape == (len(rows) - 1, len(rows[0]))
    assert type(frame.index) is pd.RangeIndex  # a surplus field would have become an index
    return rows


@pytest.mark.parametrize("show", ["time", "memory"])
def test_the_what_if_file_has_as_many_fields_as_headings(saved, show):
    page = open_page("cost", sheet="what_if", show=show)
    assert not page.exception
    head, *rows = parsed(saved["what-if.csv"])
    assert head == ["curve", "N", {"time": "seconds", "memory": "bytes"}[show]]
    assert "Paramixer, CHORD links, predicted" in {row[0] for row in rows}
    assert all(float(row[2]) > 0 for row in rows)


@pytest.mark.parametrize("sheet", ["forms", "measured"])
def test_the_files_of_the_cost_page_parse(saved, sheet):
    assert not open_page("cost", sheet=sheet).exception
    tables = [name for name in saved if name.endswith(".csv")]
    assert tables
    for name in tables:
        assert len(parsed(saved[name])) > 1


def test_the_files_of_a_long_sequence_hold_what_is_shown(saved):
    run = stored(SMALL.replace(seq_len=2048, batch=1))
    for part, shape in (("0", (128, 128)), ("1", (16, 16)), ("2", (1, 2048)), ("3", (2048, 1))):
        saved.clear()
        page = AppTest.from_string("from app.navigation import run_app\nrun_app('inspect.py')")
        for name, value in {"run": run.id, "token": "7", "part": part}.items():
            page.query_params[name] = value
        page.run(timeout=60)
        assert not page.exception
        (name,) = [name for name in saved if name.endswith(".csv")]
        held = np.loadtxt(io.StringIO(saved[name]), delimiter=",", ndmin=2)
        assert held.shape == shape
        array = np.load(io.BytesIO(saved[name.replace(".csv", ".npy")].encode("latin-1")))
        np.testing.assert_array_equal(held, array)
        assert "<svg" in saved[name.replace(".csv", ".svg")]
    assert f"{run.id}.json" in saved


def test_text_with_commas_quotes_and_line_breaks_stays_one_field():
    hostile = ['a, "b"', "c\nd", "−1,5", ""]
    head, row = csv.reader(io.StringIO(csv_text(["w", "x", "y", "z"], [hostile])))
    assert head == ["w", "x", "y", "z"]
    assert row == hostile


def test_the_tables_of_the_library_parse():
    assert len(parsed(cost_sets.shipped().to_csv())) > 10
    sweep = SweepResult(Protocol.CHORD, 4, 3, 192, 0.25, 0.5)
    assert len(parsed(sweep_csv([sweep]))) == 2
    matrix = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    assert {len(row) for row in csv.reader(io.StringIO(matrix_csv(matrix)))} == {4}
