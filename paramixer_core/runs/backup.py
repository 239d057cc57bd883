"""One file that holds a whole store: made while runs train, and restored into an empty folder."""

import errno
import io
import json
import os
import re
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from paramixer_core.errors import ParamixerError
from paramixer_core.runs import schema, snapshots
from paramixer_core.runs.database import DATABASE, Database
from paramixer_core.runs.memory import readable_size
from paramixer_core.runs.private import PRIVATE_FILE, PRIVATE_FOLDER
from paramixer_core.runs.store_errors import StoreError, explained

FOLDERS = ("runs", "uploads", "benchmarks")
FILES = ("estimates.jsonl", "cookies.key", "operator.key")
PART = r"[A-Za-z0-9_-][A-Za-z0-9_.-]*"
NAMES = (re.escape(DATABASE), *map(re.escape, FILES), rf"(?:{'|'.join(FOLDERS)})(?:/{PART}){{1,2}}")
NAME = re.compile("|".join(NAMES))
"""What an archive may hold. No part of a name begins with a dot, so none leads out of the folder.
"""

MANIFEST = "paramixer-backup.json"
FORMAT = 1
MANIFEST_BYTES = 2**26  # a million files need less


@dataclass(frozen=True)
class Content:
    """What an archive holds. `size` in bytes; `missing`: snapshots whose file was lost before."""

    runs: int
    files: int
    size: int
    missing: int


def back_up(store: Database, file: Path) -> Content:
    """Write all that a store holds into one new file (tar), which only this user may read.

    The store may be in use: the archive is its state at one moment. Raises ParamixerError if the
    file exists, StoreError as the disks do. A backup that fails leaves no file.
    """
    file = file.absolute()
    if file.exists():
        raise ParamixerError("the name of a new file", f"{file}, which exists", "name another one")
    part = file.with_name(file.name + snapshots.TEMPORARY)
    with explained(file), tempfile.TemporaryDirectory(prefix=".backup-", dir=file.parent) as aside:
        database = Path(aside) / DATABASE
        with _moment(store, database) as held:
            sizes = {name: path.stat().st_size for name, path in held.items()}
            content = _content(database, sizes)
            try:
                with os.fdopen(_new_file(part), "wb") as out:
                    _write(out, held, sizes)
                part.replace(file)
            finally:
                part.unlink(missing_ok=True)
        snapshots.sync_folder(file.parent)
    return content


@contextmanager
def _moment(store: Database, copy: Path) -> Iterator[dict[str, Path]]:
    """The store's files by their names in the archive, as they are at one moment; removed at the
    end. The database is copied to `copy`; others are further names of the same files, which
    nobody writes to once they are there.

    Writers wait for as long as the names are made, not for the copy of the database.
    """
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=store.folder) as aside:
        with store.reading() as reading, closing(sqlite3.connect(copy)) as target:
            with store.transaction():
                reading.execute("BEGIN")
                held = {DATABASE: copy} | _linked(store.folder, _named(reading), Path(aside))
            reading.backup(target)  # of the moment at which `reading` began
            reading.execute("COMMIT")
        copy.chmod(PRIVATE_FILE)
        yield held


def _named(database: sqlite3.Connection) -> list[str]:
    """The snapshots that a database knows, as names from the store's folder on."""
    query = "SELECT id, snapshots.step FROM snapshots JOIN runs ON run = key"
    rows = database.execute(query).fetchall()
    return [snapshots.snapshot_file(Path("runs", row[0]), row[1]).as_posix() for row in rows]


def _linked(folder: Path, wanted: list[str], aside: Path) -> dict[str, Path]:
    others = [path for name in FOLDERS if name != "runs" for path in (folder / name).glob("*")]
    names = [path.relative_to(folder).as_posix() for path in others if path.is_file()]
    found: dict[str, Path] = {}
    for name in (*wanted, *names, *FILES):
        if not NAME.fullmatch(name) or name.endswith(snapshots.TEMPORARY):
            continue
        link = aside / f"{len(found)}"
        with suppress(FileNotFoundError):  # lost before, or deleted at this moment
            _link(folder / name, link)
            found[name] = link
    return found


def _link(source: Path, link: Path) -> None:
    try:
        link.hardlink_to(source)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EXDEV):
            raise
        shutil.copyfile(source, link)  # a file system that knows no second names


def _new_file(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)


