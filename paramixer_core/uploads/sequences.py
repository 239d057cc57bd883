"""Data sets of labelled sequences from a file: CSV, text with a label, FASTA."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from paramixer_core.errors import ParamixerError

MAX_BYTES = 20 * 2**20
MAX_LINE = 2**20
MAX_SEQUENCES = 20_000
MAX_TOKENS = 4096
MAX_COLUMNS = MAX_TOKENS + 1
MAX_LABEL = 60
REMEDY = "see the formats and limits beside the upload"


class FileKind(StrEnum):
    """What lies in a file."""

    CSV = "csv"  # a header line; one column with the label, one text or several number columns
    TEXT = "text"  # each line a label, a tab or blank, and the text
    FASTA = "fasta"  # ">name label", then lines of letters


@dataclass(frozen=True)
class Sequences:
    """Labelled sequences as read: strings of symbols, or tuples of numbers of any length."""

    kind: FileKind
    rows: list[str] | list[tuple[float, ...]]
    labels: list[str]

    @property
    def numeric(self) -> bool:
        """Whether tokens are numbers."""
        return bool(self.rows) and isinstance(self.rows[0], tuple)

    @property
    def longest(self) -> int:
        """Tokens of the longest."""
        return max(map(len, self.rows), default=0)


def decoded(content: bytes) -> str:
    """The file as text; raises ParamixerError for one that is too large or no text."""
    if len(content) > MAX_BYTES:
        raise ParamixerError(
            f"a file of at most {MAX_BYTES // 2**20} MiB",
            f"{len(content) / 2**20:.1f} MiB",
            "send a part of it",
        )
    for encoding in (
        ("utf-8-sig", "utf-16") if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig",)
    ):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise ParamixerError(
        "a text file in UTF-8", "bytes that are no text", "save the file as UTF-8 and try again"
    )


def kind_of(name: str, text: str) -> FileKind:
    """What the file is, by its name and, failing that, its first letter."""
    ending = name.lower().rpartition(".")[2]
    if ending in ("fa", "fasta", "fna", "faa") or text.lstrip().startswith(">"):
        return FileKind.FASTA
    return FileKind.CSV if ending in ("csv", "tsv") else FileKind.TEXT


def lines_of(text: str) -> Iterator[str]:
    """Its lines without their ends; raises ParamixerError for an overlong one."""
    for number, line in enumerate(io.StringIO(text, newline=None), start=1):
        if len(line) > MAX_LINE:
            raise ParamixerError(
                f"lines of at most {MAX_LINE:,} letters",
                f"{len(line):,} in line {number:,}",
                "put every sequence on a line of its own",
            )
        yield line.rstrip("\n")


def columns_of(text: str) -> list[str]:
    """The names in a CSV's first line, made distinct; raises ParamixerError if it is blank."""
    first = next(csv_rows(text), [])
    if not any(name.strip() for name in first):
        raise ParamixerError("a CSV that begins with a header line", "a blank line", REMEDY)
    names: list[str] = []
    for at, cell in enumerate(first, start=1):
        name = cell.strip()[:MAX_LABEL]
        names.append(name if name and name not in names else f"{name} (column {at})".strip())
    return names


def read_csv(text: str, label: str, parts: list[str]) -> Sequences:
    """Sequences from a CSV: one column of text, or several of numbers in the order given."""
    names = columns_of(text)
    if missing := [name for name in (label, *parts) if name not in names]:
        raise ParamixerError(f"columns among {names[:20]}", missing, "choose columns of the file")
    if not parts or label in parts:
        raise ParamixerError(
            "one column with the label and others with the sequence", parts, "choose them apart"
        )
    at, places = names.index(label), [names.index(part) for part in parts]
    rows: list[tuple[int, list[str]]] = []
    for number, row in enumerate(csv_rows(text), start=1):
        if number == 1 or not any(cell.strip() for cell in row):
            continue
        if len(row) <= max(at, *places):
            raise ParamixerError(
                f"{len(names)} columns in line {number:,}", len(row), "complete the line"
            )
        _require_room(len(rows))
        rows.append((number, row))
    labels = [_label(row[at], number) for number, row in rows]
    if len(parts) == 1 and not all(_is_number(row[places[0]]) for _, row in rows):
        return _checked(FileKind.CSV, [row[places[0]].strip() for _, row in rows], labels)
    if len(parts) == 1:
        raise ParamixerError(
            "a column of text, or several of numbers", "one number a line",
            "choose all columns of the sequence",
        )  # fmt: skip
    numbers = [tuple(_number(row[place], number) for place in places) for number, row in rows]
    return _checked(FileKind.CSV, numbers, labels)


