"""The gallery: nine trained runs whose files hold what the trained networks really did."""

from pathlib import Path

import numpy as np
import pytest
import torch

from paramixer_core.errors import ParamixerError
from paramixer_core.gallery import GALLERY_FOLDER, RECIPES, Gallery
from paramixer_core.gallery.making import make_run
from paramixer_core.gallery.recipes import kept_step
from paramixer_core.inspection import inspect_example, inspect_probe
from paramixer_core.schedule import evaluation_due
from paramixer_core.training import Evaluation, Trainer
from tests.small_runs import SMALL

GALLERY = Gallery()
every_run = pytest.mark.parametrize("run_id", RECIPES)


def test_every_recipe_is_there_and_all_are_small() -> None:
    assert [run.id for run in GALLERY.runs()] == list(RECIPES)
    assert sum(file.stat().st_size for file in GALLERY_FOLDER.iterdir()) < 15e6


@every_run
def test_a_run_was_made_by_its_recipe_and_learned(run_id: str) -> None:
    run, tests = GALLERY.run(run_id), GALLERY.evaluations(run_id)
    assert run.config == RECIPES[run_id]
    assert run.step == run.config.steps == tests.step[-1]
    assert tests.accuracy[-1] > 0.94
    assert not any(name.startswith("optimizer") for name in GALLERY.state(run_id, run.step))


@every_run
def test_the_kept_weights_give_the_kept_matrices_and_answers(run_id: str) -> None:
    run = GALLERY.run(run_id)
    stored = inspect_probe(run.config, GALLERY.probe(run_id, run.step))
    computed = inspect_example(run.config, GALLERY.state(run_id, run.step), 0)
    torch.testing.assert_close(stored.answer, computed.answer, rtol=1e-3, atol=1e-3)
    for one, other in zip(stored.blocks, computed.blocks, strict=True):
        size = float(other.operator.abs().max())
        torch.testing.assert_close(one.operator, other.operator, rtol=1e-3, atol=1e-4 * size)


@pytest.mark.parametrize("run_id", ["gallery-temporal_order-cdil", "gallery-adding-attention"])
def test_a_kept_spectrum_is_that_of_the_kept_matrix(run_id: str) -> None:
    config = GALLERY.run(run_id).config
    for step in (0, 100, config.steps):
        probe = GALLERY.probe(run_id, step)
        matrix = inspect_probe(config, probe).blocks[0].product[0].double().numpy()
        expected = np.linalg.svd(matrix, compute_uv=False)
        found = probe["block.0.spectrum.product"]
        np.testing.assert_allclose(found, expected, atol=1e-5 * expected[0])


def test_step_0_holds_the_initial_network_of_the_seed() -> None:
    """Initial weights are drawn, not trained, so they are the same on every machine."""
    run_id = "gallery-digits-chord"
    run = GALLERY.run(run_id)
    trainer = Trainer(run.config, torch.device("cpu"))
    with torch.no_grad():
        links = trainer.network.compact(torch.from_numpy(GALLERY.probe(run_id, 0)["inputs"]))
    stored = GALLERY.probe(run_id, 0)["block.0.link_weights"]
    np.testing.assert_allclose(links[0]["link_weights"], stored, rtol=1e-4, atol=1e-5)


def test_the_snapshots_are_spaced_like_a_logarithm_and_end_with_the_run() -> None:
    steps = [snapshot.step for snapshot in GALLERY.snapshots("gallery-adding-chord")]
    assert steps == [0, 1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 300, 500, 1000, 2000, 3000]


def test_records_are_thinned_and_keep_the_last() -> None:
    every = GALLERY.records("gallery-digits-cdil", max_points=5000)
    some = GALLERY.records("gallery-digits-cdil", max_points=100)
    assert len(every) == 2000
    assert len(some) <= 100
    assert some.step[-1] == every.step[-1] == 2000
    assert set(some.loss) <= set(every.loss)
    assert len(GALLERY.records("gallery-digits-cdil", after_step=1990)) == 10


def test_what_the_gallery_lacks_is_said_with_what_it_has() -> None:
    with pytest.raises(ParamixerError, match="one of the steps"):
        GALLERY.probe("gallery-digits-cdil", 7)
    with pytest.raises(ParamixerError, match="train the run yourself"):
        GALLERY.state("gallery-digits-cdil", 10)
    with pytest.raises(ParamixerError, match="a run of the gallery"):
        GALLERY.run("gallery-../../etc/passwd")


def test_a_damaged_or_foreign_file_gets_a_sentence(tmp_path: Path) -> None:
    whole = (GALLERY_FOLDER / "gallery-digits-cdil.safetensors").read_bytes()
    (tmp_path / "gallery-digits-cdil.safetensors").write_bytes(whole[:5000])
    with pytest.raises(ParamixerError, match="a whole gallery file"):
        Gallery(tmp_path).run("gallery-digits-cdil")


def test_the_command_makes_a_run_that_reads_back_as_it_was_trained(tmp_path: Path) -> None:
    config = SMALL.replace(steps=12, blocks=2)
    told: list[Evaluation] = []
    make_run(tmp_path / "gallery-small.safetensors", config, told.append)
    gallery, trainer = Gallery(tmp_path), Trainer(config, torch.device("cpu"))
    records = [trainer.step() for _ in range(12)]
    curve = gallery.records("gallery-small")
    assert list(curve.loss) == [record.loss for record in records]
    assert list(curve.step) == list(range(1, 13))
    assert [test.step for test in told] == [s for s in range(13) if evaluation_due(s) or s == 12]
    state, steps = gallery.state("gallery-small", 12), gallery.snapshots("gallery-small")
    kept = {name: value for name, value in trainer.state().items() if "optimizer" not in name}
    assert state.keys() == kept.keys()
    assert all(torch.equal(state[name], kept[name]) for name in kept)
    assert [snapshot.step for snapshot in steps] == [
        s for s in range(13) if kept_step(s) or s == 12
    ]
    probe = trainer.probe()
    np.testing.assert_array_equal(
        gallery.probe("gallery-small", 12)["block.1.link_weights"], probe["block.1.link_weights"]
    )
