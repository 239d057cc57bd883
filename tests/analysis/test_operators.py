import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from paramixer_core.analysis.lens import Lens, signed_summary, through_lens
from paramixer_core.analysis.operators import AttentionOperator, SparseOperator
from paramixer_core.analysis.overview import mean_overview, size_overview
from paramixer_core.config import Residual, RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.mixing import mix
from paramixer_core.mixing.reference import mix_first_reference
from paramixer_core.models import build_network
from paramixer_core.protocols import Protocol, protocol_offsets
from paramixer_core.tasks import make_task


def sparse(protocol, seq_len, residual=Residual.PER_FACTOR):
    offsets = protocol_offsets(protocol, seq_len)
    generator = torch.Generator().manual_seed(seq_len)
    shape = (len(offsets), seq_len, len(offsets[0]))
    weights = torch.randn(shape, generator=generator, dtype=torch.float64) / 4
    return SparseOperator.of_weights(weights, offsets, residual), weights, offsets


def dense(weights, offsets, residual):
    identity = torch.eye(weights.shape[1], dtype=torch.float64)[None]
    if residual is Residual.FIRST:
        return mix_first_reference(identity, weights[:, None], offsets)[0].numpy()
    per_factor = residual is Residual.PER_FACTOR
    operator = mix(identity, weights[:, None], offsets, residual=per_factor)[0]
    return operator.numpy() + (residual is Residual.AROUND_BLOCK) * np.eye(len(operator))


@pytest.mark.parametrize("residual", list(Residual))
@pytest.mark.parametrize(("protocol", "seq_len"), [("chord", 256), ("cdil", 256), ("cdil", 7)])
def test_parts_are_those_of_the_dense_matrix(protocol, seq_len, residual):
    operator, weights, offsets = sparse(Protocol(protocol), seq_len, residual)
    full = dense(weights, offsets, residual)
    close = {"rtol": 1e-9, "atol": 1e-12 * np.abs(full).max()}
    few, many = [seq_len - 1, 0], list(range(0, seq_len, 2))
    np.testing.assert_allclose(operator.rows(few), full[few], **close)
    np.testing.assert_allclose(operator.columns(many), full[:, many], **close)
    np.testing.assert_allclose(operator.block(few, many), full[np.ix_(few, many)], **close)
    np.testing.assert_allclose(operator.block(many, few), full[np.ix_(many, few)], **close)
    np.testing.assert_allclose(operator.row_sums(), full.sum(1), **close)
    np.testing.assert_allclose(operator.column_sums(), full.sum(0), **close)
    assert operator.entry(0, seq_len - 1) == pytest.approx(full[0, -1])
    assert operator.rows([]).shape == (0, seq_len)


@pytest.mark.parametrize(
    ("seq_len", "side", "rows", "columns"),
    [
        (256, 16, None, None),
        (100, 7, None, None),
        (7, 256, None, None),
        (129, 100, (5, 128), (64, 129)),
        (129, 4, (0, 1), (100, 129)),
    ],
)
def test_overview_tiles_are_the_mean_and_size_of_their_entries(seq_len, side, rows, columns):
    operator, weights, offsets = sparse(Protocol.CHORD, seq_len)
    full = dense(weights, offsets, Residual.PER_FACTOR)
    part = full[slice(*(rows or (0, seq_len))), slice(*(columns or (0, seq_len)))]
    told = []
    mean = mean_overview(operator, side, rows=rows, columns=columns)
    size = size_overview(operator, side, rows=rows, columns=columns, progress=told.append)
    assert told[-1] == 1
    for overview, reduce in ((mean, np.mean), (size, lambda tile: np.sqrt(np.mean(tile**2)))):
        assert max(overview.values.shape) <= side
        expected = [
            [
                reduce(part[a : a + overview.height, b : b + overview.width])
                for b in range(0, part.shape[1], overview.width)
            ]
            for a in range(0, part.shape[0], overview.height)
        ]
        np.testing.assert_allclose(overview.values, expected, atol=1e-12 * np.abs(full).max())


