"""Only the owner or the operator changes a run, whatever way the change takes."""

import inspect

import pytest

from paramixer_core.config import RunConfig
from paramixer_core.runs.executor import Executor
from paramixer_core.runs.ownership import NOBODY, Actor, NotYoursError, OwnedExecutor, OwnedStore
from paramixer_core.runs.run import Command, RunState
from paramixer_core.runs.store import RunStore

CONFIG = RunConfig(seq_len=4, channels=4, hidden=4, batch=1, steps=3)
OWNER, STRANGER = Actor("b-owner"), Actor("b-stranger")
OPERATOR = Actor("b-teacher", operator=True)

CHANGES = {
    "pause": (),
    "resume": (),
    "single_step": (),
    "stop": (),
    "remove": (),
    "set_learning_rate": (0.1,),
    "set_speed": (1.0,),
}
NEW = ("submit", "submit_all", "fork", "restart")
READS = ("status", "statuses", "queue_position", "troubles")
STORE_CHANGES = {
    "enqueue": ("host",),
    "update": (),
    "pin": (),
    "delete": (),
    "grant": ("lease", "host"),
    "command": (Command.STOP,),
    "adjust": (1, 0.1),
}


class Recorder:
    """Stands for an executor and notes what reaches it."""

    def __init__(self, store):
        self.store = store
        self.calls = []

    def __getattr__(self, name):
        return lambda *arguments, **named: self.calls.append((name, arguments, named))


@pytest.fixture
def store(tmp_path):
    with_runs = RunStore(tmp_path)
    yield with_runs
    with_runs.close()


@pytest.fixture
def run(store):
    return store.create(CONFIG, owner=OWNER.name)


def test_every_action_of_an_executor_is_sorted_into_a_change_a_new_run_or_a_reading():
    actions = {name for name in vars(Executor) if not name.startswith("_")} - {"close"}
    assert actions == {*CHANGES, *NEW, *READS}
    assert {name for name, _ in inspect.getmembers(OwnedExecutor, inspect.isfunction)} >= actions


@pytest.mark.parametrize("action", CHANGES)
@pytest.mark.parametrize("actor", [STRANGER, NOBODY], ids=["stranger", "nobody"])
def test_another_changes_nothing_and_is_told_so(store, run, action, actor):
    held = Recorder(store)
    with pytest.raises(NotYoursError, match="another's"):
        getattr(OwnedExecutor(held, actor), action)(run.id, *CHANGES[action])
    assert held.calls == []


@pytest.mark.parametrize("action", CHANGES)
@pytest.mark.parametrize("actor", [OWNER, OPERATOR], ids=["owner", "operator"])
def test_the_owner_and_the_operator_change_it(store, run, action, actor):
    held = Recorder(store)
    getattr(OwnedExecutor(held, actor), action)(run.id, *CHANGES[action])
    assert held.calls == [(action, (run.id, *CHANGES[action]), {})]


@pytest.mark.parametrize("action", STORE_CHANGES)
def test_the_store_is_no_way_around_it(store, run, action):
    store.update(run.id, state=RunState.STOPPED)
    before = store.run(run.id)
    with pytest.raises(NotYoursError):
        getattr(OwnedStore(store, STRANGER), action)(run.id, *STORE_CHANGES[action])
    assert store.run(run.id) == before


@pytest.mark.parametrize("action", NEW)
def test_a_new_run_is_whose_it_is_who_asks_whatever_was_claimed(store, run, action):
    held = Recorder(store)
    arguments = {
        "submit": (CONFIG,),
        "submit_all": ([CONFIG],),
        "fork": (run.id, 0),
        "restart": (run.id,),
    }[action]
    getattr(OwnedExecutor(held, STRANGER), action)(*arguments, owner=OWNER.name)
    assert held.calls[0][2]["owner"] == STRANGER.name


@pytest.mark.parametrize("owner", ["", "an-old-tab"])
def test_runs_of_the_command_line_and_of_old_tabs_are_the_operators(store, owner):
    old = store.create(CONFIG, owner=owner)
    for actor in (NOBODY, STRANGER):
        with pytest.raises(NotYoursError):
            OwnedStore(store, actor).pin(old.id)
    OwnedStore(store, OPERATOR).pin(old.id)
    assert store.run(old.id).pinned


def test_lists_show_ones_own_runs_and_the_operator_all(store, run):
    other = store.create(CONFIG, owner=STRANGER.name)
    assert [held.id for held in OwnedStore(store, OWNER).in_sight()] == [run.id]
    assert [held.id for held in OwnedStore(store, NOBODY).in_sight()] == []
    assert {held.id for held in OwnedStore(store, OPERATOR).in_sight()} == {run.id, other.id}
