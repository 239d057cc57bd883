"""The store keeps what it was given, and says what is wrong instead of touching a bad file."""

import json
import sqlite3
from pathlib import Path

import pytest

from paramixer_core.config import RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.runs import RunState, RunStore, StoreError, schema
from paramixer_core.runs.database import DATABASE, default_home
from paramixer_core.runs.forks import renew
from paramixer_core.runs.store_errors import explained


def test_a_run_is_read_back_as_it_was_given(store: RunStore, tiny: RunConfig) -> None:
    made = store.create(tiny, owner="ann", race="r1")
    again = RunStore(store.folder)
    read = again.run(made.id)
    again.close()
    assert read == made
    assert (read.config, read.owner, read.race, read.state) == (
        tiny,
        "ann",
        "r1",
        RunState.QUEUED,
    )


def test_a_new_run_holds_only_what_its_mixer_reads_however_it_is_added(
    store: RunStore, tiny: RunConfig
) -> None:
    lean = tiny.replace(seq_len=8)
    full = lean.replace(heads=2, rival_size=7, hash_rounds=3, wiring="8: 1")
    single = store.create(full)
    assert single.config == lean
    (raced,) = store.create_race([full], owner="", race=None, host="")
    assert store.run(raced).config == lean
    store.update(single.id, config=json.dumps(full.as_dict()))  # as a version before stored it
    assert store.run(single.id).config == full
    assert renew(store, single.id).config == lean
    unknown = full.replace(mixer="perceiver")
    assert store.create(unknown).config == unknown


def test_runs_are_listed_newest_first_and_by_what_is_asked(
    store: RunStore, tiny: RunConfig
) -> None:
    first, second, third = (store.create(tiny, owner=owner) for owner in ("ann", "bob", "ann"))
    store.update(second.id, state=RunState.FINISHED)
    assert [run.id for run in store.runs()] == [third.id, second.id, first.id]
    assert [run.id for run in store.runs(owner="ann", limit=1)] == [third.id]
    assert [run.id for run in store.runs(states=[RunState.FINISHED])] == [second.id]
    assert store.runs(states=[]) == []


@pytest.mark.parametrize("ask", ["run", "records", "evaluations", "snapshots", "delete", "pin"])
def test_an_id_that_does_not_exist_is_named(store: RunStore, ask: str) -> None:
    with pytest.raises(ParamixerError, match=r"'nobody'.*choose one from the list"):
        getattr(store, ask)("nobody")


def test_a_configuration_of_another_version_hides_no_other_run(
    store: RunStore, tiny: RunConfig
) -> None:
    strange, known = store.create(tiny), store.create(tiny)
    store.update(strange.id, config='{"colour": "blue"}')
    assert [run.id for run in store.runs()] == [known.id]
    with pytest.raises(ParamixerError, match=r"colour.*update the library"):
        store.run(strange.id)


def test_a_run_under_way_cannot_be_deleted(store: RunStore, tiny: RunConfig) -> None:
    run = store.create(tiny)
    with pytest.raises(ParamixerError, match="stop it first"):
        store.delete(run.id)
    assert store.run(run.id).state is RunState.QUEUED


def test_a_deleted_run_leaves_nothing(store: RunStore, tiny: RunConfig) -> None:
    kept, gone = store.create(tiny), store.create(tiny)
    for run in (kept, gone):
        store.update(run.id, state=RunState.STOPPED)
        store.adjust(run.id, 3, 0.5)
        store.run_folder(run.id).mkdir()
    store.delete(gone.id)
    with store.reading() as database:
        left = database.execute("SELECT count(*) FROM adjustments").fetchone()[0]
    assert left == 1
    assert not store.run_folder(gone.id).exists()
    assert store.run_folder(kept.id).exists()


