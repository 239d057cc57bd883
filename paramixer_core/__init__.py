"""Paramixer: token mixing by a product of sparse, parameterised factors, and its rivals.

A library of its own: protocols, the mixing operation, models, tasks and training. Names are
imported when first used, so that `import paramixer_core` takes no time.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paramixer_core.config import LinkSource, Residual, RunConfig
    from paramixer_core.device import choose_device
    from paramixer_core.errors import ParamixerError
    from paramixer_core.mixing import mix
    from paramixer_core.models import MIXERS, BlockOperators, Network, build_network
    from paramixer_core.protocols import (
        Protocol,
        link_columns,
        num_factors,
        protocol_graph,
        protocol_offsets,
    )
    from paramixer_core.tasks import TASKS, Batch, Task, make_task
    from paramixer_core.training import Diverged, Evaluation, Record, Snapshot, Trainer, train

__version__ = "0.1.0"
"""That of pyproject.toml, which runs note as what they were trained with."""

__all__ = [
    "MIXERS",
    "TASKS",
    "Batch",
    "BlockOperators",
    "Diverged",
    "Evaluation",
    "LinkSource",
    "Network",
    "ParamixerError",
    "Protocol",
    "Record",
    "Residual",
    "RunConfig",
    "Snapshot",
    "Task",
    "Trainer",
    "build_network",
    "choose_device",
    "link_columns",
    "make_task",
    "mix",
    "num_factors",
    "protocol_graph",
    "protocol_offsets",
    "train",
]

NAMES_OF_MODULE = {
    "config": ("LinkSource", "Residual", "RunConfig"),
    "device": ("choose_device",),
    "errors": ("ParamixerError",),
    "mixing": ("mix",),
    "models": ("MIXERS", "BlockOperators", "Network", "build_network"),
    "protocols": (
        "Protocol",
        "link_columns",
        "num_factors",
        "protocol_graph",
        "protocol_offsets",
    ),
    "tasks": ("TASKS", "Batch", "Task", "make_task"),
    "training": ("Diverged", "Evaluation", "Record", "Snapshot", "Trainer", "train"),
}
MODULE_OF_NAME = {name: module for module, names in NAMES_OF_MODULE.items() for name in names}


def __getattr__(name: str) -> object:
    """Import the module of a public name on its first use (PEP 562)."""
    if name not in MODULE_OF_NAME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{MODULE_OF_NAME[name]}"), name)


def __dir__() -> list[str]:
    """The public names, for completion."""
    return sorted(__all__)
