"""What a machine can hold is estimated, read and refused by name."""

import pytest
import torch

from paramixer_core.config import RunConfig
from paramixer_core.cost import CostShape, cost_report
from paramixer_core.errors import ParamixerError
from paramixer_core.runs import Failure, RunStore, memory, retention
from paramixer_core.runs.capacity import setting
from paramixer_core.runs.failures import NoRoomError, explain, require_gpu_room
from paramixer_core.runs.memory import estimate_memory, has_room, parse_size
from paramixer_core.schedule import EVALUATION_BATCH, EVALUATION_TOKENS, evaluation_batch
from paramixer_core.tasks import make_task
from tests.runs.trained import train_here


@pytest.mark.parametrize("text", ["none", "-1", "1.5", "0"])
def test_a_wrong_number_of_workers_is_named(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("PARAMIXER_WORKERS", text)
    with pytest.raises(ParamixerError, match=f"PARAMIXER_WORKERS as a whole number.*'{text}'"):
        setting("PARAMIXER_WORKERS", 2, 1)


@pytest.mark.parametrize("text", ["", "much", "-3 GB", "GB", "nan"])
def test_a_wrong_size_is_named(text: str) -> None:
    with pytest.raises(ParamixerError, match='PARAMIXER_DISK as a size like "10 GB"'):
        parse_size("PARAMIXER_DISK", text)


@pytest.mark.parametrize("mixer", ["chord", "cdil", "attention", "plain_attention", "reformer"])
@pytest.mark.parametrize("seq_len", [64, 1024, 16_384])
@pytest.mark.parametrize("batch", [1, 400])
def test_the_estimate_covers_what_the_backward_pass_keeps(
    mixer: str, seq_len: int, batch: int
) -> None:
    config = RunConfig(mixer=mixer, seq_len=seq_len, batch=batch, blocks=2)
    cost = cost_report(CostShape.of(config, make_task("adding", 64)))
    kept = cost.activation_bytes + 4 * cost.weight_bytes
    tested = kept * evaluation_batch(config) // batch
    most = memory.BASE + 4 * max(kept, tested) + 200 * 2**20
    assert kept <= estimate_memory(config) <= most


@pytest.mark.parametrize("seq_len", [2, 128, 4096, 2**17])
@pytest.mark.parametrize("batch", [1, 40, 1000])
def test_a_test_takes_few_tokens_at_once_or_as_many_as_a_training_step(
    seq_len: int, batch: int
) -> None:
    size = evaluation_batch(RunConfig(seq_len=seq_len, batch=batch))
    assert 1 <= size <= EVALUATION_BATCH
    assert size * seq_len <= max(EVALUATION_TOKENS, batch * seq_len)


def test_a_run_waits_for_memory_only_while_others_hold_some(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = RunConfig()
    need = estimate_memory(config)
    monkeypatch.setenv("PARAMIXER_MEMORY", str(3 * need))
    assert has_room(config, [])
    assert has_room(config, [need])
    assert not has_room(config, [need, need, need])


def test_the_oldest_ended_runs_that_nobody_pinned_go_first(
    store: RunStore, tiny: RunConfig
) -> None:
    runs = [train_here(store, store.create(tiny.replace(steps=5)).id) for _ in range(4)]
    waiting = store.create(tiny)
    store.pin(runs[0].id)
    used = retention.disk_used(store)
    size = sum(held.size for held in store.snapshots(runs[0].id))
    assert retention.make_room(store, cap=used) == []
    gone = retention.make_room(store, cap=used - size - 1)
    assert [run.id for run in gone] == [runs[1].id, runs[2].id]
    left = {run.id for run in store.runs()}
    assert left == {runs[0].id, runs[3].id, waiting.id}


def test_a_cap_that_cannot_be_met_is_told(store: RunStore, tiny: RunConfig) -> None:
    store.pin(train_here(store, store.create(tiny.replace(steps=5)).id).id)
    with pytest.raises(ParamixerError, match=r"at most 1 kB of runs.*pinned.*PARAMIXER_DISK"):
        retention.make_room(store, cap=1000)


def test_a_run_too_large_for_its_gpu_is_refused_with_its_estimate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gpu, config = torch.device("cuda"), RunConfig(seq_len=4096, batch=400)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (2 * 10**9, 80 * 10**9))
    with pytest.raises(NoRoomError, match=r"2\.0 GB that are free.*needs about .* GB") as caught:
        require_gpu_room(config, gpu)
    assert explain(caught.value) == (Failure.OUT_OF_MEMORY, str(caught.value))
    require_gpu_room(RunConfig(), gpu)
    require_gpu_room(config, torch.device("cpu"))
