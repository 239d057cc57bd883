"""PARAMIXER_DETERMINISTIC=1: one thread and one mixing path, so that a run repeats bit for bit."""

import os

import torch

VARIABLE = "PARAMIXER_DETERMINISTIC"


def asked() -> bool:
    """Whether this process is to give the same losses on every machine with its versions."""
    return os.environ.get(VARIABLE) == "1"


def fix_if_asked() -> None:
    """Before training: one thread and PyTorch's deterministic algorithms, if that is asked for.

    The mixing path is then "rolled" (see `mixing.choose`): plain PyTorch, which needs neither a
    compiler nor LLVM and so is the same wherever a run is repeated. This holds for the process from
    now on. On CUDA an operation that has no deterministic form raises RuntimeError.
    """
    if not asked():
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when CUDA starts
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
