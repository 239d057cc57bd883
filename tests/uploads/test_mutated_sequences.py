"""Damaged files of sequences are read or get one sentence, never anything else."""

import random

import pytest

from paramixer_core.uploads.choices import Missing, SequenceChoices
from paramixer_core.uploads.preparing import Prepared, prepare
from paramixer_core.uploads.sequences import read_sequences
from tests.uploads.mutations import SEQUENCE_FILES, is_sentence, sentence_of
from tests.uploads.test_sequences import CSV, FASTA, NUMBERS, TEXT

REPEATS = 40  # of each mutation; 10,000 files in all were tried once
FASTQ = "@1 a\nAC\n+\nII\n@2 b\nGT\n+\nII\n@3 a\nTT\n+\nII\n"
WHOLE = {"csv": CSV, "tsv": NUMBERS, "txt": TEXT, "fasta": FASTA, "fastq": FASTQ}


def use(content: bytes, kind: str, skip: bool) -> Prepared:
    """Everything that the page does with a file."""
    choices = SequenceChoices(missing=Missing.SKIP if skip else None)
    found = read_sequences(content, f"file.{kind}", choices)
    return prepare(found, min(64, max(2, found.longest)), 0.2, "")


@pytest.mark.parametrize("mutate", SEQUENCE_FILES, ids=lambda mutate: mutate.__name__)
@pytest.mark.parametrize("kind", WHOLE)
def test_a_mutated_file_is_read_or_gets_one_sentence(mutate, kind: str) -> None:
    whole = WHOLE[kind].encode()
    dice = random.Random(f"{mutate.__name__}{kind}")
    for number in range(REPEATS):
        content = mutate(dice, whole)
        assert is_sentence(
            sentence_of(lambda content=content, number=number: use(content, kind, number % 2 == 0))
        )