@pytest.mark.parametrize("damage", ["text", "header", "middle"])
def test_a_corrupt_store_is_named_and_left_untouched(
    store: RunStore, tiny: RunConfig, damage: str
) -> None:
    for _ in range(50):
        store.create(tiny)
    with store.reading() as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    store.close()
    content = bytearray(store.path.read_bytes())
    match damage:
        case "text":
            content = bytearray(b"These are not the runs you are looking for." * 300)
        case "header":
            content[:40] = b"\xff" * 40
        case _:
            content[4096:] = b"\xff" * (len(content) - 4096)
    store.path.write_bytes(content)
    with pytest.raises(StoreError, match=r"runs\.db.*left untouched; move it aside"):
        RunStore(store.folder).runs()
    assert store.path.read_bytes() == bytes(content)


def test_another_programs_database_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / DATABASE
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE songs (title TEXT)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program's database"):
        RunStore(tmp_path)
    assert path.read_bytes() == before


def test_a_newer_store_is_refused(store: RunStore) -> None:
    with store.reading() as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="version 99: update this library"):
        RunStore(store.folder)


def test_an_older_store_is_migrated_and_keeps_its_runs(store: RunStore, tiny: RunConfig) -> None:
    run = store.create(tiny)
    newer = (*schema.MIGRATIONS, "ALTER TABLE runs ADD COLUMN note TEXT NOT NULL DEFAULT 'none'")
    with store.reading() as database:
        schema.migrate(database, store.path, newer)
        row = database.execute("SELECT id, note FROM runs").fetchone()
        assert tuple(row) == (run.id, "none")
        assert database.execute("PRAGMA user_version").fetchone()[0] == len(newer)


def test_a_migration_that_fails_changes_nothing(store: RunStore) -> None:
    broken = (*schema.MIGRATIONS, "CREATE TABLE extra (a); INSERT INTO nowhere VALUES (1)")
    with pytest.raises(StoreError), store.reading() as database:
        schema.migrate(database, store.path, broken)
    with store.reading() as database:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master")]
        version = database.execute("PRAGMA user_version").fetchone()[0]
    assert "extra" not in tables
    assert version == len(schema.MIGRATIONS)


def test_a_full_disk_loses_only_what_did_not_fit(store: RunStore, tiny: RunConfig) -> None:
    run = store.create(tiny)
    with store.reading() as database:
        pages = database.execute("PRAGMA page_count").fetchone()[0]
        database.execute(f"PRAGMA max_page_count = {pages + 1}")
    with pytest.raises(StoreError, match=r"room on the disk.*runs\.db, got a full disk"):
        [store.create(tiny) for _ in range(1000)]
    assert store.run(run.id) == run


def test_a_read_only_store_is_named(tmp_path: Path) -> None:
    path = tmp_path / "some.db"
    sqlite3.connect(path).close()
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    said = r"some\.db, got a read-only one: give this user"
    with pytest.raises(StoreError, match=said), explained(path):
        database.execute("CREATE TABLE t (a)")
    database.close()


def test_a_folder_that_cannot_be_made_is_named() -> None:
    with pytest.raises(StoreError, match=r"/proc/paramixer.*set PARAMIXER_HOME"):
        RunStore(Path("/proc/paramixer"))


def test_closing_closes_every_connection_those_in_use_and_later_ones_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[sqlite3.Connection] = []
    connect = schema.connect

    def note(path: Path) -> sqlite3.Connection:
        opened.append(connect(path))
        return opened[-1]

    monkeypatch.setattr(schema, "connect", note)
    with RunStore(tmp_path) as store, store.reading():
        with store.reading():
            pass
        store.close()
        assert [is_open(database) for database in opened] == [True, False]
    assert store.runs() == []
    assert len(opened) == 3
    assert not any(map(is_open, opened))


def is_open(database: sqlite3.Connection) -> bool:
    try:
        database.execute("SELECT 1")
    except sqlite3.ProgrammingError:
        return False
    return True


def test_the_folder_is_the_one_that_the_environment_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PARAMIXER_HOME", str(tmp_path))
    assert default_home() == tmp_path
    monkeypatch.delenv("PARAMIXER_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))  # its owner's runs are no matter here
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr("sys.platform", "linux")
    assert default_home() == tmp_path / "data" / "paramixer-lab"
