"""How a network is run in training: which mixing path, which precision, compiled or not."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from paramixer_core.config import Execution, Precision
from paramixer_core.mixing import choose, use_implementation


class Accelerated:
    """Runs a network along one mixing path, chosen now and kept: losses must not change mid-run.

    With Precision.BFLOAT16 matrix products run in bfloat16 (autocast; weights, loss and optimiser
    stay in float32). With Execution.COMPILED training passes run through torch.compile, on CUDA
    as captured graphs, so that small models are not bound by launches. Where a network cannot be
    compiled (no compiler, an unsupported GPU) it runs as it is: `problem` then says why.
    """

    def __init__(
        self, network: nn.Module, precision: Precision, execution: Execution, device: torch.device
    ) -> None:
        self.network = network
        self.problem: str | None = None
        self.path = choose(device.type)
        self._device = device.type
        self._autocast = precision is Precision.BFLOAT16
        self._train: Callable[[Tensor], Any] = network
        self._failures: tuple[type[Exception], ...] = ()
        if execution is Execution.COMPILED:
            from torch._dynamo.exc import TorchDynamoException  # slow to import: only if needed

            self._failures = (TorchDynamoException,)
            mode = "reduce-overhead" if device.type == "cuda" else "default"
            self._train = torch.compile(network, mode=mode)

    def train(self, inputs: Tensor) -> Tensor:
        """The network's answers in float32, through the compiled network if there is one."""
        if self._train is not self.network:
            torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
            try:
                return self._run(self._train, inputs)
            except self._failures as error:
                self.problem = str(error)
                self._train = self.network
        return self._run(self.network, inputs)

    def evaluate(self, inputs: Tensor) -> Tensor:
        """The answers without compiling: test batches have other sizes."""
        return self._run(self.network, inputs)

    def _run(self, network: Callable[[Tensor], Any], inputs: Tensor) -> Tensor:
        precise = torch.autocast(self._device, torch.bfloat16, enabled=self._autocast)
        with use_implementation(self.path), precise:
            answers: Tensor = network(inputs)
        return answers.float()
