"""What is measured: groups of rows that do the same work in different ways."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from importlib.util import find_spec

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from paramixer_core.config import RunConfig
from paramixer_core.mixing import Implementation, mix, use_implementation
from paramixer_core.mixing.authors import entries
from paramixer_core.native import available
from paramixer_core.protocols import Offsets, Protocol, protocol_offsets
from paramixer_core.training import Trainer

BASELINE = "authors"
LENGTHS = (128, 512, 2048, 8192)
LONG = tuple(2**power for power in range(10, 18))
DOUBLE = 4  # bytes of a float32


@dataclass(frozen=True)
class Work:
    """The least a row has to move and to reckon: bytes and floating-point operations."""

    bytes: float
    flops: float


@dataclass(frozen=True)
class Row:
    """One way to do a group's work. `build` makes a function that does it once."""

    name: str
    build: Callable[[], Callable[[], object]]
    work: Work


@dataclass(frozen=True)
class Group:
    """Rows measured in turn. `quick` groups also run under --quick."""

    name: str
    rows: dict[str, Row] = field(default_factory=dict)
    quick: bool = False
    memory: bool = False

    def add(self, row: Row) -> None:
        """Register a row under its name."""
        self.rows[row.name] = row


def groups(device: torch.device) -> Iterator[Group]:
    """Every group that this device can run."""
    paths = device_paths(device)
    for protocol in Protocol:
        for seq in LENGTHS:
            yield operator_group(protocol, seq, 8, 32, paths, device, quick=seq <= 2048)
    for seq in LENGTHS:
        yield step_group(seq, 8, paths, device, quick=seq == 128)
    yield step_group(128, 40, paths, device, quick=True)
    yield step_group(1024, 40, paths, device, quick=False)
    for seq in LONG:
        yield long_group(seq, paths[-1], device)
    if device.type == "cuda":
        yield operator_group(Protocol.CHORD, 16384, 32, 64, paths, device, quick=True)


def device_paths(device: torch.device) -> list[str]:
    """Implementations to compare on a device, the fastest last."""
    if device.type == "cpu":
        native = [Implementation.NATIVE] if available() else []
        return [str(path) for path in (BASELINE, "rolled", Implementation.PORTABLE, *native)]
    triton = [str(Implementation.TRITON)] if find_spec("triton") else []
    return [BASELINE, str(Implementation.ROLLED), *triton]


def operator_work(offsets: Offsets, batch: int, seq: int, channels: int) -> Work:
    """Forward and backward: values and weights read, result and gradients written, each once."""
    links = sum(len(row) for row in offsets)
    tokens = batch * seq
    moved = DOUBLE * (tokens * channels * (2 + 3) + tokens * links * (1 + 2))
    return Work(bytes=moved, flops=3 * 2.0 * tokens * links * channels)


def operator_inputs(
    offsets: Offsets, batch: int, seq: int, channels: int, device: torch.device
) -> tuple[Tensor, Tensor, Tensor]:
    """Values, weights and a gradient of the result, the same for every row."""
    draw = torch.Generator().manual_seed(0)
    links = len(offsets[0])
    values = torch.randn(batch, seq, channels, generator=draw)
    weights = torch.randn(len(offsets), batch, seq, links, generator=draw) / links
    grad = torch.randn(batch, seq, channels, generator=draw)
    return values.to(device), weights.to(device), grad.to(device)


def operator_group(
    protocol: Protocol,
    seq: int,
    batch: int,
    channels: int,
    paths: list[str],
    device: torch.device,
    *,
    quick: bool,
) -> Group:
    """All factors forward and backward, by every path, and attention at the same size."""
    offsets = protocol_offsets(protocol, seq)
    work = operator_work(offsets, batch, seq, channels)
    name = f"op {protocol} N={seq} batch={batch} D={channels}"
    group = Group(name, quick=quick, memory=True)

    def build(path: str) -> Callable[[], object]:
        values, weights, grad = operator_inputs(offsets, batch, seq, channels, device)
        inputs = (values.requires_grad_(), weights.requires_grad_())
        return lambda: torch.autograd.grad(
            mix(values, weights, offsets, implementation=path), inputs, grad
        )

    for path in paths:
        group.add(Row(path, lambda path=path: build(path), work))  # type: ignore[misc]
    if find_spec("torch_sparse"):
        group.add(Row("torch_sparse", lambda: torch_sparse_case(offsets, batch, seq), work))
    dense = Work(
        bytes=DOUBLE * batch * seq * channels * 12,
        flops=2.0 * batch * seq * seq * channels * (2 + 5),
    )
    group.add(Row("sdpa", lambda: attention_case(batch, seq, channels, device), dense))
    return group


