"""Every rival reads what its own dense matrix says, and is what its paper says it is."""

import math

import pytest
import torch

from paramixer_core.models.attention import AttentionBlock, PlainAttentionBlock
from paramixer_core.models.rivals.linear_attention import LinearAttentionBlock
from paramixer_core.models.rivals.linformer import LinformerBlock
from paramixer_core.models.rivals.local_window import LocalWindowBlock
from paramixer_core.models.rivals.nystromformer import NystromformerBlock, pseudo_inverse
from paramixer_core.models.rivals.performer import PerformerBlock, orthogonal_directions
from paramixer_core.models.rivals.reformer import ReformerBlock
from paramixer_core.models.transformer import TransformerBlock

CHANNELS, HEADS = 16, 2
SEQ_LENS = (2, 3, 7, 12, 16, 100, 129)


def block_of(name: str, seq_len: int, size: int = 8) -> TransformerBlock:
    own = {
        "attention": (AttentionBlock, {}),
        "plain": (PlainAttentionBlock, {}),
        "linear": (LinearAttentionBlock, {}),
        "performer": (PerformerBlock, {"features": size}),
        "linformer": (LinformerBlock, {"seq_len": seq_len, "projected": size}),
        "nystromformer": (NystromformerBlock, {"landmarks": size}),
        "local": (LocalWindowBlock, {"window": size}),
        "reformer": (ReformerBlock, {"seq_len": seq_len, "chunk": size}),
        "reformer 8": (ReformerBlock, {"seq_len": seq_len, "chunk": size, "rounds": 8}),
    }
    kind, extra = own[name]
    generator = torch.Generator().manual_seed(7)
    shared = {"channels": CHANNELS, "hidden": 8, "heads": HEADS, "generator": generator}
    return kind(**shared, **extra).double()


