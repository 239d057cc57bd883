"""What goes wrong, said in one sentence: what was expected, what came, what to do."""

import copyreg
from typing import Any

LONGEST_SHOWN = 200


class ParamixerError(ValueError):
    """Base class of every error that this library raises on bad input.

    The message is one sentence for the person who caused it: expected, then got, then what to do.
    It stays one sentence whatever came: line breaks are dropped and long texts are cut.
    """

    def __init__(self, expected: str, got: object, remedy: str) -> None:
        self.expected = expected
        self.got = got
        self.remedy = remedy
        super().__init__(f"Expected {expected}, got {shown(got)}: {remedy}.")

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors cross process borders whole, although subclasses take other arguments."""
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


def shown(got: object) -> str:
    """How a value reads inside a sentence."""
    text = " ".join(str(got).split()) or "nothing"
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."
