"""Train a run of the gallery and write its file."""

import json
import platform
import time
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from paramixer_core.config import RunConfig
from paramixer_core.gallery.files import FORMAT, first_examples
from paramixer_core.gallery.recipes import kept_step
from paramixer_core.schedule import evaluation_due
from paramixer_core.training import Evaluation, Record, Trainer

PROBE_TOKENS = 256
"""How many tokens of test sequences the film of a run shows: one at N = 256, two at N = 128."""


def make_run(path: Path, config: RunConfig, tell: Callable[[Evaluation], None]) -> None:
    """Train to the last step, telling every evaluation, and write the file whole or not at all."""
    trainer = Trainer(config, torch.device("cpu"))
    shown = max(1, PROBE_TOKENS // config.seq_len)
    tensors: dict[str, Tensor] = {}
    records: list[Record] = []
    tests: list[tuple[Evaluation, float]] = []
    seconds = 0.0
    while True:
        step = trainer.step_number
        last = step == config.steps
        if last or evaluation_due(step):
            tests.append((trainer.evaluate(), seconds))
            tell(tests[-1][0])
        if last or kept_step(step):
            probe = first_examples(trainer.probe(), shown)
            tensors |= {f"snapshot.{step}.{name}": value for name, value in probe.items()}
        if last:
            break
        started = time.perf_counter()
        records.append(trainer.step())
        seconds += time.perf_counter() - started
    for name in ("loss", "accuracy", "grad_norm"):
        tensors[f"record.{name}"] = torch.tensor([getattr(record, name) for record in records])
    tensors["record.step"] = torch.tensor([record.step for record in records], dtype=torch.int32)
    tensors["record.steps_per_second"] = torch.tensor([r.steps_per_second for r in records])
    for name in ("loss", "accuracy"):
        figures = [getattr(test, name) for test, _ in tests]
        tensors[f"evaluation.{name}"] = torch.tensor(figures, dtype=torch.float64)
    tensors["evaluation.step"] = torch.tensor([test.step for test, _ in tests], dtype=torch.int32)
    tensors["evaluation.seconds"] = torch.tensor([at for _, at in tests], dtype=torch.float64)
    state = {k: v for k, v in trainer.state().items() if not k.startswith("optimizer.")}
    tensors |= {f"state.{name}": value for name, value in state.items()}
    card = {
        "config": config.as_dict(),
        "parameters": sum(weight.numel() for weight in trainer.network.parameters()),
        "test_accuracy": tests[-1][0].accuracy,
        "test_loss": tests[-1][0].loss,
        "seconds": seconds,
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "made_by": "python -m paramixer_core.gallery",
    }
    content = save(tensors, {"format": "pt", "layout": FORMAT, "card": json.dumps(card)})
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)
