"""What does not fit is refused with what was expected, what came and what to do."""

import inspect

import pytest
import torch

from paramixer_core import mixing
from paramixer_core.errors import ParamixerError
from paramixer_core.mixing import use_implementation
from paramixer_core.protocols import Protocol, protocol_offsets

mix = inspect.unwrap(mixing.mix)  # without the shape checks that only a test run has
OFFSETS = protocol_offsets(Protocol.CHORD, 8)
VALUES = torch.zeros(2, 8, 4)
WEIGHTS = torch.zeros(3, 2, 8, 4)

BAD = {
    "flat values": (VALUES[0], WEIGHTS, OFFSETS, "shape \\(8, 4\\)"),
    "no batch": (VALUES[:0], WEIGHTS[:, :0], OFFSETS, "batch >= 1"),
    "one token": (VALUES[:, :1], WEIGHTS[:, :, :1], OFFSETS, "seq >= 2"),
    "N of the weights": (VALUES, WEIGHTS[:, :, :7], OFFSETS, "\\(3, 2, 7, 4\\)"),
    "K of the protocol": (VALUES, WEIGHTS[..., :3], OFFSETS, "\\(3, 2, 8, 4\\)"),
    "M of the protocol": (VALUES, WEIGHTS[:2], OFFSETS, "\\(2, 2, 8, 4\\)"),
    "another protocol": (VALUES, WEIGHTS, protocol_offsets(Protocol.CDIL, 8, 3), "8, 3\\)"),
    "batch": (VALUES[:1], WEIGHTS, OFFSETS, "\\(3, 1, 8, 4\\)"),
    "whole numbers": (VALUES.long(), WEIGHTS.long(), OFFSETS, "torch.int64"),
    "two dtypes": (VALUES, WEIGHTS.double(), OFFSETS, "torch.float32 and torch.float64"),
    "half": (VALUES.half(), WEIGHTS.half(), OFFSETS, "torch.float16"),
    "two devices": (VALUES, WEIGHTS.to("meta"), OFFSETS, "cpu and meta"),
    "ragged offsets": (VALUES, WEIGHTS, ((0, 1, 2, 4), (0,), (0,)), "shape|links"),
    "no offsets": (VALUES, WEIGHTS, (), "at least one factor|shape"),
    "flat offsets": (VALUES, WEIGHTS, (0, 1, 2), "per factor"),
    "fractions": (VALUES, WEIGHTS, ((0, 1, 2, 0.5),) * 3, "whole numbers"),
}


@pytest.mark.parametrize(("values", "weights", "offsets", "says"), BAD.values(), ids=BAD.keys())
def test_what_does_not_fit_is_refused_in_one_sentence(values, weights, offsets, says):
    with pytest.raises(ParamixerError, match=f"^Expected .*{says}.*\\.$"):
        mix(values, weights, offsets)


def test_an_unknown_implementation_is_refused_with_the_known_ones():
    with pytest.raises(ParamixerError, match=r"'reference'.*got 'warp'"):
        mix(VALUES, WEIGHTS, OFFSETS, implementation="warp")
    with pytest.raises(ParamixerError, match="got 'warp'"), use_implementation("warp"):
        pass


def test_an_implementation_of_another_device_is_refused():
    meta = VALUES.to("meta"), WEIGHTS.to("meta")
    with pytest.raises(ParamixerError, match="runs on meta, got portable"):
        mix(*meta, OFFSETS, implementation="portable")
