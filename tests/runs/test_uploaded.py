"""A data set has owners, and goes for good with all that was trained on it."""

import pytest

from paramixer_core.config import RunConfig
from paramixer_core.runs import uploaded
from paramixer_core.runs.ownership import Actor, NotYoursError
from paramixer_core.runs.run import RunState
from paramixer_core.runs.store import RunStore

ANNA, BELA, TEACHER = Actor("b-anna"), Actor("b-bela"), Actor("b-t", operator=True)
NAME = "uploaded-0123456789abcdef"
SECRET = "KQHSGLVRKWXY"


class Stopping:
    """Stands for an executor: a run that is stopped has ended at once."""

    def __init__(self, store):
        self.store = store

    def stop(self, run_id):
        self.store.update(run_id, state=RunState.STOPPED)


@pytest.fixture
def executor(tmp_path):
    store = RunStore(tmp_path)
    yield Stopping(store)
    store.close()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "uploads" / f"{NAME}.safetensors"
    path.parent.mkdir()
    path.write_text(SECRET)
    return path


def on_it(store, owner, reason=""):
    run = store.create(RunConfig(task="digits", seq_len=64), owner=owner.name)
    with store.transaction() as database:
        database.execute(
            "UPDATE runs SET config = json_set(config, '$.task', ?), reason = ? WHERE id = ?",
            (NAME, reason, run.id),
        )
    return run.id


def test_each_browser_is_shown_its_own_and_the_operator_all(executor):
    uploaded.claim(executor.store, NAME, ANNA)
    uploaded.claim(executor.store, "uploaded-other", BELA)
    assert uploaded.uploads_of(executor.store, ANNA) == [NAME]
    assert uploaded.uploads_of(executor.store, Actor("b-new")) == []
    assert set(uploaded.uploads_of(executor.store, TEACHER)) == {NAME, "uploaded-other"}


def test_deleting_takes_the_file_and_every_run_and_leaves_no_trace(executor, file, tmp_path):
    uploaded.claim(executor.store, NAME, ANNA)
    runs = [on_it(executor.store, owner, SECRET) for owner in (ANNA, BELA)]
    kept = executor.store.create(RunConfig(), owner=ANNA.name)
    assert uploaded.delete_upload(executor, file, NAME, ANNA) == 2
    assert not file.exists()
    assert [run.id for run in executor.store.runs()] == [kept.id]
    assert uploaded.uploads_of(executor.store, TEACHER) == []
    executor.store.close()
    for path in tmp_path.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert SECRET.encode() not in content
        assert all(run.encode() not in content for run in runs), path


def test_another_cannot_delete_it(executor, file):
    uploaded.claim(executor.store, NAME, ANNA)
    run = on_it(executor.store, BELA)
    with pytest.raises(NotYoursError):
        uploaded.delete_upload(executor, file, NAME, BELA)
    assert file.exists()
    assert executor.store.run(run).state is RunState.QUEUED


def test_what_two_uploaded_stays_for_the_other_one(executor, file):
    for owner in (ANNA, BELA):
        uploaded.claim(executor.store, NAME, owner)
    on_it(executor.store, ANNA)
    kept = on_it(executor.store, BELA)
    assert uploaded.delete_upload(executor, file, NAME, ANNA) == 1
    assert file.exists()
    assert [run.id for run in executor.store.runs()] == [kept]
    assert uploaded.uploads_of(executor.store, BELA) == [NAME]
