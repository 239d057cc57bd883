"""What was read from a file of each kind: in words, and as plain values for scripts."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float

from paramixer_core.choices import Choice
from paramixer_core.uploads.choices import SequencesFound, counted
from paramixer_core.uploads.preparing import Prepared
from paramixer_core.uploads.weight_questions import RecognisedWeights, answer_words

LISTED = 8


class UploadKind(Choice):
    """What somebody brings."""

    SEQUENCES = "sequences"
    WEIGHTS = "weights"
    MATRIX = "matrix"


@dataclass(frozen=True)
class Asked:
    """A question that a file leaves open: the choice that answers it, and what is assumed (None:
    nothing, the file cannot be used before it is answered)."""

    choice: str
    sentence: str
    assumed: Any = None
    options: tuple[Any, ...] = ()


@dataclass(frozen=True)
class HeaderPart:
    """A part of FASTA headers that can be the label: its first values, how many classes."""

    name: str
    values: tuple[str, ...]
    classes: int


@dataclass(frozen=True)
class SequencesRead:
    """A file of sequences. `found` holds its first rows only; `rows` and `classes` count all.

    `prepared` is what it becomes for training, None as long as a question is open or as `problem`,
    a sentence, is in the way; without its `content` where it came from another process.
    """

    kind: ClassVar[UploadKind] = UploadKind.SEQUENCES
    found: SequencesFound
    rows: int
    classes: dict[str, int]
    fitting: int
    prepared: Prepared | None
    parts: tuple[HeaderPart, ...] = ()
    pattern: HeaderPart | None = None
    notes: tuple[str, ...] = ()
    problem: str = ""

    @property
    def questions(self) -> list[Asked]:
        """What must be chosen first."""
        options = tuple(part.name for part in self.parts) or tuple(self.found.columns)
        return [Asked("label", sentence, None, options) for sentence in self.found.questions]

    def small(self) -> "SequencesRead":
        """The same without the data set, to be shown."""
        return replace(self, prepared=self.prepared and replace(self.prepared, content=b""))

    def as_json(self) -> dict[str, Any]:
        """Plain values. Before a question on the label is answered there are no classes."""
        data = self.prepared
        return {
            "kind": self.kind.value,
            "rows": self.rows,
            "classes": self.classes if data else {},
            "tokens": self.found.tokens.value,
            "symbols": list(data.symbols[1:]) if data else [],
            "seq_len": data.seq_len if data else self.fitting,
            "encoding": self.found.encoding,
            "train_classes": data.train_classes if data else {},
            "test_classes": data.test_classes if data else {},
            "conflicts": data.conflicts if data else 0,
            "repeated": data.repeated if data else 0,
            "skipped": self.found.skipped,
        }

    def describe(self) -> Iterator[str]:
        """What was read, a line each."""
        found, data = self.found, self.prepared
        of = f"{counted(self.rows, 'labelled sequence')} of {found.tokens}"
        if data is None:
            yield f"Sequences: {of}, up to {self.fitting:,} tokens each."
            return
        symbols = f"{counted(len(data.symbols) - 1, 'symbol')}, " if data.symbols else ""
        yield f"Sequences: {of}, {symbols}N = {data.seq_len:,}, encoding {found.encoding}."
        some = [f"{name} {count:,}" for name, count in list(self.classes.items())[:LISTED]]
        more = ", ..." if len(self.classes) > LISTED else ""
        classes = counted(len(self.classes), "class", "classes")
        yield f"{classes}: {', '.join(some)}{more}."
        best, right = data.majority
        yield (
            f"{data.trained:,} to train on, {data.tests:,} to test; always answering “{best}” is "
            f"right on {right:.1%} of the tests."
        )


@dataclass(frozen=True)
class WeightsRead:
    """A file of weights. `accuracy` (0..1) is None where it was not tested."""

    kind: ClassVar[UploadKind] = UploadKind.WEIGHTS
    found: RecognisedWeights
    task: str | None
    accuracy: float | None = None
    tested: str = ""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know."""
        assumed = [q.sentence for q in self.found.questions]
        tested = [self.tested] if self.tested else []
        return (*tested, *self.found.notes, *self.found.warnings, *assumed)

    @property
    def questions(self) -> list[Asked]:
        """What is assumed until somebody says otherwise."""
        return [
            Asked(one.field, one.sentence, plain_value(one.assumed), one.options)
            for one in self.found.questions
            if not one.answered
        ]

    def small(self) -> "WeightsRead":
        """The same without the weights, to be shown."""
        return replace(self, found=replace(self.found, state={}))

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        found, config = self.found, self.found.config
        return {
            "kind": self.kind.value,
            "mixer": config.mixer,
            "task": self.task,
            "residual": config.residual.value,
            "link_source": config.link_source.value,
            "heads": config.heads,
            "num_links": found.num_links,
            "seq_len": config.seq_len,
            "channels": config.channels,
            "blocks": config.blocks,
            "certain": found.certain,
            "read": len(found.matched),
            "unused": list(found.unused),
            "task_missing": found.task_missing or None,
            "accuracy": self.accuracy,
        }

    def describe(self) -> Iterator[str]:
        """What was read, a line each."""
        found, config = self.found, self.found.config
        task = self.found.task_missing or answer_words("task", config.task)
        links = f", K = {found.num_links}" if found.num_links is not None else ""
        own = (
            f"residual {answer_words('residual', config.residual)}, link MLPs read "
            f"{answer_words('link_source', config.link_source)}"
            if found.num_links is not None
            else counted(config.heads, "head")
        )
        yield (
            f"Weights: {answer_words('mixer', config.mixer)}{links}, {own}; task: {task}, "
            f"N = {config.seq_len:,}, D = {config.channels:,}, {counted(config.blocks, 'block')}."
        )
        how = "" if found.certain else ", with assumptions"
        yield f"Read by {found.source}{how}: {counted(len(found.matched), 'tensor')}."
        if found.unused:
            some = ", ".join(found.unused[:LISTED]) + ", ..." * (len(found.unused) > LISTED)
            yield f"{counted(len(found.unused), 'tensor')} not used: {some}."


