"""The frame that every mixer shares: embedding, blocks, head."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from paramixer_core.errors import ParamixerError
from paramixer_core.models.layers import embedding, linear
from paramixer_core.models.mixer import BlockOperators, Compact, Mixer
from paramixer_core.tasks.task import InputKind


class TokenEmbedding(nn.Module):
    """Tokens to X (N, D): Linear for real features, a table for symbols; learned positions."""

    def __init__(
        self,
        *,
        input_kind: InputKind,
        input_size: int,
        seq_len: int,
        channels: int,
        positions: bool,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.input_kind = input_kind
        match input_kind:
            case InputKind.REAL:
                self.tokens: nn.Module = linear(input_size, channels, generator)
            case InputKind.SYMBOLS:
                self.tokens = embedding(input_size, channels, generator)
        self.positions = embedding(seq_len, channels, generator) if positions else None

    def forward(
        self, inputs: Shaped[Tensor, "batch seq *features"]
    ) -> Float[Tensor, "batch seq channels"]:
        tokens: Tensor = self.tokens(inputs)
        return tokens if self.positions is None else tokens + self.positions.weight


class Network(nn.Module):
    """embedding -> blocks -> flatten -> Linear, the same for every mixer (Paramixer, 4.1)."""

    def __init__(
        self,
        *,
        embed: TokenEmbedding,
        blocks: Sequence[Mixer],
        head: nn.Linear,
        seq_len: int,
    ) -> None:
        super().__init__()
        self.seq_len = seq_len
        self.embedding = embed
        self.blocks = nn.ModuleList(blocks)
        self.head = head

    def forward(
        self, inputs: Shaped[Tensor, "batch seq *features"]
    ) -> Float[Tensor, "batch outputs"]:
        self._require_length(inputs)
        return self.answer(self.embedding(inputs))

    def answer(self, source: Float[Tensor, "batch seq channels"]) -> Float[Tensor, "batch outputs"]:
        """The outputs from the first embedding X on."""
        values = source
        for block in self.blocks:
            values = block(values, source)
        answers: Tensor = self.head(values.flatten(1))
        return answers

    @torch.no_grad()
    def compact(self, inputs: Shaped[Tensor, "batch seq *features"]) -> list[Compact]:
        """Per block, the small tensors from which `operators` builds its matrices."""
        self._require_length(inputs)
        source = self.embedding(inputs)
        values, found = source, []
        for block in self.mixers:
            found.append(block.compact(values, source))
            values = block(values, source)
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
