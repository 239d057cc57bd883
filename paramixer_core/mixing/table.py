"""The table of implementations behind `mix`, and the rule that picks one."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple

from torch import Tensor

from paramixer_core.errors import ParamixerError
from paramixer_core.mixing import native, rolled
from paramixer_core.mixing.authors import mix_authors
from paramixer_core.mixing.compiling import constant_when_compiled
from paramixer_core.mixing.reference import mix_reference
from paramixer_core.native import available
from paramixer_core.native import prepare as build_native
from paramixer_core.protocols import Offsets

VARIABLE = "PARAMIXER_MIXING"
"""Environment variable that forces one implementation for a whole process."""


class Implementation(StrEnum):
    """The ways to run the mixing operator; all give the reference's values and gradients."""

    REFERENCE = "reference"  # dense matrices, any device
    AUTHORS = "authors"  # gather, multiply, scatter-add: the baseline, any device
    ROLLED = "rolled"  # sums of rolled copies, any device
    PORTABLE = "portable"  # machine code by LLVM in this process, CPU, no compiler needed
    NATIVE = "native"  # our C++, CPU, where a compiler is or was
    TRITON = "triton"  # our CUDA kernels; with TRITON_INTERPRET=1 on a CPU, for tests


class Kernels(NamedTuple):
    """One implementation: two functions on plain tensors, with no autograd inside."""

    forward: Callable[[Tensor, Tensor, Offsets, bool], Tensor]
    backward: Callable[[Tensor, Tensor, Tensor, Offsets, bool], tuple[Tensor, Tensor]]


KERNELS = {
    Implementation.ROLLED: Kernels(rolled.forward, rolled.backward),
    Implementation.NATIVE: Kernels(native.forward, native.backward),
}
NEEDS = {
    Implementation.PORTABLE: ("llvmlite", "paramixer_core.mixing.portable"),
    Implementation.TRITON: ("triton", "paramixer_core.mixing.triton_kernels"),
}
"""Implementations that need a package, and the modules with their functions."""
PLAIN = {Implementation.REFERENCE.value: mix_reference, Implementation.AUTHORS.value: mix_authors}
"""Implementations in plain PyTorch, whose gradients autograd finds by itself."""

DEVICES = {
    Implementation.PORTABLE: "cpu",
    Implementation.NATIVE: "cpu",
    Implementation.TRITON: "cuda",
}

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


@lru_cache(maxsize=16)
def kernels_of(implementation: str) -> Kernels:
    """The functions of an implementation; raises ParamixerError if its package is missing."""
    chosen = parse(implementation)
    if chosen in KERNELS:
        return KERNELS[chosen]
    package, name = NEEDS[chosen]
    try:
        module = import_module(name)
    except ImportError as error:
        raise ParamixerError(
            f"{package} to be installed", error, "install it or use another implementation"
        ) from error
    return Kernels(module.forward, module.backward)


@constant_when_compiled
def path_for(device: str, name: str | None = None) -> str:
    """`choose` as plain text; compiled code keeps the choice of the moment it was compiled."""
    return choose(device, name).value


def choose(device: str, name: str | None = None) -> Implementation:
    """The implementation for a device type: by argument, `with` block, environment, or the best.

    Raises ParamixerError if the one asked for does not run on that device.
    """
    asked = name or forced.get() or os.environ.get(VARIABLE)
    if asked is None:
        return settled.get(device) or settle(device)
    chosen = parse(asked)
    interpreted = chosen is Implementation.TRITON and os.environ.get("TRITON_INTERPRET") == "1"
    if DEVICES.get(chosen, device) != device and not interpreted:
        raise ParamixerError(
            f"an implementation that runs on {device}", str(chosen), "choose another or none"
        )
    return chosen


settled: dict[str, Implementation] = {}
"""What this process uses per device type, once it is settled: losses must not change mid-run."""


def settle(device: str) -> Implementation:
    """Pick the fastest path that is there now, and keep to it for the life of this process."""
    best = Implementation.ROLLED
    if device == "cpu" and available():
        best = Implementation.NATIVE
    elif device == "cpu" and has_package(Implementation.PORTABLE):
        best = Implementation.PORTABLE
    elif device == "cuda" and has_package(Implementation.TRITON):
        best = Implementation.TRITON
    return settled.setdefault(device, best)


def has_package(implementation: Implementation) -> bool:
    """Whether the package that an implementation needs is installed."""
    return find_spec(NEEDS[implementation][0]) is not None


def prepare(*, retry: bool = False) -> Implementation:
    """Make the fastest CPU path ready and use it from now on; say which one it is.

    Builds the native library the first time on a machine (some seconds; processes that ask at
    once wait for one build) and opens it. Without a working compiler the path stays the portable
    one, with no error; `retry` tries again after an earlier failure. Call it before training, in
    the process that trains. A process that never calls it uses the library if it is there at the
    first `mix`, and keeps its first choice: nothing switches by itself. Losses are equal bit for
    bit only along one path, so a run that is continued must use the path it began with.
    """
    build_native(retry=retry)
    settled.pop("cpu", None)
    return settle("cpu")
