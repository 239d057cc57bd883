"""Numbers as people write them: which decimal mark, and whether digits come in groups of three."""

import re
from collections.abc import Iterable

from paramixer_core.errors import ParamixerError
from paramixer_core.uploads.choices import NumberForm, SequenceChoices, SequencesFound

SIGN, POWER = r"[+-]?", r"(?:[eE][+-]?\d{1,4})?"
PLAIN = {mark: rf"{SIGN}(?:\d+{re.escape(mark)}?\d*|{re.escape(mark)}\d+){POWER}" for mark in ".,"}
GROUPED = {
    mark: rf"{SIGN}[1-9]\d{{0,2}}(?:{re.escape(other)}\d{{3}})+(?:{re.escape(mark)}\d*)?"
    for mark, other in ((".", ","), (",", "."))
}
PATTERNS = {
    NumberForm.POINT: re.compile(PLAIN["."]),
    NumberForm.COMMA: re.compile(PLAIN[","]),
    NumberForm.POINT_GROUPED: re.compile(f"{GROUPED['.']}|{PLAIN['.']}"),
    NumberForm.COMMA_GROUPED: re.compile(f"{GROUPED[',']}|{PLAIN[',']}"),
}
ONLY_GROUPED = {
    NumberForm.POINT: re.compile(GROUPED[","]),
    NumberForm.COMMA: re.compile(GROUPED["."]),
}
"""How a number looks that might as well be one with groups of the other form."""

OTHER = {NumberForm.POINT: NumberForm.COMMA_GROUPED, NumberForm.COMMA: NumberForm.POINT_GROUPED}
LARGEST = 1e30


def number(text: str, form: NumberForm) -> float | None:
    """The number that a cell holds, None if it is none in this form.

    >>> number("1.234,5", NumberForm.COMMA_GROUPED), number("0,5", NumberForm.POINT)
    (1234.5, None)
    """
    if not PATTERNS[form].fullmatch(text):
        return None
    plain = text.replace(form.thousands, "") if form.thousands else text
    return float(plain.replace(form.decimal, "."))


def is_number(text: str, form: NumberForm | None = None) -> bool:
    """Whether a cell is a number in this form, or in any."""
    return any(PATTERNS[one].fullmatch(text) for one in ([form] if form else PATTERNS))


def require_number(text: str, form: NumberForm, line: int) -> float:
    """The number that a cell holds; raises ParamixerError with its line."""
    value = number(text, form)
    if value is None or not -LARGEST < value < LARGEST:
        raise ParamixerError(
            f"a finite number such as {form.value} in line {line:,}", text,
            "correct it or leave it out",
        )  # fmt: skip
    return value


def number_form(
    cells: Iterable[str], choices: SequenceChoices, found: SequencesFound, *, points_part: bool
) -> NumberForm:
    """The form that all these numbers have; where two would fit, a question is left in `found`.

    `points_part` says that the table's separator is one that goes with decimal points.
    """
    if choices.numbers:
        found.decide(
            "numbers",
            choices.numbers.value,
            f"Numbers look like {choices.numbers.value}, as chosen.",
        )
        return choices.numbers
    held = [cell for cell in cells if is_number(cell)]
    marked = [cell for cell in held if "." in cell or "," in cell]
    fitting = [form for form in NumberForm if all(is_number(cell, form) for cell in marked)]
    if not marked or not fitting:
        return commonest(marked)
    ranked = [form for form in (NumberForm.POINT, NumberForm.COMMA) if form in fitting] or fitting
    form = ranked[0]
    if form in ONLY_GROUPED and all(ONLY_GROUPED[form].fullmatch(cell) for cell in marked):
        if form is NumberForm.POINT and points_part:
            said = f"Points in numbers such as {marked[0]} are decimal points."
            found.decide("numbers", form.value, said, certain=False)
            return form
        found.questions.append(
            f"Is {marked[0]} {number(marked[0], form):g} or {number(marked[0], OTHER[form]):g}? "
            "Choose how numbers are written."
        )
    if form is not NumberForm.POINT:
        found.decide(
            "numbers", form.value, f"Numbers look like {form.value}.", certain=len(fitting) == 1
        )
    return form


def commonest(marked: list[str]) -> NumberForm:
    """The form of most numbers, where they have no form in common."""
    return max(NumberForm, key=lambda form: sum(is_number(cell, form) for cell in marked))
