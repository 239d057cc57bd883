"""A diverged network can be looked at: what is finite is drawn, and what is not is counted."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from paramixer_core.inspection import colour_limit
from paramixer_core.runs import RunState, RunStore
from paramixer_core.runs.journal import StoreJournal
from paramixer_core.training import Trainer
from tests.app.operating import act_as_operator
from tests.app.test_pages import open_page
from tests.runs.conftest import TINY
from tests.runs.hands import Hands


@pytest.fixture
def hands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hands]:
    """The server's executor, without places."""
    store = RunStore(tmp_path)
    made = Hands(store, places=0)
    act_as_operator(monkeypatch, made)
    yield made
    made.close()
    store.close()


def diverged(store: RunStore, mixer: str, kind: str) -> str:
    """A run whose weights at step 1 hold NaN, or are so large that products overflow."""
    config = TINY.replace(task="digits", seq_len=64, mixer=mixer)
    run = store.create(config)
    store.grant(run.id, "lease", "host")
    journal, trainer = StoreJournal(store, run.id, "lease"), Trainer(config)
    journal.snapshot(0, trainer.state(), trainer.probe(), scheduled=True)
    trainer.step()
    with torch.no_grad():
        for weight in trainer.network.parameters():
            if kind == "NaN":
                weight.view(-1)[0] = torch.nan
            else:
                weight.mul_(1e25)
    journal.snapshot(1, trainer.state(), trainer.probe(), scheduled=True)
    store.update(run.id, state=RunState.FAILED, failure="diverged", step=1, lease=None)
    return run.id


@pytest.mark.parametrize("kind", ["NaN", "overflow"])
@pytest.mark.parametrize("mixer", ["chord", "attention"])
def test_inspect_draws_a_diverged_network_and_rank_says_that_it_has_none(
    hands: Hands, mixer: str, kind: str
) -> None:
    run_id = diverged(hands.store, mixer, kind)
    page = open_page("inspect", run=run_id, step="1")
    assert not page.exception
    assert not page.error
    ranks = open_page("rank", run=run_id, step="1")
    assert not ranks.exception
    assert "finite numbers only" in ranks.error[0].value
    before = open_page("rank", run=run_id, step="0")
    assert not before.exception
    assert not before.error


def test_colours_end_where_the_finite_numbers_do() -> None:
    values = np.full((4, 4), np.nan, dtype=np.float32)
    assert colour_limit(values) == 1.0
    values[0, 0] = 3.0
    assert colour_limit(values) == 3.0
