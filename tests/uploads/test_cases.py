"""Files as people have them, each with what must be read in it."""

from pathlib import Path

import pytest

from paramixer_core.errors import ParamixerError
from paramixer_core.uploads.choices import Missing, SequenceChoices, SequencesFound, Tokens
from paramixer_core.uploads.preparing import fitting_length, prepare
from paramixer_core.uploads.sequences import read_sequences

CASES = Path(__file__).parent / "cases"


def read(name: str, **choices: object) -> SequencesFound:
    return read_sequences((CASES / name).read_bytes(), name, SequenceChoices(**choices))


SPAM = {"ham": 91, "spam": 29}


@pytest.mark.parametrize(
    ("name", "encoding", "classes", "symbols", "longest", "first"),
    [
        ("01_spam_latin1.csv", "cp1252", SPAM, 46, 37, "can you buy milk; and bread 0"),
        ("01b_spam_utf8.csv", "utf-8-sig", SPAM, 46, 37, "can you buy milk; and bread 0"),
        ("02_SMSSpamCollection", "utf-8", SPAM, 46, 37, "see you at the cafe at 6 0"),
        ("04_promoters.data", "utf-8", {"+": 64, "-": 42}, 5, 57, "acgctcgcacttgctcggagtaacat"),
        ("06b_pipe_label.fasta", "utf-8", {"enhancer": 16, "promoter": 8}, 6, 63, "AAGGGCACCT"),
        ("06c_protein_stop.faa", "utf-8", {"acid": 15, "base": 9}, 22, 31, "LYHMGQYYVHFQFWDMKPD"),
        ("06d_reads.fa.gz", "utf-8", {"neg": 15, "pos": 15}, 5, 50, "CATGTGGTGCGTAGGTGAGGACTG"),
        ("07_sep_line.csv", "utf-8-sig", {"a": 17, "b": 13}, 5, 20, "ATTCTTGTATGGAGCCGAGG"),
    ],
)
def test_texts_and_letters(name, encoding, classes, symbols, longest, first) -> None:
    found = read(name)
    prepared = prepare(found, fitting_length(found), 0.2, name)
    assert (found.encoding, found.classes) == (encoding, classes)
    assert (len(prepared.symbols), prepared.seq_len, found.questions) == (symbols, longest, [])
    assert str(found.rows[0]).startswith(first)


def test_the_pound_sign_is_one_letter_in_either_encoding() -> None:
    assert read("01_spam_latin1.csv").rows == read("01b_spam_utf8.csv").rows
    assert "£" in "".join(map(str, read("01_spam_latin1.csv").rows))


def test_a_series_without_a_header_loses_no_row() -> None:
    found = read("05_Beats_TRAIN.tsv")
    assert (len(found.rows), found.classes) == (40, {"-1": 17, "1": 23})
    assert tuple(found.rows[0][:2]) == (-0.777505, 0.473573)
    assert found.longest == 48


def test_headers_that_leave_the_label_open_are_asked() -> None:
    found = read("06_uniprot_headers.fasta")
    assert len(found.questions) == 1
    assert "Which part of the header is the label?" in found.questions[0]
    with pytest.raises(ParamixerError, match="Which part of the header"):
        prepare(found, 64, 0.2, "")
    assert "24 classes for 24 rows: this may not be the label." in found.warnings
    assert read("06_uniprot_headers.fasta", label="key OX").questions == []


def test_decimal_commas_are_numbers() -> None:
    found = read("07b_decimal_comma.csv")
    assert tuple(found.rows[0]) == (0.02, 0.33, 0.48, 0.79)
    assert tuple(found.rows[1]) == (0.72, 0.49, 0.85, 0.18)
    assert found.classes == {"a": 16, "b": 14}


def test_line_breaks_in_quotes_are_kept_and_an_empty_text_is_named_by_its_line() -> None:
    lines = (CASES / "08_quoted_newlines.csv").read_text().splitlines()
    with pytest.raises(ParamixerError, match=f"in line {len(lines)}"):
        read("08_quoted_newlines.csv")
    found = read("08_quoted_newlines.csv", missing=Missing.SKIP)
    assert found.rows[0] == 'first line 0\nsecond "quoted" line'
    assert (len(found.rows), found.skipped) == (20, 1)


def test_missing_numbers_are_named_by_their_line_or_left_out() -> None:
    with pytest.raises(ParamixerError, match="in line 9"):
        read("09_missing.csv")
    found = read("09_missing.csv", missing=Missing.SKIP)
    assert (len(found.rows), found.skipped) == (28, 2)


def test_listops_are_words() -> None:
    found = read("10_listops_basic.tsv")
    prepared = prepare(found, found.longest, 0.2, "")
    brackets = {"[MAX", "[MIN", "[MED", "[SM", "]"}
    assert set(prepared.symbols[1:]) == brackets | set("0123456789")
    assert (len(found.rows), len(prepared.classes)) == (200, 10)


def test_a_large_alphabet_is_bytes_or_has_rare_letters_as_one() -> None:
    found = read("13_reviews_zh.csv")
    assert (found.tokens, found.classes) == (Tokens.BYTES, {"0": 32, "1": 28})
    assert len(prepare(found, 60, 0.2, "").symbols) <= 256
    kept = read("13_reviews_zh.csv", tokens=Tokens.LETTERS, letters_kept=100)
    prepared = prepare(kept, 20, 0.2, "")
    assert len(prepared.symbols) == 102
    assert prepared.notes[0].startswith("277 rare symbols, ")
    whole = prepare(read("13_reviews_zh.csv", tokens=Tokens.LETTERS), 20, 0.2, "")
    assert len(whole.symbols) == 378
