"""What a file holds, in words or for scripts: python -m paramixer_core.uploads FILE --help"""

import argparse
import json
import math
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from paramixer_core.analysis.matrix_choices import MAX_UNPACKED
from paramixer_core.errors import ParamixerError
from paramixer_core.uploads.door import read_upload
from paramixer_core.uploads.keeping import keep_read, with_test
from paramixer_core.uploads.options import add_options, choices_of
from paramixer_core.uploads.what_was_read import SequencesRead, WeightsRead, full_json

EXAMPLES = """\
examples:
  spam.csv                                       what it is, in words
  genes.fa --label "field 2" --test-share 0.3    read as you say
  spam.csv --import                              keep it as a task of the store
  weights.safetensors --json --evaluate          its accuracy, for a script
"""


class WrongUseError(Exception):
    """What the command was given cannot be a command; its sentence."""


class UnusableError(Exception):
    """What was read cannot be used as it is asked; its sentence."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one sentence."""

    def error(self, message: str) -> NoReturn:
        """Refuse, in one sentence."""
        raise WrongUseError(f"{message[:1].upper()}{message[1:]}; see --help.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Read one file; returns the exit status. A reader that has enough ends it quietly."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        try:
            asked = parser().parse_args(words)
            print(*lines_of(asked), sep="\n")
            status = 0
        except (ParamixerError, WrongUseError, UnusableError) as error:
            sentence = " ".join(str(error).split())
            if "--json" in words:
                print(json.dumps({"error": sentence}))
            print(sentence, file=sys.stderr)
            status = 2
        sys.stdout.flush()
    except BrokenPipeError:
        # What Python still holds for the pipe must not be tried again when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


def parser() -> argparse.ArgumentParser:
    """Everything that the command takes."""
    top = Parser(
        prog="python -m paramixer_core.uploads",
        description="Say what a file of sequences, weights or a matrix holds; test or keep it.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("file", type=Path, metavar="FILE")
    top.add_argument("--json", action="store_true", help="plain values, for scripts")
    top.add_argument("--evaluate", action="store_true", help="test weights on their task's tests")
    top.add_argument("--import", dest="keep", action="store_true",
                     help="keep sequences as a task, weights as a run of the store")  # fmt: skip
    top.add_argument("--store", type=Path, help="folder (default: PARAMIXER_HOME or the user's)")
    add_options(top)
    return top


def lines_of(asked: argparse.Namespace) -> list[str]:
    """What is printed. Raises ParamixerError for a file that cannot be read as asked."""
    if asked.store is not None:
        os.environ["PARAMIXER_HOME"] = str(asked.store)  # tasks find their data sets there
    read = read_upload(content_of(asked.file), asked.file.name, choices_of(asked))
    if isinstance(read, SequencesRead) and read.problem:
        raise UnusableError(read.problem)
    if asked.evaluate:
        read = with_test(read)
    kept: dict[str, Any] = {}
    if asked.keep:
        done = keep_read(read, asked.store)
        kept = {done.what: done.name}
        if isinstance(read, WeightsRead) and done.tested:
            read = replace(read, tested=done.tested, accuracy=done.accuracy)
    if asked.json:
        return [json.dumps(finite({**full_json(read), **kept}), ensure_ascii=False)]
    asked_still = [f"? {question.sentence}" for question in read.questions]
    sentences = {question.sentence for question in read.questions}
    notes = [f"- {note}" for note in read.notes if note not in sentences]
    ends = [f"Kept as {what} {name}." for what, name in kept.items()]
    return [" ".join(line.split()) for line in [*read.describe(), *notes, *asked_still, *ends]]


def content_of(path: Path) -> bytes:
    """The file's bytes. Raises ParamixerError for a file that is none, or far too large."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_UNPACKED + 1)
    except OSError as error:
        what = (error.strerror or "an error").lower()
        raise ParamixerError("a file that can be read", f"{path}: {what}", "name one") from error
    if len(content) > MAX_UNPACKED:
        raise ParamixerError(
            f"a file of at most {MAX_UNPACKED // 2**20} MiB", "a larger one", "bring a part of it"
        )
    return content


def finite(value: Any) -> Any:
    """The same with None for numbers that JSON does not have."""
    if isinstance(value, dict):
        return {name: finite(one) for name, one in value.items()}
    if isinstance(value, list):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


if __name__ == "__main__":
    sys.exit(main())
