"""A data set has owners, and goes for good with all that was trained on it."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from paramixer_core.config import RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.runs import uploaded
from paramixer_core.runs.ownership import Actor, NotYoursError
from paramixer_core.runs.quotas import QuotaError
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


def claim(store, name, actor, size=10):
    with uploaded.claiming(store, name, actor, size):
        pass


def on_it(store, owner, reason=""):
    run = store.create(RunConfig(task="digits", seq_len=64), owner=owner.name)
    with store.transaction() as database:
        database.execute(
            "UPDATE runs SET config = json_set(config, '$.task', ?), reason = ? WHERE id = ?",
            (NAME, reason, run.id),
        )
    return run.id


def test_each_browser_is_shown_its_own_and_the_operator_all(executor):
    claim(executor.store, NAME, ANNA)
    claim(executor.store, "uploaded-other", BELA)
    assert uploaded.uploads_of(executor.store, ANNA) == [NAME]
    assert uploaded.uploads_of(executor.store, Actor("b-new")) == []
    assert set(uploaded.uploads_of(executor.store, TEACHER)) == {NAME, "uploaded-other"}


def test_deleting_takes_the_file_and_every_run_and_leaves_no_trace(executor, file, tmp_path):
    claim(executor.store, NAME, ANNA)
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
    claim(executor.store, NAME, ANNA)
    run = on_it(executor.store, BELA)
    with pytest.raises(NotYoursError):
        uploaded.delete_upload(executor, file, NAME, BELA)
    assert file.exists()
    assert executor.store.run(run).state is RunState.QUEUED


def test_what_two_uploaded_stays_for_the_other_one(executor, file):
    for owner in (ANNA, BELA):
        claim(executor.store, NAME, owner)
    on_it(executor.store, ANNA)
    kept = on_it(executor.store, BELA)
    assert uploaded.delete_upload(executor, file, NAME, ANNA) == 1
    assert file.exists()
    assert [run.id for run in executor.store.runs()] == [kept]
    assert uploaded.uploads_of(executor.store, BELA) == [NAME]


def test_a_browser_brings_only_so_many_and_so_much_whatever_others_bring(executor, monkeypatch):
    monkeypatch.setenv("PARAMIXER_UPLOADS_PER_BROWSER", "3")
    monkeypatch.setenv("PARAMIXER_UPLOAD_BYTES_PER_BROWSER", "100 kB")
    claim(executor.store, "uploaded-a", ANNA, 40_000)
    claim(executor.store, "measured-b", ANNA, 40_000)
    with pytest.raises(QuotaError, match="100 kB of uploads of one browser"):
        claim(executor.store, "uploaded-c", ANNA, 40_000)
    claim(executor.store, "uploaded-c", BELA, 40_000)
    claim(executor.store, "uploaded-d", ANNA, 20_000)
    with pytest.raises(QuotaError, match="at most 3 uploads of one browser"):
        uploaded.require_room(executor.store, ANNA)
    claim(executor.store, "uploaded-a", ANNA, 40_000)  # it has it already
    assert set(uploaded.uploads_of(executor.store, ANNA)) == {
        "uploaded-a", "measured-b", "uploaded-d"
    }  # fmt: skip


def test_all_together_bring_so_much_and_what_several_bring_counts_once(executor, monkeypatch):
    monkeypatch.setenv("PARAMIXER_UPLOAD_BYTES", "100 kB")
    for actor in (ANNA, BELA):
        claim(executor.store, NAME, actor, 60_000)
    with pytest.raises(QuotaError, match="100 kB of uploads on this server"):
        claim(executor.store, "uploaded-c", BELA, 60_000)


def test_of_many_that_bring_at_once_no_more_than_the_quota_are_let_in(executor, monkeypatch):
    monkeypatch.setenv("PARAMIXER_UPLOADS_PER_BROWSER", "3")
    refused = []

    def bring(number):
        try:
            claim(executor.store, f"uploaded-{number}", ANNA)
        except QuotaError as error:
            refused.append(error)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(bring, range(8)))
    assert len(refused) == 5
    assert len(uploaded.uploads_of(executor.store, ANNA)) == 3


def bring_to_a_full_disk(store):
    with uploaded.claiming(store, NAME, ANNA, 10) as held:
        assert held == []
        raise ParamixerError("room", "a disk that is full", "make some")


def test_what_could_not_be_kept_is_not_counted(executor):
    with pytest.raises(ParamixerError, match="full"):
        bring_to_a_full_disk(executor.store)
    assert uploaded.uploads_of(executor.store, ANNA) == []


def test_who_gives_up_what_another_brought_too_leaves_it_there(executor):
    for actor in (ANNA, BELA):
        claim(executor.store, "measured-x", actor)
    assert uploaded.disclaim(executor.store, "measured-x", ANNA) is False
    assert uploaded.uploads_of(executor.store, BELA) == ["measured-x"]
    assert uploaded.disclaim(executor.store, "measured-x", BELA) is True
    with pytest.raises(NotYoursError):
        uploaded.disclaim(executor.store, "measured-x", ANNA)
