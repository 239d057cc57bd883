"""From tensors to arrays, so that modules which need no torch need not import it."""

from typing import Any, Protocol, runtime_checkable

import numpy as np


@runtime_checkable
class Numbers(Protocol):
    """A torch tensor or a NumPy array."""

    @property
    def shape(self) -> Any:
        """Its sizes."""


def float64_array(values: Numbers) -> np.ndarray:
    """The same numbers as a float64 array on the CPU."""
    held: Any = values
    if hasattr(held, "detach"):  # a tensor, whose module takes seconds to import
        held = held.detach().cpu().double().numpy()
    return np.asarray(held, dtype=np.float64)
