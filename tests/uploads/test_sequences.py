"""Files of sequences: formats, guesses, and sentences that name the file's own line."""

import pytest

from paramixer_core.errors import ParamixerError
from paramixer_core.uploads.choices import (
    MAX_BYTES,
    FileKind,
    Separator,
    SequenceChoices,
    SequencesFound,
)
from paramixer_core.uploads.columns import guess_label, guess_sequence
from paramixer_core.uploads.sequences import read_sequences

FASTA = ">one gene\nACGT\nACGA\n\n>two plain\nTTTT\n>three gene\nacg\n"
TEXT = "good\tI liked it\nbad I did not\n\ngood again\n"
CSV = 'name,label,text\na,up,"x,y"\nb,down,zzz\nc,up,xy\n'
NUMBERS = "label;t1;t2;t3\nup;1;2;3\ndown;3;2;-4\nup;0;0;1e1\n"


def read(text: str | bytes, name: str = "a.csv", **choices: object) -> SequencesFound:
    content = text.encode() if isinstance(text, str) else text
    return read_sequences(content, name, SequenceChoices(**choices))


def numbers(found: SequencesFound) -> list[tuple[float, ...]]:
    return [tuple(row) for row in found.rows]


def test_fasta_joins_lines_and_takes_the_only_word_that_tells_classes_apart() -> None:
    found = read(FASTA, "a.fa")
    assert found.rows == ["ACGTACGA", "TTTT", "ACG"]
    assert found.labels == ["gene", "plain", "gene"]
    assert found.lines == [1, 5, 7]


def test_text_splits_at_a_tab_else_at_the_first_blank() -> None:
    found = read(TEXT, "a.txt")
    assert found.labels == ["good", "bad", "good"]
    assert found.rows == ["I liked it", "I did not", "again"]


def test_a_table_has_one_text_column_or_several_number_columns() -> None:
    found = read(CSV)
    assert found.columns == ["name", "label", "text"]
    assert found.rows == ["x,y", "zzz", "xy"]
    found = read(NUMBERS, columns=("t3", "t1"))
    assert numbers(found) == [(3.0, 1.0), (-4.0, 3.0), (10.0, 0.0)]
    assert found.labels == ["up", "down", "up"]
    assert found.numeric


def test_columns_without_a_name_and_twice_the_same_one_are_told_apart() -> None:
    found = read("label,,label\nx,ab,c\ny,ba,c\n")
    assert found.columns == ["label", "column 2", "label (column 3)"]


@pytest.mark.parametrize(
    ("header", "label", "sequence"),
    [
        ("id,label,text", "label", "text"),
        ("id,kind,words", "kind", "words"),
        ("text,Class,label2", "Class", "text"),
    ],
)
def test_label_and_sequence_are_found(header: str, label: str, sequence: str) -> None:
    cells = [[str(n), "ab"[n % 2], f"hello {n}"] for n in range(30)]
    body, names = list(map(list, zip(*cells, strict=True))), header.split(",")
    place = guess_label(body, names)[0]
    assert names[place] == label
    assert [names[at] for at in guess_sequence(body, names, place)[0]] == [sequence]


def test_a_column_of_one_value_is_no_label() -> None:
    found = read("a,b,c\nsame,x,long text\nsame,y,longer text\nsame,x,text\n", header=True)
    assert found.labels == ["x", "y", "x"]


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("a.FASTA", FASTA, "fasta"),
        ("a.csv", CSV, "table"),
        ("a.txt", TEXT, "table"),
        ("a", FASTA, "fasta"),
        ("a", "; made by a tool\n" + FASTA, "fasta"),
        ("a.fastq", "@1 a\nAC\n+\nII\n@2 b\nGT\n+\nII\n@3 a\nTT\n+\nII\n", "fastq"),
        ("a", "@1 a\nAC\n+\nII\n@2 b\nGT\n+\nII\n@3 a\nTT\n+\nII\n", "fastq"),
    ],
)
def test_the_format_is_told_by_the_name_or_the_first_letters(name, text, kind) -> None:
    assert read(text, name).kind is FileKind(kind)


