"""How much one browser, and all of them together, may ask of a server; 0 means without limit."""

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from paramixer_core.errors import ParamixerError
from paramixer_core.runs.capacity import setting
from paramixer_core.runs.memory import parse_size, readable_size


class QuotaError(ParamixerError):
    """Somebody asked for more than the server allows; nothing was started or stored."""


@dataclass(frozen=True)
class Quotas:
    """The limits, each with the environment variable that sets it.

    A browser is an owner of runs; what has no owner (the command line) counts for the server
    alone. Bytes are whole numbers or texts like "200 MB". Reading is what a file may take while
    it is looked at, testing while weights are tested or data kept.
    """

    queue_per_browser: int = 200
    queue: int = 5_000
    runs_per_browser: int = 1_000
    runs: int = 50_000
    jobs_per_browser: int = 4
    jobs: int = 60
    uploads_per_browser: int = 20
    uploads: int = 1_000
    upload_bytes_per_browser: int = 250 * 10**6
    upload_bytes: int = 5 * 10**9
    reading_bytes: int = 2 * 10**9
    reading_seconds: int = 60
    testing_bytes: int = 4 * 10**9
    testing_seconds: int = 600
    kept_per_browser: int = 3

    @classmethod
    def from_environment(cls) -> "Quotas":
        """The defaults, or what PARAMIXER_QUEUE_PER_BROWSER and its like say instead."""
        texts = tuple(os.environ.get(variable(field.name), "") for field in dataclasses.fields(cls))
        return _read(texts)


def variable(name: str) -> str:
    """The environment variable of a limit.

    >>> variable("queue_per_browser")
    'PARAMIXER_QUEUE_PER_BROWSER'
    """
    return f"PARAMIXER_{name.upper()}"


@lru_cache(maxsize=8)
def _read(texts: tuple[str, ...]) -> Quotas:
    values = {}
    for field, text in zip(dataclasses.fields(Quotas), texts, strict=True):
        if not text:
            continue
        name = variable(field.name)
        if "bytes" in field.name and text != "0":
            values[field.name] = parse_size(name, text)
        else:
            values[field.name] = setting(name, 0, 0)
    return Quotas(**values)


@dataclass(frozen=True)
class Demand:
    """How many of something there would be: this owner's, and everybody's."""

    of_owner: int
    of_all: int


def require_upload_room(
    of_owner: Sequence[int], of_all: Sequence[int], size: int, *, owned: bool
) -> None:
    """Raise QuotaError if one more upload of `size` bytes is too many or too much.

    `of_owner` and `of_all` are the sizes of what is kept already.
    """
    remedy = "delete uploads that you no longer need"
    require_within(
        "uploads",
        Demand(len(of_owner) + 1, len(of_all) + 1),
        "uploads",
        owned=owned,
        remedy=remedy,
    )
    require_within(
        "of uploads",
        Demand(sum(of_owner) + size, sum(of_all) + size),
        "upload_bytes",
        owned=owned,
        remedy=remedy,
        size=True,
    )


def require_within(
    what: str, demand: Demand, limit: str, *, owned: bool, remedy: str, size: bool = False
) -> None:
    """Raise QuotaError if there would be more than the limits named `limit` allow.

    `what` ends the sentence "at most 20 ..."; `owned` says whether a browser asked.
    """
    quotas = Quotas.from_environment()
    written = readable_size if size else "{:,}".format
    for name, asked, whose, others in (
        (f"{limit}_per_browser", demand.of_owner, "of one browser", ""),
        (limit, demand.of_all, "on this server", ", or wait until others need less"),
    ):
        most: int = getattr(quotas, name)
        if name.endswith("_per_browser") and not owned:
            continue
        if most and asked > most:
            raise QuotaError(
                f"at most {written(most)} {what} {whose} ({variable(name)})",
                written(asked),
                remedy + others,
            )
