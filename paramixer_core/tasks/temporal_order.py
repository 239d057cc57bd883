"""Temporal Order: two rare symbols stand somewhere in noise; in which order?"""

import torch

from paramixer_core.tasks.task import (
    Batch,
    ClassificationTask,
    InputKind,
    num_test_sequences,
    two_positions,
)

TEST_SEED = 20_220_402
SYMBOLS = ("a", "b", "c", "d", "X", "Y")
X = SYMBOLS.index("X")


class TemporalOrder(ClassificationTask):
    """The Temporal Order problem (Paramixer, section 4.1). One example, N = 8:

        symbols  c  a  X  d  b  a  Y  c
        target   XY

    Noise symbols a, b, c, d and X or Y at two positions, all uniform.
    Inputs (batch, seq) index `SYMBOLS`; targets (batch,) index `class_names`.
    """

    name = "temporal_order"
    title = "Temporal Order"
    summary = "Two of the symbols are X or Y, the rest is noise. Answer with their order."
    input_kind = InputKind.SYMBOLS
    input_size = len(SYMBOLS)
    output_size = 4
    positions = True
    class_names = ("XX", "XY", "YX", "YY")

    def batch(self, size: int, generator: torch.Generator) -> Batch:
        inputs = torch.randint(X, (size, self.seq_len), generator=generator)
        rows = torch.arange(size)
        first, second = two_positions(size, self.seq_len, generator)
        targets = torch.randint(len(self.class_names), (size,), generator=generator)
        inputs[rows, first] = X + targets // 2
        inputs[rows, second] = X + targets % 2
        return Batch(inputs, targets)

    def test_set(self) -> Batch:
        return self.batch(
            num_test_sequences(self.seq_len), torch.Generator().manual_seed(TEST_SEED)
        )
