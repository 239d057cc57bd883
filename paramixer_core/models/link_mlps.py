"""The link MLPs f^(1..M): each token says how strongly it reads each of its links."""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from paramixer_core.models.fused_link_mlps import can_fuse, fused_link_mlps
from paramixer_core.models.layers import uniform_parameter


class LinkMLPs(nn.Module):
    """f^(m)(x; theta_m) = Linear(D, H) - GELU - Linear(H, K) for every factor m at once.

    All M first layers read the same tokens, so they run as one wide matrix product, and the
    second layers as one batched product; on a CPU with our native library, both with GELU in
    between are one operator. Weights are saved and loaded under per-factor names,
    `{m}.0.weight (H, D)`, `{m}.0.bias`, `{m}.2.weight (K, H)`, `{m}.2.bias`, m from 0.
    Source: Paramixer, section 3.1.
    """

    def __init__(
        self, *, factors: int, channels: int, hidden: int, links: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.factors, self.channels, self.hidden, self.links = factors, channels, hidden, links
        draw = {"generator": generator}
        self.first_weight = uniform_parameter(factors, hidden, channels, fan_in=channels, **draw)
        self.first_bias = uniform_parameter(factors, hidden, fan_in=channels, **draw)
        self.second_weight = uniform_parameter(factors, links, hidden, fan_in=hidden, **draw)
        self.second_bias = uniform_parameter(factors, links, fan_in=hidden, **draw)

    def forward(
        self, tokens: Float[Tensor, "batch seq channels"]
    ) -> Float[Tensor, "factors batch seq links"]:
        batch, seq, _ = tokens.shape
        layers = (self.first_weight, self.first_bias, self.second_weight, self.second_bias)
        if can_fuse(tokens):
            fused = fused_link_mlps(tokens.flatten(0, 1), *layers)
            return fused.view(self.factors, batch, seq, self.links)
        wide = F.linear(tokens.flatten(0, 1), self.first_weight.flatten(0, 1))
        wide = F.gelu(wide + self.first_bias.flatten())
        hidden = wide.view(batch * seq, self.factors, self.hidden).transpose(0, 1)
        weights = torch.baddbmm(self.second_bias[:, None], hidden, self.second_weight.mT)
        return weights.view(self.factors, batch, seq, self.links)

    def _per_factor_names(self) -> dict[str, str]:
        return {
            "0.weight": "first_weight",
            "0.bias": "first_bias",
            "2.weight": "second_weight",
            "2.bias": "second_bias",
        }

    def _save_to_state_dict(
        self, destination: dict[str, Any], prefix: str, keep_vars: bool
    ) -> None:
        for suffix, name in self._per_factor_names().items():
            stacked = getattr(self, name)
            stacked = stacked if keep_vars else stacked.detach()
            for factor in range(self.factors):
                destination[f"{prefix}{factor}.{suffix}"] = stacked[factor]

    def _load_from_state_dict(
        self,
        state_dict: Mapping[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        wanted = {
            f"{prefix}{factor}.{suffix}": getattr(self, name)[factor]
            for suffix, name in self._per_factor_names().items()
            for factor in range(self.factors)
        }
        with torch.no_grad():
            for key, place in wanted.items():
                if key not in state_dict:
                    missing_keys.append(key)
                elif state_dict[key].shape != place.shape:
                    error_msgs.append(
                        f"{key}: expected {tuple(place.shape)}, got {tuple(state_dict[key].shape)}"
                    )
                else:
                    place.copy_(state_dict[key])
        if strict:
            unexpected_keys.extend(
                key for key in state_dict if key.startswith(prefix) and key not in wanted
            )