@dataclass(frozen=True, eq=False)
class MatrixRead:
    """A matrix: its shape, least, largest and mean entry, and what the lab makes square of it."""

    kind: ClassVar[UploadKind] = UploadKind.MATRIX
    shape: tuple[int, int]
    minimum: float
    maximum: float
    mean: float
    square: Float[np.ndarray, "side side"]
    notes: tuple[str, ...] = ()
    questions: tuple[Asked, ...] = ()

    def small(self) -> "MatrixRead":
        """It is small already."""
        return self

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "kind": self.kind.value,
            "shape": list(self.shape),
            "minimum": self.minimum,
            "maximum": self.maximum,
            "mean": self.mean,
            "square": list(self.square.shape),
        }

    def describe(self) -> Iterator[str]:
        """What was read, a line each."""
        rows, columns = self.shape
        yield (
            f"Matrix: {rows:,} x {columns:,}, entries from {self.minimum:g} to {self.maximum:g}, "
            f"mean {self.mean:g}."
        )


Read = SequencesRead | WeightsRead | MatrixRead


def plain_value(value: Any) -> Any:
    """A value that JSON has: the text of a choice, else itself."""
    return value.value if hasattr(value, "value") else value


def full_json(read: Read) -> dict[str, Any]:
    """Plain values of a reading of any kind, with its notes and what it leaves open."""
    questions = [
        {
            "choice": asked.choice,
            "question": asked.sentence,
            "assumed": asked.assumed,
            "options": [plain_value(option) for option in asked.options],
        }
        for asked in read.questions
    ]
    return {**read.as_json(), "notes": list(read.notes), "questions": questions}
