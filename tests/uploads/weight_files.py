"""Files of weights for tests: this lab's, with or without configuration, and the authors'."""

import json
import math

import torch
import torch.nn.functional as F
from safetensors.torch import save
from torch import Tensor

from paramixer_core.config import Residual, RunConfig
from paramixer_core.models import MIXERS, WIRED
from paramixer_core.training import Trainer
from paramixer_core.uploads.recognise import read_weights_file
from paramixer_core.uploads.weight_questions import RecognisedWeights, WeightChoices
from tests.small_runs import SMALL

WIRING_TEXT = "n12_f0.1.2.5x2-0.3.4.7_c1.3.4_b5"
DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "F64": torch.float64}


def every_mixer() -> dict[str, RunConfig]:
    """A small run of every mixer."""
    runs = {name: SMALL.replace(mixer=name) for name in MIXERS}
    return runs | {WIRED.name: SMALL.replace(mixer=WIRED.name, wiring=WIRING_TEXT)}


def packed(tensors: dict[str, Tensor], **metadata: str) -> bytes:
    """A safetensors file."""
    return save({name: held.contiguous() for name, held in tensors.items()}, metadata or None)


def weights_of(config: RunConfig) -> dict[str, Tensor]:
    """The initial weights of a run, as copies."""
    return {name: held.clone() for name, held in Trainer(config).network.state_dict().items()}


def exported(config: RunConfig, **metadata: str) -> bytes:
    """What this lab exports of a run."""
    return packed(weights_of(config), config=json.dumps(config.as_dict()), **metadata)


def read(tensors: dict[str, Tensor], **choices: object) -> RecognisedWeights:
    """What is read of tensors without a configuration."""
    return read_weights_file(packed(tensors), "a.safetensors", WeightChoices(**choices))


def asked(found: RecognisedWeights) -> dict[str, object]:
    """The open questions with their answers."""
    return {question.field: question.answer for question in found.questions}


def with_header(content: bytes, header: dict[str, object]) -> bytes:
    """The same file with another header."""
    length = int.from_bytes(content[:8], "little")
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + content[8 + length :]


def with_tensor(content: bytes, name: str, dtype: str, shape: list[int], data: bytes) -> bytes:
    """The same file with one more tensor behind the others, of any dtype."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    size = len(content) - 8 - length
    header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [size, size + len(data)]}
    return with_header(content, header) + data


def mlp(dice: torch.Generator, *sizes: int) -> dict[str, Tensor]:
    inputs, hidden, outputs = sizes
    return {
        "0.weight": 0.3 * torch.randn(hidden, inputs, generator=dice),
        "0.bias": torch.randn(hidden, generator=dice),
        "2.weight": 0.3 * torch.randn(outputs, hidden, generator=dice),
        "2.bias": torch.randn(outputs, generator=dice),
    }


def run_mlp(weights: dict[str, Tensor], prefix: str, tokens: Tensor) -> Tensor:
    inner = F.gelu(F.linear(tokens, weights[f"{prefix}0.weight"], weights[f"{prefix}0.bias"]))
    return F.linear(inner, weights[f"{prefix}2.weight"], weights[f"{prefix}2.bias"])


def authors_weights(
    links: int | None = None,
    *,
    adding: bool = False,
    pooled: bool = False,
    seq_len: int = 16,
    channels: int = 6,
    hidden: int = 5,
    blocks: int = 2,
    vocabulary: int = 6,
    outputs: int = 4,
    factors: int | None = None,
    head_hidden: int = 0,
    synthetic: bool = False,
) -> dict[str, Tensor]:
    """A model under the names of their published code; `seq_len` has the class token in it.

    Every model of theirs has the tensor of positions, whether it reads it or not.
    """
    dice = torch.Generator().manual_seed(3)
    count = math.ceil(math.log2(seq_len)) if factors is None else factors
    outputs = 1 if adding else outputs
    width = channels if pooled else seq_len * channels
    weights = {
        "embedding.weight": torch.randn(vocabulary, channels, generator=dice),
        "apc_embedding.weight": torch.randn(seq_len, channels, generator=dice),
    }
    if head_hidden:
        made = mlp(dice, width, head_hidden, outputs)
        weights |= {f"final.{name}": tensor for name, tensor in made.items()}
    else:
        weights["final.weight"] = torch.randn(outputs, width, generator=dice)
        weights["final.bias"] = torch.randn(outputs, generator=dice)
    if adding:
        weights["init_linear.weight"] = torch.randn(channels, 2, generator=dice)
        weights["init_linear.bias"] = torch.randn(channels, generator=dice)
    for block in range(blocks):
        named = {f"g.network.{n}": t for n, t in mlp(dice, channels, hidden, channels).items()}
        for factor in range(count):
            made = mlp(dice, channels, hidden, links or count + 1)
            named |= {f"fs.{factor}.network.{n}": t for n, t in made.items()}
        if synthetic:
            named["o.weight"] = torch.randn(channels, channels, generator=dice)
        weights |= {f"attention.{block}.{name}": tensor for name, tensor in named.items()}
    return weights


def authors_answer(
    weights: dict[str, Tensor],
    inputs: Tensor,
    *,
    cdil: bool = False,
    positions: bool = True,
    residual: Residual = Residual.PER_FACTOR,
) -> Tensor:
    """Their forward pass, written from their index lists. With a pooled head `inputs` begin with
    their class token."""
    if "init_linear.weight" in weights:
        data = F.linear(inputs, weights["init_linear.weight"], weights["init_linear.bias"])
    else:
        data = weights["embedding.weight"][inputs]
        data = data + weights["apc_embedding.weight"] if positions else data
    values = data
    blocks = {name.split(".")[1] for name in weights if name.startswith("attention.")}
    for block in sorted(blocks):
        values = run_mlp(weights, f"attention.{block}.g.network.", values)
        first = values
        count = len({n.split(".")[3] for n in weights if n.startswith(f"attention.{block}.fs.")})
        for factor in range(count):
            links = run_mlp(weights, f"attention.{block}.fs.{factor}.network.", data)
            half = links.shape[-1] // 2
            ahead = [0, *(k * 2**factor for k in range(1, half + 1))]
            ahead += [-k * 2**factor for k in range(1, half + 1)]
            places = ahead if cdil else [0, *(2**k for k in range(links.shape[-1] - 1))]
            mixed = sum(
                links[..., k : k + 1] * values.roll(-place, 1) for k, place in enumerate(places)
            )
            values = mixed + (first if residual is Residual.FIRST else values)
    deep = "final.0.weight" in weights
    head = weights["final.0.weight" if deep else "final.weight"]
    pooled = values[:, 0] if head.shape[1] == values.shape[2] else values.flatten(1)
    if deep:
        return run_mlp(weights, "final.", pooled)
    return F.linear(pooled, head, weights["final.bias"])
