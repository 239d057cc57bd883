"""A store in one file: whole while runs train, restored where none is, and nothing but a store."""

import io
import json
import os
import shutil
import stat
import tarfile
from pathlib import Path

import numpy as np
import pytest

from paramixer_core.errors import ParamixerError
from paramixer_core.runs import RunState, RunStore, backup, schema
from paramixer_core.runs.__main__ import main
from paramixer_core.runs.local import LocalExecutor
from paramixer_core.training import Trainer
from tests.runs.conftest import TINY
from tests.runs.trained import train_here
from tests.runs.waiting import wait_for, wait_until

LONGER = TINY.replace(steps=200)


def made(home: Path) -> RunStore:
    """A store with a finished run, an upload, a measurement and the server's keys."""
    store = RunStore(home)
    train_here(store, store.create(TINY, owner="ann").id)
    for name in ("uploads/uploaded-1.safetensors", "benchmarks/2026-1.json", "operator.key"):
        (home / name).parent.mkdir(exist_ok=True)
        (home / name).write_text(name)
    return store


def archive(file: Path, files: dict[str, bytes], announced: object = None) -> Path:
    """An archive as somebody else might write it."""
    told = {"format": 1, "files": {name: len(text) for name, text in files.items()}}
    about = json.dumps(announced or told).encode()
    with tarfile.open(file, "w") as tar:
        for name, text in {backup.MANIFEST: about, **files}.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text))
    return file


def database_of(home: Path) -> bytes:
    """The bytes of a new store's database, with nothing beside it."""
    RunStore(home).close()
    return (home / "runs.db").read_bytes()


def test_a_backup_under_training_is_restored_elsewhere_and_goes_on_bit_for_bit(
    tmp_path: Path,
) -> None:
    trainer = Trainer(LONGER)
    expected = np.array([trainer.step().loss for _ in range(LONGER.steps)])
    store = made(tmp_path / "home")
    executor = LocalExecutor(store, workers=1, spares=0, threads=1)
    run = executor.submit(LONGER)
    waits = executor.submit(TINY, owner="bob")
    executor.set_speed(run.id, 60.0)
    wait_until(lambda: store.run(run.id).step > 40)
    backup.back_up(store, tmp_path / "one.tar")
    at = store.run(run.id).step
    wait_until(lambda: store.run(run.id).step > at + 20)  # nothing kept it from going on
    executor.close()
    store.close()
    shutil.rmtree(tmp_path / "home")

    content = backup.restore(tmp_path / "one.tar", tmp_path / "elsewhere")
    assert (content.runs, content.missing) == (3, 0)
    heir = RunStore(tmp_path / "elsewhere")
    assert heir.run(run.id).state is RunState.RUNNING  # as it was at that moment
    for held in heir.runs():
        curve = heir.records(held.id, max_points=10**6)
        assert curve.step.tolist() == list(range(1, held.step + 1))
        for snapshot in heir.snapshots(held.id, scheduled=False):
            assert int(heir.state(held.id, snapshot.step)["step"]) == snapshot.step
    second = LocalExecutor(heir, workers=1, spares=0, threads=1)
    assert heir.run(run.id).state is RunState.INTERRUPTED
    wait_for(heir, waits.id, RunState.FINISHED)
    second.set_speed(run.id, None)
    second.resume(run.id)
    wait_for(heir, run.id, RunState.FINISHED)
    np.testing.assert_array_equal(heir.records(run.id, max_points=10**6).loss, expected)
    second.close()
    heir.close()


def test_all_that_a_store_holds_comes_back_and_only_its_user_may_read_it(tmp_path: Path) -> None:
    home, file, new = tmp_path / "home", tmp_path / "one.tar", tmp_path / "new"
    with made(home) as store:
        before = store.runs()
        (home / "runs" / "scratch.part").write_text("half a snapshot")
        old = os.umask(0o022)
        backup.back_up(store, file)
        backup.restore(file, new)
        os.umask(old)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with RunStore(new) as restored:
        assert restored.runs() == before
    files = {path.relative_to(new).as_posix() for path in new.rglob("*") if path.is_file()}
    assert files >= {"uploads/uploaded-1.safetensors", "benchmarks/2026-1.json", "operator.key"}
    assert not [name for name in files if name.endswith(".part")]
    assert (new / "operator.key").read_text() == "operator.key"
    for path in new.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "new", "one.tar"]
    assert not list(home.glob(".*")), "what was held for the backup is let go"