def test_attention_in_strips_is_the_networks_own_mean_attention():
    config = RunConfig(mixer="attention", seq_len=150, channels=8, heads=2)
    task = make_task(config.task, config.seq_len)
    network = build_network(config, task, torch.Generator().manual_seed(0))
    inputs = task.batch(1, torch.Generator().manual_seed(1)).inputs
    compact, shown = network.compact(inputs)[0], network.reveal(inputs)[0]
    operator = AttentionOperator(
        *(compact[name][0].double().numpy() for name in ("queries", "keys"))
    )
    full = shown.product[0].double().numpy()
    np.testing.assert_allclose(operator.rows(range(150)), full, atol=1e-6)
    np.testing.assert_allclose(operator.columns([3, 149]), full[:, [3, 149]], atol=1e-6)
    np.testing.assert_allclose(operator.block([7, 8], [1]), full[7:9, 1:2], atol=1e-6)
    np.testing.assert_allclose(operator.row_sums(), 1, atol=1e-12)
    np.testing.assert_allclose(operator.column_sums(), full.sum(0), atol=1e-5)
    np.testing.assert_allclose(mean_overview(operator, 150).values, full, atol=1e-6)


def test_rows_and_columns_of_16384_tokens_cross_in_the_same_entries():
    operator, _, _ = sparse(Protocol.CDIL, 16_384)
    rows, columns = operator.rows([5, 16_000]), operator.columns([5, 77, 8_192])
    scale = np.abs(rows).max()
    np.testing.assert_allclose(rows[:, [5, 77, 8_192]], columns[[5, 16_000]], atol=1e-10 * scale)
    assert rows.shape == (2, 16_384)
    assert np.count_nonzero(rows) == rows.size


def test_tokens_that_are_not_there_and_too_much_at_once_are_refused():
    operator, _, _ = sparse(Protocol.CDIL, 16)
    with pytest.raises(ParamixerError, match="tokens from 0 to 15, got 16"):
        operator.rows([3, 16])
    with pytest.raises(ParamixerError, match="the side of an overview"):
        mean_overview(operator, 0)
    with pytest.raises(ParamixerError, match=r"tokens 0 to 16, got \(9, 9\)"):
        mean_overview(operator, rows=(9, 9))
    large = SparseOperator(sparse(Protocol.CDIL, 8192)[0].factors[:1])
    with pytest.raises(ParamixerError, match="entries at once, got 67,108,864"):
        large.block(range(8192), range(8192))


matrices = arrays.arrays(np.float64, (4, 6), elements=st.floats(-9, 9).map(lambda x: round(x, 3)))


@given(matrices)
def test_positive_and_negative_parts_add_up_and_absolute_is_their_difference(matrix):
    positive, negative = through_lens(matrix, Lens.POSITIVE), through_lens(matrix, Lens.NEGATIVE)
    assert positive.min() >= 0 >= negative.max()
    np.testing.assert_array_equal(positive + negative, through_lens(matrix, Lens.SIGNED))
    np.testing.assert_array_equal(positive - negative, through_lens(matrix, Lens.ABSOLUTE))


@given(matrices)
def test_row_normalised_rows_weigh_one_and_keep_their_signs(matrix):
    shares = through_lens(matrix, Lens.ROW_NORMALISED)
    weighs = np.abs(matrix).sum(1) > 0
    np.testing.assert_allclose(np.abs(shares).sum(1), weighs)
    np.testing.assert_array_equal(np.sign(shares), np.sign(matrix))


def test_signs_are_counted_and_weighed():
    found = signed_summary(np.array([[1.0, -1.0], [0.0, 2.0]]))
    assert (found.negative_entries, found.negative_mass) == (0.25, 0.25)
    assert found.row_sums.tolist() == [0, 2]
    assert found.absolute_row_sums.tolist() == [2, 2]
    assert signed_summary(np.zeros((2, 2))).negative_mass == 0
