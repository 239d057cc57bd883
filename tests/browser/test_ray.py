"""Training on a Ray cluster, through the app: two nodes that fail one after the other."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from paramixer_core.runs import Run, RunState, RunStore
from paramixer_core.runs.run import Command
from paramixer_core.training import Trainer
from tests.browser.conftest import Serve
from tests.runs.ray_nodes import RayNodes
from tests.runs.waiting import wait_for, wait_until

MAIN = Path(__file__).parents[2] / "app" / "main.py"
RACE = "task=adding&n=16&mixers=chord&batch=2"
pytestmark = pytest.mark.usefixtures("patient")


@pytest.fixture
def patient() -> Iterator[None]:
    """A worker on another node has to load PyTorch first."""
    expect.set_options(timeout=90_000)
    yield
    expect.set_options(timeout=20_000)


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayNodes]:
    """A cluster that is started when a test asks for its nodes."""
    made = RayNodes()
    yield made
    made.close()


@pytest.fixture
def nodes(cluster: RayNodes) -> RayNodes:
    """Two nodes with one CPU each, whatever the test before did to them."""
    cluster.start(2)
    return cluster


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ray_home")


@pytest.fixture(scope="module")
def url(serve: Serve, cluster: RayNodes, home: Path) -> str:
    """The app as its operator starts it for this cluster."""
    told = {"PARAMIXER_EXECUTOR": "ray", "PARAMIXER_HOME": str(home), **cluster.environment}
    return serve(MAIN, told)


@pytest.fixture
def store(nodes: RayNodes, url: str, home: Path) -> Iterator[RunStore]:
    """The app's store; what still trains after the test is stopped, so that both CPUs are free."""
    opened = RunStore(home)
    yield opened
    for run in opened.runs(states=[RunState.RUNNING]):
        opened.command(run.id, Command.STOP)
        wait_for(opened, run.id, *(state for state in RunState if not state.active))
    opened.close()


def card(page: Page) -> Locator:
    return page.locator(".card[data-mixer=chord]").first


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def newest(store: RunStore) -> Run:
    return store.runs(limit=1)[0]


def start(page: Page, url: str, store: RunStore, steps: int) -> Run:
    """A run that was started by a click and trains."""
    page.goto(f"{url}/train?{RACE}&steps={steps}")
    page.get_by_role("button", name="Start").click()
    expect(card(page)).to_contain_text("trains")
    return newest(store)


def test_start_pause_step_continue_and_stop(page: Page, url: str, store: RunStore) -> None:
    run = start(page, url, store, 1_000_000)
    wait_until(lambda: store.run(run.id).step > 20)
    press(page, "Pause")
    expect(card(page)).to_contain_text("paused")
    held = wait_for(store, run.id, RunState.PAUSED).step
    press(page, "One step")
    wait_until(lambda: store.run(run.id).step == held + 1)
    press(page, "Continue")
    expect(card(page)).to_contain_text("trains")
    shown = card(page).locator(".done").inner_text()
    expect(card(page).locator(".done")).not_to_have_text(shown)
    press(page, "Stop")
    expect(card(page)).to_contain_text("stopped")


def test_a_fork_trains_beside_its_parent(page: Page, url: str, store: RunStore) -> None:
    parent = start(page, url, store, 60)
    expect(card(page)).to_contain_text("finished")
    page.get_by_role("button", name="Fork from a snapshot").click()
    page.get_by_role("button", name="Fork", exact=True).click()
    wait_until(lambda: newest(store).parent == parent.id)
    child = newest(store)
    expect(page.locator(".card[data-mixer=chord]")).to_have_count(2)
    wait_for(store, child.id, RunState.FINISHED)


def test_a_killed_actor_is_said_and_its_run_can_go_on(
    page: Page, url: str, store: RunStore
) -> None:
    run = start(page, url, store, 1_000_000)
    wait_until(lambda: (store.resume_step(run.id) or 0) > 0 and bool(store.run(run.id).pid))
    os.kill(store.run(run.id).pid or 0, signal.SIGKILL)
    expect(card(page)).to_contain_text("The worker died")
    assert "continue it from step" in store.run(run.id).reason


def test_a_lost_node_ends_its_runs_and_the_other_goes_on(
    page: Page, url: str, store: RunStore, nodes: RayNodes
) -> None:
    run = start(page, url, store, 1_000_000)
    page.get_by_role("button", name="Start").click()
    wait_until(lambda: newest(store).id != run.id and newest(store).step > 0)
    both = {run.id, newest(store).id}
    nodes.kill_node()
    wait_until(lambda: RunState.FAILED in {store.run(name).state for name in both})
    running = [name for name in both if store.run(name).state is RunState.RUNNING]
    assert len(running) == 1
    step = store.run(running[0]).step
    wait_until(lambda: store.run(running[0]).step > step)


def test_a_lost_cluster_is_said_and_its_run_goes_on_bit_for_bit_when_it_is_back(
    page: Page, url: str, store: RunStore, nodes: RayNodes
) -> None:
    run = start(page, url, store, 3000)
    nodes.kill_head()
    expect(page.get_by_text("Training waits for the Ray cluster")).to_be_visible(timeout=10_000)
    expect(card(page)).to_contain_text("interrupted")
    assert store.run(run.id).step < 3000
    nodes.start(1)
    expect(page.get_by_text("Training waits for the Ray cluster")).to_be_hidden()
    wait_for(store, run.id, RunState.FINISHED)
    expect(card(page)).to_contain_text("finished")
    trainer = Trainer(run.config)
    expected = [trainer.step().loss for _ in range(3000)]
    recorded = store.records(run.id, max_points=10_000)
    np.testing.assert_array_equal(recorded.loss, np.array(expected)[recorded.step - 1])


def test_alone_the_app_starts_a_cluster_though_a_dead_one_left_its_address(
    page: Page, serve: Serve, tmp_path: Path
) -> None:
    nodes = RayNodes()
    left = Path(nodes.environment["RAY_TMPDIR"]) / "ray" / "ray_current_cluster"
    left.parent.mkdir()
    left.write_text(nodes.address)
    told = {name: nodes.environment[name] for name in ("RAY_TMPDIR", "RAY_USAGE_STATS_ENABLED")}
    told |= {"PARAMIXER_EXECUTOR": "ray", "PARAMIXER_HOME": str(tmp_path)}
    page.goto(f"{serve(MAIN, told)}/train?{RACE}&steps=200")
    page.get_by_role("button", name="Start").click()
    expect(card(page)).to_contain_text("finished")
    nodes.close()