def test_fastq_is_read_without_its_qualities() -> None:
    found = read("@1 a\nAC\n+\n>I\n\n@2 b\nGT\n+\n@I\n@3 a\nTT\n+\nII\n", "a.fq")
    assert (found.rows, found.labels) == (["AC", "GT", "TT"], ["a", "b", "a"])
    assert found.lines == [1, 6, 10]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"a\0b", "a text file", id="nul"),
        pytest.param(bytes(MAX_BYTES + 1), "at most 20 MiB", id="large"),
        pytest.param("alone\n", "in line 1", id="no-text"),
        pytest.param("a b\n", "at least two", id="one"),
        pytest.param("", "a table with rows", id="nothing"),
        pytest.param("only\nx\ny\n", "in line 1", id="one-column"),
        pytest.param("a,b\n", "at least two", id="one-line"),
        pytest.param(CSV + "d,up\n", "in line 5", id="short"),
        pytest.param(NUMBERS + "up;x;nan;1\n", "in line 5", id="word"),
        pytest.param(NUMBERS + "up;1;nan;1\n", "in line 5", id="gap"),
        pytest.param(NUMBERS + "up;1;1e999;1\n", "in line 5", id="infinite"),
        pytest.param(f"a{'b' * 61},x\nc,y\n" * 3, "a label of 1 to 60", id="label"),
        pytest.param("a " + "x" * (2**20 + 1), "lines of at most", id="long"),
        pytest.param("a b\n" * 20_002, "at most 20,000", id="many"),
        pytest.param("a,b" + "," * 20_000, "columns", id="wide"),
        pytest.param("label,text\nham,ok\nham,no, not\nspam,a, b, c\n", "in line 3", id="loose"),
        pytest.param("label,text\n# note\na,x\n\nb,\n", "in line 5", id="empty-after-comment"),
        pytest.param('sep=;\nlabel;text\na;"x\ny"\n;z\n', "in line 5", id="after-a-break"),
    ],
)
def test_a_table_that_is_wrong_is_told_where(content, said: str) -> None:
    with pytest.raises(ParamixerError, match=said):
        read(content)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("ACGT\n>x y\n", 'begins with ">"', id="no-head"),
        pytest.param(">a b\n>c d\nA\n>e d\nA\n", "in line 1", id="empty"),
        pytest.param(">a b\nA\n>\nA\n", "in line 3", id="no-label"),
        pytest.param(">s\nA\n" * 20_001, "at most 20,000", id="many"),
    ],
)
def test_a_fasta_file_that_is_wrong_is_told_where(text: str, said: str) -> None:
    with pytest.raises(ParamixerError, match=said):
        read(text, "a.fa")


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"columns": ("no",)}, "columns among"),
        ({"label": "label", "columns": ("label",)}, "choose them apart"),
        ({"encoding": "no such"}, "the name of an encoding"),
        ({"encoding": "utf-16"}, "choose another encoding"),
        ({"encoding": "ascii"}, "choose another encoding"),
        ({"encoding": "zlib"}, "encoding"),
    ],
)
def test_a_choice_that_does_not_fit_is_said(choices: dict, said: str) -> None:
    with pytest.raises(ParamixerError, match=said):
        read(CSV.replace("zzz", "é"), **choices)


def test_a_first_line_of_data_is_data() -> None:
    found = read("x\t1.5\t2.5\ny\t2.5\t3.5\nx\t0.5\t1\n", "series.tsv")
    assert found.labels == ["x", "y", "x"]
    assert numbers(found)[0] == (1.5, 2.5)
    assert read("1,0.5,2\n2,1,1\n1,2,3\n").labels == ["1", "2", "1"]
    asked = read("x\t1.5\t2.5\ny\t2.5\t3.5\nx\t0.5\t1\n", "series.tsv", header=True)
    assert asked.labels == ["y", "x"]


