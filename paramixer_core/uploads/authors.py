"""Weights under the names of the authors' published models, as our names.

| theirs | ours |
|---|---|
| `attention.{l}.fs.{m}.network.{0,2}.{weight,bias}` | `blocks.{l}.link_mlps.{m}.{0,2}.*` |
| `attention.{l}.g.network.{0,2}.*` | `blocks.{l}.value_mlp.{0,2}.*` |
| `init_linear.*` (Adding), else `embedding.weight` | `embedding.tokens.*` |
| `apc_embedding.weight` | `embedding.positions.weight` |
| `final.*` | `head.*` |

Their CDIL rows list the links 0, +1 .. +h, -1 .. -h (times the dilation), ours 0, +1, -1, +2, ...
"""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

PATTERNS = (
    (r"attention\.(\d{1,2})\.fs\.(\d{1,2})\.network\.([02])\.(weight|bias)",
     r"blocks.\1.link_mlps.\2.\3.\4"),
    (r"attention\.(\d{1,2})\.g\.network\.([02])\.(weight|bias)", r"blocks.\1.value_mlp.\2.\3"),
    (r"final\.(weight|bias)", r"head.\1"),
)  # fmt: skip


def is_authors(tensors: Mapping[str, Tensor]) -> bool:
    """Whether any name is one of theirs."""
    return any(re.fullmatch(PATTERNS[0][0], name) for name in tensors)


def renamed(
    tensors: Mapping[str, Tensor], mixer: str | None, notes: list[str]
) -> tuple[dict[str, Tensor], list[tuple[str, str]]]:
    """The tensors under our names, and the pairs (theirs, ours).

    A head that reads the first token alone (their CLS pooling) becomes one over all tokens with
    zeros for the others, which computes the same. Adds sentences on what was assumed to `notes`.
    """
    pairs = [
        (name, re.sub(pattern, ours, name))
        for name in tensors
        for pattern, ours in PATTERNS
        if re.fullmatch(pattern, name)
    ]
    first = "init_linear" if "init_linear.weight" in tensors else "embedding"
    pairs += [
        (name, f"embedding.tokens.{name.rpartition('.')[2]}")
        for name in tensors
        if name.startswith(f"{first}.")
    ]
    if "apc_embedding.weight" in tensors and first == "embedding":
        pairs.append(("apc_embedding.weight", "embedding.positions.weight"))
    ours = {name: tensors[theirs] for theirs, name in pairs}
    widen_head(ours, tensors, notes)
    reorder_links(ours, mixer, notes)
    notes.append(
        "The file doesn't say where the residual is: their copies differ. Choose it to match."
    )
    return ours, pairs


def widen_head(ours: dict[str, Tensor], tensors: Mapping[str, Tensor], notes: list[str]) -> None:
    """Give a head over one token a zero for every value of the others."""
    head, places = ours.get("head.weight"), tensors.get("apc_embedding.weight")
    if head is None or places is None or head.ndim != 2 or places.ndim != 2:
        return
    if head.shape[1] == places.shape[1] and places.shape[0] * head.shape[0] <= 2**22:
        wide = torch.zeros(head.shape[0], places.numel())
        wide[:, : head.shape[1]] = head
        ours["head.weight"] = wide
        notes.append("Its head reads the first token alone; it was widened with zeros.")


def reorder_links(ours: dict[str, Tensor], mixer: str | None, notes: list[str]) -> None:
    """Put CDIL's links into our order."""
    last = {name: t for name, t in ours.items() if re.search(r"link_mlps\.\d+\.2\.", name)}
    links = next((tensor.shape[0] for tensor in last.values() if tensor.ndim), 0)
    factors = len({name.split(".")[3] for name in last})
    chord = links == factors + 1
    if mixer == "chord" or (mixer is None and chord):
        if chord and links % 2:
            notes.append(f"K = {links} fits CHORD and CDIL; read as CHORD unless you choose.")
        return
    if links % 2 == 0 or any(t.ndim == 0 or t.shape[0] != links for t in last.values()):
        return
    half = links // 2
    order = [0] + [place for step in range(1, half + 1) for place in (step, half + step)]
    for name, tensor in last.items():
        ours[name] = tensor[order]
    notes.append("CDIL's links were put from their order into ours.")
