"""A mark for torch.compile that costs nothing where nothing is compiled."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def constant_when_compiled(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """What `torch.compiler.assume_constant_result` does: compiled code keeps the first result.

    That decorator imports PyTorch's whole compiler first, with Triton and SymPy: 150 MB in every
    process that trains, compiled or not.
    """
    function._dynamo_marked_constant = True  # type: ignore[attr-defined]
    return function
