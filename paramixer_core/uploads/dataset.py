"""An uploaded data set as a task: its numbers in one file, named by their hash."""

import hashlib
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from paramixer_core.errors import ParamixerError
from paramixer_core.runs.database import default_home
from paramixer_core.runs.quotas import require_upload_room
from paramixer_core.tasks.task import Batch, ClassificationTask, InputKind
from paramixer_core.uploads.sequences import MAX_TOKENS, Sequences

PREFIX = "uploaded-"
FORMAT = "paramixer-sequences-1"
PAD = "·"
MAX_SYMBOLS = 256
MAX_CLASSES = 100
MAX_NUMBERS = 2**25
SPLIT_SEED = 20_220_404
_keeping = threading.Lock()


@dataclass(frozen=True)
class Prepared:
    """What a data set becomes: N tokens a row, numbered labels, the test rows first."""

    content: bytes
    name: str
    seq_len: int
    symbols: tuple[str, ...]
    classes: tuple[str, ...]
    tests: int
    trained: int
    cut: int
    padded: int
    repeated: int


def prepare(sequences: Sequences, seq_len: int, test_share: float, title: str) -> Prepared:
    """Pad or cut every sequence to N tokens and split them into a training and a test part.

    Sequences that come twice are kept once, so that none is both trained on and tested. Raises
    ParamixerError for too many symbols or classes, or too few sequences to split.
    """
    if not 2 <= seq_len <= MAX_TOKENS:
        raise ParamixerError(f"N from 2 to {MAX_TOKENS:,}", seq_len, "choose another N")
    if not 0.05 <= test_share <= 0.5:
        raise ParamixerError("a test share from 5 % to 50 %", test_share, "choose another share")
    if len(sequences.rows) * seq_len > MAX_NUMBERS:
        raise ParamixerError(
            f"at most {MAX_NUMBERS:,} tokens in all",
            f"{len(sequences.rows) * seq_len:,}",
            "choose a smaller N or send fewer sequences",
        )
    classes = tuple(sorted(set(sequences.labels)))
    if not 2 <= len(classes) <= MAX_CLASSES:
        raise ParamixerError(
            f"2 to {MAX_CLASSES} different labels", len(classes), "choose the column of the class"
        )
    symbols, tokens = (
        ((), number_tokens(sequences, seq_len))
        if sequences.numeric
        else symbol_tokens(sequences, seq_len)
    )
    labels = np.array([classes.index(label) for label in sequences.labels], dtype=np.int64)
    _, kept = np.unique(tokens, axis=0, return_index=True)
    order = np.random.default_rng(SPLIT_SEED).permutation(np.sort(kept))
    tests = max(1, round(test_share * len(order)))
    if len(order) - tests < 2:
        raise ParamixerError(
            "at least 3 different sequences", len(order), "send more of them, or a larger N"
        )
    note = {
        "layout": FORMAT,
        "title": title[:60] or "Your sequences",
        "symbols": json.dumps(symbols),
        "classes": json.dumps(classes),
        "tests": str(tests),
    }
    content = save({"tokens": tokens[order], "labels": labels[order]}, note)
    lengths = np.array([len(row) for row in sequences.rows])
    return Prepared(
        content=content,
        name=PREFIX + hashlib.sha256(content).hexdigest()[:16],
        seq_len=seq_len,
        symbols=symbols,
        classes=classes,
        tests=tests,
        trained=len(order) - tests,
        cut=int((lengths > seq_len).sum()),
        padded=int((lengths < seq_len).sum()),
        repeated=len(tokens) - len(order),
    )


def symbol_tokens(sequences: Sequences, seq_len: int) -> tuple[tuple[str, ...], np.ndarray]:
    """The alphabet (padding first) and the numbers (sequences, N) of its letters."""
    alphabet = sorted({str(letter) for row in sequences.rows for letter in row[:seq_len]})
    if len(alphabet) >= MAX_SYMBOLS:
        raise ParamixerError(
            f"at most {MAX_SYMBOLS - 1} different letters", len(alphabet), "clean the texts"
        )
    symbols = (PAD, *alphabet)
    number = {symbol: at for at, symbol in enumerate(symbols) if at}
    tokens = np.zeros((len(sequences.rows), seq_len), dtype=np.int64)
    for place, row in enumerate(sequences.rows):
        part = [number[str(letter)] for letter in row[:seq_len]]
        tokens[place, : len(part)] = part
    return symbols, tokens


