import numpy as np
import pytest

from paramixer_core.analysis.operators import SparseOperator
from paramixer_core.analysis.rank import rank_report
from paramixer_core.analysis.spectrum_estimate import estimate_spectrum
from paramixer_core.errors import ParamixerError
from paramixer_core.protocols import Protocol, protocol_offsets


def operator(protocol, seq_len, scale=0.3):
    offsets = protocol_offsets(protocol, seq_len, 5)
    shape = (len(offsets), seq_len, len(offsets[0]))
    weights = scale * np.random.default_rng(seq_len).normal(size=shape)
    return SparseOperator.of_weights(weights, offsets)


@pytest.mark.parametrize(("protocol", "seq_len"), [("chord", 200), ("cdil", 129)])
def test_estimates_lie_within_their_stated_errors_of_the_exact_values(protocol, seq_len):
    held = operator(Protocol(protocol), seq_len)
    exact = rank_report(held.rows(range(seq_len)))
    found = estimate_spectrum(held, 8)
    off = np.abs(found.singular_values - exact.singular_values[:8])
    assert (off <= found.bounds + 1e-9 * exact.singular_values[0]).all()
    assert found.bounds.max() < 1e-6 * exact.singular_values[0]
    squared = np.square(exact.singular_values).sum()
    assert abs(found.squared_norm - squared) < 4 * found.squared_norm_error
    assert abs(found.stable_rank - exact.stable_rank) < 4 * found.stable_rank_error
    assert 0 < found.stable_rank_error < exact.stable_rank
    again = estimate_spectrum(held, 8)
    np.testing.assert_array_equal(found.singular_values, again.singular_values)


def test_bounds_hold_when_lanczos_stops_early():
    held = operator(Protocol.CHORD, 200)
    exact = rank_report(held.rows(range(200))).singular_values
    found = estimate_spectrum(held, 8, accuracy=0.3)
    nearest = np.abs(found.singular_values[:, None] - exact).min(axis=1)
    assert (nearest <= found.bounds).all()
    assert found.bounds.max() > 1e-6 * exact[0]


def test_what_cannot_be_estimated_is_refused():
    with pytest.raises(ParamixerError, match="from 1 to 7, got 8"):
        estimate_spectrum(operator(Protocol.CHORD, 8), 8)
    with pytest.raises(ParamixerError, match="finite weights"):
        estimate_spectrum(operator(Protocol.CHORD, 8, scale=np.inf), 2)
