"""Throw damaged files at both uploads: `python -m tests.uploads.fuzz [FILES]`, 10,000 by default.

Each must be read or refused in one sentence. Prints how many there were of either kind, how long it
took, and by how much the memory grew at its highest; ends with an error if that was over the limit.
"""

import random
import resource
import sys
import time
from collections.abc import Iterator

from paramixer_core.uploads.recognise import read_weights_file
from paramixer_core.uploads.weights import MAX_BYTES
from tests.small_runs import SMALL
from tests.uploads.mutations import SEQUENCE_FILES, WEIGHT_FILES, is_sentence, sentence_of
from tests.uploads.test_mutated_sequences import use
from tests.uploads.weight_files import authors_weights, exported, packed, weights_of

GROWTH_LIMIT = 256 * 2**20
"""Bytes that reading uploads one after the other may add: an upload of the largest size allowed,
several times over for its copies."""


FIRST_ROUND = 4 * len(WEIGHT_FILES) + 3 * len(SEQUENCE_FILES)
"""Files until each kind has been read in each way."""

WHOLE = {
    "csv": "name,label,text\n" + "".join(f"{n},{'ab'[n % 2]},gene {n}\n" for n in range(60)),
    "text": "".join(f"{'ab'[n % 2]}\tit was number {n}\n" for n in range(60)),
    "fasta": "".join(f">gene{n} {'ab'[n % 2]}\nACGT\n{'ACG' * n}\n" for n in range(60)),
}
"""Sequences that are read as long as they are whole."""


def sentences() -> Iterator[str]:
    """What is said to one file after the other, without end: weights and sequences in turn."""
    whole_weights = (
        packed(weights_of(SMALL)),
        exported(SMALL, step="3", accuracy="0.5"),
        packed(authors_weights(5, adding=True)),
        packed(authors_weights(pooled=True)),
    )
    dice = random.Random(0)
    while True:
        for whole in whole_weights:
            for mutate in WEIGHT_FILES:
                content = mutate(dice, whole)
                yield sentence_of(lambda content=content: read_weights_file(content))
        for kind, text in WHOLE.items():
            for mutate in SEQUENCE_FILES:
                content = mutate(dice, text.encode())
                one_column = dice.random() < 0.5
                yield sentence_of(
                    lambda content=content, kind=kind, one=one_column: use(content, kind, one)
                )


def largest() -> Iterator[str]:
    """What is said to the largest files: one line of 100 MB, and weights just over the limit."""
    line = b"a " + b"x" * 100_000_000
    yield sentence_of(lambda: use(line, "text", True))
    yield sentence_of(lambda: read_weights_file(bytes(MAX_BYTES + 1)))


def peak() -> int:
    """The most memory that this process ever held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main(files: int) -> str:
    """Try so many files; what happened."""
    said = sentences()
    before, started = peak(), time.perf_counter()
    refused = 0
    for at in range(files):
        sentence = next(said)
        if at == FIRST_ROUND:  # what reading needs is loaded now
            before = peak()
        if not is_sentence(sentence):
            return f"no sentence: {sentence!r}"
        refused += bool(sentence)
    growth = peak() - before
    if growth > GROWTH_LIMIT:
        return f"memory grew by {growth / 2**20:.0f} MiB"
    for sentence in largest():
        if not sentence or not is_sentence(sentence):
            return f"a file over the limit was not refused: {sentence!r}"
    print(  # noqa: T201
        f"{files:,} files in {time.perf_counter() - started:.0f} s: {refused:,} refused in a "
        f"sentence, {files - refused:,} read; memory grew by {growth / 2**20:.0f} MiB at most"
    )
    return ""


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000) or None)
