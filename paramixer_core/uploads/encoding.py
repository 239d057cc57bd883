"""From bytes to text: the encoding, by the marks of a file or by what its bytes look like."""

import codecs
import re

from paramixer_core.errors import ParamixerError
from paramixer_core.uploads.choices import SequencesFound, counted

MARKS = [
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
]
OFFERED = [
    "utf-8", "utf-16", "cp1252", "latin-1", "cp1250", "cp1251", "cp1253", "cp1254", "koi8-r",
    "mac-roman", "gb18030", "big5", "shift-jis", "euc-jp", "euc-kr",
]  # fmt: skip
"""Encodings that a page lists; any that Python knows can be chosen."""

CANDIDATES = [
    "gb18030", "big5", "shift_jis", "euc_jp", "euc_kr", "cp1251", "koi8_r", "cp1250", "cp1252",
    "cp1253", "cp1254", "cp1255", "cp1256",
]  # fmt: skip
SAMPLE = 2**16
MAX_NUL_SHARE = 0.01
LONE_SHARE = 0.6
"""Accents stand alone among plain letters; letters of other scripts stand together."""


def decoded(content: bytes, chosen: str | None, found: SequencesFound) -> str:
    """The file as text; the decision is noted. Raises ParamixerError for what is no text."""
    name, certain, why = (chosen, True, "as chosen") if chosen else told(content)
    try:
        codec = codecs.lookup(name)
        text = content.decode(codec.name)
    except LookupError as error:
        raise ParamixerError("the name of an encoding", name, f"try {OFFERED[0]}") from error
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ParamixerError(
            f"a text file in {name}",
            f"bytes that are no text in it, in line {line:,}",
            "choose another encoding or save the file as UTF-8",
        ) from error
    except (UnicodeError, ValueError, AttributeError, TypeError) as error:
        raise ParamixerError("an encoding of text", name, "choose another one") from error
    text = text.removeprefix("\ufeff")
    found.encoding = name
    found.decide("encoding", name, f"The encoding is {name}, {why}.", certain=certain)
    return without_nuls(text, found)


def told(content: bytes) -> tuple[str, bool, str]:
    """An encoding, whether it is certain, and by what it was told."""
    for mark, name in MARKS:
        if content.startswith(mark):
            return name, True, "by the mark at the file's beginning"
    zeros = [content[at::2].count(0) for at in (0, 1)]
    if sum(zeros) > MAX_NUL_SHARE * len(content) and len(content) % 2 == 0 and 0 in zeros:
        return ("utf-16-le", "utf-16-be")[zeros[1] == 0], False, "as zeros stand in pairs of bytes"
    if decodes(content, "utf-8"):
        return "utf-8", True, "as all of its bytes are valid in it"
    return by_its_bytes(content)


def by_its_bytes(content: bytes) -> tuple[str, bool, str]:
    """An encoding of one or two bytes a letter, guessed from what the text would then look like."""
    from charset_normalizer import from_bytes

    high = re.findall(rb"[\x80-\xff]+", content)
    lone = sum(len(run) == 1 for run in high)
    if lone >= LONE_SHARE * len(high) and content.count(0) <= MAX_NUL_SHARE * len(content):
        name = "cp1252" if decodes(content, "cp1252") else "latin-1"
        if is_central(content):
            name = "cp1250"
        if not any(two_byte(content, name) for name in ("shift_jis", "gb18030", "big5")):
            return name, False, "a guess: its accents stand between plain letters"
    best = from_bytes(sample_of(content), cp_isolation=CANDIDATES).best()
    if best is None or not decodes(content, best.encoding):
        raise ParamixerError(
            "a text file in UTF-8 or an encoding that can be told",
            "bytes that are no text",
            "choose its encoding or save the file as UTF-8",
        )
    return best.encoding.replace("_", "-"), False, "a guess from how often its bytes occur"


def is_central(content: bytes) -> bool:
    """Whether signs stand inside words in cp1252 that are letters in cp1250: Polish, Czech ..."""
    if not decodes(content, "cp1250"):
        return False
    inside = b"".join(
        re.findall(rb"(?<=[A-Za-z\x80-\xff])[\x80-\xff](?=[A-Za-z\x80-\xff])", content)
    )
    west, east = inside.decode("cp1252", "replace"), inside.decode("cp1250")
    gained = sum(there.isalpha() - here.isalpha() for here, there in zip(west, east, strict=True))
    return gained > 1


def two_byte(content: bytes, name: str) -> bool:
    """Whether this reads as text in an encoding of two bytes a letter, in letters of one script."""
    if not decodes(content, name):
        return False
    letters = [letter for letter in content.decode(name) if ord(letter) > 127]
    asian = sum("\u3040" <= letter <= "\u30ff" for letter in letters)
    return asian > 0.3 * len(letters)


def sample_of(content: bytes) -> bytes:
    """Lines with letters outside ASCII, up to a limit: plain lines say nothing."""
    lines = [line for line in content.splitlines() if not line.isascii()]
    return b"\n".join(lines)[:SAMPLE]


def decodes(content: bytes, name: str) -> bool:
    """Whether all bytes are valid in an encoding."""
    try:
        content.decode(name)
    except (UnicodeDecodeError, LookupError):
        return False
    return True


def without_nuls(text: str, found: SequencesFound) -> str:
    """The text without NUL characters, of which a few are said and many mean: this is no text."""
    nuls = text.count("\0")
    if nuls > MAX_NUL_SHARE * len(text):
        raise ParamixerError(
            "a text file in UTF-8 or another encoding", "bytes that are no text",
            "save the file as text and try again",
        )  # fmt: skip
    if nuls:
        found.warnings.append(f"{counted(nuls, 'NUL character')} left out of the text.")
    return text.replace("\0", "")
