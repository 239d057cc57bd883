"""One sequence as text, to be read and changed by hand: what is shown of it reads back as it."""

import math
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Shaped
from torch import Tensor

from paramixer_core.errors import ParamixerError
from paramixer_core.tasks import InputKind, Task
from paramixer_core.tasks.temporal_order import SYMBOLS
from paramixer_core.uploads.choices import Tokens, counted
from paramixer_core.uploads.escapes import (
    bytes_of,
    bytes_shown,
    letters_shown,
    letters_typed,
    shown,
)

MAX_LETTERS = 400_000
MARK = "*"
MANY_SYMBOLS = 100


@dataclass(frozen=True)
class Typed:
    """A typed sequence as a network's inputs, and sentences on what was done with it."""

    inputs: Shaped[Tensor, "1 seq *features"]
    notes: list[str] = field(default_factory=list)


def sequence_text(task: Task, inputs: Shaped[np.ndarray, "seq *features"]) -> str:
    """The tokens as text, without the padding at the end.

    Letters are joined, words and numbers apart by blanks, marked numbers with a *. Letters that
    cannot be seen are written as escapes: a line break is \\n, a backslash two.
    """
    if task.input_kind is InputKind.SYMBOLS:
        symbols = symbols_of(task)
        numbers = [int(token) for token in inputs]
        if is_uploaded(task):
            numbers = numbers[: max((at + 1 for at, one in enumerate(numbers) if one), default=0)]
        held = [symbols[number] for number in numbers]
        match tokens_of(task):
            case Tokens.WORDS:
                return " ".join(map(shown, held))
            case Tokens.BYTES:
                return bytes_shown(held)
            case _:
                return letters_shown(held)
    words = []
    for token in inputs:
        mark = MARK if len(token) > 1 and token[1] else ""
        words.append("" if math.isnan(token[0]) else f"{token[0]:.9g}{mark}")
    return " ".join(words).rstrip()


def typing_help(task: Task) -> str:
    """How a sequence of this task is typed, a few sentences."""
    if task.input_kind is not InputKind.SYMBOLS:
        said = "One number per token, apart by blanks or commas."
        if task.input_size > 1:
            said += " A * behind a number marks it."
        scale = getattr(task, "scale", 1.0)
        return said if scale == 1 else f"{said} They are the file's divided by {scale:g}."
    match tokens_of(task):
        case Tokens.WORDS:
            said = "One word per token, apart by blanks."
        case Tokens.BYTES:
            said = "One byte of the text in UTF-8 per token; `\\xe4` is one byte."
        case _:
            said = "One letter per token."
    if not {" ", "\n"} & set(symbols_of(task)):
        return f"{said} Blanks and line breaks are skipped."
    return f"{said} Blanks count; `\\n` is a line break, `\\\\` a backslash."


def parse_sequence(task: Task, text: str) -> Shaped[Tensor, "1 seq *features"]:
    """Text as the inputs of one sequence; raises ParamixerError saying which token is wrong."""
    return read_typed(task, text).inputs


def read_typed(task: Task, text: str) -> Typed:
    """The same with sentences on what was folded, replaced or filled up."""
    if len(text) > MAX_LETTERS:
        raise ParamixerError(f"at most {MAX_LETTERS:,} letters", f"{len(text):,}", "paste less")
    if task.input_kind is InputKind.SYMBOLS:
        return read_symbols(task, text)
    return read_numbers(task, text.replace(",", " ").split())


