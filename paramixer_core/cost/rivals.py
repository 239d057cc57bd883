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


def plain_attention(s: CostShape) -> PartCost:
    """Q K^T, then A V; A is kept."""
    return reads(
        s,
        "2 N^2 D",
        2 * s.seq_len**2 * s.channels,
        kept=s.tokens * (s.channels + s.heads * s.seq_len),
    )


def linear_attention(s: CostShape) -> PartCost:
    """phi(K)^T V, phi(Q) of it, and phi(Q) of the sum of phi(K)."""
    width = s.channels // s.heads
    return reads(s, "2 N D d + N D", 2 * s.seq_len * s.channels * width + s.seq_len * s.channels)


def performer(s: CostShape) -> PartCost:
    """Two random feature maps (their directions are not learned), then linear attention's."""
    features = s.rival_size
    maps = 2 * s.seq_len * s.channels * features
    rest = 2 * s.seq_len * s.channels * features + s.seq_len * s.heads * features
    return reads(s, "4 N D k + N h k", maps + rest, backward=maps + 2 * rest)


def linformer(s: CostShape) -> PartCost:
    """E K and F V, then attention to k tokens."""
    kept = min(s.rival_size, s.seq_len)
    return reads(s, "4 N D k", 4 * s.seq_len * s.channels * kept, parameters=2 * kept * s.seq_len)


def nystromformer(s: CostShape) -> PartCost:
    """Three kernels, the pseudo-inverse of the small one, and their product with V."""
    marks = min(s.rival_size, s.seq_len)
    wide = 4 * s.seq_len * marks * s.channels
    small = 2 * marks**2 * s.channels + PSEUDO_INVERSE_PRODUCTS * s.heads * marks**3
    return reads(s, "4 N D k + 2 D k^2 + 24 h k^3", wide + small)


def reformer(s: CostShape) -> PartCost:
    """The hash (not differentiated), then each chunk's attention to two chunks."""
    chunk = min(s.rival_size, s.seq_len)
    half_buckets = max(1, -(-s.seq_len // chunk) // 2)
    padded = -(-s.seq_len // chunk) * chunk
    hashed = s.seq_len * s.channels * half_buckets
    scores = 4 * padded * chunk * s.channels
    return reads(s, "4 N D k + N D ceil(N/k)/2", hashed + scores, backward=2 * scores)


def local_window(s: CostShape) -> PartCost:
    """Each stretch of k tokens attends to three stretches; what lies further is masked."""
    window = min(s.rival_size, s.seq_len)
    padded = -(-s.seq_len // window) * window
    return reads(s, "6 N D k", 6 * padded * window * s.channels)


READINGS: dict[str, Reading] = {
    "plain_attention": plain_attention,
    "linformer": linformer,
    "performer": performer,
    "nystromformer": nystromformer,
    "reformer": reformer,
    "linear_attention": linear_attention,
    "local_window": local_window,
}
