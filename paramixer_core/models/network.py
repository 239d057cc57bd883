"""The frame that every mixer shares: embedding, blocks, head."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor, nn

from paramixer_core.errors import ParamixerError
from paramixer_core.models.layers import embedding, linear
from paramixer_core.models.mixer import BlockOperators, Compact, Mixer, zero_padding
from paramixer_core.tasks.task import InputKind

Padding = Callable[[Tensor], Tensor | None]
"""Which tokens of some inputs are padding, (batch, seq), or None: `Task.padding`."""


class TokenEmbedding(nn.Module):
    """Tokens to X (N, D): Linear for real features, a table for symbols; learned positions.

    With `class_token` a learned token without a position comes before them, X (N + 1, D). Missing
    numbers (NaN), where `missing` says that there may be some, are read as 0.
    """

    def __init__(
        self,
        *,
        input_kind: InputKind,
        input_size: int,
        seq_len: int,
        channels: int,
        positions: bool,
        generator: torch.Generator,
        class_token: bool = False,
        missing: bool = False,
    ) -> None:
        super().__init__()
        self.input_kind = input_kind
        match input_kind:
            case InputKind.REAL:
                self.tokens: nn.Module = linear(input_size, channels, generator)
            case InputKind.SYMBOLS:
                self.tokens = embedding(input_size, channels, generator)
        self.positions = embedding(seq_len, channels, generator) if positions else None
        self.class_token = embedding(1, channels, generator) if class_token else None
        self.missing = missing and input_kind is InputKind.REAL

    def forward(
        self, inputs: Shaped[Tensor, "batch seq *features"]
    ) -> Float[Tensor, "batch mixed channels"]:
        tokens: Tensor = self.tokens(inputs.nan_to_num(nan=0.0) if self.missing else inputs)
        if self.positions is not None:
            tokens = tokens + self.positions.weight
        if self.class_token is None:
            return tokens
        return torch.cat([self.class_token.weight.expand(len(tokens), 1, -1), tokens], dim=1)


class Network(nn.Module):
    """embedding -> blocks -> flatten -> head, the same for every mixer (Paramixer, 4.1).

    The head is a Linear layer, or Linear - GELU - Linear. Where the embedding puts a class token
    before the sequence, the head reads that token's output alone. With `padding` the tokens that
    it names are inert: they come in as zeros, blocks neither read nor change them, and a flattened
    head finds zeros there.
    """

    def __init__(
        self,
        *,
        embed: TokenEmbedding,
        blocks: Sequence[Mixer],
        head: nn.Module,
        seq_len: int,
        padding: Padding | None = None,
    ) -> None:
        super().__init__()
        self.seq_len = seq_len
        self.embedding = embed
        self.blocks = nn.ModuleList(blocks)
        self.head = head
        self.padding = padding

    def forward(
        self, inputs: Shaped[Tensor, "batch seq *features"]
    ) -> Float[Tensor, "batch outputs"]:
        self._require_length(inputs)
        return self.answer(self.embedding(inputs), self.kept(inputs))

    def kept(
        self, inputs: Shaped[Tensor, "batch seq *features"]
    ) -> Bool[Tensor, "batch mixed"] | None:
        """Which of the mixed tokens are no padding; None where nothing is masked."""
        padding = None if self.padding is None else self.padding(inputs)
        if padding is None:
            return None
        if self.embedding.class_token is None:
            return ~padding
        return torch.cat([torch.ones_like(padding[:, :1]), ~padding], dim=1)

    def answer(
        self,
        source: Float[Tensor, "batch mixed channels"],
        kept: Bool[Tensor, "batch mixed"] | None = None,
    ) -> Float[Tensor, "batch outputs"]:
        """The outputs from the first embedding X on."""
        source = zero_padding(source, kept)
        values = source
        for block in self.blocks:
            values = block(values, source) if kept is None else block(values, source, kept)
        pooled = values.flatten(1) if self.embedding.class_token is None else values[:, 0]
        answers: Tensor = self.head(pooled)
        return answers

    @torch.no_grad()
    def compact(self, inputs: Shaped[Tensor, "batch seq *features"]) -> list[Compact]:
        """Per block, the small tensors from which `operators` builds its matrices."""
        self._require_length(inputs)
        kept = self.kept(inputs)
        source = zero_padding(self.embedding(inputs), kept)
        values, found = source, []
        for block in self.mixers:
            found.append(block.compact(values, source, kept))
            values = block(values, source, kept)
        return found

    @torch.no_grad()
    def reveal(self, inputs: Shaped[Tensor, "batch seq *features"]) -> list[BlockOperators]:
        """Per block, the dense matrices that mix these inputs; memory O(batch N^2)."""
        found = self.compact(inputs)
        return [block.operators(compact) for block, compact in zip(self.mixers, found, strict=True)]

    @property
    def mixers(self) -> list[Mixer]:
        """The blocks, first to last."""
        return [block for block in self.blocks if isinstance(block, Mixer)]

    def _require_length(self, inputs: Tensor) -> None:
        if inputs.shape[1] != self.seq_len:
            raise ParamixerError(
                f"sequences of the {self.seq_len} tokens that this network was built for",
                inputs.shape[1],
                "build a network for that length",
            )
