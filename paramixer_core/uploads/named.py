"""Which tensors of a file are a network's weights, under our names."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from torch import Tensor

from paramixer_core.config import RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.protocols import Protocol
from paramixer_core.uploads import authors
from paramixer_core.uploads.authors import CLASS_TOKEN, POSITIONS, Theirs
from paramixer_core.uploads.block_shapes import Shapes
from paramixer_core.uploads.prefixes import Unwrapped, unwrap
from paramixer_core.uploads.weight_questions import Question, WeightChoices, ask
from paramixer_core.uploads.weights import WeightFile

OURS = re.compile(r"(?:^|\.)(?=embedding\.tokens\.weight$|blocks\.\d{1,3}\.)")
REMEDY = "upload weights of one of the networks that this lab trains, or of the authors' Paramixer"


@dataclass(frozen=True)
class Named:
    """A file's weights under our names: `pairs` of (name in the file, ours) and our `shapes`.

    `theirs` is set where the file has the authors' names; `positions` says whether their learned
    positions are read.
    """

    pairs: list[tuple[str, str]]
    shapes: Shapes
    theirs: Theirs | None
    positions: bool
    notes: list[str]
    questions: list[Question]

    def weights(
        self, file: WeightFile, config: RunConfig, wanted: Collection[str]
    ) -> dict[str, Tensor]:
        """The weights of the network, as float32, under our names."""
        if self.theirs is None:
            return {ours: file.tensor(name) for name, ours in self.pairs if ours in wanted}
        held = {
            ours: file.tensor(name)
            for name, ours in self.pairs
            if ours in wanted and ours != CLASS_TOKEN
        }
        if self.theirs.class_token:
            held = authors.with_class_token(held)
        if config.mixer == Protocol.CDIL:
            held = authors.reorder_links(held)
        return held

    def matched(self, wanted: Collection[str]) -> list[tuple[str, str]]:
        """The file's names with ours, of the weights that the network reads."""
        return [(name, ours) for name, ours in self.pairs if ours in wanted]

    def unused(self, file: WeightFile, wanted: Collection[str]) -> list[str]:
        """The file's tensors that the network does not read."""
        read = {name for name, _ in self.matched(wanted)}
        return [name for name in file.entries if name not in read]


def find_network(file: WeightFile, choices: WeightChoices) -> Named:
    """The network in a file. Raises ParamixerError if no name is one of ours or of the authors'."""
    names = list(file.entries)
    ours = unwrap(names, starts, choices.copy)
    theirs = unwrap(names, authors.starts, choices.copy)
    if not ours.copies and not theirs.copies:
        raise ParamixerError(
            "weights named as ours (blocks.0...) or as the authors' (attention.0.fs.0...)",
            ", ".join(names[:3]),
            REMEDY,
        )
    unwrapped = ours if ours.copies else theirs
    shapes = {bare: file.entries[name].shape for name, bare in unwrapped.bare.items()}
    notes, questions = prefix_notes(unwrapped, choices)
    if ours.copies:
        return Named(list(unwrapped.bare.items()), shapes, None, False, notes, questions)
    return of_authors(unwrapped, shapes, choices, notes, questions)


def starts(name: str) -> int | None:
    """Where in a name one of ours begins; None if none does."""
    found = OURS.search(name)
    return None if found is None else found.end()


def of_authors(
    unwrapped: Unwrapped,
    shapes: Shapes,
    choices: WeightChoices,
    notes: list[str],
    questions: list[Question],
) -> Named:
    """Weights with the authors' names."""
    theirs = authors.theirs(shapes)
    renamed = {ours: shapes[name] for name, ours in theirs.pairs}
    pairs = list(theirs.pairs)
    if theirs.places is not None:
        asked = ask(choices, "positions", (True, False), theirs.positions, theirs.why_positions)
        questions = [*questions, asked]
        if asked.answer:
            pairs.append((theirs.places, POSITIONS))
            renamed[POSITIONS] = shapes[theirs.places]
    if theirs.class_token:
        pairs.append(("embedding.weight", CLASS_TOKEN))
        renamed |= authors.class_token_shapes(renamed)
        rows = shapes["embedding.weight"][0]
        notes = [
            *notes,
            f"Its head reads the first token alone: the last of its {rows:,} symbols is read as "
            "the class token, which it puts before every sequence.",
        ]
    file_names = {bare: name for name, bare in unwrapped.bare.items()}
    return Named(
        [(file_names[name], ours) for name, ours in pairs],
        renamed,
        theirs,
        POSITIONS in renamed,
        notes,
        questions,
    )


def prefix_notes(unwrapped: Unwrapped, choices: WeightChoices) -> tuple[list[str], list[Question]]:
    """What was taken off the names, and which copy is read where there are several."""
    notes = []
    if unwrapped.taken:
        taken = ", ".join(unwrapped.taken)
        notes.append(f"Taken off the names: {taken}")
    if len(unwrapped.copies) < 2:
        return notes, []
    copies = tuple(unwrapped.copies)
    return notes, [ask(choices, "copy", copies, copies[0], "the one with the shortest name")]