def read_text(text: str) -> Sequences:
    """Sequences from lines of a label, a tab or blanks, and the text."""
    rows: list[str] = []
    labels: list[str] = []
    for number, line in enumerate(lines_of(text), start=1):
        if not line.strip():
            continue
        label, gap, rest = line.strip().partition("\t") if "\t" in line else _split(line.strip())
        if not gap or not rest.strip():
            raise ParamixerError(
                f"a label, a tab or blank, and a text in line {number:,}", line, REMEDY
            )
        _require_room(len(rows))
        labels.append(_label(label, number))
        rows.append(rest.strip())
    return _checked(FileKind.TEXT, rows, labels)


def read_fasta(text: str) -> Sequences:
    """Sequences from FASTA: the label is the last word of the line that begins with ">"."""
    rows: list[str] = []
    labels: list[str] = []
    parts: list[str] = []
    for number, line in enumerate(lines_of(text), start=1):
        if line.startswith(">"):
            if labels:
                rows.append("".join(parts))
                parts = []
            _require_room(len(rows))
            words = line[1:].split()
            if not words:
                raise ParamixerError(f"a label in line {number:,}", line, REMEDY)
            labels.append(_label(words[-1], number))
        elif line.strip() and not line.startswith(";"):
            if not labels:
                raise ParamixerError('a line that begins with ">" first', line, REMEDY)
            parts.append(line.strip().upper())
    if labels:
        rows.append("".join(parts))
    return _checked(FileKind.FASTA, rows, labels)


def _checked(
    kind: FileKind, rows: list[str] | list[tuple[float, ...]], labels: list[str]
) -> Sequences:
    if len(rows) < 2:
        raise ParamixerError("at least two labelled sequences", len(rows), REMEDY)
    if any(not row for row in rows):
        raise ParamixerError("sequences with at least one token", "an empty one", "remove it")
    return Sequences(kind, rows, labels)


def csv_rows(text: str) -> Iterator[list[str]]:
    """The cells of each line, apart by whichever of , ; or tab the first line has most of."""
    first = text.partition("\n")[0]
    mark = max(",;\t", key=first.count)
    try:
        for row in csv.reader(lines_of(text), delimiter=mark):
            if len(row) > MAX_COLUMNS:
                raise ParamixerError(
                    f"at most {MAX_COLUMNS:,} columns", f"{len(row):,}", "send fewer"
                )
            yield row
    except csv.Error as error:
        raise ParamixerError("a CSV file", error, REMEDY) from error


def _split(line: str) -> tuple[str, str, str]:
    words = line.split(maxsplit=1)
    return (words[0], " ", words[1]) if len(words) == 2 else (line, "", "")


def _label(text: str, number: int) -> str:
    label = text.strip()
    if not label or len(label) > MAX_LABEL:
        raise ParamixerError(
            f"a label of 1 to {MAX_LABEL} letters in line {number:,}", label, "name the class"
        )
    return label


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _number(text: str, line: int) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not -1e30 < value < 1e30:
        raise ParamixerError(
            f"a finite number in line {line:,}", text, "correct it or leave it out"
        )
    return value


def _require_room(count: int) -> None:
    if count >= MAX_SEQUENCES:
        raise ParamixerError(
            f"at most {MAX_SEQUENCES:,} sequences", "more", "send a part of the file"
        )
