"""A wiring of one's own: offsets per factor, links cut, tokens broken, factors zeroed."""

import dataclasses
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Bool, Float
from scipy.sparse import csr_array

from paramixer_core.analysis.supports import MAX_DENSE_TOKENS, Factors, csr_from_links
from paramixer_core.analysis.wiring_text import (
    MAX_FACTORS,
    escape,
    groups,
    numbers,
    parse_offsets,
    unescape,
    write_offsets,
)
from paramixer_core.config import require_whole
from paramixer_core.errors import ParamixerError
from paramixer_core.protocols import Offsets, Protocol, protocol_offsets

MAX_LINKS = 64
MAX_CUT = 500
MAX_NAME = 40
MAX_TEXT = 40_000  # the longest text of a wiring is shorter

Place = tuple[int, int, int]
"""(factor from 1, row, column) of a link."""

TEXT = re.compile(
    r"n(?P<seq_len>[0-9]+)_f(?P<offsets>[0-9.x-]*)(_c(?P<cut>[0-9.-]+))?(_b(?P<broken>[0-9.]+))?"
    r"(_z(?P<zeroed>[0-9.]+))?(_t(?P<name>[0-9A-Za-z~]+))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """Where the non-zeros of every factor are; a value that cannot be wrong.

    `offsets[m]` says how far ahead on the ring each link of factor m + 1 reaches, kept mod N;
    factors may differ in their number of links. `cut` switches off every link of one row that
    lands on one column. A broken token has no link in or out in any factor (with the residual it
    still keeps its own value). A zeroed factor has no links: W_m = 0, so that a bare product is 0
    and one with residuals passes through. Raises ParamixerError for what is out of range.
    """

    seq_len: int
    offsets: Offsets
    cut: frozenset[Place] = frozenset()
    broken: frozenset[int] = frozenset()
    zeroed: frozenset[int] = frozenset()
    name: str = ""

    def __post_init__(self) -> None:
        require_whole("the wiring's length N", self.seq_len, 2, MAX_DENSE_TOKENS)
        require_whole("the number of factors", len(self.offsets), 1, MAX_FACTORS)
        for ahead in self.offsets:
            require_whole("the number of links of a factor", len(ahead), 0, MAX_LINKS)
            for offset in ahead:
                require_whole("an offset", offset, -MAX_DENSE_TOKENS, MAX_DENSE_TOKENS)
        require_whole("the number of cut links", len(self.cut), 0, MAX_CUT)
        require_whole("the length of the name", len(self.name), 0, MAX_NAME)
        wrapped = tuple(tuple(offset % self.seq_len for offset in row) for row in self.offsets)
        object.__setattr__(self, "offsets", wrapped)
        for field in ("cut", "broken", "zeroed"):
            object.__setattr__(self, field, frozenset(getattr(self, field)))
        for zeroed in self.zeroed:
            require_whole("a zeroed factor", zeroed, 1, len(self.offsets))
        for token in self.broken:
            require_whole("a broken token", token, 0, self.seq_len - 1)
        for place in self.cut:
            self._require_link(place)

    @classmethod
    def of_protocol(
        cls, protocol: Protocol, seq_len: int, num_links: int = 9, factors: int | None = None
    ) -> Self:
        """The untouched wiring of CHORD or CDIL; `factors` as in `protocol_offsets`."""
        offsets = protocol_offsets(protocol, seq_len, num_links, factors)
        return cls(seq_len=seq_len, offsets=offsets)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `as_text`'s output; anything else raises ParamixerError.

        >>> Wiring.parse("n8_f0.1.2.4x3_b5").broken
        frozenset({5})
        """
        match = TEXT.fullmatch(text) if len(text) <= MAX_TEXT else None
        if match is None:
            raise ParamixerError(
                "a wiring such as n8_f0.1.2.4x3",
                f"{text[:30]!r}",
                "copy the whole link again or start from CHORD",
            )
        parts = match.groupdict(default="")
        try:
            return cls(
                seq_len=int(parts["seq_len"]),
                offsets=parse_offsets(parts["offsets"]),
                cut=frozenset(
                    (factor, row, column)
                    for factor, row, column in map(numbers, groups(parts["cut"]))
                ),
                broken=frozenset(numbers(parts["broken"])),
                zeroed=frozenset(numbers(parts["zeroed"])),
                name=unescape(parts["name"]),
            )
        except ParamixerError:
            raise
        except ValueError as error:
            raise ParamixerError(
                "a wiring such as n8_f0.1.2.4x3", f"{text[:30]!r}", "copy the whole link again"
            ) from error

    def as_text(self) -> str:
        """A compact form of letters, digits and `. - _ ~` alone, fit for a URL as it is.

        `n` length, `f` offsets per factor (`x3`: three such factors), `c` cut links, `b` broken
        tokens, `z` zeroed factors, `t` name.
        """
        written = [f"n{self.seq_len}", "f" + write_offsets(self.offsets)]
        if self.cut:
            written.append("c" + "-".join(".".join(map(str, place)) for place in sorted(self.cut)))
        if self.broken:
            written.append("b" + ".".join(map(str, sorted(self.broken))))
        if self.zeroed:
            written.append("z" + ".".join(map(str, sorted(self.zeroed))))
        if self.name:
            written.append("t" + escape(self.name))
        return "_".join(written)

    def toggle_link(self, factor: int, row: int, column: int) -> Self:
        """Switch the links of one row on one column off, or on again."""
        return dataclasses.replace(self, cut=self.cut ^ {(factor, row, column)})

    def toggle_token(self, token: int) -> Self:
        """Break a token, or mend it."""
        return dataclasses.replace(self, broken=self.broken ^ {token})

    def toggle_factor(self, factor: int) -> Self:
        """Zero a factor, or bring it back."""
        return dataclasses.replace(self, zeroed=self.zeroed ^ {factor})

    def with_offsets(self, factor: int, offsets: Iterable[int]) -> Self:
        """Give one factor other offsets; cuts of that factor that no longer fit are dropped."""
        require_whole("a factor", factor, 1, len(self.offsets))
        rows = list(self.offsets)
        rows[factor - 1] = tuple(offset % self.seq_len for offset in offsets)
        kept = frozenset(
            place
            for place in self.cut
            if place[0] != factor or (place[2] - place[1]) % self.seq_len in rows[factor - 1]
        )
        return dataclasses.replace(self, offsets=tuple(rows), cut=kept)

    def with_factors(self, count: int) -> Self:
        """The first `count` factors; where there were fewer, the last one is repeated."""
        require_whole("the number of factors", count, 1, MAX_FACTORS)
        rows = self.offsets[:count] + self.offsets[-1:] * (count - len(self.offsets))
        return dataclasses.replace(
            self,
            offsets=rows,
            cut=frozenset(place for place in self.cut if place[0] <= count),
            zeroed=frozenset(factor for factor in self.zeroed if factor <= count),
        )

    def renamed(self, name: str) -> Self:
        """The same wiring under another name."""
        return dataclasses.replace(self, name=name)

    def padded_offsets(self) -> Offsets:
        """Offsets with the same number of links in every factor, as `mix` wants them.

        Shorter factors are filled up with offset 0; `mask` switches those links off.
        """
        links = max(1, *(len(row) for row in self.offsets))
        return tuple(row + (0,) * (links - len(row)) for row in self.offsets)

    def mask(self) -> Bool[np.ndarray, "factors seq links"]:
        """Which links of `padded_offsets` are on: multiply the link weights by it."""
        padded = self.padded_offsets()
        rows = np.arange(self.seq_len)
        on = np.zeros((len(padded), self.seq_len, len(padded[0])), dtype=bool)
        for m, ahead in enumerate(self.offsets):
            on[m, :, : len(ahead)] = m + 1 not in self.zeroed
        columns = (rows[None, :, None] + np.array(padded)[:, None, :]) % self.seq_len
        off = np.isin(rows, list(self.broken))
        on &= ~off[None, :, None] & ~off[columns]
        for factor, row, column in self.cut:
            on[factor - 1, row] &= columns[factor - 1, row] != column
        return on

    def supports(self) -> Factors:
        """The pattern of every factor, for `reach_report`, `count_paths` and `generic_rank`."""
        return tuple(
            csr_from_links(rows, columns, self.seq_len)
            for rows, columns, _ in self._links(self.mask())
        )

    def factors(self, weights: Float[np.ndarray, "factors seq links"]) -> Factors:
        """The bare W_m as CSR matrices, from weights for `padded_offsets`; links that are off
        are no edges."""
        shape = (self.seq_len, self.seq_len)
        on = self.mask()
        return tuple(
            csr_array((weights[m][on[m]], (rows, columns)), shape=shape)
            for rows, columns, m in self._links(on)
        )

    def _links(
        self, on: Bool[np.ndarray, "factors seq links"]
    ) -> Iterable[tuple[np.ndarray, np.ndarray, int]]:
        for m, ahead in enumerate(self.padded_offsets()):
            rows, links = np.nonzero(on[m])
            yield rows, (rows + np.array(ahead)[links]) % self.seq_len, m

    def _require_link(self, place: Place) -> None:
        factor, row, column = place
        require_whole("the factor of a cut link", factor, 1, len(self.offsets))
        require_whole("the row of a cut link", row, 0, self.seq_len - 1)
        require_whole("the column of a cut link", column, 0, self.seq_len - 1)
        if (column - row) % self.seq_len not in self.offsets[factor - 1]:
            raise ParamixerError(
                f"a link of factor {factor} to cut",
                f"row {row}, column {column}, where there is none",
                "choose a marked cell",
            )
