"""Where the non-zeros are: the CHORD and CDIL protocols."""

from functools import lru_cache

import networkx as nx
import numpy as np
from jaxtyping import Int

from paramixer_core.choices import Choice
from paramixer_core.errors import ParamixerError

Offsets = tuple[tuple[int, ...], ...]
"""Per factor, how far each link reaches ahead on the ring: row i links to (i + offset) mod N."""


class Protocol(Choice):
    """The two link patterns of the Paramixer paper (section 3.2)."""

    CHORD = "chord"
    CDIL = "cdil"


def num_factors(seq_len: int) -> int:
    """How many sparse factors connect `seq_len` tokens: M = ceil(log2 N).

    >>> [num_factors(n) for n in (2, 3, 7, 8, 9, 128)]
    [1, 2, 3, 3, 4, 7]
    """
    require_seq_len(seq_len)
    return (seq_len - 1).bit_length()


def protocol_offsets(
    protocol: Protocol, seq_len: int, num_links: int = 9, factors: int | None = None
) -> Offsets:
    """Link offsets of every factor, taken mod N; coinciding links stay listed twice and add up.

    CHORD: 0 and 2^k for k = 0..M-1, the same in every factor, so K = M + 1.
    CDIL:  0 and +-k 2^(m-1) for k = 1..(K-1)/2 in factor m; `num_links` is K, odd, at least 3.
    `factors` is M where it is not ceil(log2 N); fewer need not reach every token.

    Raises ParamixerError if N < 2 or K is even or too small. Source: Paramixer, section 3.2.

    >>> protocol_offsets(Protocol.CHORD, 8)
    ((0, 1, 2, 4), (0, 1, 2, 4), (0, 1, 2, 4))
    >>> protocol_offsets(Protocol.CDIL, 8, num_links=3)
    ((0, 1, 7), (0, 2, 6), (0, 4, 4))
    """
    factors = num_factors(seq_len) if factors is None else factors
    match Protocol(protocol):
        case Protocol.CHORD:
            row = (0, *(2**k % seq_len for k in range(factors)))
            return (row,) * factors
        case Protocol.CDIL:
            require_num_links(num_links)
            reach = range(1, (num_links - 1) // 2 + 1)
            return tuple(
                (0, *(sign * k * 2**m % seq_len for k in reach for sign in (1, -1)))
                for m in range(factors)
            )


def link_columns(offsets: Offsets, seq_len: int) -> Int[np.ndarray, "factors {seq_len} links"]:
    """The column of every link: entry (m, i, k) is the token that row i of factor m reads."""
    rows = np.arange(seq_len)[None, :, None]
    return (rows + np.asarray(offsets, dtype=np.int64)[:, None, :]) % seq_len


def tokens_reached(offsets: Offsets, seq_len: int) -> int:
    """How many tokens, itself included, each token reads through all factors with residuals.

    On the ring it is the same for every token: sums of one offset (or 0) a factor, taken mod N.

    >>> tokens_reached(protocol_offsets(Protocol.CHORD, 7), 7)
    7
    >>> tokens_reached(protocol_offsets(Protocol.CHORD, 7, factors=2), 7)
    5
    """
    reached = np.zeros(seq_len, dtype=bool)
    reached[0] = True
    for row in offsets:
        reached = np.logical_or.reduce([np.roll(reached, offset) for offset in {0, *row}])
    return int(reached.sum())


@lru_cache(maxsize=64)
def protocol_graph(offsets: Offsets, seq_len: int) -> nx.DiGraph:
    """Tokens as nodes, an edge i -> j wherever some factor lets row i read column j.

    Each edge carries `factors`, the tuple of factors (from 1) that hold the link.
    """
    holders: dict[tuple[int, int], list[int]] = {}
    for factor, columns in enumerate(link_columns(offsets, seq_len), start=1):
        for row, reads in enumerate(columns):
            for column in dict.fromkeys(reads.tolist()):
                holders.setdefault((row, column), []).append(factor)
    graph = nx.DiGraph()
    graph.add_nodes_from(range(seq_len))
    graph.add_edges_from((i, j, {"factors": tuple(held)}) for (i, j), held in holders.items())
    return nx.freeze(graph)


def require_seq_len(seq_len: int) -> None:
    """Raise ParamixerError unless N is a whole number of at least 2."""
    if isinstance(seq_len, bool) or not isinstance(seq_len, int) or seq_len < 2:
        raise ParamixerError("a sequence length N of at least 2", seq_len, "use a longer sequence")


def require_num_links(num_links: int) -> None:
    """Raise ParamixerError unless K is odd and at least 3, as CDIL needs."""
    if not isinstance(num_links, int) or num_links < 3 or num_links % 2 == 0:
        raise ParamixerError(
            "an odd number of links K of at least 3 for CDIL", num_links, "use 3, 5, 7 or 9"
        )
