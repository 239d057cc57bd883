"""From tensors to arrays, so that modules which need no torch need not import it."""

import numpy as np
from torch import Tensor


def float64_array(values: Tensor | np.ndarray) -> np.ndarray:
    """The same numbers as a float64 array on the CPU."""
    if isinstance(values, Tensor):
        values = values.detach().cpu().double().numpy()
    return np.asarray(values, dtype=np.float64)