def test_nothing_is_written_over(tmp_path: Path) -> None:
    home, file = tmp_path / "home", tmp_path / "one.tar"
    with made(home) as store:
        backup.back_up(store, file)
        with pytest.raises(ParamixerError, match=r"one\.tar, which exists"):
            backup.back_up(store, file)
        before = store.runs()
        with pytest.raises(ParamixerError, match=r"without a store .* runs\.db.* move that folder"):
            backup.restore(file, home)
        assert store.runs() == before


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "/tmp/evil",
        "runs/../../evil",
        "runs/.hidden",
        "evil.py",
        "runs\\..\\evil",
        "runs",
    ],
)
def test_a_name_that_belongs_to_no_store_is_refused(tmp_path: Path, name: str) -> None:
    content = {"runs.db": database_of(tmp_path / "other"), name: b"evil"}
    file = archive(tmp_path / "one.tar", content)
    with pytest.raises(ParamixerError, match="belongs to no store"):
        backup.restore(file, tmp_path / "deep" / "new")
    told = {"format": 1, "files": {"runs.db": len(content["runs.db"])}}  # it is not announced
    file = archive(tmp_path / "two.tar", content, told)
    with pytest.raises(ParamixerError, match="does not announce"):
        backup.restore(file, tmp_path / "deep" / "new")
    assert not (tmp_path / "deep" / "new").exists()
    assert not list(tmp_path.rglob("*evil*"))


def test_a_link_in_an_archive_is_refused(tmp_path: Path) -> None:
    text = database_of(tmp_path / "other")
    told = {"format": 1, "files": {"runs.db": len(text), "runs/x": 0}}
    file = archive(tmp_path / "one.tar", {"runs.db": text}, told)
    with tarfile.open(file, "a") as tar:
        link = tarfile.TarInfo("runs/x")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc"
        tar.addfile(link)
    with pytest.raises(ParamixerError, match="runs/x"):
        backup.restore(file, tmp_path / "new")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.95])
def test_a_backup_that_was_cut_off_is_refused(tmp_path: Path, share: float) -> None:
    file = tmp_path / "one.tar"
    with made(tmp_path / "home") as store:
        backup.back_up(store, file)
    end = sum(-(-len(part) // 512) * 512 + 512 for part in _parts(file))
    os.truncate(file, int(share * end))
    with pytest.raises(ParamixerError, match="whole backup"):
        backup.restore(file, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def _parts(file: Path) -> list[bytes]:
    with tarfile.open(file) as tar:
        return [tar.extractfile(member).read() for member in tar]  # type: ignore[union-attr]


def test_what_is_no_backup_is_said_to_be_none(tmp_path: Path) -> None:
    other = tmp_path / "picture.png"
    other.write_bytes(b"\x89PNG" * 1000)
    for file in (other, tmp_path / "absent.tar", archive(tmp_path / "text.tar", {"a": b"b"}, [1])):
        with pytest.raises(ParamixerError, match="backup"):
            backup.restore(file, tmp_path / "new")
        assert not (tmp_path / "new").exists()


def test_a_backup_of_a_newer_version_waits_for_the_update(tmp_path: Path) -> None:
    home, file = tmp_path / "home", tmp_path / "one.tar"
    with made(home) as store:
        backup.back_up(store, file)
        with store.reading() as database:
            database.execute(f"PRAGMA user_version = {len(schema.MIGRATIONS) + 1}")
        text = database_newer(store)
    newer = archive(tmp_path / "newer.tar", {"runs.db": text})
    with pytest.raises(ParamixerError, match="update this library"):
        backup.restore(newer, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def database_newer(store: RunStore) -> bytes:
    """The database's bytes with all that its journal holds."""
    with store.reading() as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return store.path.read_bytes()


def test_a_store_of_the_first_version_comes_back_as_one_of_this(tmp_path: Path) -> None:
    old = shutil.copytree(Path(__file__).with_name("version_1"), tmp_path / "old")
    files = {
        path.relative_to(old).as_posix(): path.read_bytes()
        for path in old.rglob("*")
        if backup.NAME.fullmatch(path.relative_to(old).as_posix()) and path.is_file()
    }
    backup.restore(archive(tmp_path / "one.tar", files), tmp_path / "new")
    with RunStore(tmp_path / "new") as store:
        assert len(store.runs()) == 5


def test_the_command_line_backs_up_and_restores(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, file, new = tmp_path / "home", tmp_path / "one.tar", tmp_path / "new"
    made(home).close()
    assert main(["--store", str(home), "backup", str(file)]) == 0
    assert main(["--store", str(new), "restore", str(file)]) == 0
    out = capsys.readouterr().out.splitlines()
    assert [line.partition(" runs in ")[0] for line in out] == [f"{file}: 1", f"{new}: 1"]
    assert main(["--store", str(new), "restore", str(file)]) == 2
    assert "move that folder aside" in capsys.readouterr().err