def heads_of(seq_len: int, seed: int = 1) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shape = (3, 2, HEADS, seq_len, CHANNELS // HEADS)
    return list(torch.randn(shape, generator=generator, dtype=torch.float64))


NAMES = (
    "attention",
    "plain",
    "linear",
    "performer",
    "linformer",
    "nystromformer",
    "local",
    "reformer",
    "reformer 8",
)


@pytest.mark.parametrize("seq_len", SEQ_LENS)
@pytest.mark.parametrize("name", NAMES)
def test_what_a_rival_reads_is_its_dense_matrix_times_the_values(name, seq_len):
    query, key, value = heads_of(seq_len)
    block = block_of(name, seq_len)
    expected = block.matrix(query, key) @ value
    torch.testing.assert_close(block.read(query, key, value), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "name", ["attention", "plain", "linear", "performer", "local", "reformer", "reformer 8"]
)
def test_rows_of_a_softmax_like_rival_are_probabilities(name):
    query, key, _ = heads_of(50)
    matrix = block_of(name, 50).matrix(query, key)
    assert (matrix >= 0).all()
    torch.testing.assert_close(matrix.sum(-1), torch.ones_like(matrix.sum(-1)))


@pytest.mark.parametrize(("name", "bound"), [("linear", 8), ("linformer", 5), ("performer", 5)])
def test_a_low_rank_rival_is_of_low_rank(name, bound):
    query, key, _ = heads_of(60)
    matrix = block_of(name, 60, size=5).matrix(query, key)
    assert (torch.linalg.matrix_rank(matrix) <= bound).all()


def test_performer_comes_close_to_attention_with_many_features():
    query, key, _ = (tokens / 2 for tokens in heads_of(20))
    exact = block_of("attention", 20).matrix(query, key)
    errors = [
        (block_of("performer", 20, size=size).matrix(query, key) - exact).abs().mean()
        for size in (8, 4096)
    ]
    assert errors[1] < 0.2 * errors[0]


def test_performer_directions_are_orthogonal_within_a_block():
    rows = orthogonal_directions(6, 6, torch.Generator().manual_seed(0)).double()
    gram = rows @ rows.mT
    torch.testing.assert_close(gram, torch.diag(gram.diag()), atol=1e-5, rtol=0)


def test_nystromformer_with_a_landmark_a_token_is_attention():
    query, key, _ = (tokens / 4 for tokens in heads_of(6))
    exact = block_of("attention", 6).matrix(query, key)
    block = block_of("nystromformer", 6, size=6)
    left, _, right = block.kernels(query, key)
    torch.testing.assert_close(left @ torch.linalg.pinv(exact) @ right, exact)


def test_the_pseudo_inverse_iteration_inverts_a_well_conditioned_kernel():
    generator = torch.Generator().manual_seed(3)
    scores = torch.randn(1, 1, 5, 5, generator=generator, dtype=torch.float64)
    kernel = (scores + 4 * torch.eye(5)).softmax(-1)
    product = kernel @ pseudo_inverse(kernel)
    torch.testing.assert_close(product[0, 0], torch.eye(5).double(), atol=1e-6, rtol=0)


def test_a_window_of_the_whole_sequence_is_attention():
    query, key, value = heads_of(30)
    whole = block_of("local", 30, size=30).read(query, key, value)
    torch.testing.assert_close(whole, block_of("attention", 30).read(query, key, value))


def test_a_window_reads_nothing_beyond_it():
    query, key, _ = heads_of(40)
    matrix = block_of("local", 40, size=3).matrix(query, key)
    place = torch.arange(40)
    far = (place[:, None] - place).abs() > 3
    assert (matrix[..., far] == 0).all()
    assert (matrix[..., ~far] > 0).all()


def test_reformer_reads_its_own_bucket_only_and_itself_last():
    query, key, _ = heads_of(64)
    block = block_of("reformer", 64, size=8)
    matrix, bucket = block.matrix(query, key), block.buckets(query)[0]
    other = bucket[..., :, None] != bucket[..., None, :]
    assert (matrix[other] == 0).all()
    alone = matrix.diagonal(dim1=-2, dim2=-1)
    assert ((alone < 1e-12) | (alone > 1 - 1e-12)).all()


def test_more_hash_rounds_find_more_and_count_what_several_find_as_often():
    query, key, value = heads_of(64)
    one, eight = block_of("reformer", 64, size=4), block_of("reformer 8", 64, size=4)
    met = [(block.matrix(query, key) > 0).double().mean() for block in (one, eight)]
    assert met[1] > 2 * met[0]
    times = sum(eight.reached(bucket).double() for bucket in eight.buckets(query))
    keys = torch.nn.functional.normalize(query, dim=-1)
    scores = (query @ keys.mT / math.sqrt(CHANNELS // HEADS)).exp() * times
    scores.diagonal(dim1=-2, dim2=-1).mul_(math.exp(-1e5))
    alone = scores.sum(-1) == 0
    expected = scores / scores.sum(-1, keepdim=True)
    torch.testing.assert_close(eight.matrix(query, key)[~alone], expected[~alone])
    torch.testing.assert_close(eight.read(query, key, value)[~alone], (expected @ value)[~alone])


def test_reformer_has_no_key_projection_and_still_loads_weights_that_had_one():
    block = block_of("reformer", 12)
    assert block.query_key_value.weight.shape == (2 * CHANNELS, CHANNELS)
    old = block.state_dict()
    for name in ("query_key_value.weight", "query_key_value.bias"):
        query, value = old[name].chunk(2)
        old[name] = torch.cat([query, torch.full_like(query, 9.0), value])
    other = ReformerBlock(
        channels=CHANNELS, hidden=8, heads=HEADS, seq_len=12, chunk=8,
        generator=torch.Generator().manual_seed(0),
    ).double()  # fmt: skip
    other.load_state_dict(old)
    tokens = torch.randn(2, 12, CHANNELS, dtype=torch.float64)
    assert torch.equal(other(tokens, tokens), block(tokens, tokens))
    assert len(old["query_key_value.bias"]) == 3 * CHANNELS, "what was passed stays as it was"


@pytest.mark.parametrize("name", NAMES)
def test_a_rival_passes_gradients_to_all_its_weights(name):
    block = block_of(name, 12)
    tokens = torch.randn(2, 12, CHANNELS, dtype=torch.float64)
    block(tokens, tokens).square().sum().backward()
    for weight_name, weight in block.named_parameters():
        assert weight.grad is not None, weight_name
        assert torch.isfinite(weight.grad).all()


def test_linear_attention_is_its_sum_over_tokens():
    query, key, value = heads_of(5)
    block = block_of("linear", 5)
    phi = torch.nn.functional.elu
    expected = torch.zeros_like(value)
    for i in range(5):
        weights = [
            ((phi(query[:, :, i]) + 1) * (phi(key[:, :, j]) + 1)).sum(-1, keepdim=True)
            for j in range(5)
        ]
        expected[:, :, i] = sum(w * value[:, :, j] for j, w in enumerate(weights)) / sum(weights)
    torch.testing.assert_close(block.read(query, key, value), expected)


def test_attention_scores_are_scaled_by_the_root_of_the_head_width():
    query, key, _ = heads_of(4)
    logits = block_of("attention", 4).logits(query, key)
    expected = torch.einsum("bhic,bhjc->bhij", query, key) / math.sqrt(CHANNELS // HEADS)
    torch.testing.assert_close(logits, expected)
