"""Many small runs over mixers, widths and seeds: what each reached, and the rank it mixes with.

`python -m paramixer_core.rank_race FILE` trains them anew (some minutes) and writes FILE as JSON.
"""

import itertools
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from paramixer_core.analysis.block_matrices import MatrixKind, MatrixName, measure
from paramixer_core.config import RunConfig
from paramixer_core.inspection import compacts_of
from paramixer_core.training import Trainer

BASE = RunConfig(
    task="temporal_order", seq_len=64, steps=600, learning_rate=3e-3, num_links=3, device="cpu"
)
MIXERS = ("chord", "cdil", "attention")
WIDTHS = (2, 4, 8, 16, 32)
SEEDS = (0, 1, 2)
KINDS = (MatrixKind.PRODUCT, MatrixKind.OPERATOR)


@dataclass(frozen=True, slots=True)
class RankedRun:
    """A finished run: its accuracy on the test set (0..1), and per matrix of its last block the
    effective and the stable rank for the first test example."""

    mixer: str
    channels: int
    seed: int
    steps: int
    accuracy: float
    effective_rank: dict[str, float]
    stable_rank: dict[str, float]


def race_configs() -> list[RunConfig]:
    """Every run of the race: `hidden` equals `channels`, all else as in BASE."""
    return [
        BASE.replace(mixer=mixer, channels=width, hidden=width, seed=seed)
        for mixer, width, seed in itertools.product(MIXERS, WIDTHS, SEEDS)
    ]


def ranked_run(config: RunConfig) -> RankedRun:
    """Train one run to its end and measure it."""
    trainer = Trainer(config)
    for _ in range(config.steps):
        trainer.step()
    probe = {name: np.asarray(value) for name, value in trainer.probe().items()}
    compact = compacts_of(config, probe, 0)[-1]
    reports = {
        found.name.kind.value: found.report
        for found in measure(config, compact, [MatrixName(kind) for kind in KINDS])
    }
    return RankedRun(
        config.mixer,
        config.channels,
        config.seed,
        config.steps,
        trainer.evaluate().accuracy,
        {kind: report.effective_rank for kind, report in reports.items()},
        {kind: report.stable_rank for kind, report in reports.items()},
    )


def run_race(configs: list[RunConfig]) -> Iterator[RankedRun]:
    """One run after the other."""
    return map(ranked_run, configs)


def write_race(path: Path) -> None:
    """Train the race and write its setting and its runs."""
    runs = [asdict(run) for run in run_race(race_configs())]
    path.write_text(json.dumps({"base": BASE.as_dict(), "runs": runs}, indent=1) + "\n")


def read_race(path: Path) -> tuple[RunConfig, list[RankedRun]]:
    """What `write_race` wrote."""
    held = json.loads(path.read_text())
    return RunConfig.from_dict(held["base"]), [RankedRun(**run) for run in held["runs"]]


if __name__ == "__main__":
    write_race(Path(sys.argv[1]))
