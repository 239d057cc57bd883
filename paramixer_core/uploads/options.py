"""The command line's option for each choice about a file: one table, which pages are held to."""

import argparse
import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from paramixer_core.analysis.matrix_choices import Background, MatrixChoices
from paramixer_core.analysis.matrix_upload import Squared
from paramixer_core.config import LinkSource, Residual
from paramixer_core.errors import ParamixerError
from paramixer_core.uploads.choices import (
    Case,
    FileKind,
    Missing,
    NumberForm,
    Separator,
    SequenceChoices,
    Tokens,
)
from paramixer_core.uploads.door import SplitChoices, UploadChoices, UploadKind
from paramixer_core.uploads.splitting import Conflicts
from paramixer_core.uploads.weight_questions import WeightChoices

Parse = Callable[[str], Any]
GROUPS: dict[str, type] = {
    "sequences": SequenceChoices,
    "split": SplitChoices,
    "weights": WeightChoices,
    "matrix": MatrixChoices,
}
"""The fields of UploadChoices that hold choices of their own."""
MARKS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "blanks": " "}


@dataclass(frozen=True)
class Option:
    """An option: its flag, the choices that it sets ("group.field"), how its text is read (None:
    --flag and --no-flag), and what it means. `many` takes several texts."""

    flag: str
    fields: tuple[str, ...]
    parse: Parse | None
    means: str
    names: tuple[str, ...] = ()
    many: bool = False
    also: tuple[str, ...] = ()


def spoken(member: StrEnum) -> str:
    """What a member of a closed choice is called on the command line."""
    return member.name.lower().replace("_", "-")


def one_of(kind: type[StrEnum]) -> dict[str, Any]:
    """The texts that stand for the members of a closed choice."""
    return {spoken(member): member for member in kind}


def reading(names: dict[str, Any], what: str) -> Parse:
    """A parser of these names, in any case; also of what they stand for."""

    def parse(text: str) -> Any:
        known = names.get(text.strip().lower().replace("_", "-").replace(" ", "-"))
        if known is None:
            known = next((value for value in names.values() if value == text), None)
        if known is None:
            raise ParamixerError(f"{what} among {', '.join(names)}", text, "choose one of them")
        return known

    return parse


def chosen(
    flag: str, fields: str, kind: type[StrEnum], means: str, also: tuple[str, ...] = ()
) -> Option:
    """An option of a closed choice."""
    names = one_of(kind)
    return Option(flag, tuple(fields.split()), reading(names, f"--{flag}"), means, (*names,), False,
                  also)  # fmt: skip


def whole(text: str) -> int:
    """A whole number from 1; "1,000" and "1_000" too."""
    try:
        number = int(text.replace(",", "").replace("_", ""))
    except ValueError:
        number = 0
    if number < 1:
        raise ParamixerError("a whole number from 1", text, "write it with digits")
    return number


def share(text: str) -> float:
    """A share: 0.2, 20% or 20."""
    try:
        number = float(text.strip().removesuffix("%").replace(",", "."))
    except ValueError as error:
        raise ParamixerError("a share such as 0.2 or 20%", text, "write it so") from error
    return number / 100 if number >= 1 or text.strip().endswith("%") else number


def positive(text: str) -> float:
    """A number."""
    try:
        return float(text)
    except ValueError as error:
        raise ParamixerError("a number", text, "write it with digits") from error