def attention_case(
    batch: int, seq: int, channels: int, device: torch.device
) -> Callable[[], object]:
    """Softmax attention of one head, forward and backward, by PyTorch's fused operator."""
    draw = torch.Generator().manual_seed(0)
    made = [torch.randn(batch, 1, seq, channels, generator=draw).to(device) for _ in range(4)]
    query, key, value = (tensor.requires_grad_() for tensor in made[:3])
    return lambda: torch.autograd.grad(
        scaled_dot_product_attention(query, key, value), (query, key, value), made[3]
    )


def torch_sparse_case(offsets: Offsets, batch: int, seq: int) -> Callable[[], object]:
    """The extension that the authors call, one sparse product per factor and sequence."""
    from torch_sparse import spmm  # type: ignore[import-not-found]

    device = torch.device("cpu")
    values, weights, grad = operator_inputs(offsets, batch, seq, 32, device)
    inputs = (values.requires_grad_(), weights.requires_grad_())
    indices = [torch.stack(entries(row, seq, device)) for row in offsets]

    def run() -> object:
        reached = list(values)
        for factor, index in zip(weights, indices, strict=True):
            reached = [
                one + spmm(index, weight.flatten(), seq, seq, one)
                for one, weight in zip(reached, factor, strict=True)
            ]
        return torch.autograd.grad(torch.stack(reached), inputs, grad)

    return run


def step_work(config: RunConfig) -> Work:
    """The two layers of every MLP and the mixing, three times: forward, and both gradients."""
    tokens, width, hidden = config.batch * config.seq_len, config.channels, config.hidden
    mlp = 2.0 * tokens * width * hidden * 2
    if config.mixer == "attention":
        flops = 3 * (mlp + 2.0 * tokens * width * (4 * width + 2 * config.seq_len))
        return Work(bytes=DOUBLE * tokens * width * 20, flops=flops)
    offsets = protocol_offsets(Protocol(config.mixer), config.seq_len, config.num_links)
    links = sum(len(row) for row in offsets)
    mlps = 2.0 * tokens * hidden * (len(offsets) * width + links)
    mixing = operator_work(offsets, config.batch, config.seq_len, width)
    return Work(bytes=2 * mixing.bytes, flops=3 * (mlp + mlps) + mixing.flops)


def step_group(
    seq: int, batch: int, paths: list[str], device: torch.device, *, quick: bool
) -> Group:
    """Whole training steps of the Adding task: batch, forward, backward, clipping, Adam."""
    group = Group(f"step adding N={seq} batch={batch} D=H=32", quick=quick)
    common = {"task": "adding", "seq_len": seq, "batch": batch, "device": device.type}
    kept = [BASELINE, *paths[-2:]]
    for mixer in ("chord", "cdil"):
        for path in dict.fromkeys(kept):
            config = RunConfig(mixer=mixer, **common)  # type: ignore[arg-type]
            add_step(group, f"{mixer} {path}", config, path)
    add_step(group, "attention", RunConfig(mixer="attention", **common), None)  # type: ignore[arg-type]
    return group


def add_step(group: Group, name: str, config: RunConfig, path: str | None) -> None:
    """A row that trains one network by one path."""

    def build() -> Callable[[], object]:
        with use_implementation(path) if path else nullcontext():
            return Trainer(config).step  # which keeps to the path that it was built under

    group.add(Row(name, build, step_work(config)))


def long_group(seq: int, path: str, device: torch.device) -> Group:
    """One long sequence, CDIL: how time grows with N."""
    offsets = protocol_offsets(Protocol.CDIL, seq)
    group = Group(f"long cdil N={seq} batch=1 D=32", memory=seq == LONG[-1])

    def build() -> Callable[[], object]:
        values, weights, grad = operator_inputs(offsets, 1, seq, 32, device)
        inputs = (values.requires_grad_(), weights.requires_grad_())
        return lambda: torch.autograd.grad(
            mix(values, weights, offsets, implementation=path), inputs, grad
        )

    group.add(Row(path, build, operator_work(offsets, 1, seq, 32)))
    return group
