"""Low rank against sparse factors at one budget, fitted side by side or over many budgets."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple, dataclass

import numpy as np
import torch
from jaxtyping import Float

from paramixer_core.analysis.matrix_lab import (
    Budget,
    budgets,
    exact_hadamard,
    fit_sparse,
    full_budget,
    low_rank_errors,
)
from paramixer_core.analysis.targets import make_target
from paramixer_core.csv_text import csv_text
from paramixer_core.errors import ParamixerError
from paramixer_core.protocols import Protocol

PICTURES = 6
"""How often in a fit the approximation itself is reported, besides its error."""

REPORTS = 30
LEAST_LEAD = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class FitReport:
    """The state of one fit: its relative error, and now and then its N x N approximation."""

    protocol: Protocol
    step: int
    steps: int
    error: float
    matrix: Float[np.ndarray, "side side"] | None


@dataclass(frozen=True, slots=True)
class SweepResult:
    """One budget of a sweep: the relative errors of both families at the same parameters."""

    protocol: Protocol
    factors: int
    rank: int
    parameters: int
    sparse_error: float
    low_rank_error: float


def ranks_offered(side: int, num_links: int = 3) -> tuple[int, ...]:
    """Ranks r whose 2 N r numbers a chain of CHORD and one of CDIL spend exactly, and at least one
    of the two with whole factors alone."""
    both = [budgets(each, side, num_links) for each in Protocol]
    most = min(len(found) for found in both)  # each holds every rank 1, 2, ... up to its own
    found = {
        budget.rank
        for each in both
        for budget in each[:most]
        if budget.last_links == budget.whole_links
    }
    if not found:
        raise ParamixerError(
            "a matrix with more entries than two factors have links",
            f"{side} x {side}",
            "choose a larger matrix or fewer links",
        )
    return tuple(sorted(found))


def first_rank(side: int, num_links: int = 3) -> int:
    """The least budget of CHORD with all its factors, or the largest there is where none has."""
    offered = ranks_offered(side, num_links)
    try:
        full = full_budget(Protocol.CHORD, side, num_links).rank
    except ParamixerError:
        return offered[-1]
    return min(offered, key=lambda rank: abs(rank - full))


def entrants(side: int, rank: int, num_links: int = 3) -> dict[Protocol, Budget]:
    """Per protocol its chain of exactly 2 N `rank` numbers, `rank` one of `ranks_offered`."""
    if rank not in ranks_offered(side, num_links):
        raise ParamixerError(
            f"a rank among {list(ranks_offered(side, num_links))}", rank, "choose one of them"
        )
    return {protocol: budgets(protocol, side, num_links)[rank - 1] for protocol in Protocol}


def num_reports(steps: int) -> int:
    """How many reports a fit of so many steps makes."""
    every = max(1, steps // REPORTS)
    return len({*range(0, steps + 1, every), steps})


def contest(
    target: np.ndarray, fitted: Mapping[Protocol, Budget], steps: int = 400, seed: int = 0
) -> Iterator[FitReport]:
    """Fit every protocol's chain to the target, in turns, so that all errors fall together."""
    every = max(1, steps // REPORTS)
    fits = {
        protocol: fit_sparse(target, budget.wiring, steps=steps, seed=seed, every=every)
        for protocol, budget in fitted.items()
    }
    pictured = every * max(1, REPORTS // PICTURES)
    while fits:
        for protocol in list(fits):
            with one_thread():
                fit = next(fits[protocol], None)
            if fit is None:
                del fits[protocol]
                continue
            drawn = fit.step % pictured == 0 or fit.step == steps
            yield FitReport(
                protocol,
                fit.step,
                steps,
                fit.error,
                fit.matrix().astype(np.float32) if drawn else None,
            )


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one thread, then with as many as before.

    The factors of a fit are so small that threads gain nothing; and where other programs hold the
    cores, each of the thousands of small operators would wait for the last of its threads.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def sweep_plan(side: int, num_links: int = 3, most: int = 6) -> list[tuple[Protocol, Budget]]:
    """At most `most` budgets, the same for every protocol, from the least to the largest."""
    ranks = ranks_offered(side, num_links)
    places = np.unique(np.linspace(0, len(ranks) - 1, most).round().astype(int))
    return [pair for place in places for pair in entrants(side, ranks[place], num_links).items()]


def sweep_budgets(
    target: np.ndarray, num_links: int = 3, steps: int = 400, seed: int = 0, most: int = 6
) -> Iterator[SweepResult]:
    """Fit the target at every budget of `sweep_plan`; the final error of each."""
    low = low_rank_errors(target)
    for protocol, budget in sweep_plan(len(target), num_links, most):
        with one_thread():
            *_, last = fit_sparse(target, budget.wiring, steps=steps, seed=seed, every=steps)
        yield SweepResult(
            protocol,
            len(budget.wiring.offsets),
            budget.rank,
            budget.parameters,
            last.error,
            float(low[budget.rank]),
        )


def hadamard_error(side: int) -> float:
    """The relative error of the fast transform's CDIL factors: rounding alone."""
    target = make_target("hadamard", side)
    return float(np.linalg.norm(target - exact_hadamard(side).matrix()) / np.linalg.norm(target))


def winner(sparse_error: float, low_rank_error: float) -> str:
    """ "sparse", "low rank", or "neither" where they are within one hundredth of each other.

    >>> winner(0.2, 0.9), winner(0.9, 0.2), winner(0.5, 0.505)
    ('sparse', 'low rank', 'neither')
    """
    if abs(sparse_error - low_rank_error) < LEAST_LEAD:
        return "neither"
    return "sparse" if sparse_error < low_rank_error else "low rank"


def sweep_csv(results: list[SweepResult]) -> str:
    """The results as CSV with a header, one line a fit, and who wins."""
    rows = [
        [*astuple(result), winner(result.sparse_error, result.low_rank_error)] for result in results
    ]
    return csv_text([*SweepResult.__dataclass_fields__, "winner"], rows)
