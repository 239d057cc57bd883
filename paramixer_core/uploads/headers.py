"""Which part of a FASTA header is the label: a word, field, key, or what a pattern finds."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass

from paramixer_core.errors import ParamixerError
from paramixer_core.uploads.choices import MAX_LABEL, SequenceChoices, SequencesFound, counted
from paramixer_core.uploads.columns import LABEL_NAMES, MOST_CLASSES

SHOWN_PARTS = 8
PATTERN_SECONDS = 5
MAX_PATTERN = 300
FORMS = "whole, word 2, last word, field 2, key OX, or regex (a pattern with one group)"
SEARCH = """
import json, re, sys
pattern, headers = json.load(sys.stdin)
found = (re.search(pattern, header) for header in headers)
json.dump([hit and hit.group(1) for hit in found], sys.stdout)
"""
"""Runs in a process of its own, which can be ended: a pattern may take longer than anyone lives."""


@dataclass(frozen=True)
class Part:
    """A part of headers, as chosen, and what it is in each ("" where a header lacks it)."""

    name: str
    values: list[str]

    @property
    def classes(self) -> int:
        """How many different values it has."""
        return len(set(self.values))

    @property
    def is_likely(self) -> bool:
        """Whether it is in every header and tells a few classes apart."""
        most = min(MOST_CLASSES, max(2, len(self.values) // 2))
        return all(self.values) and 1 < self.classes <= most


def parts_of(headers: list[str]) -> list[Part]:
    """Every part that can be chosen, but for patterns."""
    words = [re.split(r"\s+", header) for header in headers]
    fields = [header.split("|") for header in headers]
    keys: dict[str, None] = {}
    for header in headers:
        keys.update(dict.fromkeys(re.findall(r"(?<![^\s;,|\[])(\w+)=", header)))
    names = [
        "whole",
        *(f"word {at}" for at in range(1, min(SHOWN_PARTS, max(map(len, words))) + 1)),
        "last word",
        *(f"field {at}" for at in range(1, min(SHOWN_PARTS, max(map(len, fields))) + 1)),
        *(f"key {key}" for key in list(keys)[:SHOWN_PARTS]),
    ]
    if max(map(len, fields)) == 1:
        names.remove("field 1")
    return [Part(name, part_values(name, headers)) for name in names]


def part_values(name: str, headers: list[str]) -> list[str]:
    """A part of every header; raises ParamixerError for a name that is none."""
    form, _, rest = name.strip().partition(" ")
    form = form.lower()
    if form == "regex" and rest.strip():
        return matched(rest.strip(), headers)
    if form == "whole":
        return headers
    if name.strip().lower() == "last word":
        return [header.split()[-1] for header in headers]
    if form == "key" and rest:
        key = re.compile(rf"(?<![^\s;,|\[]){re.escape(rest)}=(\"[^\"]*\"|[^\s;,|\]]*)")
        hits = [key.search(header) for header in headers]
        return [hit.group(1).strip('"') if hit else "" for hit in hits]
    if form in ("word", "field") and rest.isdecimal() and 1 <= int(rest) < 1000:
        cut = [header.split() if form == "word" else header.split("|") for header in headers]
        at = int(rest) - 1
        return [pieces[at].strip() if at < len(pieces) else "" for pieces in cut]
    raise ParamixerError(f"a part of the header: {FORMS}", name, "choose one of them")


def matched(pattern: str, headers: list[str]) -> list[str]:
    """What the only group of a pattern finds in each header.

    Raises ParamixerError for a pattern that is none, has no group, or takes longer than allowed.
    """
    try:
        groups = re.compile(pattern).groups if len(pattern) <= MAX_PATTERN else 0
    except (re.error, RecursionError, OverflowError) as error:
        raise ParamixerError("a regular expression", error, "correct it") from error
    if groups != 1:
        raise ParamixerError(
            f"a regular expression of at most {MAX_PATTERN} letters with one group in parentheses",
            pattern, "put what is the label in parentheses",
        )  # fmt: skip
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", SEARCH], input=json.dumps([pattern, headers]),
            capture_output=True, text=True, timeout=PATTERN_SECONDS, check=True,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise ParamixerError(
            f"a regular expression that is found within {PATTERN_SECONDS} seconds", pattern,
            "write it without repeats inside repeats",
        ) from error  # fmt: skip
    except subprocess.CalledProcessError as error:
        raise ParamixerError("a regular expression", pattern, "write another one") from error
    return [hit or "" for hit in json.loads(done.stdout)]


def label_headers(found: SequencesFound, choices: SequenceChoices) -> None:
    """The labels of FASTA records into `found`: the part chosen, or the only one that can be it.

    Where several parts tell a few classes apart, or none, a question is left, and the labels are
    the whole headers until it is answered: nothing is guessed.
    """
    headers = found.headers
    if choices.label or not headers:
        name = choices.label or "whole"
        found.labels = part_values(name, headers) if headers else []
        found.decide("label", name, f"The label is {spoken(name)} of each header, as chosen.")
        return
    likely = [part for part in parts_of(headers) if part.is_likely and may_be_taken(part)]
    named = [part for part in likely if part.name.startswith("key ")]
    apart = {tuple(part.values): part for part in reversed(named or likely)}
    if len(apart) == 1:
        part = next(iter(apart.values()))
        found.labels = part.values
        found.decide(
            "label", part.name,
            f"The label is {spoken(part.name)} of each header: "
            f"{counted(part.classes, 'class', 'classes')}.",
            certain=False,
        )  # fmt: skip
        return
    found.labels = headers
    several = f"several can: {', '.join(part.name for part in apart.values())}"
    found.questions.append(
        f"Which part of the header is the label? {several if apart else 'None is sure to be'}. "
        f"The first header is “{headers[0][:100]}”; choose {FORMS}."
    )


def may_be_taken(part: Part) -> bool:
    """Whether a part may be taken unasked: of keys, only those that are named as labels."""
    if part.name.startswith("key "):
        return part.name.removeprefix("key ").lower() in LABEL_NAMES
    return part.name != "whole" and not any("=" in value for value in part.values)


def spoken(name: str) -> str:
    """A part in words."""
    return "the whole" if name == "whole" else f"“{name}”"


def short(label: str) -> str:
    """A label no longer than allowed."""
    return label if len(label) <= MAX_LABEL else label[: MAX_LABEL - 1] + "…"