OPTIONS: tuple[Option, ...] = (
    chosen("format", "sequences.kind", FileKind, "how sequences are laid out"),
    Option("encoding", ("sequences.encoding", "matrix.encoding"), str, "such as utf-8 or cp1252"),
    Option("separator", ("sequences.separator", "matrix.delimiter"), str,
           "what stands between cells: comma, semicolon, tab, pipe, blanks, first-blank"),
    Option("header", ("sequences.header", "matrix.header"), None, "the first line names columns"),
    Option("quotes", ("sequences.quotes",), None, "double quotes hold a cell together"),
    Option("comment", ("sequences.comment",), str, 'how comment lines begin; "" for none'),
    Option("decimal", ("sequences.numbers", "matrix.decimal"), str, "decimal mark: . or ,"),
    chosen("numbers", "sequences.numbers", NumberForm, "how numbers of sequences are written"),
    Option("label", ("sequences.label",), str,
           "a column (name or number) or, in FASTA, a part of the header: whole, word 2, last "
           'word, field 2, key OX, "regex OX=(\\d+)"', (), False, ("label-part",)),
    Option("columns", ("sequences.columns",), str, "columns of the sequence", (), True),
    chosen("tokens", "sequences.tokens", Tokens, "what one token is"),
    chosen("case", "sequences.case", Case, "small and capital letters"),
    chosen("missing", "sequences.missing", Missing, "rows with a label or value missing"),
    Option("letters-kept", ("sequences.letters_kept",), whole, "only the most frequent ones"),
    Option("seq-len", ("split.seq_len", "weights.seq_len"), whole, "tokens N"),
    Option("test-share", ("split.test_share",), share, "kept for the test: 0.2 or 20%%"),
    chosen("conflicts", "split.conflicts", Conflicts, "sequences under more than one label"),
    Option("mixer", ("weights.mixer",), str, "the mixer's name, such as cdil or attention"),
    chosen("residual", "weights.residual", Residual, "where the residual is"),
    chosen("link-source", "weights.link_source", LinkSource, "what link MLPs read"),
    Option("heads", ("weights.heads",), whole, "attention heads"),
    Option("rival-size", ("weights.rival_size",), whole, "features, landmarks or rank"),
    Option("hash-rounds", ("weights.hash_rounds",), whole, "Reformer's"),
    Option("hidden", ("weights.hidden",), whole, "hidden width H"),
    Option("num-links", ("weights.num_links",), whole, "links a row K"),
    Option("num-factors", ("weights.num_factors",), whole, "factors M"),
    Option("positions", ("weights.positions",), None, "learned positions are added"),
    Option("mask-padding", ("weights.mask_padding",), None, "padding is inert"),
    Option("wiring", ("weights.wiring",), str, "the text of a wiring of your own"),
    Option("task", ("weights.task",), str, 'the task\'s name; "none" for its sizes alone'),
    Option("copy", ("weights.copy",), str, "prefix of the network, where a file holds several"),
    Option("by-metadata", ("weights.by_metadata",), None, "go by what the file says of itself"),
    Option("index", ("matrix.index",), None, "the first column of a matrix holds labels"),
    Option("array", ("matrix.array",), str, "the array of an .npz archive"),
    chosen("background", "matrix.background", Background, "behind transparent parts", ("alpha",)),
    Option("white", ("matrix.white",), positive, "the number that is white in a picture"),
    Option("picture-side", ("matrix.picture_side",), whole, "the most pixels a side"),
    chosen("squared", "squared", Squared, "how a matrix is made square for the lab"),
)  # fmt: skip
"""Every choice of a file has one option at least; a test holds that, and the pages to it."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Every option of the table, in a group of its own."""
    group = parser.add_argument_group("choices (without one: guessed or assumed, and said)")
    kinds = one_of(UploadKind)
    group.add_argument("--kind", help=", ".join(kinds))
    for option in OPTIONS:
        flags = [f"--{name}" for name in (option.flag, *option.also)]
        what: dict[str, Any] = {"help": option.means, "dest": option.flag, "default": None}
        if option.names:
            what["help"] += f": {', '.join(option.names)}"
        if option.parse is None:
            what["action"] = argparse.BooleanOptionalAction
        elif option.many:
            what |= {"nargs": "+", "metavar": "NAME"}
        else:
            what["metavar"] = option.flag.upper().replace("-", "_")
        group.add_argument(*flags, **what)
    group.add_argument("--fold-case", dest="case", action="store_const", const="upper",
                       help="as --case upper")  # fmt: skip
    group.add_argument("--keep-case", dest="case", action="store_const", const="keep",
                       help="as --case keep")  # fmt: skip


def choices_of(asked: argparse.Namespace) -> UploadChoices:
    """What was chosen; a choice that concerns one kind only decides the kind too.

    Raises ParamixerError for a value that its choice does not have.
    """
    given: dict[str, dict[str, Any]] = {group: {} for group in GROUPS}
    top: dict[str, Any] = {}
    for option in OPTIONS:
        text = getattr(asked, option.flag)
        if text is None:
            continue
        value = text
        if option.many:
            value = tuple(text)
        elif option.parse is not None:
            value = option.parse(text)
        for place in option.fields:
            group, _, name = place.rpartition(".")
            (given[group] if group else top)[name] = fitting(place, value)
    kind = None if asked.kind is None else reading(one_of(UploadKind), "--kind")(asked.kind)
    groups = {group: make(**given[group]) for group, make in GROUPS.items()}
    return UploadChoices(kind=kind or kind_meant(asked), **groups, **top)


def fitting(place: str, value: Any) -> Any:
    """The value as that choice holds it: tables of sequences and of numbers differ."""
    match place:
        case "sequences.separator":
            names = one_of(Separator) | {"blank": Separator.BLANKS, "\\t": Separator.TAB}
            return reading(names, "--separator")(value)
        case "matrix.delimiter":
            mark = MARKS.get(value.lower(), "\t" if value == "\\t" else value)
            return mark if len(mark) == 1 else None
        case "sequences.numbers" if not isinstance(value, NumberForm):
            forms = {".": NumberForm.POINT, ",": NumberForm.COMMA}
            names = {"point": NumberForm.POINT, "comma": NumberForm.COMMA, **forms}
            return reading(names, "--decimal")(value)
        case "matrix.decimal":
            return {"point": ".", "comma": ","}.get(value, value)
        case _:
            return value


def kind_meant(asked: argparse.Namespace) -> UploadKind | None:
    """The kind of file that all given options of one kind concern, if they do."""
    kinds = {
        {"split": "sequences", "": "matrix"}.get(group, group)
        for option in OPTIONS
        if getattr(asked, option.flag) is not None and len(groups := groups_of(option)) == 1
        for group in groups
    }
    return UploadKind(kinds.pop()) if len(kinds) == 1 else None


def groups_of(option: Option) -> set[str]:
    """The groups of choices that an option sets."""
    return {place.rpartition(".")[0] for place in option.fields}


def fields_of_choices() -> Iterable[str]:
    """Every choice of a file, as options name them."""
    for group, kind in GROUPS.items():
        yield from (f"{group}.{field.name}" for field in dataclasses.fields(kind))
    yield "squared"
