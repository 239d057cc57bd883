"""What a block's names and shapes tell of its mixer, found by building blocks without memory.

Nothing here knows a mixer: each is built on PyTorch's "meta" device, where tensors have a shape and
no data, with two values of a setting; the sides that differ are those that the setting decides.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import torch

from paramixer_core.config import MAX_NUM_FACTORS, WHOLE_NUMBER_RANGES, RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.models import MixerKind
from paramixer_core.protocols import num_factors

Shapes = Mapping[str, tuple[int, ...]]
"""Shapes of weights by name."""

FEW = 32
"""So many values of a size are all tried; of more, the default and powers of two."""


@dataclass(frozen=True)
class Fit:
    """A mixer whose block has the file's names and shapes.

    `config` holds what the shapes tell. `free` are the sizes that they leave open although the
    mixer reads them, each with the values that fit (none listed: any).
    """

    kind: MixerKind
    config: RunConfig
    free: dict[str, tuple[int, ...]]
    matched: int


Built = TypeVar("Built", bound=torch.nn.Module)


def build_meta(build: Callable[[], Built]) -> Built:
    """A module built without memory for any weight."""
    with torch.device("meta"):
        return build()


def shapes_of(module: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    """Every tensor of a module's state, by name."""
    return {name: tuple(held.shape) for name, held in module.state_dict().items()}


@lru_cache(maxsize=4096)
def block_shapes(kind: MixerKind, config: RunConfig) -> dict[str, tuple[int, ...]]:
    """The tensors of one block."""
    return shapes_of(build_meta(lambda: kind.build(config, torch.Generator())))


def sizes_read(kind: MixerKind) -> tuple[str, ...]:
    """The settings that may show in a block's shapes: whole numbers that the mixer reads."""
    numbers = [name for name, _, _ in WHOLE_NUMBER_RANGES if name in kind.reads]
    factors = ["num_factors"] if "num_factors" in kind.reads else []
    return (*factors, "hidden", *numbers)


@dataclass(frozen=True)
class Values:
    """Values that agree with the shapes; there may be others unless all were tried."""

    values: tuple[int, ...]
    all_tried: bool = True


def fit_block(
    kind: MixerKind, base: RunConfig, given: Mapping[str, int], held: Shapes
) -> Fit | None:
    """The kind's sizes that make a block of these shapes; None if no sizes do.

    `held` may have tensors that the block has not. Sizes in `given` are kept as they are.
    """
    try:
        config = base.replace(mixer=kind.name)
        free: dict[str, tuple[int, ...]] = {}
        for field in sizes_read(kind):
            found = fitting_values(kind, config, field, held)
            if found is not None and not found.values and field not in given:
                return None
            values = () if found is None else found.values
            default = getattr(config, field)
            best = default if found is None or default in values else next(iter(values), default)
            config = config.replace(**{field: given.get(field, best)})
            if found is None or not found.all_tried or len(values) > 1:
                free[field] = values
        shapes = block_shapes(kind, config)
    except ParamixerError:
        return None  # sizes that no such block has
    if any(held.get(name) != shape for name, shape in shapes.items()):
        return None
    if config.num_factors == num_factors(config.mixed_len):
        config = config.replace(num_factors=None)
    return Fit(kind, config, free, len(shapes))


def fitting_values(kind: MixerKind, config: RunConfig, field: str, held: Shapes) -> Values | None:
    """Values of a size that agree with the shapes that show it; None if no shape does."""
    if field == "num_factors":
        return Values(fitting_factors(kind, config, held))
    probes = two_values(config, field)
    first, second = (block_shapes(kind, config.replace(**{field: value})) for value in probes)
    shown = [
        (name, axis)
        for name, shape in first.items()
        if name in second
        for axis, side in enumerate(shape)
        if side != second[name][axis]
    ]
    if not shown:
        return None
    if any(name not in held or len(held[name]) <= axis for name, axis in shown):
        return Values(())
    sides = {held[name][axis] for name, axis in shown}
    if all((first[n][a], second[n][a]) == probes for n, a in shown):
        return Values(tuple(sides) if len(sides) == 1 else ())  # the side is the setting itself
    values = values_of(config, field)
    default = getattr(config, field)
    few = len(values) <= FEW
    usual = [value for value in values if value == default or value & (value - 1) == 0]
    tried = values if few else usual
    found = tuple(v for v in tried if agrees(kind, config, {field: v}, shown, held))
    return Values(found or bisected(kind, config, field, shown, held), all_tried=few)


def bisected(
    kind: MixerKind,
    config: RunConfig,
    field: str,
    shown: Sequence[tuple[str, int]],
    held: Shapes,
) -> tuple[int, ...]:
    """A value whose sides agree, sought as in an ordered list: sides grow or shrink with it."""
    values = values_of(config, field)
    name, axis = shown[0]

    def side(value: int) -> int:
        return block_shapes(kind, config.replace(**{field: value}))[name][axis]

    falling = side(values[0]) > side(values[-1])
    low, high = 0, len(values)
    while low < high:
        middle = (low + high) // 2
        reached = side(values[middle])
        if reached <= held[name][axis] if falling else reached >= held[name][axis]:
            high = middle
        else:
            low = middle + 1
    best = values[low : low + 1]
    return tuple(v for v in best if agrees(kind, config, {field: v}, shown, held))


def agrees(
    kind: MixerKind,
    config: RunConfig,
    change: dict[str, int],
    shown: Sequence[tuple[str, int]],
    held: Shapes,
) -> bool:
    """Whether a block with this change has the sides of the file, on the axes that show it."""
    shapes = block_shapes(kind, config.replace(**change))
    return all(shapes[name][axis] == held[name][axis] for name, axis in shown)


def fitting_factors(kind: MixerKind, config: RunConfig, held: Shapes) -> tuple[int, ...]:
    """The largest number of factors whose tensors are all in the file."""
    for factors in range(MAX_NUM_FACTORS, 0, -1):
        if block_shapes(kind, config.replace(num_factors=factors)).keys() <= held.keys():
            return (factors,)
    return ()


def two_values(config: RunConfig, field: str) -> tuple[int, int]:
    """Two values that the setting may have."""
    some = values_of(config, field)
    return some[0], some[min(1, len(some) - 1)]


def values_of(config: RunConfig, field: str) -> list[int]:
    """Every value that the setting may have."""
    low, high = {name: (low, high) for name, low, high in WHOLE_NUMBER_RANGES}[field]
    values = range(low, high + 1)
    if field == "heads":
        return [value for value in values if config.channels % value == 0]
    return [value for value in values if field != "num_links" or value % 2]
