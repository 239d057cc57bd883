"""The test run really checks shapes: a wrong one raises before the core computes with it."""

import dataclasses
from typing import Self

import pytest
import torch
from jaxtyping import Float, TypeCheckError
from torch import Tensor

from paramixer_core.config import RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.mixing import mix
from paramixer_core.protocols import Protocol, protocol_offsets
from tests.shape_checks import names_a_shape

SEQ_LEN = 7
OFFSETS = protocol_offsets(Protocol.CDIL, SEQ_LEN, num_links=3)


@pytest.mark.parametrize(
    ("values", "weights"),
    [
        pytest.param((SEQ_LEN, 4), (3, 2, SEQ_LEN, 3), id="a missing axis"),
        pytest.param((2, SEQ_LEN, 4), (3, 5, SEQ_LEN, 3), id="two batch sizes"),
        pytest.param((2, SEQ_LEN, 4), (3, 2, SEQ_LEN + 1, 3), id="two lengths"),
    ],
)
def test_a_wrong_shape_raises(values: tuple[int, ...], weights: tuple[int, ...]) -> None:
    with pytest.raises(TypeCheckError):
        mix(torch.zeros(values), torch.zeros(weights), OFFSETS)


def test_a_wrong_dtype_raises() -> None:
    with pytest.raises(TypeCheckError):
        mix(torch.zeros(2, SEQ_LEN, 4).long(), torch.zeros(3, 2, SEQ_LEN, 3), OFFSETS)


def test_the_right_shape_passes() -> None:
    mixed = mix(torch.ones(2, SEQ_LEN, 4), torch.zeros(3, 2, SEQ_LEN, 3), OFFSETS)
    assert mixed.shape == (2, SEQ_LEN, 4)


def test_a_wrong_plain_type_is_left_to_the_core_to_refuse() -> None:
    with pytest.raises(ParamixerError, match="sequence length"):
        RunConfig(seq_len="long")  # type: ignore[arg-type]


@dataclasses.dataclass(frozen=True)
class Plain:
    """No shapes here."""

    size: int


@pytest.mark.parametrize(
    ("hint", "expected"),
    [
        (Float[Tensor, "batch seq"], True),
        (Float[Tensor, "batch seq"] | None, True),
        (list[tuple[int, Float[Tensor, "seq"]]], True),
        (Tensor, False),
        (Self, False),
        (Plain, False),
        ("Plain", False),
    ],
    ids=str,
)
def test_shapes_are_found_at_any_depth(hint: object, expected: bool) -> None:
    assert names_a_shape(hint) is expected
