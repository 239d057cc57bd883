"""What wrappers put before a weight's name: found, taken off, and said."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

WRAPPERS = frozenset(
    {"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_forward_module"}
)
"""Parts of a name that wrappers insert anywhere: DataParallel, torch.compile, FSDP, DeepSpeed."""

OPTIMISERS = ("optim", "exp_avg", "momentum", "grad")
"""Words of prefixes that hold an optimiser's tensors, named as the weights that they belong to."""


@dataclass(frozen=True)
class Unwrapped:
    """Names without what wrappers added: `bare[name in the file]` is what remains of it.

    `taken` are the prefixes and parts that were taken off; `copies` all prefixes under which the
    file holds a whole network, the one that is read first.
    """

    bare: dict[str, str]
    taken: list[str]
    copies: list[str]


def unwrap(
    names: Iterable[str], starts: Callable[[str], int | None], wanted: str | None = None
) -> Unwrapped:
    """Take prefixes off; `starts` gives where in a name a network's tensors begin to be named.

    A file may hold several copies of the network (weights and their average, say): the one under
    `wanted` is read, else the one with the shortest prefix; an optimiser's never.
    """
    plain, found = {}, []
    for name in names:
        parts = name.split(".")
        kept = ".".join(part for part in parts if part not in WRAPPERS)
        plain[name] = kept
        if (at := starts(kept)) is not None and (prefix := kept[:at]) not in found:
            found.append(prefix)
    weights = [prefix for prefix in found if not any(word in prefix for word in OPTIMISERS)]
    copies = sorted(weights, key=lambda prefix: (prefix != wanted, len(prefix), prefix))
    prefix = copies[0] if copies else ""
    bare: dict[str, str] = {}
    for name, kept in sorted(plain.items(), key=lambda item: len(item[0])):
        rest = kept.removeprefix(prefix)
        if kept.startswith(prefix) and rest not in bare.values():
            bare[name] = rest
    return Unwrapped(bare, taken_off(bare, prefix), copies)


def taken_off(bare: dict[str, str], prefix: str) -> list[str]:
    """The prefix, and every part inserted by a wrapper, as they are written in the file."""
    inserted = dict.fromkeys(
        f"{part}." for name in bare for part in name.split(".") if part in WRAPPERS
    )
    return [*([prefix] if prefix else []), *inserted]
