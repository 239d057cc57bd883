"""The table of implementations behind `mix`, and the rule that picks one."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from typing import NamedTuple

from torch import Tensor

from paramixer_core.errors import ParamixerError
from paramixer_core.mixing import portable, rolled

VARIABLE = "PARAMIXER_MIXING"
"""Environment variable that forces one implementation for a whole process."""


class Implementation(StrEnum):
    """The ways to run the mixing operator; all give the reference's values and gradients."""

    REFERENCE = "reference"  # dense matrices, any device
    ROLLED = "rolled"  # sums of rolled copies, any device
    PORTABLE = "portable"  # PyTorch's embedding bags and sampled products, CPU


class Kernels(NamedTuple):
    """One implementation: two functions on plain tensors, with no autograd inside."""

    forward: Callable[[Tensor, Tensor, Sequence[Sequence[int]], bool], Tensor]
    backward: Callable[
        [Tensor, Tensor, Tensor, Sequence[Sequence[int]], bool], tuple[Tensor, Tensor]
    ]


KERNELS = {
    Implementation.ROLLED: Kernels(rolled.forward, rolled.backward),
    Implementation.PORTABLE: Kernels(portable.forward, portable.backward),
}
DEVICES = {Implementation.PORTABLE: "cpu"}

forced: ContextVar[Implementation | None] = ContextVar("forced", default=None)


def parse(name: str) -> Implementation:
    """Read an implementation's name; raises ParamixerError on an unknown one."""
    try:
        return Implementation(name)
    except ValueError as error:
        raise ParamixerError(
            f"a mixing implementation among {[str(known) for known in Implementation]}",
            repr(name),
            "choose one of them",
        ) from error


@contextmanager
def use_implementation(name: str) -> Iterator[None]:
    """Force one implementation for every `mix` inside the `with` block of this thread."""
    token = forced.set(parse(name))
    try:
        yield
    finally:
        forced.reset(token)


def choose(device: str, name: str | None = None) -> Implementation:
    """The implementation for a device type: by argument, `with` block, environment, or the best.

    Raises ParamixerError if the one asked for does not run on that device.
    """
    asked = name or forced.get() or os.environ.get(VARIABLE)
    if asked is None:
        return Implementation.PORTABLE if device == "cpu" else Implementation.ROLLED
    chosen = parse(asked)
    if DEVICES.get(chosen, device) != device:
        raise ParamixerError(
            f"an implementation that runs on {device}", str(chosen), "choose another or none"
        )
    return chosen
