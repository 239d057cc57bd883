"""Spectra of stored runs as curves and rows of figures."""

from dataclasses import dataclass

import numpy as np

from app import history
from app.figures.lines import Curve
from app.names import mixer_titles
from paramixer_core.analysis.rank import spectrum_report
from paramixer_core.runs.run import Run

SHOWN = {"operator": "with residual", "product": "bare product"}
SHOWN_OF_ATTENTION = {
    "operator": "attention matrix + I",
    "product": "attention matrix",
    "logits": "logits",
}


@dataclass(frozen=True)
class RankRow:
    """One matrix: its spectrum as a curve, its rank figures as a table row."""

    curve: Curve
    figures: dict[str, object]


def pair(runs: list[Run]) -> tuple[Run, Run]:
    """The newest Paramixer run, and the newest attention run of the same race if there is one."""
    ours = next((run for run in runs if run.config.mixer != "attention"), runs[0])
    rivals = [run for run in runs if run.config.mixer == "attention"]
    same = [run for run in rivals if run.race is not None and run.race == ours.race]
    return ours, (same or rivals or [ours])[0]


def rows(run: Run, exponent: int) -> list[RankRow]:
    """Every stored spectrum of the run's newest snapshot, last block, with its figures.

    `exponent` k sets the tolerance of the numerical rank to 10^-k of the largest singular value.
    """
    snapshot = history.shelf(run.id).snapshots(run.id)[-1]
    named = SHOWN_OF_ATTENTION if run.config.mixer == "attention" else SHOWN
    found = []
    prefix = f"block.{run.config.blocks - 1}.spectrum."
    for name, values in history.spectra(run.id, snapshot.step).items():
        kind = name.removeprefix(prefix)
        if kind not in named:
            continue
        size = run.config.seq_len
        tolerance = float(values[0]) * 10.0**-exponent
        report = spectrum_report(values, (size, size), tolerance=tolerance, dtype="float32")
        title = f"{mixer_titles()[run.config.mixer]}: {named[kind]}"
        found.append(
            RankRow(
                Curve(title, np.arange(1, len(values) + 1), report.relative),
                {
                    "Matrix": title,
                    "Numerical rank": report.numerical_rank,
                    "of N": size,
                    "Effective rank": report.effective_rank,
                    "Stable rank": report.stable_rank,
                    "Condition number": report.condition_number,
                    "Tolerance": report.tolerance,
                    "Step": snapshot.step,
                },
            )
        )
    return found
