"""The store's file: made, opened for writing by one process alone, its durability settings read back."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from linectl.errors import Refused, StoreError
from linectl.model.readings import BAD_REASONS
from linectl.words import tr

__all__ = [
    "SCHEMA_VERSION",
    "FileLock",
    "connect",
    "has_room",
    "is_open_for_writing",
    "make_reserve",
    "must_be_free",
    "reserve_of",
    "sync_folder",
]

SCHEMA_VERSION = 5
_MIGRATIONS = Path(__file__).parent / "migrations"
_NORMAL = 1  # PRAGMA synchronous: what was acknowledged survives a killed process, not a power cut
_FULL = 2  # an fsync at each commit, so that a power cut loses nothing acknowledged
_BUSY_MS = 5000
_RESERVE_BYTES = 1 << 20
_ROOM_BYTES = 2 * _RESERVE_BYTES


class FileLock:
    """An flock on `<file>.lock`: freed by the kernel however the process ends. The lock file itself stays.

    It says who holds it: the process and `holder`, a person's name.
    """

    def __init__(self, file: Path, holder: str = "") -> None:
        self._path = _lock_of(file)
        self._holder = holder
        self._handle: BinaryIO | None = None

    def take(self) -> None:
        """Take the lock and note in it who holds it.

        Raises:
            Refused: another process (named by its id and holder) writes this store.
        """
        handle = os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644), "r+b")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            said = handle.read()
            handle.close()
            raise _held(self._path, said) from error
        handle.truncate(0)
        handle.write(f"{os.getpid()}\n{' '.join(self._holder.split())}\n".encode())
        handle.flush()
        self._handle = handle

    def release(self) -> None:
        """Give the lock back."""
        if self._handle is not None:
            self._handle.close()
            self._handle = None


def must_be_free(file: Path) -> None:
    """Leave the store `file` alone, and look whether another process holds it.

    Raises:
        Refused: one does (named by its id): it has the line, and its wires.
    """
    if is_open_for_writing(file):
        raise _held(_lock_of(file), _lock_of(file).read_bytes())


def is_open_for_writing(file: Path) -> bool:
    """Tell whether some process, this one included, holds the store `file` for writing."""
    try:
        with _lock_of(file).open("rb") as handle:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def connect(file: Path, line: str, *, repeatable: bool = False) -> sqlite3.Connection:
    """Open `file` for writing, make or migrate its tables, and prove its durability settings.

    `repeatable`: what is written can be made again, as a run in virtual time can from its seed. Then a commit is not
    brought to the disk at once: it survives the process, not the computer.

    Raises:
        StoreError: not a store, made by a newer linectl, or on a disk that cannot do WAL.
        sqlite3.Error: the disk failed.
    """
    is_new = not file.exists()
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    try:
        _configure(connection, file, _NORMAL if repeatable else _FULL)
        _migrate(connection, file, line)
    except sqlite3.DatabaseError as error:
        connection.close()
        if error.sqlite_errorname == "SQLITE_NOTADB":
            raise StoreError(tr("{file} is not a store of linectl").format(file=file)) from error
        raise
    except BaseException:
        connection.close()
        raise
    if is_new:
        sync_folder(file.parent)  # SQLite swallows a failure of this one: we do it ourselves
    return connection


def reserve_of(file: Path) -> Path:
    """Return the path of the file that is given up when the disk is full, so that a run's end still fits."""
    return file.with_name(file.name + ".reserve")


def make_reserve(file: Path) -> None:
    """Write the reserve of the store `file`, if it is not there.

    Raises:
        StoreError: the disk has no room for it.
    """
    reserve = reserve_of(file)
    if reserve.exists() and reserve.stat().st_size == _RESERVE_BYTES:
        return
    try:
        with reserve.open("wb") as handle:
            handle.write(b"\0" * _RESERVE_BYTES)
            handle.flush()
            os.fsync(handle.fileno())
    except OSError as error:
        reserve.unlink(missing_ok=True)
        raise StoreError(
            tr("no room for the store in {folder}: {error}").format(folder=file.parent, error=error.strerror),
            hint=tr("free some space, or give another folder with --data"),
        ) from error


def has_room(file: Path) -> bool:
    """Return whether the disk of the store `file` has room for its reserve and for rows after it."""
    try:
        found = os.statvfs(file.parent)
    except OSError:  # its folder is gone
        return False
    return found.f_bavail * found.f_frsize >= _ROOM_BYTES


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _held(lock: Path, said: bytes) -> Refused:
    """Return the refusal that names who holds the file, since when (the lock's own time), and the ways out."""
    pid, _, holder = said.decode("utf-8", "replace").partition("\n")
    since = datetime.fromtimestamp(lock.stat().st_mtime, UTC).astimezone()
    text = tr("process {pid} ({who}) has had this line since {since} and writes its record, {file}")
    return Refused(
        text.format(
            file=lock.with_suffix(""),
            pid=pid.strip() or "?",
            who=holder.strip() or "?",
            since=since.strftime("%Y-%m-%d %H:%M"),
        ),
        hint=tr(
            "wait for it to end; or ask its holder to end it; or work through it, when it is a server: linectl status"
        ),
        code="E-LSE-003",
    )


def _lock_of(file: Path) -> Path:
    return file.with_name(file.name + ".lock")


def _configure(connection: sqlite3.Connection, file: Path, wanted: int) -> None:
    connection.execute("PRAGMA page_size=4096")
    connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
    (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
    connection.execute(f"PRAGMA synchronous={wanted}")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
    (synchronous,) = connection.execute("PRAGMA synchronous").fetchone()
    if mode != "wal" or synchronous != wanted:
        raise StoreError(
            tr("{file}: the disk does not allow durable writing (journal {mode}, synchronous {level})").format(
                file=file, mode=mode, level=synchronous
            ),
            hint=tr("keep the store on a local disk"),
        )


def _migrate(connection: sqlite3.Connection, file: Path, line: str) -> None:
    version = _version(connection, file)
    if version > SCHEMA_VERSION:
        raise StoreError(
            tr("{file} has schema version {found}; this linectl knows version {known}").format(
                file=file, found=version, known=SCHEMA_VERSION
            ),
            hint=tr("update linectl"),
        )
    for number in range(version + 1, SCHEMA_VERSION + 1):
        script = (_MIGRATIONS / f"{number:04}.sql").read_text(encoding="utf-8")
        connection.executescript(f"BEGIN IMMEDIATE;\n{script}")  # one transaction: a crash in it leaves what was
        _note_version(connection, number, line)
        connection.execute("COMMIT")


def _version(connection: sqlite3.Connection, file: Path) -> int:
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")}
    if not tables:
        return 0
    row = None
    if "meta" in tables:
        row = connection.execute("SELECT value FROM meta WHERE key='schema_version'").fetchone()
    if row is None:
        raise StoreError(tr("{file} is not a store of linectl").format(file=file))
    return int(row[0])


def _note_version(connection: sqlite3.Connection, number: int, line: str) -> None:
    """Note the version that a migration has reached, and in a new file who it is."""
    facts = {"schema_version": str(number)}
    if number == 1:
        facts |= {"store_uid": uuid.uuid4().hex, "line": line}
        connection.executemany("INSERT INTO reason(code, name) VALUES(?, ?)", enumerate(BAD_REASONS, start=1))
    connection.executemany("INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)", facts.items())
