"""Machines that one may not have: their peak rates, bandwidths and sizes, as the maker states."""

from dataclasses import dataclass

from paramixer_core.errors import ParamixerError


@dataclass(frozen=True, slots=True)
class Accelerator:
    """`flops` are float32 operations a second outside of tensor cores, as PyTorch computes float32
    by default; `bandwidth` is bytes of memory a second, `memory` bytes, `watts` the board's limit.

    `source` names the maker's document, `read` how its figures were read: in it, or in tables of
    others that cite it, where the document itself could not be opened.
    """

    name: str
    flops: float
    bandwidth: float
    memory: float
    watts: float
    source: str
    read: str


TABLES = "not opened: in {} tables that agree and cite it"

ACCELERATORS: dict[str, Accelerator] = {
    "t4": Accelerator(
        "NVIDIA T4", 8.1e12, 320e9, 16e9, 70,
        "NVIDIA T4 product brief PB-09256-001 (memory, power) and NVIDIA T4 datasheet (rate)",
        "memory and power in a copy of the brief; the rate in three tables that agree. Later "
        "datasheets round the bandwidth to 300 GB/s",
    ),
    "v100": Accelerator(
        "NVIDIA V100 SXM2 32 GB", 15.7e12, 900e9, 32e9, 300,
        "NVIDIA V100 Tensor Core GPU datasheet", TABLES.format("three"),
    ),
    "rtx4090": Accelerator(
        "NVIDIA GeForce RTX 4090", 82.6e12, 1008e9, 24e9, 450,
        "NVIDIA Ada GPU architecture whitepaper",
        TABLES.format("three") + ". One table says 73.1 TFLOP/s, the rate at the base clock",
    ),
    "l4": Accelerator(
        "NVIDIA L4", 30.3e12, 300e9, 24e9, 72,
        "NVIDIA L4 Tensor Core GPU datasheet", TABLES.format("four"),
    ),
    "a100": Accelerator(
        "NVIDIA A100 SXM 80 GB", 19.5e12, 2039e9, 80e9, 400,
        "NVIDIA A100 Tensor Core GPU datasheet, no. 1758950 r4", TABLES.format("three"),
    ),
    "h100": Accelerator(
        "NVIDIA H100 SXM", 67e12, 3350e9, 80e9, 700,
        "NVIDIA H100 Tensor Core GPU datasheet",
        TABLES.format("three") + ", among them a reseller's copy of the whole table",
    ),
    "h200": Accelerator(
        "NVIDIA H200 SXM", 67e12, 4800e9, 141e9, 700,
        "NVIDIA H200 Tensor Core GPU datasheet", TABLES.format("three"),
    ),
}  # fmt: skip


def accelerator(name: str) -> Accelerator:
    """The accelerator of that name; ParamixerError if it is not in the table."""
    if name not in ACCELERATORS:
        raise ParamixerError(f"an accelerator among {list(ACCELERATORS)}", name, "choose one")
    return ACCELERATORS[name]
