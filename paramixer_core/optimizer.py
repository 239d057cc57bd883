"""PyTorch's Adam for loops that are not compiled."""

import inspect

import torch
from torch.optim import Optimizer


class Adam(torch.optim.Adam):
    """`torch.optim.Adam`, step for step and bit for bit, without its marks for torch.compile.

    The first use of these marks imports PyTorch's whole compiler, with Triton and SymPy: 150 MB
    and a second in every process that trains. Networks may be compiled beside it; it may not.
    """

    add_param_group = inspect.unwrap(Optimizer.add_param_group)
    zero_grad = inspect.unwrap(Optimizer.zero_grad)
    step = torch.no_grad()(inspect.unwrap(torch.optim.Adam.step))