def test_columns_that_are_counted_are_a_header() -> None:
    found = read("label,0,1,2\na,0.5,0.25,1\nb,1,2,3\na,1,1,1\n")
    assert found.labels == ["a", "b", "a"]
    assert read("0,1,2,3\n5.1,3.5,1.4,a\n4.9,3.0,1.4,b\n4.7,3.2,1.3,a\n").labels == ["a", "b", "a"]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_every_separator_is_told(separator: str) -> None:
    text = "".join(
        f"{'pos' if n % 2 else 'neg'}{separator}it was day {n}, so: good\n" for n in range(9)
    ).replace(", so", ", so" if separator != "," else " so")
    found = read(text, "a.txt")
    assert found.labels[:2] == ["neg", "pos"]
    assert found.rows[1].startswith("it was day 1")


def test_numbers_apart_by_blanks_are_a_table() -> None:
    found = read("  1   0.5  0.25\n  2  1e-3  2\n  1  3  4\n", "UCR_TRAIN.txt")
    assert (found.labels, numbers(found)[1]) == (["1", "2", "1"], (0.001, 2.0))


def test_whole_labels_have_one_form() -> None:
    found = read("1.0000000e+00 0.5 1\n2.0000000e+00 1 2\n1 3 4\n", "UCR_TRAIN.txt")
    assert found.labels == ["1", "2", "1"]
    assert "Labels such as 1.0000000e+00 are whole numbers: 1." in found.warnings
    assert read("y,text\n0.5,ab\n1.0,ba\n0.5,bb\n", label="y").labels == ["0.5", "1.0", "0.5"]


def test_names_before_numbers_are_not_part_of_the_sequence() -> None:
    lines = "".join(f"AAT{n}_ECOLI  0.{n}9  0.29  0.48  {'ci'[n % 2]}p\n" for n in range(9))
    found = read(lines, "ecoli.data")
    assert (found.classes, found.longest) == ({"cp": 5, "ip": 4}, 3)
    assert "Not used: column 1." in found.warnings


def test_a_chosen_separator_is_used() -> None:
    found = read("a b;c d\nb b;c e\na c;d d\n", "a.txt", separator=Separator.FIRST_BLANK)
    assert found.rows == ["b;c d", "b;c e", "c;d d"]


def test_an_empty_first_column_and_padding_blanks_do_not_shift_cells() -> None:
    found = read("label , text ,,\r\n a ,  ACGT ,,\r\n b , GGTT,,\r\n a , CC,,\r\n,,,\r\n")
    assert (found.labels, found.rows) == (["a", "b", "a"], ["ACGT", "GGTT", "CC"])


def test_stray_quotes_in_tabbed_text_are_letters() -> None:
    text = 'ham\t"hi" he said\nspam\t"free\nham\tok "then"\nspam\t5" pipes"\n'
    found = read(text, "a.txt")
    assert found.rows == ['"hi" he said', '"free', 'ok "then"', '5" pipes"']


def test_old_line_ends_count_as_lines() -> None:
    with pytest.raises(ParamixerError, match="in line 3"):
        read(b"label,text\ra,x\rb,\rc,z\r")


def test_comments_are_left_out_and_counted() -> None:
    found = read("# made by hand\n# and more\nlabel,text\na,x#y\nb,yy\na,z\n")
    assert "2 lines that begin with # are comments." in found.notes
    assert found.rows == ["x#y", "yy", "z"]
    found = read("# label t0 t1\na 0.5 1\nb 1 2\na 3 4\n", "savetxt.txt")
    assert found.columns == ["label", "t0", "t1"]
    assert found.labels == ["a", "b", "a"]
    assert read("#good,yes\nplain,no\n#bad,no\n", comment="").rows == ["#good", "plain", "#bad"]
