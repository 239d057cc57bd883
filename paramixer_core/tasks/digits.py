"""Digits: handwritten digits read pixel by pixel as one long row."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor

from paramixer_core.errors import ParamixerError
from paramixer_core.tasks.task import Batch, ClassificationTask, InputKind

TEST_SEQUENCES = 450
SPLIT_SEED = 20_220_403
LARGEST_PIXEL = 16.0
PICTURES = Path(__file__).with_name("digits.csv.gz")
"""A picture a line: 64 pixels, then the digit. The very numbers of scikit-learn's `load_digits`,
which a process would import for 130 MB, with pandas and pyarrow, to read them.
"""


class Digits(ClassificationTask):
    """The 1,797 digits of scikit-learn, row after row. One example, N = 64, drawn 8 to a line:

        0  0  0  1 11  0  0  0
        0  0  0  7  8  0  0  0
        0  0  1 13  6  2  2  0      ...and five lines more; each number is one token's
        target   4                  ink in sixteenths, given as 0..1

    N = 64 reads the 8x8 pictures, N = 256 their bilinear enlargement to 16x16.
    1,347 pictures to train on, 450 to test on; the split never changes.
    Inputs (batch, seq, 1), targets (batch,). Source: UCI, Optical Recognition of Handwritten
    Digits (E. Alpaydin, C. Kaynak), CC BY 4.0.
    """

    name = "digits"
    title = "Handwritten digits"
    summary = "A picture of a digit, read pixel by pixel. Answer with the digit."
    input_kind = InputKind.REAL
    input_size = 1
    output_size = 10
    positions = True
    seq_lens = (64, 256)
    class_names = tuple("0123456789")

    def __init__(self, seq_len: int) -> None:
        super().__init__(seq_len)
        if seq_len not in self.seq_lens:
            raise ParamixerError(
                "N of 64 (8x8 pixels) or 256 (16x16 pixels) for the digits", seq_len, "choose one"
            )

    def batch(self, size: int, generator: torch.Generator) -> Batch:
        pixels, labels = digit_sequences(self.seq_len)
        picked = torch.randint(TEST_SEQUENCES, len(labels), (size,), generator=generator)
        return Batch(pixels[picked], labels[picked])

    def test_set(self) -> Batch:
        pixels, labels = digit_sequences(self.seq_len)
        return Batch(pixels[:TEST_SEQUENCES], labels[:TEST_SEQUENCES])

    @property
    def num_tests(self) -> int:
        """How many sequences the test set holds; known without reading them."""
        return TEST_SEQUENCES


@lru_cache(maxsize=2)
def digit_sequences(
    seq_len: int,
) -> tuple[Float[Tensor, "1797 {seq_len} 1"], Int64[Tensor, " 1797"]]:
    """All pictures as sequences of ink in 0..1, the test pictures first."""
    table = np.loadtxt(PICTURES, dtype=np.uint8, delimiter=",")
    pictures, labels = table[:, :-1], table[:, -1]
    order = np.random.default_rng(SPLIT_SEED).permutation(len(labels))
    pixels = torch.from_numpy(pictures[order]).float().view(-1, 1, 8, 8) / LARGEST_PIXEL
    side = int(seq_len**0.5)
    if side != 8:
        pixels = F.interpolate(pixels, size=(side, side), mode="bilinear", align_corners=False)
    return pixels.reshape(-1, seq_len, 1), torch.from_numpy(labels[order]).long()
