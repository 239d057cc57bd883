"""Symbols as text that can be seen and typed, and that text as symbols again."""

import re
import unicodedata
from collections.abc import Container, Iterable

from paramixer_core.uploads.tokens import byte_symbol, letters_of

SHORT = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\\": "\\\\"}
LONG = {escape: letter for letter, escape in SHORT.items()}
ESCAPE = re.compile(
    r"\\(?:[ntr\\]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U000[0-9a-fA-F]{5}|U0010[0-9a-fA-F]{4})"
)
JOINED = ("\ufe0f", "\u200d")
BLANKS = " \n\r\t"


def shown(symbol: str) -> str:
    """A symbol with what cannot be seen in it as escapes.

    >>> shown("a"), shown(chr(10)), shown("\\u200b"), shown("\\u0301")
    ('a', '\\\\n', '\\\\u200b', '\\\\u0301')
    """
    if len(symbol) > 1 and len(letters_of(symbol)) == 1:
        return symbol  # an accent or an emoji's parts are seen where they are joined
    return "".join(SHORT.get(letter) or visible(letter) for letter in symbol)


def visible(letter: str) -> str:
    """A letter, or its escape if it is not seen by itself or would join what stands before it."""
    alone = letter.isprintable() and unicodedata.category(letter)[0] != "M"
    joining = letter in JOINED or "\U0001f1e6" <= letter <= "\U0001f1ff"
    joining |= "\U0001f3fb" <= letter <= "\U0001f3ff"
    return letter if alone and not joining else letter.encode("unicode_escape").decode()


def letters_shown(symbols: Iterable[str]) -> str:
    """Letters one after the other."""
    return "".join(map(shown, symbols))


def letters_typed(text: str, number: Container[str]) -> list[str]:
    """The letters of a text: escapes as what they mean, blanks where a blank is a symbol."""
    out: list[str] = []
    for plain, escape in escaped_parts(text):
        for letter in letters_of(plain):
            if letter in number or len(letter) == 1:
                out.extend(blank(letter, number) if letter in BLANKS else [letter])
            elif all(part in number for part in letter):
                out.extend(letter)
            else:
                out.append(letter)
        if escape:
            out.append(unescaped(escape))
    return out


def blank(letter: str, number: Container[str]) -> list[str]:
    """A blank or line break as itself, as a blank, or as nothing, whichever the data has."""
    return next(([one] for one in (letter, " ") if one in number), [])


def bytes_shown(symbols: Iterable[str]) -> str:
    """Bytes as the text that they are in UTF-8, bytes that are none as escapes."""
    data = bytes(byte_of(symbol) for symbol in symbols)
    out: list[str] = []
    for letter in data.decode("utf-8", "surrogateescape"):
        if letter in SHORT:
            out.append(SHORT[letter])
        elif letter.isprintable():
            out.append(letter)
        else:
            out.extend(f"\\x{one:02x}" for one in letter.encode("utf-8", "surrogateescape"))
    return "".join(out)


def bytes_of(text: str, number: Container[str]) -> list[str]:
    """The symbols of a text's bytes; an escape \\xe4 is one byte."""
    out: list[str] = []
    for plain, escape in escaped_parts(text):
        for letter in plain:
            values = list(letter.encode("utf-8", "replace"))
            names = [byte_symbol(value) for value in values]
            if letter in BLANKS:
                names = next(([one] for one in (names[0], " ") if one in number), [])
            out.extend(names)
        if escape:
            letter = unescaped(escape)
            values = [ord(letter)] if escape[1] == "x" else list(letter.encode("utf-8", "replace"))
            out.extend(map(byte_symbol, values))
    return out


def byte_of(symbol: str) -> int:
    """The byte that a symbol of bytes stands for; padding is none and stands for a blank.

    >>> byte_of("A"), byte_of("\\\\xe4")
    (65, 228)
    """
    return int(symbol[2:], 16) if symbol.startswith("\\x") else ord(symbol[:1] or " ") % 256


def escaped_parts(text: str) -> list[tuple[str, str]]:
    """A text as pairs of a plain part and the escape behind it, "" at the end."""
    parts: list[tuple[str, str]] = []
    at = 0
    for hit in ESCAPE.finditer(text):
        parts.append((text[at : hit.start()], hit.group()))
        at = hit.end()
    return [*parts, (text[at:], "")]


def unescaped(escape: str) -> str:
    """The letter that an escape stands for."""
    return LONG.get(escape) or chr(int(escape[2:], 16))
