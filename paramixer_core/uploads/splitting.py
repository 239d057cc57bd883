"""Which sequences are trained on and which tested: stratified, each one once, no conflicts."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b

import numpy as np
from jaxtyping import Int, Shaped

SPLIT_SEED = 20_220_404


class Conflicts(StrEnum):
    """What happens to one sequence that stands under several labels."""

    LEAVE_OUT = "leave out"
    MAJORITY = "majority"  # its commonest label; left out where two are as common


@dataclass(frozen=True)
class Distinct:
    """One row of each different sequence, with its label, and what was left out.

    `conflicts` counts the sequences that stand under several labels, `conflict_rows` their rows.
    """

    rows: Int[np.ndarray, " kept"]
    labels: Int[np.ndarray, " kept"]
    repeated: int
    conflicts: int
    conflict_rows: int


def distinct(
    tokens: Shaped[np.ndarray, "rows seq"], labels: Sequence[int], conflicts: Conflicts
) -> Distinct:
    """Each different sequence once."""
    groups: dict[bytes, list[int]] = {}
    for at, row in enumerate(tokens):
        groups.setdefault(blake2b(row.tobytes(), digest_size=16).digest(), []).append(at)
    kept: list[tuple[int, int]] = []
    clashing = [rows for rows in groups.values() if len({labels[at] for at in rows}) > 1]
    for rows in groups.values():
        votes = np.bincount([labels[at] for at in rows])
        winners = np.flatnonzero(votes == votes.max())
        unanimous = (votes > 0).sum() == 1
        if unanimous or (conflicts is Conflicts.MAJORITY and len(winners) == 1):
            kept.append((rows[0], int(winners[0])))
    return Distinct(
        np.array([row for row, _ in kept], dtype=np.int64),
        np.array([label for _, label in kept], dtype=np.int64),
        sum(len(rows) - 1 for rows in groups.values() if len({labels[at] for at in rows}) == 1),
        len(clashing),
        sum(map(len, clashing)),
    )


def stratified(
    labels: Int[np.ndarray, " rows"], test_share: float
) -> tuple[Int[np.ndarray, " rows"], int]:
    """An order of all rows, tests first, and how many of them are tests.

    Each class has its share of tests, at least one and never all; a class of one row has none. The
    same labels give the same order.
    """
    order = np.random.default_rng(SPLIT_SEED).permutation(len(labels))
    counts = np.bincount(labels)
    wished = test_share * counts
    tests = np.clip(np.floor(wished), np.minimum(1, counts - 1), np.maximum(counts - 1, 0))
    tests = np.where(counts > 0, tests, 0).astype(np.int64)
    for place in np.argsort(-(wished - tests), kind="stable"):
        if tests.sum() < round(test_share * len(labels)) and tests[place] < counts[place] - 1:
            tests[place] += 1
    is_test = np.zeros(len(labels), dtype=bool)
    for label, count in enumerate(tests.tolist()):
        is_test[order[labels[order] == label][:count]] = True
    ordered = np.concatenate([order[is_test[order]], order[~is_test[order]]])
    return ordered, int(tests.sum())
