"""No button and no part of a page ends in a red box: what cannot be done is said in a sentence."""

import ast
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from paramixer_core.runs import RunState, RunStore
from tests.app.operating import act_as_operator
from tests.app.test_pages import in_link, open_page
from tests.runs.conftest import TINY
from tests.runs.hands import Hands
from tests.runs.trained import train_here

ROOT = Path(__file__).parents[2]
SAY_THEMSELVES = {"wirings.change", "wirings.undo"}
"""Callbacks that say on their page what they cannot do."""


@pytest.fixture
def hands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hands]:
    """The server's executor, with a single place."""
    store = RunStore(tmp_path)
    made = Hands(store, places=1)
    act_as_operator(monkeypatch, made)
    yield made
    made.close()
    store.close()


def parts_and_callbacks() -> Iterator[str]:
    """Every fragment and callback of app and pages that is not guarded."""
    for folder in ("app", "pages"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if path.name == "guarded.py":
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Attribute) and ast.unparse(node) == "st.fragment":
                    yield f"{path.name}:{node.lineno} st.fragment"
                if isinstance(node, ast.keyword) and node.arg in ("on_click", "on_change"):
                    text = ast.unparse(node.value)
                    inner = text.removeprefix("lambda: ").partition("(")[0]
                    guarded = text.startswith("said(") or inner in SAY_THEMSELVES
                    if not guarded and not isinstance(node.value, ast.Constant):
                        yield f"{path.name}:{node.value.lineno} {text}"


def test_every_fragment_and_every_callback_is_guarded() -> None:
    assert list(parts_and_callbacks()) == []


def pressed(page: AppTest, label: str) -> AppTest:
    """The page after a click on the button of that label."""
    (button,) = [button for button in page.button if button.label == label]
    return button.click().run()


def labels(page: AppTest) -> list[str]:
    """The buttons that can be pressed."""
    return [button.label for button in page.button if not button.disabled]


@pytest.mark.parametrize("what", ["deleted", "ended", "damaged"])
def test_every_button_of_the_train_page_says_what_it_cannot_do_to_a_stale_run(
    hands: Hands, what: str
) -> None:
    def two_runs() -> list[str]:
        runs = hands.submit_all([TINY, TINY.replace(seed=1)], race=os.urandom(4).hex())
        hands.pause(runs[1].id)
        hands.store.update(runs[0].id, started=1.0)
        return [run.id for run in runs]

    page = open_page("train", runs=",".join(two_runs()))
    known = [label for label in labels(page) if label != "Start"]
    assert {"Pause", "Continue", "Stop", "One step", "Reset", "Remove for good"} <= set(known)
    for label in known:
        ids = two_runs()
        page = open_page("train", runs=",".join(ids))
        match what:
            case "deleted":
                hands.remove(*ids)
            case "ended":
                for run_id in ids:
                    hands.store.update(run_id, state=RunState.FINISHED, lease=None)
            case _:
                for run_id in ids:
                    hands.store.update(run_id, config="{]")
        page = pressed(page, label)
        assert not page.exception, label


def test_a_stale_pause_is_said_and_the_page_goes_on(hands: Hands) -> None:
    run = hands.submit(TINY)
    page = open_page("train", runs=run.id)
    hands.store.update(run.id, state=RunState.FINISHED, lease=None)
    page = pressed(page, "Pause")
    assert not page.exception
    assert "a run that is under way, got a finished one" in page.error[0].value
    assert not pressed(page, "Reset").error  # it was said once


def test_what_is_wrong_with_the_server_is_said_beside_its_runs(hands: Hands) -> None:
    run = hands.submit(TINY)
    hands.faults.report("monitor", "The thread that watches over training was started anew.")
    page = open_page("train", runs=run.id)
    assert "started anew" in page.warning[0].value


def test_a_store_that_is_gone_is_said_and_the_link_is_kept(hands: Hands) -> None:
    run = hands.submit(TINY)
    hands.store.path.unlink()
    page = open_page("train", runs=run.id)
    assert not page.exception
    assert "deleted or replaced while this server ran" in page.error[0].value
    assert in_link(page, "runs") == run.id


def test_one_click_removes_all_fifty_runs_of_a_race_though_thirty_are_drawn(hands: Hands) -> None:
    hands.places = 0
    runs = hands.submit_all([TINY.replace(seed=seed) for seed in range(50)], race="r")
    page = open_page("train", runs=",".join(run.id for run in runs))
    assert any("30 of 50 runs of this race are drawn" in text.value for text in page.caption)
    page = pressed(page, "Remove")
    assert not page.exception
    assert hands.store.runs() == []
    assert "runs" not in page.query_params
    assert "Press **Start**" in page.info[0].value


def test_what_was_trained_is_removed_only_when_asked_for_twice(hands: Hands) -> None:
    done = train_here(hands.store, hands.store.create(TINY.replace(steps=2), race="r").id)
    page = open_page("train", runs=done.id)
    assert "Remove for good" in labels(page)
    assert "Remove" not in labels(page)
    page = pressed(page, "Remove for good")
    assert not hands.store.holds(done.id)
    assert not hands.store.run_folder(done.id).exists()


@pytest.mark.parametrize("name", ["inspect", "rank"])
def test_a_truncated_snapshot_is_a_sentence(hands: Hands, name: str) -> None:
    config = TINY.replace(task="digits", seq_len=64, steps=2)
    run = train_here(hands.store, hands.store.create(config).id)
    os.truncate(hands.store.snapshots(run.id)[-1].file, 100)
    page = open_page(name, run=run.id, step="2")
    assert not page.exception
    assert any("a whole snapshot at" in error.value for error in page.error)
