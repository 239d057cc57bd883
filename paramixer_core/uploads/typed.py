"""One sequence as text, to be read and changed by hand: shown from a test example, parsed back."""

import numpy as np
import torch
from jaxtyping import Shaped
from torch import Tensor

from paramixer_core.errors import ParamixerError
from paramixer_core.tasks import InputKind, Task
from paramixer_core.tasks.temporal_order import SYMBOLS

MAX_LETTERS = 400_000
MARK = "*"


def sequence_text(task: Task, inputs: Shaped[np.ndarray, "seq *features"]) -> str:
    """The tokens as text: letters joined, or numbers apart by blanks, marked ones with a *."""
    if task.input_kind is InputKind.SYMBOLS:
        symbols = symbols_of(task)
        return "".join(symbols[int(token)] for token in inputs)
    words = []
    for token in inputs:
        mark = MARK if len(token) > 1 and token[1] else ""
        words.append(f"{token[0]:.9g}{mark}")
    return " ".join(words)


def parse_sequence(task: Task, text: str) -> Shaped[Tensor, "1 seq *features"]:
    """Text as the inputs of one sequence; raises ParamixerError saying which token is wrong."""
    if len(text) > MAX_LETTERS:
        raise ParamixerError(f"at most {MAX_LETTERS:,} letters", f"{len(text):,}", "paste less")
    if task.input_kind is InputKind.SYMBOLS:
        return parse_symbols(task, "".join(text.split()))
    return parse_numbers(task, text.replace(",", " ").split())


def parse_symbols(task: Task, letters: str) -> Shaped[Tensor, "1 seq"]:
    """One letter per token."""
    require_count(task, len(letters))
    number = {symbol: at for at, symbol in enumerate(symbols_of(task))}
    wrong = next((at for at, letter in enumerate(letters) if letter not in number), None)
    if wrong is not None:
        raise ParamixerError(
            f"letters among {' '.join(number)}",
            f"{letters[wrong]!r} at token {wrong}",
            "replace it",
        )
    return torch.tensor([[number[letter] for letter in letters]])


def parse_numbers(task: Task, words: list[str]) -> Shaped[Tensor, "1 seq features"]:
    """One number per token; where the task has marks, a * behind a number marks it."""
    require_count(task, len(words))
    inputs = torch.zeros(1, task.seq_len, task.input_size)
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
    return inputs


def require_count(task: Task, count: int) -> None:
    """Raise ParamixerError unless there are as many tokens as the network was built for."""
    if count != task.seq_len:
        raise ParamixerError(
            f"the {task.seq_len} tokens that this network was built for",
            count,
            f"{'add' if count < task.seq_len else 'remove'} {abs(count - task.seq_len)}",
        )


def symbols_of(task: Task) -> tuple[str, ...]:
    """The letters of a task of symbols, in the order of their numbers."""
    held: tuple[str, ...] = getattr(task, "symbols", SYMBOLS)
    return held
