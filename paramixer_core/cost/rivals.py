"""Closed forms of the rivals' own part: how their heads read. The rest is attention's."""

from collections.abc import Callable

from paramixer_core.cost.shape import CostShape, PartCost

PSEUDO_INVERSE_PRODUCTS = 24  # six steps of four products

Reading = Callable[[CostShape], PartCost]
"""What one block spends on reading, for one batch; [k] is `rival_size`, at most N where N bounds
it, and d = D / h the width of a head."""


def reads(s: CostShape, formula: str, forward: int, **more: int) -> PartCost:
    """A part all of whose products are differentiated in both arguments, unless `more` says so."""
    return PartCost(
        part="Attention scores",
        formula=formula,
        forward=s.batch * forward,
        backward=s.batch * more.pop("backward", 2 * forward),
        **more,
    )


def softmax_of(entries: int) -> dict[str, int]:
    """Traffic of scores that are written out, scaled and put through a softmax, `entries` of them.

    Forward six crossings of the bus: the scores written, read and written scaled, read and written
    as A, A read for A V; one of them, A written, is counted with `kept`. Backward nine: dA written,
    dA and A read and dS written, dS read and written scaled and read for dQ and for dK, A read for
    dV; of all fifteen `kept` counts four. The sums of the softmax stay in the cache.
    """
    return {"passed": 5 * entries, "passed_training": 11 * entries}


def copies(s: CostShape) -> int:
    """1 where batched products need copies of queries, keys and values, head by head; else 0.

    With one head or one sequence they read the tensor that all three lie in, which is counted
    among the projections.
    """
    return int(s.batch > 1 and s.heads > 1)


def plain_attention(s: CostShape) -> PartCost:
    """Q K^T, then A V; A is kept."""
    entries = s.tokens * s.heads * s.mixed_len
    return reads(
        s,
        "2 N^2 D",
        2 * s.mixed_len**2 * s.channels,
        kept=s.tokens * s.channels + entries,
        widest=max(entries, s.tokens * s.channels),
        **softmax_of(entries),
    )


def linear_attention(s: CostShape) -> PartCost:
    """phi(K)^T V, phi(Q) of it, and phi(Q) of the sum of phi(K).

    Kept are phi(Q), phi(K), numerator, denominator, quotient and the two sums.
    """
    width = s.channels // s.heads
    return reads(
        s,
        "2 N D d + N D",
        2 * s.mixed_len * s.channels * width + s.mixed_len * s.channels,
        kept=s.tokens * ((4 + 2 * copies(s)) * s.channels + s.heads)
        + s.batch * s.channels * (width + 1),
        widest=s.tokens * s.channels,
    )


def performer(s: CostShape) -> PartCost:
    """Two random feature maps (their directions are not learned), then linear attention's.

    Kept beside linear attention's are the scaled queries and keys and both exponentials.
    """
    features = s.rival_size
    maps = 2 * s.mixed_len * s.channels * features
    rest = 2 * s.mixed_len * s.channels * features + s.mixed_len * s.heads * features
    return reads(
        s,
        "4 N D k + N h k",
        maps + rest,
        backward=maps + 2 * rest,
        kept=s.tokens * ((4 - 2 * copies(s)) * s.channels + s.heads * (4 * features + 1))
        + s.batch * features * (s.heads + s.channels),
        widest=s.tokens * max(s.heads * features, s.channels),
    )


def linformer(s: CostShape) -> PartCost:
    """E K and F V, then attention to k tokens by the fused kernel, which keeps no N x k matrix."""
    few = min(s.rival_size, s.mixed_len)
    return reads(
        s,
        "4 N D k",
        4 * s.mixed_len * s.channels * few,
        parameters=2 * few * s.mixed_len,
        recomputed=s.tokens * s.channels * few,
        kept=s.tokens * ((3 if s.batch > 1 else 1) * s.channels + s.heads)
        + 2 * s.batch * few * s.channels,
        widest=s.tokens * s.channels,
    )


def nystromformer(s: CostShape) -> PartCost:
    """Three kernels, the pseudo-inverse of the small one, and their product with V.

    Kept are the two wide kernels and the steps of the pseudo-inverse, 32 small matrices a head.
    """
    marks = min(s.rival_size, s.mixed_len)
    wide = 4 * s.mixed_len * marks * s.channels
    small = 2 * marks**2 * s.channels + PSEUDO_INVERSE_PRODUCTS * s.heads * marks**3
    return reads(
        s,
        "4 N D k + 2 D k^2 + 24 h k^3",
        wide + small,
        kept=s.tokens * ((2 + copies(s)) * s.channels + 2 * s.heads * marks)
        + s.batch * (4 * marks * s.channels + s.heads * (32 * marks**2 + 2 * marks + 3)),
        widest=s.tokens * max(s.heads * marks, s.channels),
        **softmax_of(2 * s.tokens * s.heads * marks),
    )


def reformer(s: CostShape) -> PartCost:
    """In each round the hash (not differentiated), then each chunk's attention to two chunks.

    PyTorch's fused kernels don't read chunks, so the 2 k scores of every token are kept, with the
    order of the tokens, twice (an int64 counts as two numbers). With several rounds the scores are
    kept before and after exp, and what each round found, with its share.
    """
    chunk = min(s.rival_size, s.mixed_len)
    half_buckets = max(1, -(-s.mixed_len // chunk) // 2)
    padded = -(-s.mixed_len // chunk) * chunk
    hashed = s.hash_rounds * s.mixed_len * s.channels * half_buckets
    scores = s.hash_rounds * 4 * padded * chunk * s.channels
    entries = s.batch * padded * s.heads
    if s.hash_rounds == 1:
        kept = s.tokens * (s.channels + 4 * s.heads)
        kept += 7 * s.batch * padded * s.channels + 2 * entries * (1 + chunk)
    else:
        a_round = s.tokens * (s.channels + 5 * s.heads)
        a_round += 6 * s.batch * padded * s.channels + entries * (3 + 4 * chunk)
        kept = s.tokens * s.channels + s.hash_rounds * a_round
    return reads(
        s,
        "4 N D k r + N D r ceil(N/k)/2",
        hashed + scores,
        backward=2 * scores,
        kept=kept,
        widest=2 * s.batch * padded * max(s.heads * chunk, s.channels),
        **softmax_of(2 * s.hash_rounds * entries * chunk),
    )


def local_window(s: CostShape) -> PartCost:
    """Each stretch of k tokens attends to three stretches; what lies further is masked.

    PyTorch's fused kernels don't read stretches: the 3 k scores of every token are kept, and its
    keys and values three times, but for one head of one sequence, whose values are not copied.
    """
    window = min(s.rival_size, s.mixed_len)
    stretches = -(-s.mixed_len // window)
    padded = stretches * window
    once = s.batch * s.heads == 1
    values = (stretches + 2) * window if once else 3 * padded
    answers = padded if once else s.mixed_len
    projected = 3 * s.mixed_len  # not kept as they came: their copies are
    return reads(
        s,
        "6 N D k",
        6 * padded * window * s.channels,
        kept=s.batch * s.channels * (4 * padded + values + answers - projected)
        + 3 * s.batch * padded * window * s.heads,
        widest=3 * s.batch * padded * max(s.heads * window, s.channels),
        **softmax_of(3 * s.batch * padded * window * s.heads),
    )


READINGS: dict[str, Reading] = {
    "plain_attention": plain_attention,
    "linformer": linformer,
    "performer": performer,
    "nystromformer": nystromformer,
    "reformer": reformer,
    "linear_attention": linear_attention,
    "local_window": local_window,
}
