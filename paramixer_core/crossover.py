"""From which length on one mixer is cheaper than another, by the closed forms."""

import dataclasses
from dataclasses import dataclass

from paramixer_core.cost import CostShape, Quantity, cost_report
from paramixer_core.errors import ParamixerError

MAX_CROSSOVER = 2**24


@dataclass(frozen=True, slots=True)
class Crossover:
    """Lengths N in 2..limit at which `cheaper` costs less than `dearer`; None if there are none.

    `first` is the least such N; `for_good` the least from which it stays so up to `limit`. They
    differ because M = ceil(log2 N) jumps after each power of two.
    """

    first: int | None
    for_good: int | None
    limit: int


def crossover(
    cheaper: CostShape,
    dearer: CostShape,
    quantity: Quantity = Quantity.FORWARD,
    limit: int = MAX_CROSSOVER,
) -> Crossover:
    """Compare two shapes at every N from 2 to `limit` (their own N is ignored).

    Between two powers of two M is constant and the difference of the costs changes its sign at
    most once, so each octave is settled by bisection instead of by trying every N.
    """
    if limit < 2:
        raise ParamixerError("a limit of at least 2", limit, "choose a longer one")
    quantity = Quantity(quantity)

    def wins(seq_len: int) -> bool:
        costs = [
            getattr(cost_report(dataclasses.replace(shape, seq_len=seq_len)), quantity)
            for shape in (cheaper, dearer)
        ]
        return bool(costs[0] < costs[1])

    first = for_good = None
    low = 2
    while low <= limit:
        high = min(1 << (low - 1).bit_length(), limit)
        at_low, at_high = wins(low), wins(high)
        change = low
        if at_low != at_high:
            before, change = low, high
            while change - before > 1:
                middle = (before + change) // 2
                if wins(middle) == at_low:
                    before = middle
                else:
                    change = middle
        if at_high:
            first = first or change
            for_good = for_good if for_good and at_low else change
        else:
            first = first or (low if at_low else None)
            for_good = None
        low = high + 1
    return Crossover(first=first, for_good=for_good, limit=limit)
