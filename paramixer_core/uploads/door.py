"""The one door for files: what pages, their jobs and `python -m paramixer_core.uploads` read by."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from paramixer_core.analysis.matrix_choices import MatrixChoices
from paramixer_core.analysis.matrix_upload import (
    SeveralArraysError,
    Squared,
    read_matrix,
    squared,
)
from paramixer_core.errors import ParamixerError
from paramixer_core.tasks import make_task
from paramixer_core.uploads import preparing
from paramixer_core.uploads.choices import FileKind, SequenceChoices, SequencesFound
from paramixer_core.uploads.columns import LABEL_NAMES
from paramixer_core.uploads.headers import Part, parts_of
from paramixer_core.uploads.kinds import format_kind
from paramixer_core.uploads.recognise import read_weights_file
from paramixer_core.uploads.sequences import read_sequences
from paramixer_core.uploads.splitting import Conflicts
from paramixer_core.uploads.weight_questions import WeightChoices
from paramixer_core.uploads.what_was_read import (
    HeaderPart,
    MatrixRead,
    Read,
    SequencesRead,
    UploadKind,
    WeightsRead,
)

PREVIEWED = 5
SHOWN_VALUES = 4
TEST_SHARE = 0.2
REGEX = "regex "


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitChoices:
    """What a data set becomes: N (None: what holds the longest sequence), the share of tests (None:
    0.2), and what happens to sequences under several labels (None: they are left out)."""

    seq_len: int | None = None
    test_share: float | None = None
    conflicts: Conflicts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadChoices:
    """Everything that may be chosen about a file; what does not concern its kind is not read.

    `kind` None: by the file's format, then by its name. `squared`: how a matrix becomes square
    where the lab needs it (None: cropped).
    """

    kind: UploadKind | None = None
    sequences: SequenceChoices = field(default_factory=SequenceChoices)
    split: SplitChoices = field(default_factory=SplitChoices)
    weights: WeightChoices = field(default_factory=WeightChoices)
    matrix: MatrixChoices = field(default_factory=MatrixChoices)
    squared: Squared | None = None


NO_CHOICES = UploadChoices()


def silent(_: str) -> None:
    """Nobody wants to know how far the reading is."""


def read_upload(
    content: bytes,
    name: str,
    choices: UploadChoices = NO_CHOICES,
    stage: Callable[[str], None] = silent,
) -> Read:
    """What a file holds. `stage` is told what is done next, in a few words.

    Raises ParamixerError, in one sentence, for what cannot be read or may not be used.
    """
    kind = choices.kind
    said: tuple[str, ...] = ()
    if kind is None:
        stage("Finding out what it is")
        kind, why = kind_of(content, name)
        said = (why,) if why else ()
    match kind:
        case UploadKind.SEQUENCES:
            return read_labelled(content, name, choices, stage, said)
        case UploadKind.WEIGHTS:
            return read_weights(content, name, choices.weights, stage)
        case UploadKind.MATRIX:
            stage("Reading the numbers")
            return read_numbers(content, name, choices, said)


def kind_of(content: bytes, name: str) -> tuple[UploadKind, str]:
    """What a file holds, and a sentence where that is a guess between two readings."""
    known = format_kind(content, name)
    if known is not None:
        return known, ""
    try:
        found = read_sequences(content, name)
    except ParamixerError:
        return (UploadKind.MATRIX if is_matrix(content, name) else UploadKind.SEQUENCES), ""
    if found.kind is not FileKind.TABLE:
        return UploadKind.SEQUENCES, ""
    label = found.guessed("label")
    named = label is not None and label.value.lower() in LABEL_NAMES
    few = not found.questions and len(found.classes) <= max(2, len(found.labels) // 2)
    square = found.numeric and {len(row) for row in found.rows} == {len(found.rows) - 1}
    if (few and not square) or named or not is_matrix(content, name):
        why = "It is read as labelled sequences of numbers; it could be a matrix too."
        return UploadKind.SEQUENCES, why if found.numeric else ""
    return UploadKind.MATRIX, (
        "It is read as a matrix, as no column tells a few classes apart; it could be labelled "
        "sequences too."
    )


def is_matrix(content: bytes, name: str) -> bool:
    """Whether it can be read as a matrix."""
    try:
        read_matrix(content, name)
    except ParamixerError:
        return False
    return True


def read_labelled(
    content: bytes,
    name: str,
    choices: UploadChoices,
    stage: Callable[[str], None] = silent,
    said: tuple[str, ...] = (),
) -> SequencesRead:
    """A file of sequences, and the data set that it becomes once no question is open."""
    stage("Reading the sequences")
    found = read_sequences(content, name, choices.sequences)
    split = choices.split
    fitting = preparing.fitting_length(found)
    prepared, problem = None, ""
    if not found.questions:
        stage("Numbering and splitting them")
        seq_len = fitting if split.seq_len is None else split.seq_len
        test_share = TEST_SHARE if split.test_share is None else split.test_share
        conflicts = split.conflicts or Conflicts.LEAVE_OUT
        try:
            prepared = preparing.prepare(found, seq_len, test_share, name, conflicts)
        except ParamixerError as error:
            problem = str(error)
    label = choices.sequences.label or ""
    rows, classes = len(found.rows), found.classes
    parts = tuple(map(shown_part, parts_of(found.headers))) if found.headers else ()
    pattern = None
    if found.headers and label.startswith(REGEX):
        pattern = shown_part(Part("pattern", found.labels))
    return SequencesRead(
        found=beginning_of(found),
        rows=rows,
        classes=classes,
        fitting=fitting,
        prepared=prepared,
        parts=parts,
        pattern=pattern,
        problem=problem,
        notes=(*said, *found.notes, *(prepared.notes if prepared else ())),
    )


def beginning_of(found: SequencesFound) -> SequencesFound:
    """The same with its first rows only: enough to be shown."""
    shown = replace(found)
    shown.select(list(range(min(PREVIEWED, len(found.rows)))))
    return shown


def shown_part(part: Part) -> HeaderPart:
    """A part of headers with its first values."""
    values = tuple(dict.fromkeys(part.values))[:SHOWN_VALUES]
    return HeaderPart(part.name, values, part.classes)


def read_weights(
    content: bytes, name: str, choices: WeightChoices, stage: Callable[[str], None] = silent
) -> WeightsRead:
    """A file of weights; `task` is None where the file's data are not known by name."""
    stage("Reading the weights")
    found = read_weights_file(content, name, choices)
    labelled = make_task(found.config.task, found.config.seq_len).labelled
    task = found.task_missing or (found.config.task if labelled else None)
    return WeightsRead(found=found, task=task)


def read_numbers(
    content: bytes, name: str, choices: UploadChoices, said: tuple[str, ...] = ()
) -> MatrixRead:
    """A matrix, and what the lab makes square of it."""
    found = read_matrix(content, name, choices.matrix)
    return MatrixRead(
        shape=found.shape,
        minimum=found.minimum,
        maximum=found.maximum,
        mean=found.mean,
        square=squared(found.matrix, choices.squared or Squared.CROP),
        notes=(*said, *found.notes),
    )


__all__ = ["SeveralArraysError", "SplitChoices", "UploadChoices", "UploadKind", "read_upload"]
