"""How good answers are, beyond one accuracy: per class, against trivial baselines, over seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from paramixer_core.config import RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.schedule import evaluation_batch
from paramixer_core.tasks import make_task
from paramixer_core.tasks.task import ClassificationTask


@dataclass(frozen=True)
class ClassificationReport:
    """Answers that name a class.

    `confusion[i, j]` counts the examples of class i that were answered with class j. Shares are
    0..1. `class_accuracy` is NaN for a class without examples; `majority_share` is the accuracy of
    always answering `majority_class`. `roc_auc`, of two classes alone, is the share of pairs of one
    example of each class that the outputs put in the right order; None if a class is absent.
    """

    classes: tuple[str, ...]
    confusion: Int64[np.ndarray, "classes classes"]
    roc_auc: float | None

    @property
    def counts(self) -> Int64[np.ndarray, " classes"]:
        """Examples of each class."""
        found: Int64[np.ndarray, " classes"] = self.confusion.sum(1)
        return found

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return float(self.confusion.trace() / self.confusion.sum())

    @property
    def row_shares(self) -> Float[np.ndarray, "classes classes"]:
        """The confusion matrix as shares of each true class; NaN in the row of an absent one."""
        counts = self.counts[:, None].astype(np.float64)
        nothing = np.full(self.confusion.shape, np.nan)
        shares: Float[np.ndarray, "classes classes"] = np.divide(
            self.confusion, counts, out=nothing, where=counts > 0
        )
        return shares

    @property
    def class_accuracy(self) -> Float[np.ndarray, " classes"]:
        """Share of right answers among the examples of each class (its recall)."""
        return self.row_shares.diagonal().copy()

    @property
    def majority_class(self) -> str:
        """The most frequent class of the examples."""
        return self.classes[int(self.counts.argmax())]

    @property
    def majority_share(self) -> float:
        """How often it is right to always answer the most frequent class."""
        return float(self.counts.max() / self.counts.sum())

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        accuracies = zip(self.classes, self.class_accuracy.tolist(), strict=True)
        return {
            "classes": list(self.classes),
            "confusion": self.confusion.tolist(),
            "accuracy": self.accuracy,
            "class_accuracy": dict(accuracies),
            "majority_class": self.majority_class,
            "majority_accuracy": self.majority_share,
            "roc_auc": self.roc_auc,
        }


@dataclass(frozen=True)
class RegressionReport:
    """Answers that are a number: `errors` are answer - target; right is less than `tolerance` off.

    The baseline always answers the mean of the targets; `mean_errors` are its errors.
    """

    errors: Float[np.ndarray, " examples"]
    mean_errors: Float[np.ndarray, " examples"]
    tolerance: float

    @property
    def accuracy(self) -> float:
        """Share of answers within the tolerance."""
        return float((np.abs(self.errors) < self.tolerance).mean())

    @property
    def mean_accuracy(self) -> float:
        """The same of the baseline."""
        return float((np.abs(self.mean_errors) < self.tolerance).mean())

    @property
    def mean_absolute_error(self) -> float:
        """How far off the answers are on average."""
        return float(np.abs(self.errors).mean())

    @property
    def mean_baseline_error(self) -> float:
        """The same of the baseline."""
        return float(np.abs(self.mean_errors).mean())

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        levels = (5, 25, 50, 75, 95)
        quantiles = np.percentile(self.errors, levels).tolist()
        return {
            "tolerance": self.tolerance,
            "accuracy": self.accuracy,
            "mean_absolute_error": self.mean_absolute_error,
            "baseline_accuracy": self.mean_accuracy,
            "baseline_mean_absolute_error": self.mean_baseline_error,
            "error_percentiles": dict(zip(map(str, levels), quantiles, strict=True)),
        }


Report = ClassificationReport | RegressionReport


def classification_report(
    outputs: Float[np.ndarray, "examples classes"],
    targets: Int64[np.ndarray, " examples"],
    classes: Sequence[str],
) -> ClassificationReport:
    """Compare outputs (the highest is the answer) with the true classes.

    Raises ParamixerError without examples, or for outputs that are not finite.
    """
    from sklearn.metrics import confusion_matrix, roc_auc_score

    _require_answers(outputs)
    labels = np.arange(len(classes))
    confusion = confusion_matrix(targets, outputs.argmax(1), labels=labels).astype(np.int64)
    both = len(classes) == 2 and bool(confusion.sum(1).all())
    auc = float(roc_auc_score(targets, outputs[:, 1] - outputs[:, 0])) if both else None
    return ClassificationReport(tuple(classes), confusion, auc)


def regression_report(
    outputs: Float[np.ndarray, "examples 1"],
    targets: Float[np.ndarray, "examples 1"],
    tolerance: float,
) -> RegressionReport:
    """Compare outputs with the true numbers; raises ParamixerError as `classification_report`."""
    _require_answers(outputs)
    answers, truth = (values[:, 0].astype(np.float64) for values in (outputs, targets))
    return RegressionReport(answers - truth, truth.mean() - truth, tolerance)


def _require_answers(outputs: np.ndarray) -> None:
    if not len(outputs) or not np.isfinite(outputs).all():
        raise ParamixerError(
            "finite outputs for one test example or more",
            "none" if not len(outputs) else "some that are not finite",
            "choose another step or other weights",
        )


@torch.no_grad()
def report_of(config: RunConfig, state: Mapping[str, Tensor]) -> Report:
    """The report on the task's whole test set of the network whose weights `state` holds.

    Raises ParamixerError for weights whose data are not here, and as `classification_report` does.
    """
    from paramixer_core.inspection import load_network

    task = make_task(config.task, config.seq_len)
    if not task.labelled:
        raise ParamixerError(
            "weights whose data are on this server", task.title, "upload the data to test them"
        )
    network = load_network(config, state).eval()
    tests, size = task.test_set(), evaluation_batch(config)
    outputs = torch.cat([network(part) for part in torch.split(tests.inputs, size)]).numpy()
    if isinstance(task, ClassificationTask):
        return classification_report(outputs, tests.targets.numpy(), task.class_names)
    return regression_report(outputs, tests.targets.numpy(), task.tolerance)
