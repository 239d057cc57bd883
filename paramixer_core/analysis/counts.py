"""How many links each way of mixing has, exactly, at any length."""

from dataclasses import dataclass

from paramixer_core.config import MAX_NUM_LINKS
from paramixer_core.protocols import Protocol, num_factors, require_num_links


@dataclass(frozen=True, slots=True)
class PatternCount:
    """`total` links of a way to mix N tokens, factor by factor.

    `factors` M times `links` K times N is `total`; attention is one full factor. `share` is the
    percentage of N^2. From `cheaper_from` on, for every longer N too, the total is below N^2; None
    for attention itself.
    """

    name: str
    formula: str
    seq_len: int
    factors: int
    links: int
    cheaper_from: int | None

    @property
    def total(self) -> int:
        """N M K."""
        return self.seq_len * self.factors * self.links

    @property
    def share(self) -> float:
        """The total as a percentage of N^2."""
        return 100.0 * self.factors * self.links / self.seq_len


def pattern_counts(seq_len: int, num_links: int = 9) -> tuple[PatternCount, ...]:
    """Attention, CHORD with K = M + 1 and CDIL with K = `num_links`, coinciding links counted
    each; any N >= 2.

    >>> [count.total for count in pattern_counts(16, 3)]
    [256, 320, 192]
    """
    require_num_links(num_links)
    factors = num_factors(seq_len)
    return (
        PatternCount("Attention", "N²", seq_len, 1, seq_len, None),
        PatternCount(
            "CHORD",
            "N M (M+1)",
            seq_len,
            factors,
            factors + 1,
            cheaper_from(Protocol.CHORD, num_links),
        ),
        PatternCount(
            "CDIL", "N M K", seq_len, factors, num_links, cheaper_from(Protocol.CDIL, num_links)
        ),
    )


def cheaper_from(protocol: Protocol, num_links: int) -> int:
    """The least N from which on M K < N always, that is, fewer links than N^2.

    >>> cheaper_from(Protocol.CHORD, 9), cheaper_from(Protocol.CDIL, 3)
    (43, 13)
    """
    last = 1
    for factors in range(1, 2 * MAX_NUM_LINKS):
        links = factors + 1 if Protocol(protocol) is Protocol.CHORD else num_links
        longest = min(2**factors, factors * links)
        if longest > 2 ** (factors - 1):
            last = longest
    return last + 1
