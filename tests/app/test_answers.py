"""The figures of answers show the report's own numbers."""

import numpy as np

from app.figures.confusion import confusion_figure, errors_figure
from tests.app.test_pages import open_page


def test_a_confusion_matrix_shows_counts_and_shares_of_each_row():
    counts = np.array([[3.0, 1.0], [0.0, 2.5]])
    shares = counts / counts.sum(1, keepdims=True)
    figure = confusion_figure(counts, shares, ("no", "yes"), title="T", subject="S")
    (heat,) = figure.data
    np.testing.assert_array_equal(heat.z, 100 * shares)
    np.testing.assert_array_equal(heat.customdata, counts)
    written = {(cell.x, cell.y): cell.text for cell in figure.layout.annotations}
    assert written == {(0, 0): "3<br>75%", (1, 0): "1<br>25%", (1, 1): "2.5<br>100%"}
    assert figure.layout.yaxis.autorange == "reversed"


def test_over_seeds_each_cell_says_its_spread():
    counts, deviations = np.array([[3.5, 0.0], [1.0, 2.0]]), np.array([[0.7, 0.0], [0.0, 1.4]])
    shares = counts / counts.sum(1, keepdims=True)
    figure = confusion_figure(counts, shares, ("no", "yes"), title="T", deviations=deviations)
    written = {(cell.x, cell.y): cell.text for cell in figure.layout.annotations}
    assert written[0, 0] == "3.5<br>± 0.7<br>100%"
    assert written[1, 1] == "2<br>± 1.4<br>67%"
    (heat,) = figure.data
    assert heat.text[1][0] == "true yes, answered no: 1 ± 0.0 (33.3% of the row)"


def test_errors_are_drawn_beside_those_of_the_mean_as_shares():
    errors, baseline = np.array([0.0, 0.01, -0.3]), np.array([0.4, -0.4, 0.1])
    figure = errors_figure(errors, baseline, 0.04, title="T", ink="chord")
    for trace in figure.data:
        assert abs(sum(trace.y) - 100) < 1e-9
    (band,) = figure.layout.shapes
    assert (band.x0, band.x1) == (-0.04, 0.04)


def test_inspect_answers_the_whole_test_set_of_the_run_that_is_looked_at():
    page = open_page("inspect", panel="answers", run="gallery-digits-chord")
    assert not page.exception
    assert not page.error
    said = [text.value for text in page.markdown]
    assert any("test examples are right" in text and "most frequent class" in text for text in said)
