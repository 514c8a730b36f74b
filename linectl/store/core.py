"""The one owner of the writing connection: takes batches, commits each once, latches at the first failed write.

After a failed fsync nothing is written any more: the kernel may have dropped what it could not write. A disk that was
full has dropped nothing, so that recording goes on when there is room again; what was lost meanwhile is told as a gap.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from linectl.errors import LinectlError, StoreError
from linectl.model.records import Event
from linectl.store import codec, rows
from linectl.store.catalogue import Catalogue, TagKind
from linectl.store.file import FileLock, connect, has_room, make_reserve, reserve_of
from linectl.store.gap import Gap
from linectl.store.spans import SpanBook, close_dead_runs
from linectl.words import tr

__all__ = ["Action", "Core", "Item", "Job"]

Action = Callable[[sqlite3.Connection, SpanBook], None]

_FULL = "SQLITE_FULL"
_NOT_WRITTEN = {_FULL, "SQLITE_IOERR_WRITE"}  # nothing is in doubt, as it is after a failed fsync: tried again
_AGAIN_S = 10.0  # loop time between two tries to go on
_OWN_FAULT = (  # of the one who asked, not of the disk
    *(LinectlError, LookupError, ValueError, TypeError, OverflowError),
    *(sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.InterfaceError, sqlite3.DataError),
)


@dataclass(frozen=True, slots=True)
class Job:
    """Something to write. `future` None: nobody waits. `last_words`: tried even when the disk is full."""

    action: Action
    future: asyncio.Future[None] | None = None
    last_words: bool = False


Item = codec.Row | Job
Results = list[tuple[Job, Exception | None]]


class Core:
    """A store's file open for writing. Not safe for two threads at once: its user sees to that."""

    def __init__(
        self, file: Path, line: str, kinds: Mapping[str, TagKind], *, repeatable: bool = False, holder: str = ""
    ) -> None:
        self.file = file
        self.failure: StoreError | None = None
        self.last_gap: Event | None = None
        """How the last gap in the record was told; None: there was none since the store was opened."""
        self.now_s: Callable[[], float] = float  # the loop's clock, once there is a loop
        self._gap = Gap()
        self._may_go_on = False
        self._next_try_s = 0.0
        self._line = line
        self._repeatable = repeatable
        self._lock = FileLock(file, holder)
        self._connection: sqlite3.Connection | None = None
        self._spans = SpanBook(Catalogue(kinds))

    @property
    def lost_scans(self) -> int:
        """How many scans were not kept since the disk failed."""
        return self._gap.scans

    def open(self) -> None:
        """Take the file: make or migrate it, mark runs of processes that died.

        Raises:
            Refused: another process writes it.
            StoreError: it cannot be written, or a newer linectl made it.
        """
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self._lock.take()
            make_reserve(self.file)
            self._connection = connect(self.file, self._line, repeatable=self._repeatable)
            self._commit_with(close_dead_runs)
        except (OSError, sqlite3.Error) as error:
            self.close()
            raise StoreError(
                tr("the store {file} cannot be opened for writing: {error}").format(file=self.file, error=error)
            ) from error
        except LinectlError:
            self.close()
            raise

    def close(self) -> None:
        """Close the file; the write-ahead log goes back into it."""
        if self._connection is not None:
            self._connection.close()  # the last connection of a WAL file checkpoints it
            self._connection = None
        self._lock.release()

    def write(self, items: Sequence[Item]) -> Results:
        """Commit `items` at once and tell of each job whether it is durable, or why it is not."""
        jobs = [item for item in items if isinstance(item, Job)]
        scans = [item for item in items if isinstance(item, codec.Row)]
        self._gap.seen(scans)
        if self.failure is not None and not self._goes_on():
            results = [(job, self._last_words(job) if job.last_words else self.failure) for job in jobs]
            self._gap.lost(scans, sum(error is not None for _, error in results))
            return results
        blocks = _blocks(scans)  # encoded before the transaction begins, not in it
        results, before = [], self._spans.state()
        try:
            self._commit_with(lambda connection: self._apply(connection, items, blocks, results))
        except sqlite3.Error as error:
            self._spans.set_back(before)
            self.latch(error)
            return self.write(items)
        self._gap.kept(scans)
        return results

    def _goes_on(self) -> bool:
        """Try whether the disk takes rows again; if so, tell the gap, and return True. Tried every 10 s."""
        if not self._may_go_on or self.now_s() < self._next_try_s or not has_room(self.file):
            return False
        self._next_try_s = self.now_s() + _AGAIN_S
        event = self._gap.event(self._line, "" if self.failure is None else self.failure.message)
        try:
            make_reserve(self.file)
            self._commit_with(lambda connection: rows.add_event(connection, event, rows.event_data(event)))
        except (StoreError, OSError, sqlite3.Error):
            return False
        self.last_gap = event  # first: whoever sees in another thread that it goes on finds the gap told
        self.failure = None
        self._gap = Gap(self._gap.seen_ns)
        return True

    def _apply(
        self, connection: sqlite3.Connection, items: Sequence[Item], blocks: list[_Encoded], results: Results
    ) -> None:
        for item in items:
            if isinstance(item, codec.Row):
                self._spans.passed(connection, item)
            else:
                results.append((item, self._try(connection, item)))
        for block in blocks:
            self._insert(connection, block)

    def _try(self, connection: sqlite3.Connection, job: Job) -> Exception | None:
        """Run one job; its own fault undoes it alone, the others of its batch go on."""
        connection.execute("SAVEPOINT job")
        try:
            job.action(connection, self._spans)
        except _OWN_FAULT as error:
            connection.execute("ROLLBACK TO job")
            connection.execute("RELEASE job")
            if isinstance(error, LinectlError):
                return error
            refusal = StoreError(tr("the store refused a record: {error}").format(error=error), code="E-STO-002")
            refusal.__cause__ = error
            return refusal
        connection.execute("RELEASE job")
        return None

    def _insert(self, connection: sqlite3.Connection, block: _Encoded) -> None:
        at, layout = block.head, self._spans.catalogue.layout(connection, block.first.layout)
        connection.execute(
            """INSERT INTO hot(layout, boot, seq0, seq1, m0_ns, t0, t1, n, data) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            (
                *(layout, self._spans.boot(connection, at.boot), at.seq0, at.seq1, at.m0_ns, at.t0, at.t1, at.n),
                block.data,
            ),
        )

    def _commit_with(self, action: Callable[[sqlite3.Connection], None]) -> None:
        assert self._connection is not None, "the store is not open"
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            action(self._connection)
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # SQLite has already undone it after some disk errors
                self._connection.execute("ROLLBACK")
            raise

    def latch(self, error: Exception) -> None:
        """Stop acknowledging: until there is room again, or for good where a write was perhaps lost unseen."""
        name = getattr(error, "sqlite_errorname", "")
        self._may_go_on = name in _NOT_WRITTEN
        self._next_try_s = self.now_s() + _AGAIN_S
        if name == _FULL:
            text, hint, code = tr("the disk is full: {file}"), tr("free some space, then start a new run"), "E-STO-028"
        else:
            text, hint, code = tr("the store {file} failed: {error}"), tr("check the disk before the next run"), ""
        self.failure = StoreError(text.format(file=self.file, error=error), hint=hint, code=code)
        self.failure.__cause__ = error

    def _last_words(self, job: Job) -> Exception | None:
        """Give up the reserve so that the end of a run can still be marked on a full disk."""
        assert self._connection is not None
        if not self._may_go_on:
            return self.failure
        reserve_of(self.file).unlink(missing_ok=True)
        for make_room in (None, "PRAGMA wal_checkpoint(TRUNCATE)"):
            try:
                if make_room:
                    self._connection.execute(make_room).fetchall()
                self._commit_with(lambda connection: job.action(connection, self._spans))
            except (sqlite3.Error, *_OWN_FAULT):
                continue
            return None
        return self.failure


@dataclass(frozen=True, slots=True)
class _Encoded:
    first: codec.Row
    head: codec.BlockHead
    data: bytes


def _blocks(scans: Sequence[codec.Row]) -> list[_Encoded]:
    """Return `scans` as one encoded block per layout and boot."""
    groups: dict[tuple[object, str], list[codec.Row]] = {}
    for scan in scans:
        groups.setdefault((scan.layout, scan.boot), []).append(scan)
    return [_Encoded(group[0], codec.head(group), codec.encode(group)) for group in groups.values()]
