"""What a fault is: something that is done for real to a server, and what its users must see."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """A row of the table. `see` does it and returns what was seen, in the words of `expected` if
    all is well. A `quick` one belongs to the test suite.
    """

    name: str
    done: str
    expected: str
    see: Callable[[], str]
    quick: bool = False
