"""Which sequences are tested: stratified, none on both sides, conflicts said."""

import numpy as np
import torch

from paramixer_core.tasks import make_task
from paramixer_core.uploads import dataset
from paramixer_core.uploads.choices import SequencesFound
from paramixer_core.uploads.dataset import keep
from paramixer_core.uploads.preparing import Prepared, prepare
from paramixer_core.uploads.splitting import Conflicts
from tests.uploads.test_dataset import letters, stored, texts

__all__ = ["stored"]


def test_no_sequence_is_both_trained_on_and_tested(stored: Prepared) -> None:
    twice = letters(30)
    doubled = SequencesFound(twice.kind, [*twice.rows, *twice.rows], [*twice.labels, *twice.labels])
    prepared = prepare(doubled, 24, 0.5, "")
    assert prepared.repeated >= 30
    keep(prepared)
    task = make_task(prepared.name, 24)
    tested = {tuple(row) for row in task.test_set().inputs.tolist()}
    batch = task.batch(2000, torch.Generator().manual_seed(0))
    trained = {tuple(row) for row in batch.inputs.tolist()}
    assert len(trained) == prepared.trained
    assert not tested & trained


def test_labels_and_rows_stay_together_through_the_split(stored: Prepared) -> None:
    one = letters()
    order = np.random.default_rng(5).permutation(len(one.rows))
    other = SequencesFound(one.kind, [one.rows[i] for i in order], [one.labels[i] for i in order])
    prepared = prepare(other, 20, 0.25, "")
    keep(prepared)
    pairs = []
    for name in (stored.name, prepared.name):
        held = dataset.read_dataset(dataset.dataset_file(name))
        rows = zip(held.tokens.tolist(), held.labels.tolist(), strict=True)
        pairs.append({(tuple(tokens), label) for tokens, label in rows})
    assert pairs[0] == pairs[1]


def test_the_split_is_stratified_and_the_same_every_time() -> None:
    rows = [f"{n:03}" for n in range(100)]
    found = texts(*rows, labels="a" * 90 + "b" * 9 + "c")
    prepared = prepare(found, 3, 0.2, "")
    assert prepared.test_classes == {"a": 18, "b": 2, "c": 0}
    assert prepared.train_classes == {"a": 72, "b": 7, "c": 1}
    assert prepared.majority == ("a", 0.9)
    assert "never tested, as it has one sequence alone: c." in prepared.notes[-1]
    assert prepare(found, 3, 0.2, "").name == prepared.name


def test_one_sequence_under_two_labels_is_a_conflict_and_not_repeated() -> None:
    found = texts(*["AC"] * 3, "GT", "GT", "TT", "TT", "AA", "CC", labels="aabaabbab")
    out = prepare(found, 2, 0.3, "")
    assert (out.conflicts, out.repeated, out.trained + out.tests) == (1, 2, 4)
    assert any("1 sequence (3 rows) under more than one label: all left" in n for n in out.notes)
    most = prepare(found, 2, 0.3, "", Conflicts.MAJORITY)
    assert most.trained + most.tests == 5
    assert sum(most.train_classes.values()) + sum(most.test_classes.values()) == 5
