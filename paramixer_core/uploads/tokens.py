"""From texts to tokens: letters, words, bytes or numbers, and the alphabet that they make."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import UInt

from paramixer_core.errors import ParamixerError
from paramixer_core.uploads.choices import Row, SequencesFound, Tokens, counted

MAX_SYMBOLS = 8192
MAX_GUESSED_LETTERS = 255
"""More different letters than these are read as bytes, unless letters are chosen."""

PADS = ("·", "␀", "⌀", "<pad>")
OTHERS = ("□", "�", "<other>")
MANY_WORDS = 64
LONGEST_WORD = 4
SAMPLED = 1000

LETTER = re.compile(
    "[\U0001f1e6-\U0001f1ff]{2}|.(?:[\u0300-\u036f\u20d0-\u20ff\ufe00-\ufe0f\U0001f3fb-\U0001f3ff"
    "\U000e0020-\U000e007f]|\u200d.)*",
    re.DOTALL,
)
"""A letter with its accents; an emoji with all that is joined to it; a flag."""


def letters_of(text: str) -> list[str]:
    """The letters as people count them.

    >>> [len(letter) for letter in letters_of("éa🇳🇴")]
    [2, 1, 2]
    """
    return list(text) if text.isascii() else LETTER.findall(text)


def length(row: Row, tokens: Tokens) -> int:
    """How many tokens a row has."""
    if isinstance(row, str):
        return len(pieces(row, tokens))
    return len(row)


def pieces(row: str, tokens: Tokens) -> Sequence[str] | Sequence[int]:
    """A text's letters, or its bytes as numbers."""
    return row.encode("utf-8", "replace") if tokens is Tokens.BYTES else letters_of(row)


def words_of(text: str) -> tuple[str, ...]:
    """Words apart by blanks, without parentheses alone."""
    return tuple(word for word in text.split() if word not in ("(", ")"))


def alphabet_of(
    found: SequencesFound, seq_len: int
) -> tuple[tuple[str, ...], dict[str | int, int], str]:
    """Symbols (padding first), each token's number, and a sentence on letters that became one.

    Raises ParamixerError for more symbols than a table may have.
    """
    counts: Counter[str | int] = Counter()
    for row in found.rows:
        counts.update(tokens_of(row, found.tokens)[:seq_len])
    if found.tokens is Tokens.BYTES:
        values = sorted(int(value) for value in counts)
        symbols = tuple(byte_symbol(value) for value in values)
        pad = next(pad for pad in PADS if pad not in symbols)
        return (pad, *symbols), {value: at for at, value in enumerate(values, start=1)}, ""
    ranked = sorted(counts, key=lambda token: (-counts[token], token))
    kept, rare = ranked, list[str | int]()
    if found.letters_kept is not None:
        kept, rare = ranked[: found.letters_kept], ranked[found.letters_kept :]
    if len(kept) + bool(rare) >= MAX_SYMBOLS:
        raise ParamixerError(
            f"at most {MAX_SYMBOLS - 1:,} different {found.tokens.value}", f"{len(kept):,}",
            "read bytes, or keep the most frequent ones only",
        )  # fmt: skip
    names = sorted(map(str, kept))
    pad = next(pad for pad in PADS if pad not in names)
    symbols, said = (pad, *names), ""
    number: dict[str | int, int] = {name: at for at, name in enumerate(symbols) if at}
    if rare:
        other = next(sign for sign in OTHERS if sign not in names)
        share = sum(counts[token] for token in rare) / counts.total()
        symbols = (*symbols, other)
        number.update(dict.fromkeys(rare, len(symbols) - 1))
        said = (
            f"{counted(len(rare), 'rare symbol')}, {share:.1%} of all tokens, became one: {other}."
        )
    return symbols, number, said


def tokens_of(row: Row, tokens: Tokens) -> Sequence[str] | Sequence[int]:
    """A row's tokens; numbers have none here."""
    if isinstance(row, str):
        return pieces(row, tokens)
    assert isinstance(row, tuple)
    return row


def byte_symbol(value: int) -> str:
    """How a byte is shown: as its letter where it has a visible one.

    >>> byte_symbol(65), byte_symbol(10), byte_symbol(228)
    ('A', '\\\\x0a', '\\\\xe4')
    """
    return chr(value) if 32 <= value < 127 and value != 92 else f"\\x{value:02x}"


def numbered(
    rows: Iterable[Row], tokens: Tokens, number: dict[str | int, int], shape: tuple[int, int]
) -> UInt[np.ndarray, "rows seq"]:
    """Tokens as numbers, the ends of short rows 0, in the smallest type that holds them."""
    most = max(number.values(), default=0)
    out = np.zeros(shape, dtype=np.uint8 if most < 2**8 else np.uint16)
    for place, row in enumerate(rows):
        part = [number[token] for token in tokens_of(row, tokens)[: shape[1]]]
        out[place, : len(part)] = part
    return out