def read_symbols(task: Task, text: str) -> Typed:
    """One letter, word or byte per token."""
    symbols = symbols_of(task)
    number = {symbol: at for at, symbol in enumerate(symbols)}
    match tokens_of(task):
        case Tokens.WORDS:
            typed = ["".join(letters_typed(word, {})) for word in text.split()]
        case Tokens.BYTES:
            typed = bytes_of(text, number)
        case _:
            typed = letters_typed(text, number)
    notes: list[str] = []
    filled = fill_count(task, len(typed), notes)
    folded, replaced = set[str](), 0
    found: list[int] = []
    for at, token in enumerate(typed):
        other = in_other_case(token, number)
        if token in number:
            found.append(number[token])
        elif other and one_case(symbols):
            folded.add(f"{shown(token)} as {shown(other)}")
            found.append(number[other])
        elif rest := getattr(task, "other", ""):
            replaced += 1
            found.append(number[rest])
        else:
            raise ParamixerError(
                f"{tokens_of(task)} among {some_of(symbols)}",
                f"{shown(token)!r} at token {at}",
                f"write it as {shown(other)}" if other else "replace it",
            )
    if folded:
        notes.append(f"In the data's case: {', '.join(sorted(folded)[:8])}.")
    if replaced:
        notes.append(f"{counted(replaced, 'rare token')} read as {task.other}.")  # type: ignore[attr-defined]
    return Typed(torch.tensor([found + [0] * filled]), notes)


def some_of(symbols: tuple[str, ...]) -> str:
    """Symbols apart by blanks; of many the first and the last."""
    if len(symbols) <= MANY_SYMBOLS:
        return " ".join(map(shown, symbols))
    return " ".join([*map(shown, symbols[: MANY_SYMBOLS // 2]), "...", shown(symbols[-1])])


def in_other_case(token: str, number: dict[str, int]) -> str:
    """The same in capitals or small letters, where the data has that."""
    return next((one for one in (token.upper(), token.lower()) if one in number), "")


def one_case(symbols: tuple[str, ...]) -> bool:
    """Whether the data's letters are all capitals or all small."""
    return any(
        all(fold(symbol) == symbol for symbol in symbols[1:]) for fold in (str.upper, str.lower)
    )


def read_numbers(task: Task, words: list[str]) -> Typed:
    """One number per token; where the task has marks, a * behind a number marks it."""
    notes: list[str] = []
    filled = fill_count(task, len(words), notes)
    inputs = torch.zeros(1, task.seq_len, task.input_size)
    inputs[:, task.seq_len - filled :] = getattr(task, "filling", 0.0)
    for at, word in enumerate(words):
        bare = word.rstrip(MARK)
        try:
            value = float(bare)
        except ValueError:
            value = float("nan")
        if not -1e6 <= value <= 1e6:
            raise ParamixerError(
                "numbers from -1e6 to 1e6", f"{word[:40]!r} at token {at}", "correct it"
            )
        inputs[0, at, 0] = value
        if word != bare:
            if task.input_size < 2:
                raise ParamixerError("numbers alone", f"{word[:40]!r} at token {at}", "drop the *")
            inputs[0, at, 1] = 1
    return Typed(inputs, notes)


def fill_count(task: Task, count: int, notes: list[str]) -> int:
    """How many tokens of padding follow, which is noted.

    Raises ParamixerError for more tokens than the network was built for, or fewer where the task
    has no padding.
    """
    short = task.seq_len - count
    if short < 0 or not count or (short and not is_uploaded(task)):
        raise ParamixerError(
            f"the {task.seq_len} tokens that this network was built for",
            count,
            f"{'add' if short > 0 else 'remove'} {abs(short)}",
        )
    if short:
        notes.append(f"{counted(count, 'token')} and {short:,} of padding.")
    return short


def is_uploaded(task: Task) -> bool:
    """Whether the task is of uploaded sequences, whose ends may be padding."""
    return hasattr(task, "filling")


def tokens_of(task: Task) -> Tokens:
    """What a token of a task of symbols is."""
    held: Tokens = getattr(task, "tokens", Tokens.LETTERS)
    return held


def symbols_of(task: Task) -> tuple[str, ...]:
    """The letters of a task of symbols, in the order of their numbers."""
    held: tuple[str, ...] = getattr(task, "symbols", SYMBOLS)
    return held