def number_tokens(sequences: Sequences, seq_len: int) -> np.ndarray:
    """The numbers (sequences, N), all divided by the largest size, ends filled with zeros."""
    tokens = np.zeros((len(sequences.rows), seq_len), dtype=np.float64)
    for place, row in enumerate(sequences.rows):
        part = np.array(row[:seq_len], dtype=np.float64)
        tokens[place, : len(part)] = part
    most = float(np.abs(tokens).max()) or 1.0
    return (tokens / most).astype(np.float32)


def dataset_file(name: str, home: Path | None = None) -> Path:
    """Where a data set lies: below the run folder, so that training processes find it."""
    return (home or default_home()) / "uploads" / f"{require_name(name)}.safetensors"


def uploaded_task(name: str) -> "UploadedSequences":
    """The task of an uploaded data set at its own length."""
    return UploadedSequences(name, read_dataset(dataset_file(name)).tokens.shape[1])


def keep(
    prepared: Prepared, home: Path | None = None, held_by_owner: Sequence[int] | None = None
) -> str:
    """Store a prepared data set and return its task's name.

    `held_by_owner`: the sizes in bytes of what the browser that sends it has uploaded; None if no
    browser does. Raises QuotaError if it, or the server, would have too many or too much.
    """
    path = dataset_file(prepared.name, home)
    folder = path.parent
    folder.mkdir(parents=True, exist_ok=True)
    with _keeping:  # of two at once the second counts the first
        if path.exists():
            return prepared.name
        held = [file.stat().st_size for file in folder.glob("*.safetensors")]
        owned = held_by_owner is not None
        require_upload_room(held_by_owner or [], held, len(prepared.content), owned=owned)
        part = path.with_suffix(".part")
        part.write_bytes(prepared.content)
        part.replace(path)
    return prepared.name


class UploadedSequences(ClassificationTask):
    """Sequences that somebody uploaded; inputs (batch, N) symbols or (batch, N, 1) numbers."""

    def __init__(self, name: str, seq_len: int, home: Path | None = None) -> None:
        super().__init__(seq_len)
        held = read_dataset(dataset_file(name, home))
        self.name, self.title, self.summary = name, held.title, "Sequences that you uploaded."
        self.symbols, self.class_names = held.symbols, held.classes
        self.input_kind = InputKind.SYMBOLS if held.symbols else InputKind.REAL
        self.input_size, self.output_size = len(held.symbols) or 1, len(held.classes)
        self.positions, self.seq_lens = True, (held.tokens.shape[1],)
        if seq_len not in self.seq_lens:
            raise ParamixerError(
                f"N = {self.seq_lens[0]}, to which these sequences were cut",
                seq_len,
                "choose it, or upload them anew with another N",
            )
        self._tokens, self._labels, self._tests = held.tokens, held.labels, held.tests

    def batch(self, size: int, generator: torch.Generator) -> Batch:
        picked = torch.randint(self._tests, len(self._labels), (size,), generator=generator)
        return Batch(self._tokens[picked], self._labels[picked])

    def test_set(self) -> Batch:
        return Batch(self._tokens[: self._tests], self._labels[: self._tests])


@dataclass(frozen=True)
class Dataset:
    """A stored data set."""

    title: str
    symbols: tuple[str, ...]
    classes: tuple[str, ...]
    tests: int
    tokens: torch.Tensor
    labels: torch.Tensor


def require_name(name: str) -> str:
    """The name, if it can be one of an uploaded task: it becomes part of a path."""
    rest = name.removeprefix(PREFIX)
    if rest == name or len(rest) != 16 or set(rest) - set("0123456789abcdef"):
        raise ParamixerError("the name of an uploaded task", name, "choose one from the list")
    return name


@lru_cache(maxsize=4)
def read_dataset(path: Path) -> Dataset:
    """A stored data set; raises ParamixerError where there is none."""
    try:
        with safe_open(path, framework="pt") as file:
            note: dict[str, Any] = file.metadata() or {}
            tokens, labels = file.get_tensor("tokens"), file.get_tensor("labels")
    except (OSError, SafetensorError) as error:
        raise ParamixerError(
            "a data set that was uploaded to this server", path.stem, "upload it again"
        ) from error
    return Dataset(
        note["title"],
        tuple(json.loads(note["symbols"])),
        tuple(json.loads(note["classes"])),
        int(note["tests"]),
        tokens if not tokens.is_floating_point() else tokens[..., None],
        labels,
    )
