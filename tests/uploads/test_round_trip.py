"""Export, upload, evaluate: what comes back is the network that was exported, bit for bit."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from paramixer_core.config import Execution, LinkSource, Precision, Residual, RunConfig
from paramixer_core.inspection import load_network
from paramixer_core.models import config_for
from paramixer_core.runs import export, snapshots
from paramixer_core.runs.store import RunStore
from paramixer_core.tasks import is_shape
from paramixer_core.training import Trainer
from paramixer_core.uploads import dataset
from paramixer_core.uploads.choices import SequenceChoices
from paramixer_core.uploads.importing import evaluate_weights, import_weights
from paramixer_core.uploads.preparing import prepare
from paramixer_core.uploads.recognise import read_weights_file
from paramixer_core.uploads.sequences import read_sequences
from paramixer_core.uploads.weight_questions import RecognisedWeights
from tests.small_runs import SMALL
from tests.uploads.weight_files import every_mixer

LINKED = ("chord", "cdil", "wiring")
BASES = every_mixer()
RUNS = {
    f"{name}-{residual}-{source}": BASES[name].replace(
        residual=residual, link_source=source, blocks=2, num_links=7
    )
    for name in LINKED
    for residual in Residual
    for source in LinkSource
} | {
    f"{name}-{heads}-{task}": base.replace(heads=heads, task=task, seq_len=seq_len, rival_size=5)
    for name, base in BASES.items()
    if name not in LINKED
    for heads in (1, 4)
    for task, seq_len in (("adding", 12), ("temporal_order", 12), ("digits", 64))
}
RUNS |= {
    "digits-cdil-256": SMALL.replace(task="digits", seq_len=256, mixer="cdil", num_links=9),
    "no-positions": SMALL.replace(task="digits", seq_len=64, positions=False),
    "positions-and-hidden-head": SMALL.replace(positions=True, head_hidden=7),
    "class-token": SMALL.replace(task="temporal_order", pooling="class_token"),
    "floor-of-factors": SMALL.replace(num_factors=3),
    "masked": SMALL.replace(mask_padding=True),
    "precise": SMALL.replace(
        precision=Precision.BFLOAT16, execution=Execution.COMPILED, target_accuracy=0.5
    ),
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    """A store of its own."""
    with RunStore(tmp_path) as made:
        yield made


def kept(store: RunStore, config: RunConfig, steps: int = 1) -> tuple[str, Trainer]:
    """A run of the store that was trained for some steps and tested, and its trainer."""
    trainer = Trainer(config.replace(execution=Execution.PLAIN))
    for _ in range(steps):
        trainer.step()
    arrays = {f"{snapshots.STATE}{name}": t.numpy() for name, t in trainer.state().items()}
    run = store.create(config, parent_step=steps, first_snapshot=arrays)
    test = trainer.evaluate()
    with store.transaction() as database:
        database.execute(
            "INSERT INTO evaluations (run, step, loss, accuracy, seconds) VALUES (?, ?, ?, ?, 0)",
            (store.key_of(database, run.id), steps, test.loss, test.accuracy),
        )
    return run.id, trainer


def sent(store: RunStore, run_id: str) -> RecognisedWeights:
    """The run's export, uploaded."""
    return read_weights_file(export.run_weights(store, run_id), "weights.safetensors")


@pytest.mark.parametrize("config", [pytest.param(run, id=name) for name, run in RUNS.items()])
def test_an_export_comes_back_as_the_run_that_it_was(config: RunConfig, store: RunStore) -> None:
    run_id, trainer = kept(store, config)
    found = sent(store, run_id)
    assert found.config == store.run(run_id).config == config_for(config, config.mixer)
    assert (found.certain, found.questions, found.unused) == (True, [], [])
    inputs = trainer.task.test_set().inputs[:3]
    with torch.no_grad():
        answers = load_network(found.config, found.state)(inputs)
        assert torch.equal(answers, trainer.network(inputs))


def test_the_accuracy_that_an_export_states_is_measured_again(store: RunStore) -> None:
    config = SMALL.replace(task="digits", seq_len=64, residual=Residual.NONE, steps=30)
    run_id, trainer = kept(store, config, steps=30)
    found = sent(store, run_id)
    test = evaluate_weights(found)
    assert (found.stated.step, found.stated.accuracy) == (30, trainer.evaluate().accuracy)
    assert (test.accuracy, test.loss) == (trainer.evaluate().accuracy, trainer.evaluate().loss)
    assert test.sentence.endswith(", as the file says.")
    imported = import_weights(store, found, "somebody")
    assert (imported.run.step, imported.run.config, imported.run.owner) == (
        30,
        found.config,
        "somebody",
    )
    assert store.evaluations(imported.run.id).accuracy.tolist() == [test.accuracy]


def test_weights_that_do_worse_than_their_file_says_are_not_passed_over(store: RunStore) -> None:
    run_id, _ = kept(store, SMALL.replace(task="digits", seq_len=64))
    with store.transaction() as database:
        database.execute("UPDATE evaluations SET accuracy = 0.99")
    assert "the file says 99.0%" in evaluate_weights(sent(store, run_id)).sentence


@pytest.fixture
def uploaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a data set that lies in this home, which a run was trained on."""
    monkeypatch.setenv("PARAMIXER_HOME", str(tmp_path / "home"))
    text = "".join(f"{'ab'[n % 2]}\tgene{'acgt'[n % 4]} {n}\n" for n in range(60))
    found = read_sequences(text.encode(), "genes.txt", SequenceChoices())
    return dataset.keep(prepare(found, 12, 0.2, "genes.txt"))


def test_weights_of_an_uploaded_task_come_back_where_its_data_are(
    uploaded: str, store: RunStore
) -> None:
    run_id, trainer = kept(store, SMALL.replace(task=uploaded))
    found = sent(store, run_id)
    assert (found.config.task, found.task_missing) == (uploaded, "")
    assert evaluate_weights(found).accuracy == trainer.evaluate().accuracy


def test_weights_of_a_task_that_is_not_here_name_it_and_can_be_looked_at(
    uploaded: str, tmp_path: Path, store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, trainer = kept(store, SMALL.replace(task=uploaded))
    content = export.run_weights(store, run_id)
    inputs = trainer.task.test_set().inputs[:3]
    monkeypatch.setenv("PARAMIXER_HOME", str(tmp_path / "elsewhere"))
    found = read_weights_file(content)
    assert found.task_missing == uploaded
    assert is_shape(found.config.task)
    assert any(uploaded in note and "genes.txt" in note for note in found.notes)
    assert found.unused == []
    with torch.no_grad():
        answers = load_network(found.config, found.state)(inputs)
        assert torch.equal(answers, trainer.network(inputs))
    imported = import_weights(store, found)
    assert imported.evaluation is None
    assert len(store.evaluations(imported.run.id)) == 0
