import numpy as np
import pytest

from paramixer_core.analysis.patterns import all_patterns, pattern_costs
from paramixer_core.errors import ParamixerError
from paramixer_core.protocols import num_factors

NAMES = ["CHORD", "CDIL, K = 5", "Sliding window", "Strided", "BigBird-like", "Butterfly"]


def costs(seq_len, seed=0):
    return {found.pattern.name: found for found in pattern_costs(seq_len, num_links=5, seed=seed)}


@pytest.mark.parametrize("seq_len", [2, 3, 7, 12, 16, 100, 129])
def test_every_pattern_exists_at_every_length_with_as_many_factors(seq_len):
    found = costs(seq_len)
    assert list(found) == NAMES
    for cost in found.values():
        assert len(cost.pattern.factors) == num_factors(seq_len)
        assert cost.full == seq_len**2
    for name in ("CHORD", "CDIL, K = 5", "BigBird-like"):
        assert found[name].reach.unreached == 0


def test_butterfly_is_the_cheapest_full_pattern_for_powers_of_two_and_not_full_otherwise():
    found = costs(64)
    butterfly = found["Butterfly"]
    assert butterfly.nonzeros == 2 * 64 * 6
    assert butterfly.reach.full_after == 6
    assert butterfly.nonzeros < found["CDIL, K = 5"].nonzeros < found["CHORD"].nonzeros
    assert [round(fill * 64 / 100) for fill in butterfly.reach.fill] == [1, 2, 4, 8, 16, 32, 64]
    assert costs(7)["Butterfly"].reach.unreached > 0


def test_a_window_spreads_by_half_its_width_a_step():
    window = costs(100)["Sliding window"].reach
    distance = np.abs(np.subtract.outer(np.arange(100), np.arange(100)))
    for m in range(4):
        np.testing.assert_array_equal(window.support(m), distance <= 4 * m)
    assert window.full_after is None


def test_strided_attention_reaches_everything_in_two_steps_at_root_n_cost():
    strided = costs(256)["Strided"]
    assert strided.reach.full_after == 2
    assert strided.nonzeros / 8 / 256 == pytest.approx(1.5 * 16, rel=0.1)


def test_bigbird_is_full_after_two_steps_through_its_global_tokens_and_seeded():
    assert costs(128)["BigBird-like"].reach.full_after == 2
    first, again, other = (
        all_patterns(64, seed=seed)[4].factors[0].toarray() for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert ((first > 0).sum(axis=1)[2:] <= 3 + 2 + 3).all()


def test_too_long_a_comparison_is_refused():
    with pytest.raises(ParamixerError, match="from 2 to 1024, got 2048"):
        pattern_costs(2048)
