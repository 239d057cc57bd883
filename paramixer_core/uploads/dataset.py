"""An uploaded data set as a task: its numbers in one file, named by their hash."""

import json
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Bool, Shaped
from safetensors import SafetensorError, safe_open
from torch import Tensor

from paramixer_core.errors import ParamixerError
from paramixer_core.runs.database import default_home
from paramixer_core.runs.quotas import require_upload_room
from paramixer_core.tasks.task import Batch, ClassificationTask, InputKind, missing_numbers
from paramixer_core.uploads.choices import Tokens

if TYPE_CHECKING:
    from paramixer_core.uploads.preparing import Prepared

PREFIX = "uploaded-"
FORMAT = "paramixer-sequences-2"
"""Tokens in the smallest type that holds them, padding of numbers NaN. The first layout, which is
still read, held whole numbers in eight bytes and zeros as the padding of numbers."""

_keeping = threading.Lock()


def dataset_file(name: str, home: Path | None = None) -> Path:
    """Where a data set lies: below the run folder, so that training processes find it."""
    return (home or default_home()) / "uploads" / f"{require_name(name)}.safetensors"


def uploaded_task(name: str) -> "UploadedSequences":
    """The task of an uploaded data set at its own length."""
    return UploadedSequences(name, read_dataset(dataset_file(name)).tokens.shape[1])


def keep(
    prepared: "Prepared", home: Path | None = None, held_by_owner: Sequence[int] | None = None
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
        self.tokens, self.scale, self.other = held.kind, held.scale, held.other
        self.padded = held.padded
        self.filling = math.nan if held.padded else 0.0
        self._tokens, self._labels, self._tests = held.tokens, held.labels, held.tests

    def padding(self, inputs: Shaped[Tensor, "batch seq *features"]) -> Bool[Tensor, "batch seq"]:
        """Symbol 0, or a number that is missing."""
        return inputs == 0 if self.symbols else missing_numbers(inputs)

    def batch(self, size: int, generator: torch.Generator) -> Batch:
        picked = torch.randint(self._tests, len(self._labels), (size,), generator=generator)
        return self._rows(picked)

    def test_set(self) -> Batch:
        return self._rows(torch.arange(self._tests))

    def _rows(self, picked: Tensor) -> Batch:
        tokens = self._tokens[picked]
        if self.input_kind is InputKind.SYMBOLS:
            tokens = tokens.long()
        return Batch(tokens, self._labels[picked].long())


@dataclass(frozen=True)
class Dataset:
    """A stored data set; what the first layout did not note is as it was then.

    `scale` is what numbers were divided by, `other` the symbol of all rare letters ("" if there is
    none).
    """

    title: str
    symbols: tuple[str, ...]
    classes: tuple[str, ...]
    tests: int
    tokens: Tensor
    labels: Tensor
    kind: Tokens
    scale: float
    other: str

    @property
    def padded(self) -> bool:
        """Whether some sequence is filled up: with symbol 0, or NaN among numbers."""
        filled = self.tokens == 0 if self.symbols else self.tokens.isnan()
        return bool(filled.any())


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
    symbols = tuple(json.loads(note["symbols"]))
    return Dataset(
        note["title"],
        symbols,
        tuple(json.loads(note["classes"])),
        int(note["tests"]),
        tokens if not tokens.is_floating_point() else tokens[..., None],
        labels,
        Tokens(note.get("tokens", Tokens.LETTERS if symbols else Tokens.NUMBERS)),
        float(note.get("scale", 1)),
        note.get("other", ""),
    )
