"""One browser cannot fill a server: every limit holds, has its sentence and can be set."""

import threading
from collections.abc import Iterator

import pytest

from paramixer_core import jobs
from paramixer_core.config import RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.jobs import Job
from paramixer_core.runs import RunState, RunStore, retention, snapshots
from paramixer_core.runs.quotas import QuotaError, Quotas, require_upload_room
from tests.runs.conftest import TINY
from tests.runs.trained import train_here
from tests.runs.waiting import wait_until


def test_a_browser_may_have_so_many_runs_wait_and_the_server_so_many_in_all(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARAMIXER_QUEUE_PER_BROWSER", "3")
    monkeypatch.setenv("PARAMIXER_QUEUE", "5")
    store.create_race([TINY] * 3, owner="ann", race="r", host="h")
    said = r"at most 3 runs that wait of one browser \(PARAMIXER_QUEUE_PER_BROWSER\), got 4: stop"
    with pytest.raises(QuotaError, match=said):
        store.create(TINY, owner="ann")
    store.create_race([TINY] * 2, owner="bob", race=None, host="h")
    with pytest.raises(QuotaError, match=r"at most 5 runs that wait on this server \(PARAMIXER_QU"):
        store.create(TINY, owner="cyd")
    with pytest.raises(QuotaError, match="on this server"):
        store.create(TINY)  # the command line counts for the server
    assert len(store.runs()) == 5
    assert len(list((store.folder / "runs").iterdir())) == 0


def test_a_race_over_the_quota_starts_not_even_a_part(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARAMIXER_QUEUE_PER_BROWSER", "3")
    with pytest.raises(QuotaError):
        store.create_race([TINY] * 4, owner="ann", race="r", host="h")
    assert store.runs() == []


def test_a_browser_may_keep_so_many_runs(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARAMIXER_RUNS_PER_BROWSER", "2")
    for _ in range(2):
        store.update(store.create(TINY, owner="ann").id, state=RunState.FINISHED)
    with pytest.raises(QuotaError, match=r"at most 2 runs kept.*remove runs that you no longer"):
        store.create(TINY, owner="ann")
    store.create(TINY, owner="bob")


def test_runs_that_are_continued_count_as_waiting(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = store.create(TINY, owner="ann")
    store.withdraw([stopped.id])
    monkeypatch.setenv("PARAMIXER_QUEUE_PER_BROWSER", "1")
    store.create(TINY, owner="ann")
    with pytest.raises(QuotaError):
        store.enqueue(stopped.id, "h")
    assert store.run(stopped.id).state is RunState.STOPPED


def test_two_at_once_do_not_pass_a_quota_together(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARAMIXER_QUEUE_PER_BROWSER", "5")
    refused: list[ParamixerError] = []

    def submit() -> None:
        for _ in range(3):
            try:
                store.create(TINY, owner="ann")
            except QuotaError as error:
                refused.append(error)

    threads = [threading.Thread(target=submit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.runs()) == 5
    assert len(refused) == 7


def test_zero_means_without_limit_and_nonsense_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARAMIXER_UPLOADS", "0")
    monkeypatch.setenv("PARAMIXER_UPLOAD_BYTES", "1.5 GB")
    assert Quotas.from_environment().upload_bytes == 1_500_000_000
    require_upload_room([], [1] * 10**5, 1, owned=True)
    monkeypatch.setenv("PARAMIXER_JOBS", "many")
    with pytest.raises(ParamixerError, match="PARAMIXER_JOBS as a whole number from 0, got 'many'"):
        Quotas.from_environment()


def test_uploads_are_counted_and_weighed_for_a_browser_and_for_the_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PARAMIXER_UPLOADS_PER_BROWSER", "2")
    monkeypatch.setenv("PARAMIXER_UPLOAD_BYTES_PER_BROWSER", "10 MB")
    monkeypatch.setenv("PARAMIXER_UPLOAD_BYTES", "20 MB")
    with pytest.raises(QuotaError, match="at most 2 uploads of one browser"):
        require_upload_room([1, 1], [1, 1], 1, owned=True)
    with pytest.raises(QuotaError, match=r"at most 10\.0 MB of uploads of one browser.*12\.0 MB"):
        require_upload_room([8 * 10**6], [8 * 10**6], 4 * 10**6, owned=True)
    with pytest.raises(QuotaError, match=r"at most 20\.0 MB of uploads on this server.*or wait"):
        require_upload_room([], [19 * 10**6], 4 * 10**6, owned=True)


def endless() -> Iterator[int]:
    """Work that ends with its job."""
    threading.Event().wait(60)
    yield 0


def test_a_browser_may_have_so_many_computations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARAMIXER_JOBS_PER_BROWSER", "2")
    monkeypatch.setattr(jobs, "OPEN", jobs.OpenJobs())
    monkeypatch.setattr(jobs, "SLOTS", threading.BoundedSemaphore(1))
    jobs.SLOTS.acquire()  # all of them wait
    held = [Job(endless, (), "ann").start() for _ in range(2)]
    said = r"at most 2 computations that are at work or wait of one browser.*stop one of them"
    with pytest.raises(QuotaError, match=said):
        Job(endless, (), "ann").start()
    other = Job(endless, (), "bob").start()
    held[0].cancel()
    third = Job(endless, (), "ann").start()  # its place is free at once
    for job in (held[1], other, third):
        job.cancel()
    jobs.SLOTS.release()
    wait_until(lambda: not jobs.OPEN._open)


def test_retention_leaves_everybody_their_last_runs_and_what_is_pinned(
    store: RunStore, tiny: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARAMIXER_KEPT_PER_BROWSER", "2")
    short = tiny.replace(steps=2)
    anns = [train_here(store, store.create(short, owner="ann").id) for _ in range(2)]
    bobs = [train_here(store, store.create(short, owner="bob").id) for _ in range(5)]
    store.pin(bobs[0].id)
    with pytest.raises(ParamixerError, match="somebody's last ones"):
        retention.make_room(store, cap=1000)
    left = {run.id for run in store.runs()}
    assert left == {run.id for run in (*anns, bobs[0], *bobs[-2:])}


def test_a_refused_fork_leaves_no_file(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    parent = train_here(store, store.create(TINY.replace(steps=2), owner="ann").id)
    tensors = snapshots.read_arrays(store.snapshots(parent.id)[-1].file)
    monkeypatch.setenv("PARAMIXER_RUNS_PER_BROWSER", "1")
    with pytest.raises(QuotaError):
        store.create(TINY, owner="ann", parent=parent.id, parent_step=2, first_snapshot=tensors)
    assert [path.name for path in (store.folder / "runs").iterdir()] == [parent.id]
