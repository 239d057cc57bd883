"""The encoding of a file: told from its bytes, said, and changeable."""

import codecs

import pytest

from paramixer_core.errors import ParamixerError
from paramixer_core.uploads.choices import FileKind, SequenceChoices, SequencesFound
from paramixer_core.uploads.encoding import decoded
from paramixer_core.uploads.sequences import read_sequences

TEXTS = {
    "german": "gut,Das Mädchen hörte Übles über die Straße\nschlecht,Kein Wörtchen mehr, Süße\n",
    "french": "bon,Un café très agréable à côté de l’hôtel\nmauvais,Où est passé le garçon ?\n",
    "chinese": "好,这部电影非常好看，我很喜欢\n坏,这本书太长了，没有意思\n",
    "japanese": "良い,この映画はとても面白かったです\n悪い,この本は長すぎてつまらなかった\n",
    "russian": "да,Это очень хороший фильм, мне понравилось\nнет,Книга слишком длинная и скучная\n",
    "korean": "좋다,이 영화는 정말 재미있었습니다\n나쁘다,이 책은 너무 길고 재미가 없었어요\n",
}


def text_of(content: bytes, encoding: str | None = None) -> tuple[str, str]:
    found = SequencesFound(FileKind.TABLE, [], [])
    return decoded(content, encoding, found), found.encoding


@pytest.mark.parametrize(
    ("language", "encoding"),
    [
        ("german", "cp1252"),
        ("german", "latin-1"),
        ("french", "cp1252"),
        ("chinese", "gb18030"),
        ("chinese", "gbk"),
        ("japanese", "shift_jis"),
        ("japanese", "euc_jp"),
        ("russian", "cp1251"),
        ("korean", "euc_kr"),
        *((language, name) for language in TEXTS for name in ("utf-8", "utf-8-sig", "utf-16")),
        *(
            (language, name)
            for language in ("german", "russian")
            for name in ("utf-16-le", "utf-32")
        ),
    ],
)
def test_texts_come_back_from_every_usual_encoding(language: str, encoding: str) -> None:
    text = TEXTS[language] * 5
    assert text_of(text.encode(encoding))[0] == text


def test_text_comes_in_utf_8_or_utf_16_with_its_mark() -> None:
    assert text_of("é".encode("utf-8-sig"))[0] == text_of("é".encode("utf-16"))[0] == "é"
    with pytest.raises(ParamixerError, match="a text file in UTF-8"):
        text_of(b"a\0b")


def test_one_pound_sign_among_plain_letters_is_western() -> None:
    text = "ham,see you\n" * 50 + "spam,won £500\n"
    assert text_of(text.encode("cp1252")) == (text, "cp1252")


@pytest.mark.parametrize("name", ["cp1252", "utf-8", "utf-16-le", "CP437"])
def test_a_chosen_encoding_is_used(name: str) -> None:
    assert text_of("Größe".encode(name), name) == ("Größe", name)


def test_what_is_wrong_in_a_chosen_encoding_is_named_by_its_line() -> None:
    with pytest.raises(ParamixerError, match="in line 3"):
        text_of("a,b\nc,d\ne,é\n".encode("cp1252"), "utf-8")


def test_a_guess_is_said_and_not_certain() -> None:
    found = read_sequences("a,é x\nb,é y\na,z\n".encode("cp1252"), "a.csv", SequenceChoices())
    guess = found.guessed("encoding")
    assert guess is not None
    assert (guess.value, guess.certain) == ("cp1252", False)
    assert guess.sentence in found.notes


def test_a_few_nuls_are_left_out_and_said() -> None:
    content = b"label,text\n" + b"a,xxxx xxxx xxxx\nb,yyyy yyyy yyyy\n" * 20 + b"a,z\0z\n"
    found = read_sequences(content, "a.csv", SequenceChoices())
    assert found.rows[-1] == "zz"
    assert "1 NUL character left out of the text." in found.notes


@pytest.mark.parametrize("mark", [codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE])
def test_a_mark_without_text_is_no_crash(mark: bytes) -> None:
    assert text_of(mark)[0] == ""
