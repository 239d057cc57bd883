"""The label in a FASTA header: the only part that can be it, a chosen one, or a question."""

import pytest

from paramixer_core.errors import ParamixerError
from paramixer_core.uploads import headers
from paramixer_core.uploads.choices import SequenceChoices, SequencesFound
from paramixer_core.uploads.headers import part_values, parts_of
from paramixer_core.uploads.sequences import read_sequences

UNIPROT = [
    f"sp|Q{n:05}|G{n}_TEST protein {n} OS=Testus rex OX={n % 3} GN=g{n} PE=1 SV={1 + n % 2}"
    for n in range(12)
]


def read(heads: list[str], **choices: object) -> SequencesFound:
    text = "".join(f">{head}\nACGT{'ACGT' * at}\n" for at, head in enumerate(heads))
    return read_sequences(text.encode(), "a.fasta", SequenceChoices(**choices))


@pytest.mark.parametrize(
    ("form", "taken"),
    [
        ("seq{n} {c}", "word 2"),
        ("seq{n} of length {n} {c}", "word 5"),
        ("seq{n}|{c}", "field 2"),
        ("seq{n} label={c}", "key label"),
        ("seq{n} len=4 class={c}", "key class"),
    ],
)
def test_the_only_part_that_tells_a_few_classes_apart_is_taken_and_said(form, taken) -> None:
    found = read([form.format(n=n, c="pos" if n % 3 else "neg") for n in range(12)])
    guess = found.guessed("label")
    assert guess is not None
    assert (guess.value, guess.certain) == (taken, False)
    assert found.classes == {"neg": 4, "pos": 8}
    assert found.questions == []


@pytest.mark.parametrize(
    "heads",
    [
        pytest.param(UNIPROT, id="keys-of-a-database"),
        pytest.param([f"s{n} {'ab'[n % 2]} {'xyz'[n % 3]}" for n in range(12)], id="two-words"),
        pytest.param([f"s{n}" for n in range(12)], id="names-alone"),
    ],
)
def test_what_is_open_is_asked(heads: list[str]) -> None:
    found = read(heads)
    assert len(found.questions) == 1
    assert found.guessed("label") is None
    assert found.labels != [head.split()[-1] for head in heads] or len(set(found.labels)) == 12


@pytest.mark.parametrize(
    ("label", "first"),
    [
        ("word 1", "sp|Q00000|G0_TEST"),
        ("word 2", "protein"),
        ("last word", "SV=1"),
        ("field 2", "Q00000"),
        ("key OX", "0"),
        ("key OS", "Testus"),
        (r"regex SV=(\d+)", "1"),
        (r"regex \|(\w+)_", "G0"),
    ],
)
def test_every_part_can_be_chosen(label: str, first: str) -> None:
    assert part_values(label, UNIPROT)[0] == first
    found = read(UNIPROT, label=label)
    assert found.questions == []


def test_parts_are_offered_with_their_values() -> None:
    offered = {part.name: part for part in parts_of(UNIPROT)}
    assert {"whole", "word 1", "field 2", "key OX", "key SV", "last word"} <= set(offered)
    assert offered["key OX"].classes == 3
    assert offered["key OX"].is_likely
    assert not offered["key GN"].is_likely


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("nothing", "a part of the header"),
        ("word 0", "a part of the header"),
        ("regex SV=", "one group"),
        ("regex (", "a regular expression"),
        ("regex (a)(b)", "one group"),
        ("regex " + "x" * 400 + "(a)", "at most 300"),
        ("key NO", "a label in line 1"),
    ],
)
def test_a_part_that_is_none_is_said(label: str, said: str) -> None:
    with pytest.raises(ParamixerError, match=said):
        read(UNIPROT, label=label)


def test_a_pattern_that_would_run_for_ever_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headers, "PATTERN_SECONDS", 0.5)
    with pytest.raises(ParamixerError, match="repeats inside repeats"):
        read(["a" * 60 + "!"] * 3, label="regex (a+)+$")


def test_whole_headers_as_labels_bring_a_warning() -> None:
    found = read([f"gene {n}" for n in range(12)], label="whole")
    assert "12 classes for 12 rows: this may not be the label." in found.notes
