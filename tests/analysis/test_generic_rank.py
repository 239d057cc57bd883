import numpy as np
import pytest
from scipy.sparse.csgraph import maximum_bipartite_matching

from paramixer_core.analysis.generic_rank import PRIME, generic_rank, rank_modulo
from paramixer_core.analysis.supports import ring_factors, ring_supports
from paramixer_core.analysis.wiring import Wiring
from paramixer_core.config import Residual
from paramixer_core.errors import ParamixerError
from paramixer_core.protocols import Protocol, protocol_offsets


@pytest.mark.parametrize("rank", [0, 1, 3, 5])
def test_elimination_finds_the_rank_of_a_product_of_thin_matrices(rank):
    draw = np.random.default_rng(0).integers(0, 100, size=(2, 9, 7))
    thin = draw[0, :, :rank] @ draw[1, :rank, :]
    assert rank_modulo(thin % PRIME) == np.linalg.matrix_rank(thin.astype(float)) == rank


@pytest.mark.parametrize("residual", [True, False, Residual.FIRST, Residual.AROUND_BLOCK])
@pytest.mark.parametrize("seq_len", [2, 3, 7, 12, 16, 64])
@pytest.mark.parametrize("protocol", list(Protocol))
def test_products_of_both_protocols_are_generically_full_rank(protocol, seq_len, residual):
    supports = ring_supports(protocol_offsets(protocol, seq_len, 3), seq_len)
    found = generic_rank(supports, residual=residual, draws=2)
    assert (found.rank, found.size, found.draws) == (seq_len, seq_len, (seq_len, seq_len))


def test_a_single_factors_generic_rank_is_its_largest_matching():
    wiring = Wiring(seq_len=6, offsets=((0, 1),), cut=frozenset({(1, 0, 0), (1, 5, 5), (1, 0, 1)}))
    matched = maximum_bipartite_matching(wiring.supports()[0]) >= 0
    assert generic_rank(wiring.supports(), residual=False).rank == matched.sum() == 5


def test_broken_tokens_take_rank_from_the_bare_product_only():
    wiring = Wiring.of_protocol(Protocol.CHORD, 16).toggle_token(0).toggle_token(9)
    assert generic_rank(wiring.supports(), residual=False).rank == 14
    assert generic_rank(wiring.supports(), residual=True).rank == 16
    zeroed = Wiring.of_protocol(Protocol.CHORD, 16).toggle_factor(2)
    assert generic_rank(zeroed.supports(), residual=False).rank == 0


def test_equal_weights_are_the_exception_a_factor_that_is_singular():
    supports = ring_supports(((0, 1),), 8)
    alternating = np.ones((1, 8, 2))
    factor = ring_factors(alternating, ((0, 1),), residual=False)[0].toarray()
    assert np.linalg.matrix_rank(factor) == 7
    assert generic_rank(supports, residual=False).rank == 8


def test_draws_are_the_same_for_a_seed_and_too_long_a_sequence_is_refused():
    supports = ring_supports(((0, 1, 2),), 9)
    assert generic_rank(supports, seed=5) == generic_rank(supports, seed=5)
    with pytest.raises(ParamixerError, match="at most 512 tokens"):
        generic_rank(ring_supports(((0,),), 513))
