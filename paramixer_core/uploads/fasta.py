"""Records of FASTA and FASTQ files by Biopython's parsers, with the line of each header."""

import io
from collections.abc import Iterable

from paramixer_core.errors import ParamixerError
from paramixer_core.uploads.choices import (
    MAX_SEQUENCES,
    REMEDY,
    FileKind,
    SequenceChoices,
    SequencesFound,
    counted,
)
from paramixer_core.uploads.tables import numbered_lines

FASTA_ENDINGS = ("fa", "fasta", "fna", "faa", "ffn", "frn", "fas", "mpfa")
FASTQ_ENDINGS = ("fq", "fastq")
PACKED_ENDINGS = ("gz", "zip")


def kind_of(name: str, text: str, found: SequencesFound, choices: SequenceChoices) -> FileKind:
    """What the file is, by its name or, failing that, its first letters."""
    if choices.kind:
        found.decide("kind", choices.kind.value, f"The file is read as {choices.kind}, as chosen.")
        return choices.kind
    parts = name.lower().split(".")
    ending = parts[-2] if len(parts) > 2 and parts[-1] in PACKED_ENDINGS else parts[-1]
    lines = [line for line in text[:100_000].splitlines() if line.strip()]
    begun = [line for line in lines if not line.startswith(";")]
    kind, why, certain = FileKind.TABLE, "a line for each sequence", True
    if ending in FASTA_ENDINGS:
        kind, why = FileKind.FASTA, f"as its name ends in .{ending}"
    elif ending in FASTQ_ENDINGS:
        kind, why = FileKind.FASTQ, f"as its name ends in .{ending}"
    elif begun and begun[0].startswith(">"):
        kind, why, certain = FileKind.FASTA, "as it begins with >", False
    elif len(lines) > 3 and lines[0].startswith("@") and lines[2].startswith("+"):
        kind, why, certain = FileKind.FASTQ, "as it begins with @ and has qualities", False
    said = "a table" if kind is FileKind.TABLE else kind.value.upper()
    found.decide("kind", kind.value, f"The file is {said}, {why}.", certain=certain)
    return kind


def fasta_records(text: str, found: SequencesFound) -> None:
    """Headers, sequences and the headers' lines into `found`; lines that begin with ; are comments.

    Raises ParamixerError for letters before the first header or an empty header.
    """
    from Bio.SeqIO.FastaIO import SimpleFastaParser

    lines = numbered_lines(text)
    comments = [number for number, line in lines if line.startswith(";")]
    if comments:
        found.decide(
            "comment", ";", f"{counted(len(comments), 'line')} that begin with ; are comments."
        )
    held = [(number, line) for number, line in lines if line.strip() and line[0] != ";"]
    if held and not held[0][1].startswith(">"):
        raise ParamixerError(
            f'a line that begins with ">" first, in line {held[0][0]:,}', held[0][1], REMEDY
        )
    starts = [number for number, line in held if line.startswith(">")]
    content = io.StringIO("".join(line for _, line in held))
    parser = SimpleFastaParser(content)  # type: ignore[no-untyped-call]
    fill(found, parser, starts)


def fastq_records(text: str, found: SequencesFound) -> None:
    """Headers, sequences and the headers' lines of FASTQ; its qualities are not used."""
    from Bio.SeqIO.QualityIO import FastqGeneralIterator

    lines = numbered_lines(text)
    content = "".join(line for _, line in lines if line.strip())
    try:
        records = list(FastqGeneralIterator(io.StringIO(content)))
    except ValueError as error:
        raise ParamixerError("a FASTQ file", error, REMEDY) from error
    found.warnings.append("The qualities of the reads are not used.")
    filled = [number for number, line in lines if line.strip()]
    single = len(filled) == 4 * len(records)  # else sequences take several lines each
    starts = filled[::4] if single else list(range(1, len(records) + 1))
    fill(found, ((title, letters) for title, letters, _ in records), starts)


def fill(found: SequencesFound, records: Iterable[tuple[str, str]], starts: list[int]) -> None:
    """Take records over; raises ParamixerError for too many, or one without a header."""
    for line, (title, letters) in zip(starts, records, strict=False):
        if len(found.headers) >= MAX_SEQUENCES:
            raise ParamixerError(
                f"at most {MAX_SEQUENCES:,} sequences", "more", "send a part of the file"
            )
        if not title.strip():
            raise ParamixerError(f"a label in line {line:,}", ">", REMEDY)
        found.headers.append(title.strip())
        found.rows.append("".join(letters.split()))
        found.lines.append(line)
