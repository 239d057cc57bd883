"""From sequences as read to a data set that can be trained on: N tokens a row, numbered, split."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Shaped
from safetensors.numpy import save

from paramixer_core.errors import ParamixerError
from paramixer_core.uploads.choices import MAX_TOKENS, SequencesFound, counted
from paramixer_core.uploads.dataset import FORMAT, PREFIX
from paramixer_core.uploads.splitting import Conflicts, distinct, stratified
from paramixer_core.uploads.tokens import alphabet_of, length, numbered

MAX_CLASSES = 100
MAX_NUMBERS = 2**25
SHOWN = 8


@dataclass(frozen=True)
class Prepared:
    """What a data set becomes: N tokens a row, numbered labels, the test rows first.

    `scale` is what numbers were divided by. `conflicts` counts sequences under several labels.
    """

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
    conflicts: int = 0
    scale: float = 1.0
    train_classes: dict[str, int] = field(default_factory=dict)
    test_classes: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def majority(self) -> tuple[str, float]:
        """The commonest class of the training rows, and the accuracy on the tests of always it."""
        best = max(self.train_classes, key=lambda name: self.train_classes[name])
        return best, self.test_classes[best] / self.tests


def prepare(
    found: SequencesFound,
    seq_len: int,
    test_share: float,
    title: str,
    conflicts: Conflicts = Conflicts.LEAVE_OUT,
) -> Prepared:
    """Pad or cut every sequence to N tokens and split them into a training and a test part.

    Sequences that come twice are kept once, so that none is both trained on and tested; those under
    several labels are left out, or take their commonest one. Each class is on both sides, as far as
    it has two sequences. Raises ParamixerError for questions that are open, too many symbols or
    classes, or too few sequences to split; for what is too large before memory is taken.
    """
    require_fit(found, seq_len, test_share)
    classes = tuple(sorted(set(found.labels)))
    if not 2 <= len(classes) <= MAX_CLASSES:
        raise ParamixerError(
            f"2 to {MAX_CLASSES} different labels", len(classes), "choose the column of the class"
        )
    symbols: tuple[str, ...] = ()
    rare, scale = "", 1.0
    if found.numeric:
        tokens, scale = number_tokens(found.rows, seq_len)
    else:
        symbols, number, rare = alphabet_of(found, seq_len)
        tokens = numbered(found.rows, found.tokens, number, (len(found.rows), seq_len))
    at = {label: place for place, label in enumerate(classes)}
    apart = distinct(tokens, [at[label] for label in found.labels], conflicts)
    order, tests = stratified(apart.labels, test_share) if len(apart.rows) else (apart.rows, 0)
    if len(order) < 3 or not tests:
        raise ParamixerError(
            "at least 3 different sequences, two of one class", len(order),
            "send more of them, or a larger N",
        )  # fmt: skip
    labels = apart.labels[order]
    note = {
        "layout": FORMAT,
        "title": title[:60] or "Your sequences",
        "symbols": json.dumps(symbols),
        "classes": json.dumps(classes),
        "tests": str(tests),
        "tokens": found.tokens.value,
        "other": symbols[-1] if rare else "",
        "scale": repr(scale),
    }
    stored = {"tokens": tokens[apart.rows][order], "labels": labels.astype(np.uint8)}
    content = save(stored, note)
    lengths = np.array([length(row, found.tokens) for row in found.rows])
    sides = [np.bincount(side, minlength=len(classes)) for side in (labels[tests:], labels[:tests])]
    train, test = (dict(zip(classes, side.tolist(), strict=True)) for side in sides)
    cut, padded = int((lengths > seq_len).sum()), int((lengths < seq_len).sum())
    notes = [
        rare,
        f"Numbers are divided by {scale:g}, the largest size." if found.numeric else "",
        f"{counted(cut, 'longer sequence')} cut to N." if cut else "",
        f"{counted(padded, 'shorter sequence')} filled up with padding." if padded else "",
        f"{counted(apart.repeated, 'repeated sequence')} left out." if apart.repeated else "",
        conflict_note(apart.conflicts, apart.conflict_rows, conflicts),
        one_sided(train, test),
    ]
    return Prepared(
        content=content,
        name=PREFIX + digest(note, stored),
        seq_len=seq_len,
        symbols=symbols,
        classes=classes,
        tests=tests,
        trained=len(order) - tests,
        cut=cut,
        padded=padded,
        repeated=apart.repeated,
        conflicts=apart.conflicts,
        scale=scale,
        train_classes=train,
        test_classes=test,
        notes=tuple(sentence for sentence in notes if sentence),
    )


def digest(note: dict[str, str], stored: dict[str, Shaped[np.ndarray, "..."]]) -> str:
    """What names a data set: the same for the same contents, whatever the order in its file."""
    hashed = hashlib.sha256(json.dumps(note, sort_keys=True).encode())
    for name in sorted(stored):
        hashed.update(stored[name].tobytes())
    return hashed.hexdigest()[:16]


def require_fit(found: SequencesFound, seq_len: int, test_share: float) -> None:
    """Raise ParamixerError for open questions, or an N, a share or a size that is not allowed."""
    if found.questions:
        raise ParamixerError(
            "an answer to what the file leaves open", found.questions[0], "choose it"
        )
    if not 2 <= seq_len <= MAX_TOKENS:
        raise ParamixerError(f"N from 2 to {MAX_TOKENS:,}", seq_len, "choose another N")
    if not 0.05 <= test_share <= 0.5:
        raise ParamixerError("a test share from 5 % to 50 %", test_share, "choose another share")
    if len(found.rows) * seq_len > MAX_NUMBERS:
        raise ParamixerError(
            f"at most {MAX_NUMBERS:,} tokens in all",
            f"{len(found.rows) * seq_len:,}",
            "choose a smaller N or send fewer sequences",
        )


def fitting_length(found: SequencesFound) -> int:
    """The N that holds the longest sequence, as far as limits allow."""
    return max(2, min(found.longest, MAX_TOKENS, MAX_NUMBERS // max(1, len(found.rows))))


def number_tokens(
    rows: Sequence[object], seq_len: int
) -> tuple[Float[np.ndarray, "rows seq"], float]:
    """The numbers, all divided by the largest size, ends filled with NaN; and that size."""
    parts: list[Shaped[np.ndarray, " tokens"]] = [
        np.asarray(row, dtype=np.float64)[:seq_len] for row in rows
    ]
    scale = max((float(np.abs(part).max(initial=0)) for part in parts), default=0.0) or 1.0
    tokens = np.full((len(parts), seq_len), np.nan, dtype=np.float32)
    for place, part in enumerate(parts):
        tokens[place, : len(part)] = part / scale
    return tokens, scale


def conflict_note(conflicts: int, rows: int, choice: Conflicts) -> str:
    """What became of sequences under several labels."""
    if not conflicts:
        return ""
    done = {
        Conflicts.LEAVE_OUT: "all left out",
        Conflicts.MAJORITY: "kept under their commonest label, left out where two are as common",
    }[choice]
    return (
        f"{counted(conflicts, 'sequence')} ({counted(rows, 'row')}) under more than one label: "
        f"{done}."
    )


def one_sided(train: dict[str, int], test: dict[str, int]) -> str:
    """Which classes are not on both sides, and why."""
    alone = [name for name in train if train[name] and not test[name]]
    gone = [name for name in train if not train[name] and not test[name]]
    said = []
    if alone:
        names = ", ".join(alone[:SHOWN]) + " ..." * (len(alone) > SHOWN)
        said.append(f"Trained on but never tested, as it has one sequence alone: {names}.")
    if gone:
        names = ", ".join(gone[:SHOWN]) + " ..." * (len(gone) > SHOWN)
        said.append(f"No sequence left, as all stand under other labels too: {names}.")
    return " ".join(said)