def _write(out: IO[bytes], held: Mapping[str, Path], sizes: Mapping[str, int]) -> None:
    text = json.dumps({"format": FORMAT, "files": sizes}).encode()
    with tarfile.open(fileobj=out, mode="w") as tar:
        about = tarfile.TarInfo(MANIFEST)
        about.size, about.mode = len(text), PRIVATE_FILE
        tar.addfile(about, io.BytesIO(text))
        for name, path in held.items():
            about = tarfile.TarInfo(name)
            about.size, about.mode = sizes[name], PRIVATE_FILE
            with path.open("rb") as content:
                tar.addfile(about, content)
    out.flush()
    os.fsync(out.fileno())


def restore(file: Path, folder: Path) -> Content:
    """Put a backup's store into a folder that holds none, and check that it is whole.

    Nothing is written over: raises ParamixerError where a store is already, for a file that is no
    whole backup, or one that a newer version wrote; the folder is then as it was.
    """
    folder = folder.absolute()
    if not file.is_file():
        raise ParamixerError("a file that `backup` wrote", f"{file}, no file", "name another one")
    taken = [name for name in (DATABASE, *FOLDERS, *FILES) if (folder / name).exists()]
    if taken:
        raise ParamixerError(
            f"a folder without a store at {folder}",
            f"one that holds {', '.join(taken)}",
            "stop the server, move that folder aside, and restore again",
        )
    with explained(folder):
        made = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
    try:
        with (
            explained(folder),
            tempfile.TemporaryDirectory(prefix=".restore-", dir=folder) as aside,
        ):
            unpacked = Path(aside)
            sizes = _unpack(file, unpacked)
            content = _content(unpacked / DATABASE, sizes)
            for name in (*FOLDERS, *FILES, DATABASE):  # with its database the store is there
                if (unpacked / name).exists():
                    (unpacked / name).rename(folder / name)
            snapshots.sync_folder(folder)
    except BaseException:
        if made:
            with suppress(OSError):
                folder.rmdir()
        raise
    return content


def _unpack(file: Path, folder: Path) -> dict[str, int]:
    """Write an archive's files below `folder`; their sizes. Only plain files with the names of a
    store are taken, and all that the first one announces has to be there.
    """
    try:
        with tarfile.open(file, mode="r:") as tar:
            sizes = _announced(tar)
            if sum(sizes.values()) > shutil.disk_usage(folder).free:
                needed = readable_size(sum(sizes.values()))
                raise StoreError(f"{needed} of free disk at {folder.parent}", "less", "make room")
            left = dict(sizes)
            for member in tar:
                if member.name == MANIFEST:
                    continue
                content = tar.extractfile(member) if member.isreg() else None
                if content is None or left.pop(member.name, None) != member.size:
                    raise _not_whole(file, f"{member.name!r}, which it does not announce")
                path = folder / member.name
                for above in reversed(Path(member.name).parents):  # each, for `mode` is the last's
                    (folder / above).mkdir(exist_ok=True, mode=PRIVATE_FOLDER)
                with os.fdopen(_new_file(path), "wb") as out:
                    shutil.copyfileobj(content, out, 2**20)
                    os.fsync(out.fileno())
            if left:
                raise _not_whole(file, f"one without {next(iter(left))}")
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise _not_whole(file, str(error) or "an end too early") from error
    return sizes


def _announced(tar: tarfile.TarFile) -> dict[str, int]:
    """What an archive says that it holds; raises ValueError unless all of it may be in a store."""
    first = tar.next()
    content = tar.extractfile(first) if first is not None and first.name == MANIFEST else None
    if first is None or content is None or first.size > MANIFEST_BYTES:
        raise ValueError("another archive")
    told = json.loads(content.read())
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise ValueError("a backup of another format; update this library")
    sizes = told.get("files")
    if not isinstance(sizes, dict) or DATABASE not in sizes:
        raise ValueError("a backup without a database")
    for name, size in sizes.items():
        if not NAME.fullmatch(name) or type(size) is not int or size < 0:
            raise ValueError(f"{name!r}, which belongs to no store")
    return sizes


def _content(database: Path, sizes: Mapping[str, int]) -> Content:
    """What an archive with this database holds. Brings the database to this version; raises
    StoreError if it is not a whole one of ours, or newer.
    """
    schema.require_ours(database)
    with closing(schema.connect(database)) as copy:
        schema.migrate(copy, database)
        if copy.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise _not_whole(database, "a damaged database")
        runs = copy.execute("SELECT count(*) FROM runs").fetchone()[0]
        missing = sum(name not in sizes for name in _named(copy))
    return Content(int(runs), len(sizes), sum(sizes.values()), missing)


def _not_whole(file: Path, found: str) -> StoreError:
    return StoreError(f"a whole backup at {file}", found, "take another backup; nothing was kept")
