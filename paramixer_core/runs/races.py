"""Fair races: several mixers on the same seeds, the same batches and the same optimiser."""

import bisect
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from paramixer_core.config import RunConfig
from paramixer_core.cost import CostShape, cost_report
from paramixer_core.errors import ParamixerError
from paramixer_core.models import mixer_kind
from paramixer_core.runs import memory
from paramixer_core.runs.executor import Executor
from paramixer_core.runs.run import Run
from paramixer_core.runs.store import RunStore
from paramixer_core.tasks import make_task

TOLERANCE = 0.05
"""Parameter counts that are asked to match differ by at most this share."""

MAX_HIDDEN = 1024


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure over seeds: mean, standard deviation (0 for one seed) and how many there are."""

    mean: float
    deviation: float
    count: int

    @property
    def low(self) -> float:
        """Lower edge of the band: mean - deviation."""
        return self.mean - self.deviation

    @property
    def high(self) -> float:
        """Upper edge of the band: mean + deviation."""
        return self.mean + self.deviation


@dataclass(frozen=True, slots=True)
class RaceRow:
    """What one mixer reached. The figures over seeds are None until there is one.

    `multiply_adds` are those of one training step; `test_loss` and `test_accuracy` are the last
    of each seed; `seconds` is training time so far.
    """

    mixer: str
    runs: tuple[Run, ...]
    parameters: int
    multiply_adds: int
    test_loss: Spread | None
    test_accuracy: Spread | None
    steps_per_second: Spread | None
    seconds: Spread | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who is best on one quantity; `clear` unless another's band overlaps the winner's."""

    quantity: str
    winner: str
    clear: bool


@dataclass(frozen=True, slots=True)
class RaceTable:
    """The state of a race, a row per mixer in the order in which they were entered."""

    race: str
    rows: tuple[RaceRow, ...]
    verdicts: tuple[Verdict, ...]


QUANTITIES: dict[str, tuple[str, bool]] = {
    "test accuracy": ("test_accuracy", True),
    "test loss": ("test_loss", False),
    "steps per second": ("steps_per_second", True),
    "training seconds": ("seconds", False),
    "multiply-adds per step": ("multiply_adds", False),
    "parameters": ("parameters", False),
}
"""Title -> attribute of RaceRow, and whether more is better."""


def race_configs(
    base: RunConfig, mixers: Sequence[str], seeds: Sequence[int], *, match_parameters: bool = False
) -> list[RunConfig]:
    """One configuration per seed and mixer; everything but mixer, seed and hidden is the base's.

    With `match_parameters` the width `hidden` of every mixer is chosen so that its parameter
    count comes closest to that of the first one. Raises ParamixerError if it stays 5 % apart.
    """
    if not mixers or not seeds:
        raise ParamixerError("at least one mixer and one seed", "none", "choose some")
    for mixer in mixers:
        mixer_kind(mixer)
    entrants = [base.replace(mixer=mixer) for mixer in dict.fromkeys(mixers)]
    if match_parameters:
        target = count_parameters(entrants[0])
        entrants = [entrants[0], *(matched(config, target) for config in entrants[1:])]
    return [config.replace(seed=seed) for seed in dict.fromkeys(seeds) for config in entrants]


def matched(config: RunConfig, target: int) -> RunConfig:
    """The configuration with the `hidden` whose parameter count is closest to `target`."""

    def count(hidden: int) -> int:
        return count_parameters(config.replace(hidden=hidden))

    above = bisect.bisect_left(range(1, MAX_HIDDEN), target, key=count) + 1
    hidden = min((max(1, above - 1), above), key=lambda width: abs(count(width) - target))
    if abs(count(hidden) - target) > TOLERANCE * target:
        raise ParamixerError(
            f"{config.mixer} with {target:,} parameters within 5 %",
            f"{count(hidden):,} at the closest, with hidden = {hidden}",
            "change channels or hidden, or race without matching",
        )
    return config.replace(hidden=hidden)


def count_parameters(config: RunConfig) -> int:
    """Numbers that a run learns, in closed form."""
    return cost_report(_shape(config)).parameters


def submit_race(
    executor: Executor,
    base: RunConfig,
    mixers: Sequence[str],
    seeds: Sequence[int],
    *,
    owner: str = "",
    match_parameters: bool = False,
) -> str:
    """Start a race and return its id; all of its runs are refused if one can never fit."""
    configs = race_configs(base, mixers, seeds, match_parameters=match_parameters)
    for config in configs:
        memory.require_fits(config)
    race = secrets.token_hex(5)
    executor.submit_all(configs, owner=owner, race=race)
    return race


def race_runs(store: RunStore, race: str) -> list[Run]:
    """The runs of a race in the order in which they were entered; none raises ParamixerError."""
    runs = store.runs(race=race, limit=10_000)[::-1]
    if not runs:
        raise ParamixerError("the id of a race in this store", repr(race), "choose one that is")
    return runs


def race_table(store: RunStore, race: str) -> RaceTable:
    """Where a race stands, and who wins on what."""
    by_mixer: dict[str, list[Run]] = {}
    for run in race_runs(store, race):
        by_mixer.setdefault(run.config.mixer, []).append(run)
    rows = tuple(_row(store, mixer, runs) for mixer, runs in by_mixer.items())
    verdicts = (_verdict(rows, *entry) for entry in QUANTITIES.items())
    return RaceTable(race, rows, tuple(verdict for verdict in verdicts if verdict is not None))


def _row(store: RunStore, mixer: str, runs: list[Run]) -> RaceRow:
    cost = cost_report(_shape(runs[0].config))
    tests = [store.evaluations(run.id) for run in runs]
    started = [run for run in runs if run.step]
    return RaceRow(
        mixer=mixer,
        runs=tuple(runs),
        parameters=cost.parameters,
        multiply_adds=cost.training,
        test_loss=spread([test.loss[-1] for test in tests if len(test)]),
        test_accuracy=spread([test.accuracy[-1] for test in tests if len(test)]),
        steps_per_second=spread([run.step / run.seconds for run in started if run.seconds]),
        seconds=spread([run.seconds for run in started]),
    )


def _verdict(rows: Sequence[RaceRow], title: str, how: tuple[str, bool]) -> Verdict | None:
    attribute, more_is_better = how
    reached = [(row.mixer, as_spread(getattr(row, attribute))) for row in rows]
    ranked = [(mixer, figure) for mixer, figure in reached if figure is not None]
    if len(ranked) < 2 or len(ranked) < len(rows):
        return None
    ranked.sort(key=lambda entry: entry[1].mean, reverse=more_is_better)
    best = ranked[0][1]
    rivals = [figure for _, figure in ranked[1:]]
    if more_is_better:
        clear = all(rival.high < best.low for rival in rivals)
    else:
        clear = all(rival.low > best.high for rival in rivals)
    return Verdict(title, ranked[0][0], clear)


def as_spread(figure: Spread | int | None) -> Spread | None:
    """A figure that is the same for every seed, as a spread without width."""
    return Spread(figure, 0.0, 1) if isinstance(figure, int) else figure


def spread(figures: Sequence[float]) -> Spread | None:
    """Mean and sample standard deviation; None of nothing."""
    if not figures:
        return None
    deviation = float(np.std(figures, ddof=1)) if len(figures) > 1 else 0.0
    return Spread(float(np.mean(figures)), deviation, len(figures))


def _shape(config: RunConfig) -> CostShape:
    return CostShape.of(config, make_task(config.task, config.seq_len))
