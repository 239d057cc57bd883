"""Adding: find two marked numbers in a long row and say their sum."""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from paramixer_core.tasks.task import Batch, InputKind, Task, num_test_sequences, two_positions

TEST_SEED = 20_220_401
TOLERANCE = 0.04


class Adding(Task):
    """The Adding problem (Paramixer, section 4.1). One example, N = 6:

        number   0.31  -0.72   0.05   0.90  -0.44   0.18
        mark     0      1      0      0      1      0
        target   0.5 + (-0.72 + -0.44) / 4 = 0.21

    x ~ U(-1, 1); the target lies in [0, 1]; an answer is right when it is less than 0.04 off.
    Inputs (batch, seq, 2), targets (batch, 1). Always answering 0.5 is wrong 0.92^2 = 84.6 %
    of the time; the paper counts 86.8 % for a random guess.
    """

    name = "adding"
    title = "Adding"
    summary = "Two numbers in the row are marked. Answer with their scaled sum."
    input_kind = InputKind.REAL
    input_size = 2
    output_size = 1
    positions = False
    tolerance = TOLERANCE

    def batch(self, size: int, generator: torch.Generator) -> Batch:
        inputs = torch.zeros(size, self.seq_len, 2)
        inputs[..., 0] = torch.rand(size, self.seq_len, generator=generator).mul_(2).sub_(1)
        rows = torch.arange(size)
        first, second = two_positions(size, self.seq_len, generator)
        inputs[rows, first, 1] = 1
        inputs[rows, second, 1] = 1
        total = inputs[rows, first, 0] + inputs[rows, second, 0]
        return Batch(inputs, (0.5 + total / 4)[:, None])

    def test_set(self) -> Batch:
        return self.batch(
            num_test_sequences(self.seq_len), torch.Generator().manual_seed(TEST_SEED)
        )

    def loss(
        self, outputs: Float[Tensor, "batch 1"], targets: Float[Tensor, "batch 1"]
    ) -> Float[Tensor, ""]:
        return F.mse_loss(outputs, targets)

    def correct(
        self, outputs: Float[Tensor, "batch 1"], targets: Float[Tensor, "batch 1"]
    ) -> Bool[Tensor, " batch"]:
        return ((outputs - targets).abs() < TOLERANCE)[:, 0]
