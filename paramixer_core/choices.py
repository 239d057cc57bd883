"""Closed choices: enumerations that refuse an unknown name in one sentence."""

import re
from enum import StrEnum
from typing import NoReturn

from paramixer_core.errors import ParamixerError


class Choice(StrEnum):
    """A StrEnum whose `Choice("unknown")` raises ParamixerError and names what there is."""

    @classmethod
    def _missing_(cls, value: object) -> NoReturn:
        kind = re.sub("(?<=[a-z])(?=[A-Z])", " ", cls.__name__).lower()
        names = ", ".join(member.value for member in cls)
        article = "an" if kind[0] in "aeiou" else "a"
        raise ParamixerError(f"{article} {kind} among {names}", value, "choose one of them")
