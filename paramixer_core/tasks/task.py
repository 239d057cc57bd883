"""What every task offers: batches from a seed, a fixed test set, a loss and a verdict."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64, Shaped
from torch import Tensor

from paramixer_core.protocols import require_seq_len


class InputKind(StrEnum):
    """How tokens are given, and so which embedding reads them."""

    REAL = "real"  # (batch, seq, features) numbers, embedded by a Linear layer
    SYMBOLS = "symbols"  # (batch, seq) whole numbers, embedded by a table


@dataclass(frozen=True)
class Batch:
    """Some sequences and what should be said of each."""

    inputs: Shaped[Tensor, "batch seq *features"]
    targets: Shaped[Tensor, "batch *outputs"]

    def to(self, device: torch.device) -> "Batch":
        """The same batch on another device."""
        return Batch(self.inputs.to(device), self.targets.to(device))


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskShape:
    """What a network has to know of a task: all that `build_network` reads of one.

    For weights of foreign data, of which there is no `Task` here. `pad_symbol` is the symbol that
    fills sequences up, if there is one.
    """

    seq_len: int
    input_kind: InputKind
    input_size: int
    output_size: int
    positions: bool
    pad_symbol: int | None = None

    def __post_init__(self) -> None:
        require_seq_len(self.seq_len)

    @property
    def padded(self) -> bool:
        """Whether sequences may be filled up."""
        return self.input_kind is InputKind.REAL or self.pad_symbol is not None

    def padding(
        self, inputs: Shaped[Tensor, "batch seq *features"]
    ) -> Bool[Tensor, "batch seq"] | None:
        """As `Task.padding`."""
        if self.input_kind is InputKind.REAL:
            return missing_numbers(inputs)
        return None if self.pad_symbol is None else inputs == self.pad_symbol


class Task(ABC):
    """A supervised problem on sequences of one length.

    `input_size` is the number of features (real) or of symbols in the vocabulary (symbols);
    `positions` says whether the paper's settings learn position embeddings for it; `padded`
    whether some of its sequences are filled up (see `padding`).
    """

    name: str
    title: str
    summary: str
    input_kind: InputKind
    input_size: int
    output_size: int
    positions: bool
    seq_lens: tuple[int, ...] | None = None  # None: any N
    class_names: tuple[str, ...] = ()
    tolerance: float = 0.0  # of an answer that is a number: how far off still counts as right
    padded: bool = False
    labelled: bool = True
    """Whether its sequences have right answers; those of weights without their data have none."""

    def __init__(self, seq_len: int) -> None:
        require_seq_len(seq_len)
        self.seq_len = seq_len

    @abstractmethod
    def batch(self, size: int, generator: torch.Generator) -> Batch:
        """Draw `size` training sequences; the same generator state gives the same batch."""

    @abstractmethod
    def test_set(self) -> Batch:
        """The fixed sequences on which runs are compared, drawn apart from all training batches."""

    @property
    def num_tests(self) -> int:
        """How many sequences the test set holds."""
        return len(self.test_set().inputs)

    def padding(
        self, inputs: Shaped[Tensor, "batch seq *features"]
    ) -> Bool[Tensor, "batch seq"] | None:
        """Which tokens only fill a sequence up; None: the task has no padding."""
        return None

    @abstractmethod
    def loss(
        self, outputs: Float[Tensor, "batch outputs"], targets: Shaped[Tensor, "batch *outputs"]
    ) -> Float[Tensor, ""]:
        """The scalar to minimise, a mean over the batch."""

    @abstractmethod
    def correct(
        self, outputs: Float[Tensor, "batch outputs"], targets: Shaped[Tensor, "batch *outputs"]
    ) -> Bool[Tensor, " batch"]:
        """Which answers count as right; accuracy is their mean."""


class ClassificationTask(Task):
    """A task whose answer is one of `class_names`: cross-entropy, right when the top class is."""

    def loss(
        self, outputs: Float[Tensor, "batch classes"], targets: Int64[Tensor, " batch"]
    ) -> Float[Tensor, ""]:
        return F.cross_entropy(outputs, targets)

    def correct(
        self, outputs: Float[Tensor, "batch classes"], targets: Int64[Tensor, " batch"]
    ) -> Bool[Tensor, " batch"]:
        return outputs.argmax(1) == targets


def missing_numbers(
    inputs: Float[Tensor, "batch seq features"],
) -> Bool[Tensor, "batch seq"]:
    """Where numbers are padding: every feature is NaN."""
    return inputs.isnan().all(-1)


def num_test_sequences(seq_len: int) -> int:
    """How many sequences a generated test set holds: 1,000, fewer where N is above 262.

    At most 2^18 tokens, so that an evaluation stays cheap, but never under 40 sequences.
    """
    return max(40, min(1000, 2**18 // seq_len))


def two_positions(
    size: int, seq_len: int, generator: torch.Generator
) -> tuple[Int64[Tensor, " size"], Int64[Tensor, " size"]]:
    """Two different positions per sequence, in order, each pair equally likely."""
    first = torch.randint(seq_len, (size,), generator=generator)
    second = torch.randint(seq_len - 1, (size,), generator=generator)
    second += second >= first
    return torch.minimum(first, second), torch.maximum(first, second)
