"""Uploaded weights in the store: tested where they can be, within memory, looked at in any case."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from paramixer_core.config import Pooling, RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.inspection import inspect_example, inspect_probe
from paramixer_core.runs import memory
from paramixer_core.runs.memory import evaluation_memory
from paramixer_core.runs.quotas import QuotaError
from paramixer_core.runs.run import RunState
from paramixer_core.runs.store import RunStore
from paramixer_core.training import Trainer
from paramixer_core.uploads.importing import (
    LITTLE_MEMORY,
    evaluate_weights,
    import_weights,
    in_small_batches,
)
from tests.small_runs import SMALL
from tests.uploads.weight_files import authors_weights, read, weights_of


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    """A store of its own."""
    with RunStore(tmp_path) as made:
        yield made


def test_imported_weights_are_a_finished_run_with_a_snapshot(store: RunStore) -> None:
    imported = import_weights(store, read(authors_weights(5, adding=True)), "somebody")
    run = imported.run
    assert (run.state, run.owner, run.step) == (RunState.FINISHED, "somebody", 0)
    (snapshot,) = store.snapshots(run.id)
    trainer = Trainer(run.config)
    trainer.load_state(store.state(run.id, snapshot.step))
    assert store.evaluations(run.id).loss[0] == trainer.evaluate().loss
    probe = store.probe(run.id, snapshot.step)
    assert torch.equal(torch.from_numpy(probe["answers"]), trainer.probe()["answers"])
    assert imported.evaluation is not None
    assert imported.evaluation.accuracy == trainer.evaluate().accuracy


def test_imported_weights_count_as_runs_kept(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARAMIXER_RUNS_PER_BROWSER", "1")
    found = read(authors_weights(5, adding=True))
    import_weights(store, found, "somebody")
    with pytest.raises(QuotaError, match="at most 1 runs kept of one browser"):
        import_weights(store, found, "somebody")
    import_weights(store, found, "another")


def test_weights_without_data_are_looked_at_but_not_tested(store: RunStore) -> None:
    found = read(authors_weights(pooled=True, vocabulary=9, seq_len=17, outputs=3))
    assert found.config.pooling is Pooling.CLASS_TOKEN
    with pytest.raises(ParamixerError, match="data are on this server"):
        evaluate_weights(found)
    run = import_weights(store, found).run
    seen = inspect_probe(run.config, store.probe(run.id, 0))
    assert (seen.target, seen.correct) == (None, None)
    state = store.state(run.id, 0)
    assert inspect_example(run.config, state, 1).target is None
    own = inspect_example(run.config, state, " ".join(str(n % 8) for n in range(16)))
    assert own.inputs.tolist() == [[n % 8 for n in range(16)]]
    assert own.blocks[0].operator.shape == (1, 17, 17)


def test_weights_that_are_not_numbers_are_looked_at_and_their_test_says_so(store: RunStore) -> None:
    weights = weights_of(SMALL)
    weights["blocks.0.value_mlp.0.weight"][0, 0] = torch.nan
    imported = import_weights(store, read(weights))
    assert imported.evaluation is not None
    assert "not a number" in imported.evaluation.sentence
    assert imported.run.state is RunState.FINISHED


@pytest.mark.parametrize("mixer", ["chord", "cdil", "linformer", "attention"])
def test_long_sequences_are_tested_in_little_memory(mixer: str) -> None:
    config = RunConfig(seq_len=131_072, mixer=mixer, batch=40)
    assert evaluation_memory(in_small_batches(config)) <= LITTLE_MEMORY
    assert evaluation_memory(config) > LITTLE_MEMORY


def test_short_sequences_are_tested_as_in_training() -> None:
    assert in_small_batches(SMALL) == SMALL


def test_a_network_that_does_not_fit_is_refused_before_it_is_built(
    monkeypatch: pytest.MonkeyPatch, store: RunStore
) -> None:
    found = read(weights_of(SMALL))
    monkeypatch.setattr(memory, "available_memory", lambda: 1000)
    for act in (evaluate_weights, lambda held: import_weights(store, held)):
        with pytest.raises(ParamixerError, match=r"tested in 1 kB of free memory, got one that"):
            act(found)
