"""Wirings worth looking at: what breaks reach, and what little suffices for it."""

from paramixer_core.analysis.wiring import Wiring
from paramixer_core.protocols import Protocol, num_factors


def wiring_examples(seq_len: int) -> dict[str, Wiring]:
    """Named wirings of N tokens, by their names."""
    factors = num_factors(seq_len)
    chord = Wiring.of_protocol(Protocol.CHORD, seq_len)

    def same(*offsets: int) -> Wiring:
        return Wiring(seq_len=seq_len, offsets=(offsets,) * factors)

    long_links = tuple(2**k for k in range(factors))
    return {
        "Halves: 0 and 2^(m-1)": Wiring(
            seq_len=seq_len, offsets=tuple((0, 2**m) for m in range(factors))
        ),
        "Neighbours only": same(0, 1, -1),
        "Even steps only": same(0, *(2 * step for step in long_links)),
        "No self links": same(*long_links),
        "A broken token": chord.toggle_token(seq_len // 3),
        "A zeroed factor": chord.toggle_factor(min(2, factors)),
        "One cut link": chord.toggle_link(1, 0, 1),
    }
