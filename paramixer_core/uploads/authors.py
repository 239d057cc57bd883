"""Weights under the names of the authors' published models, as our names.

| theirs | ours |
|---|---|
| `attention.{l}.fs.{m}.network.{0,2}.{weight,bias}` | `blocks.{l}.link_mlps.{m}.{0,2}.*` |
| `attention.{l}.g.network.{0,2}.*` | `blocks.{l}.value_mlp.{0,2}.*` |
| `init_linear.*` (Adding), else `embedding.weight` | `embedding.tokens.*` |
| `apc_embedding.weight`, where the model reads it | `embedding.positions.weight` |
| `final.*`, or `final.{0,2}.*` with a hidden layer | `head.*` |

Their class token is the last entry of their vocabulary, put before every sequence; ours is a weight
of its own, `embedding.class_token.weight`. `apc_embedding` is in every file of theirs, read or not:
it gives N. Only their copy for Adding and Temporal Order has the unused `attention.{l}.o.weight`.
Their CDIL rows list the links 0, +1 .. +h, -1 .. -h (times the dilation), ours 0, +1, -1, +2, ...
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from paramixer_core.config import Residual

BLOCK = re.compile(r"(?:^|\.)attention\.\d{1,2}\.(fs\.\d{1,2}|g)\.network\.[02]\.")
PATTERNS = (
    (r"attention\.(\d{1,2})\.fs\.(\d{1,2})\.network\.([02])\.(weight|bias)",
     r"blocks.\1.link_mlps.\2.\3.\4"),
    (r"attention\.(\d{1,2})\.g\.network\.([02])\.(weight|bias)", r"blocks.\1.value_mlp.\2.\3"),
    (r"final\.(weight|bias)", r"head.\1"),
    (r"final\.(?:network\.)?([02])\.(weight|bias)", r"head.\1.\2"),
)  # fmt: skip
TOKENS, POSITIONS, CLASS_TOKEN = (
    "embedding.tokens.weight",
    "embedding.positions.weight",
    "embedding.class_token.weight",
)
SYNTHETIC = re.compile(r"attention\.\d{1,2}\.o\.weight")
MOVED_RESIDUAL_FROM = 16_384
"""N from which they moved the residual of their copy for the synthetic tasks (PAPER.md)."""


@dataclass(frozen=True)
class Theirs:
    """How a file of theirs is read as ours.

    `pairs` are (their name, our name), without positions. `places` is the name of the tensor of
    learned positions, which is in every file of theirs; `seq_len` its rows, the class token
    included. `class_token` says that the head reads the first token alone.
    """

    pairs: list[tuple[str, str]]
    places: str | None
    seq_len: int | None
    class_token: bool
    adding: bool
    synthetic: bool

    @property
    def positions(self) -> bool:
        """Whether the model reads the positions, by the settings that they published."""
        return self.places is not None and not self.class_token and not self.adding

    @property
    def why_positions(self) -> str:
        """Why that is assumed: the tensor is there either way."""
        if self.class_token:
            return "their models with a class token read none, although every file holds some"
        if self.adding:
            return "their Adding models read none, although every file holds some"
        return "their models without a class token read them"

    def residual(self, seq_len: int) -> Residual:
        """Where the residual is, by the settings that they published."""
        moved = self.synthetic and seq_len >= MOVED_RESIDUAL_FROM
        return Residual.FIRST if moved else Residual.PER_FACTOR


def starts(name: str) -> int | None:
    """Where in a name one of theirs begins; None if none does."""
    found = BLOCK.search(name)
    return None if found is None else found.start() + name[found.start() :].startswith(".")


def theirs(shapes: Mapping[str, tuple[int, ...]]) -> Theirs:
    """How these tensors of theirs (names without prefixes, with their shapes) are called here."""
    pairs = [
        (name, re.sub(pattern, ours, name))
        for name in shapes
        for pattern, ours in PATTERNS
        if re.fullmatch(pattern, name)
    ]
    first = "init_linear" if "init_linear.weight" in shapes else "embedding"
    pairs += [
        (f"{first}.{kind}", f"embedding.tokens.{kind}")
        for kind in ("weight", "bias")
        if f"{first}.{kind}" in shapes
    ]
    places = "apc_embedding.weight" if "apc_embedding.weight" in shapes else None
    rows = shapes[places] if places else ()
    head = next((shapes[name] for name, ours in pairs if re.match(r"head\.(0\.)?weight", ours)), ())
    table = shapes.get("embedding.weight", ()) if first == "embedding" else ()
    g = next((shapes[name] for name, ours in pairs if ours.endswith("value_mlp.0.weight")), ())
    return Theirs(
        pairs=pairs,
        places=places,
        seq_len=rows[0] if len(rows) == 2 else None,
        class_token=len(head) == len(g) == len(table) == 2 and head[1] == g[1] and table[0] > 1,
        adding=first == "init_linear",
        synthetic=any(SYNTHETIC.fullmatch(name) for name in shapes),
    )


def class_token_shapes(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """What `with_class_token` changes, as shapes."""
    rows, channels = shapes[TOKENS]
    changed: dict[str, tuple[int, ...]] = {TOKENS: (rows - 1, channels), CLASS_TOKEN: (1, channels)}
    if POSITIONS in shapes:
        changed[POSITIONS] = (shapes[POSITIONS][0] - 1, *shapes[POSITIONS][1:])
    return changed


def with_class_token(ours: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Their class token, the vocabulary's last entry at place 0, as a weight of its own.

    Where the model reads positions, that of place 0 is added to it once for all.
    """
    table, places = ours[TOKENS], ours.get(POSITIONS)
    token = table[-1:] if places is None else table[-1:] + places[:1]
    changed = {**ours, TOKENS: table[:-1].clone(), CLASS_TOKEN: token.clone()}
    if places is not None:
        changed[POSITIONS] = places[1:].clone()
    return changed


def reorder_links(ours: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same weights with CDIL's links in our order."""
    changed = dict(ours)
    for name, tensor in ours.items():
        if re.search(r"link_mlps\.\d+\.2\.", name):
            half = len(tensor) // 2
            pairs = (at for step in range(1, half + 1) for at in (step, half + step))
            changed[name] = tensor[torch.tensor([0, *pairs])]
    return changed
