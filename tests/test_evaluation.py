"""Reports count what was answered, and measure it against trivial answers."""

import numpy as np
import pytest

from paramixer_core.errors import ParamixerError
from paramixer_core.evaluation import (
    ClassificationReport,
    RegressionReport,
    classification_report,
    regression_report,
    report_of,
)
from paramixer_core.training import Trainer
from tests.small_runs import SMALL


def outputs_for(answers: list[int], classes: int) -> np.ndarray:
    """Outputs whose highest is the answer."""
    return np.eye(classes, dtype=np.float32)[answers]


def test_a_confusion_matrix_has_a_row_per_true_class() -> None:
    truth = np.array([0, 0, 0, 1, 1, 0])
    report = classification_report(outputs_for([0, 1, 1, 1, 0, 0], 3), truth, ("a", "b", "c"))
    assert report.confusion.tolist() == [[2, 2, 0], [1, 1, 0], [0, 0, 0]]
    assert report.accuracy == 0.5
    np.testing.assert_array_equal(report.class_accuracy, [0.5, 0.5, np.nan])
    np.testing.assert_array_equal(report.row_shares[0], [0.5, 0.5, 0.0])
    assert (report.majority_class, report.majority_share) == ("a", 4 / 6)
    assert report.roc_auc is None


def test_the_roc_auc_counts_pairs_in_the_right_order() -> None:
    truth = np.array([0, 0, 1, 1, 1])
    margin = np.array([0.1, 0.5, 0.4, 0.9, 0.5], dtype=np.float32)
    outputs = np.stack([np.zeros(5, np.float32), margin], axis=1)
    pairs = [
        (margin[i] < margin[j]) + 0.5 * (margin[i] == margin[j])
        for i in range(5)
        for j in range(5)
        if truth[i] < truth[j]
    ]
    report = classification_report(outputs, truth, ("no", "yes"))
    assert report.roc_auc == pytest.approx(sum(pairs) / len(pairs))


def test_one_class_alone_has_no_roc_auc() -> None:
    report = classification_report(outputs_for([0, 1], 2), np.array([1, 1]), ("no", "yes"))
    assert report.roc_auc is None


def test_numbers_are_held_against_their_mean() -> None:
    truth = np.array([[0.2], [0.4], [0.6]], np.float32)
    report = regression_report(truth + np.float32(0.05), truth, 0.1)
    np.testing.assert_allclose(report.errors, 0.05, rtol=1e-5)
    np.testing.assert_allclose(report.mean_errors, [0.2, 0.0, -0.2], atol=1e-7)
    assert (report.accuracy, report.mean_accuracy) == (1.0, pytest.approx(1 / 3))
    assert report.mean_absolute_error == pytest.approx(0.05, rel=1e-5)


@pytest.mark.parametrize("outputs", [np.empty((0, 2), np.float32), np.full((2, 2), np.nan)])
def test_no_answers_are_refused_in_a_sentence(outputs: np.ndarray) -> None:
    with pytest.raises(ParamixerError, match="finite outputs for one test example or more"):
        classification_report(outputs, np.zeros(len(outputs), np.int64), ("no", "yes"))


@pytest.mark.parametrize("task", ["temporal_order", "adding"])
def test_a_report_agrees_with_the_trainers_own_evaluation(task: str) -> None:
    trainer = Trainer(SMALL.replace(task=task))
    for _ in range(5):
        trainer.step()
    report = report_of(trainer.config, trainer.state())
    assert report.accuracy == pytest.approx(trainer.evaluate().accuracy)
    kind = RegressionReport if task == "adding" else ClassificationReport
    assert isinstance(report, kind)
