"""The checker that holds the core's shape annotations against real tensors while tests run."""

import typing
from collections.abc import Callable
from typing import Any

from beartype import beartype
from jaxtyping import AbstractArray


def check_shapes(function: Callable[..., Any]) -> Callable[..., Any]:
    """Check with beartype the arguments and the result whose annotation names a shape.

    Plain types (int, str, Self) are left to mypy: a test of bad input must reach the core's own
    sentence, not the checker's.
    """
    hints = getattr(function, "__annotations__", {})
    shaped = {name: hint for name, hint in hints.items() if names_a_shape(hint)}
    if not shaped:
        return function
    function.__annotations__ = shaped
    return beartype(function)


def names_a_shape(hint: object) -> bool:
    """Whether a jaxtyping annotation occurs in `hint`, at any depth."""
    if isinstance(hint, type) and issubclass(hint, AbstractArray):
        return True
    return any(names_a_shape(part) for part in typing.get_args(hint))
