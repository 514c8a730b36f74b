"""The store's reading side: connections that cannot write, opened for one question and closed again."""

from __future__ import annotations

import difflib
import sqlite3
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from linectl.errors import Refused, StoreError
from linectl.model.lots import Lot, Quarantine
from linectl.model.readings import Value
from linectl.model.records import Bottle, Check, Event, Run, Trial
from linectl.store import audit, lot_rows, rows
from linectl.store.audit import AuditEntry, Broken, Head
from linectl.store.catalogue import unpack
from linectl.store.codec import Block, BlockHead, decode
from linectl.store.file import SCHEMA_VERSION, is_open_for_writing
from linectl.words import tr

__all__ = ["Group", "Series", "StoreReader", "StoredTag", "TrialSpan"]

_TRAIL_VERSION = 3  # of the schema: earlier stores have no audit trail
_PAGE = 256  # blocks fetched at once: memory stays flat, and no read transaction outlives its fetch


@dataclass(frozen=True, slots=True)
class StoredTag:
    """A tag as stored: its unit and the type (float, int, bool) that its values have."""

    name: str
    unit: str
    dtype: str


@dataclass(frozen=True, slots=True)
class Group:
    """A scan group of which a run has scans: its period in s and its tags."""

    name: str
    period_s: float
    tags: tuple[StoredTag, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """One tag over a run or trial: wall times and loop times (ns), values in `unit` (None: missing), quality bytes."""

    tag: str
    unit: str
    t_ns: array[int]
    loop_ns: array[int]
    value: list[Value | None]
    quality: bytes


@dataclass(frozen=True, slots=True)
class TrialSpan:
    """Which scans of one boot belong to the trial `ord`: sequences `seq0` to `seq1`, both included."""

    ord: int
    boot: str
    seq0: int
    seq1: int


@dataclass(frozen=True, slots=True)
class _Range:
    boot: str
    seq0: int
    seq1: int


class StoreReader:
    """Reads the store in `path`, also while it is being written.

    Raises (every call):
        StoreError: no store there, or one that this linectl cannot read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._version = SCHEMA_VERSION
        self._check()

    def __repr__(self) -> str:
        """Return the file."""
        return f"<StoreReader {self.path}>"

    def runs(self) -> list[Run]:
        """Return all runs, oldest first."""
        return [rows.run_from(row) for row in self._fetch(f"{rows.RUNS} ORDER BY rowid")]

    def run(self, text: str) -> Run:
        """Return the run whose id is `text` or alone begins with it; "last" is the newest.

        Raises:
            Refused: none or several match; the message names the candidates.
        """
        runs = self.runs()
        exact = [run for run in runs if run.id == text] or (runs[-1:] if text == "last" else [])
        found = exact or [run for run in runs if text and run.id.startswith(text)]
        if len(found) == 1:
            return found[0]
        ids = [run.id for run in found] or _nearest(text, [run.id for run in runs])
        message = tr("several runs begin with {text}: {runs}") if found else tr("no run {text}; there are: {runs}")
        raise Refused(
            message.format(text=text, runs=", ".join(ids) or tr("none")), hint=tr("list them with: linectl runs ls")
        )

    def interrupted(self, run: Run) -> bool:
        """Tell whether the process that made `run` died before it could say how the run ended.

        The next opening of the store for writing gives such a run its closing record: state `interrupted`, exit
        status `fail`, the last time that reached the disk as its end.
        """
        return run.state == "interrupted" or (run.exit_status is None and not is_open_for_writing(self.path))

    def trials(self, run_id: str) -> list[Trial]:
        """Return the trials of a run in their order."""
        return [rows.trial_from(row) for row in self._fetch(rows.TRIALS, run_id)]

    def bottles(self, run_id: str) -> list[Bottle]:
        """Return the bottles of a run by trial, in the order in which they were added.

        Those of a bath that is under way, or in which the program died, are told as their checks last saw them.
        """
        return [rows.bottle_from(row) for row in self._fetch(rows.BOTTLES, run_id)]

    def checks(self, run_id: str) -> list[Check]:
        """Return the checks of a run by trial, bottle and planned time."""
        return [rows.check_from(row) for row in self._fetch(rows.CHECKS, run_id)]

    def events(self, run_id: str) -> list[Event]:
        """Return the events of a run in the order in which they were written."""
        return [rows.event_from(row) for row in self._fetch(rows.EVENTS, run_id)]

    def events_of(self, kind: str) -> list[Event]:
        """Return the events of one kind of the whole store, in the order in which they were written."""
        return [rows.event_from(row) for row in self._fetch(rows.EVENTS_OF_KIND, kind)]

    def last_of(self, kind: str) -> Event | None:
        """Return the event of one kind that was written last, None when there is none."""
        found = self._fetch(rows.LAST_OF_KIND, kind, 1)
        return rows.event_from(found[0]) if found else None

    def last_ns(self) -> int | None:
        """Return the time (ns UTC) of the last scan or event that is on disk, None when there is none."""
        ((found,),) = self._fetch(rows.LAST_NS)
        return None if found is None else int(found)

    def alarm_events(self, most: int) -> list[Event]:
        """Return the last `most` events of alarms, oldest first; before them the last of each other alarm."""
        last = [rows.event_from(row) for row in reversed(self._fetch(rows.LAST_OF_KIND, "alarm", most))]
        if len(last) < most:
            return last
        of_each = [rows.event_from(row) for row in self._fetch(rows.LAST_OF_EACH_ALARM)]
        among = {each.data.get("alarm") for each in last if "entry" in each.data}
        return [*(each for each in of_each if each.data.get("alarm") not in among), *last]

    def lots(self) -> list[Lot]:
        """Return the wash lots, oldest first; none from a store of a linectl that knew none."""
        return self._lots()[0]

    def lot(self, name: str) -> Lot:
        """Return the wash lot called `name`; "last" is the newest.

        Raises:
            Refused: there is no such lot; the message names those that are near.
        """
        lots = self.lots()
        exact = [lot for lot in lots if lot.name == name] or (lots[-1:] if name == "last" else [])
        if exact:
            return exact[0]
        near = _nearest(name, [lot.name for lot in lots])
        text = tr("no lot {name}; there are: {lots}").format(name=name, lots=", ".join(near) or tr("none"))
        raise Refused(text, hint=tr("list them with: linectl lot ls"), code="E-LOT-001")

    def loose_quarantines(self) -> list[Quarantine]:
        """Return the quarantines of bottles that belong to no lot."""
        return self._lots()[1]

    def counters(self) -> dict[str, tuple[int, int]]:
        """Return, by counter of the line, its last raw value and its total."""
        if not self._has_lots():
            return {}
        return {name: (raw, total) for name, raw, total in self._fetch(lot_rows.COUNTERS)}

    def _lots(self) -> tuple[list[Lot], list[Quarantine]]:
        if not self._has_lots():
            return [], []
        return lot_rows.lots_from(self._fetch(lot_rows.LOTS), self._fetch(lot_rows.QUARANTINES))

    def _has_lots(self) -> bool:
        """Tell whether the store has tables of lots: asked each time, for a writer may have migrated it meanwhile."""
        return bool(self._fetch("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'lot'"))

    def audit(self, since_ns: int | None = None) -> Iterator[AuditEntry]:
        """Yield the entries of the audit trail in their order, those of `since_ns` (ns UTC) and later."""
        with self._trail() as connection:
            yield from audit.pages(connection, since_ns)

    def acts(self, actions: Sequence[str]) -> int:
        """Return how many entries of the audit trail tell of one of `actions`; 0 where there is no trail."""
        with self._trail() as connection:
            if not audit.has_trail(connection):
                return 0
            marks = ", ".join("?" * len(actions))
            query = f"SELECT count(*) FROM audit WHERE action IN ({marks})"  # noqa: S608  # question marks alone
            return int(connection.execute(query, tuple(actions)).fetchone()[0])

    def audit_head(self) -> Head:
        """Return the last entry of the audit trail; id 0 when there is none."""
        with self._trail() as connection:
            return audit.head_of(connection)

    def audit_broken(self, head: Head | None = None) -> Broken | None:
        """Return the first broken entry of the audit trail, also against a `head` kept elsewhere; None: it is whole."""
        with self._trail() as connection:
            connection.execute("BEGIN")  # entries and their count as of one moment, also while a run writes
            if self._version >= _TRAIL_VERSION and not audit.has_trail(connection):
                return Broken(1, None, "missing", tr("the whole trail was taken out of the store"))
            return audit.first_broken(audit.pages(connection), counted=audit.counted_by(connection), head=head)

    @contextmanager
    def _trail(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
                connection.execute("PRAGMA busy_timeout=5000")
                yield connection
        except sqlite3.Error as error:
            raise StoreError(
                tr("the audit trail of {file} cannot be read: {error}").format(file=self.path, error=error)
            ) from error

    def uid(self) -> str:
        """Return the random name that the store got when it was made."""
        ((name,),) = self._fetch("SELECT value FROM meta WHERE key = 'store_uid'")
        return str(name)

    def line(self) -> str:
        """Return the name of the line whose store this is."""
        ((name,),) = self._fetch("SELECT value FROM meta WHERE key = 'line'")
        return str(name)

    def groups(self, run_id: str) -> list[Group]:
        """Return the scan groups recorded in a run, shortest period first."""
        found = self._fetch(
            "SELECT DISTINCT g.name, g.period_ms FROM span s JOIN scan_group g ON g.id = s.grp WHERE s.run = ?", run_id
        )
        ordered = sorted(found, key=lambda row: (row[1], row[0]))
        return [Group(name, period_ms / 1000, self._tags(run_id, name)) for name, period_ms in ordered]

    def blocks(
        self, run_id: str, group: str, *, trial: int | None = None, tags: Sequence[str] | None = None
    ) -> Iterator[Block]:
        """Yield the scans of a run (or of its trial `ord`) block by block; `tags` picks some, in the layout's order."""
        names = self._names()
        for span in self._ranges(run_id, group, trial):
            last_id = 0
            while page := self._fetch(_BLOCKS, span.boot, group, last_id, span.seq0, span.seq1, _PAGE):
                last_id = page[-1][0]
                for row in page:
                    yield _block(row, names, span, tags)

    def trial_spans(self, run_id: str, group: str) -> list[TrialSpan]:
        """Return which scans of `group` belong to which trial of a run, in the order in which they were made."""
        return [TrialSpan(*row) for row in self._fetch(_TRIAL_SPANS, run_id, group)]

    def series(self, run_id: str, tag: str, *, trial: int | None = None) -> Series:
        """Return all of one tag in a run or trial; empty when it was not recorded."""
        t_ns, loop_ns = array("q"), array("q")
        values: list[Value | None] = []
        quality = bytearray()
        unit = ""
        for group in self.groups(run_id):
            units = {stored.name: stored.unit for stored in group.tags}
            if tag not in units:
                continue
            unit = units[tag]
            for block in self.blocks(run_id, group.name, trial=trial, tags=[tag]):
                if block.values:
                    t_ns.extend(block.t_ns)
                    loop_ns.extend(block.loop_ns)
                    values += block.values[0]
                    quality += block.quality[0]
        return Series(tag, unit, t_ns, loop_ns, values, bytes(quality))

    def _tags(self, run_id: str, group: str) -> tuple[StoredTag, ...]:
        names = self._names()
        found: dict[int, StoredTag] = {}
        for span in self._ranges(run_id, group, None):
            for (ids,) in self._fetch(_LAYOUTS, span.boot, group, span.seq0, span.seq1):
                found |= {number: names[number] for number in unpack(ids)}
        return tuple(found.values())

    def _names(self) -> dict[int, StoredTag]:
        return {row[0]: StoredTag(*row[1:]) for row in self._fetch("SELECT id, path, unit, dtype FROM tag")}

    def _ranges(self, run_id: str, group: str, trial: int | None) -> list[_Range]:
        """Return the scans of a run or trial without overlap, in the order in which they were made."""
        found = self._fetch(_SPANS, run_id, group, trial, trial)
        ranges: list[_Range] = []
        for boot, seq0, seq1 in found:
            last = ranges[-1] if ranges else None
            if last is not None and last.boot == boot and seq0 <= last.seq1 + 1:
                ranges[-1] = _Range(boot, last.seq0, max(last.seq1, seq1))
            else:
                ranges.append(_Range(boot, seq0, seq1))
        return ranges

    def _check(self) -> None:
        if not self.path.is_file():
            raise StoreError(tr("no store at {file}").format(file=self.path))
        try:
            ((version,),) = self._rows("SELECT value FROM meta WHERE key = 'schema_version'")
        except (sqlite3.Error, ValueError) as error:
            raise StoreError(tr("{file} is not a store of linectl").format(file=self.path)) from error
        self._version = int(version)
        if self._version > SCHEMA_VERSION:
            raise StoreError(
                tr("{file} has schema version {found}; this linectl knows version {known}").format(
                    file=self.path, found=version, known=SCHEMA_VERSION
                ),
                hint=tr("update linectl"),
            )

    def _fetch(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        try:
            return self._rows(query, *values)
        except sqlite3.Error as error:
            raise StoreError(
                tr("the store {file} cannot be read: {error}").format(file=self.path, error=error),
                hint=tr("is it being made, or damaged? copy it before anything else"),
            ) from error

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            connection.execute("PRAGMA busy_timeout=5000")
            if self._version == 1:
                connection.executescript(rows.SHOW_VERSION_1_AS_2)
            return connection.execute(query, values).fetchall()


_SPANS = """SELECT s.boot, s.seq0, coalesce(s.seq1, 9223372036854775806) FROM span s JOIN scan_group g ON g.id = s.grp
 LEFT JOIN trial t ON t.id = s.trial WHERE s.run = ? AND g.name = ? AND (? IS NULL OR t.ord = ?)
 ORDER BY (SELECT min(o.id) FROM span o WHERE o.run = s.run AND o.grp = s.grp AND o.boot = s.boot), s.seq0"""
_TRIAL_SPANS = """SELECT t.ord, s.boot, s.seq0, coalesce(s.seq1, 9223372036854775806) FROM span s
 JOIN scan_group g ON g.id = s.grp JOIN trial t ON t.id = s.trial WHERE s.run = ? AND g.name = ? ORDER BY s.id"""
_BLOCKS = """SELECT h.id, h.boot, h.seq0, h.seq1, h.m0_ns, h.t0, h.t1, h.n, h.data, l.tags
 FROM hot h JOIN layout l ON l.id = h.layout JOIN scan_group g ON g.id = l.grp
 WHERE h.boot = ? AND g.name = ? AND h.id > ? AND h.seq1 >= ? AND h.seq0 <= ? ORDER BY h.id LIMIT ?"""
_LAYOUTS = """SELECT DISTINCT l.tags FROM layout l JOIN scan_group g ON g.id = l.grp
 JOIN hot h ON h.layout = l.id WHERE h.boot = ? AND g.name = ? AND h.seq1 >= ? AND h.seq0 <= ?"""


def _block(row: tuple[Any, ...], names: dict[int, StoredTag], span: _Range, tags: Sequence[str] | None) -> Block:
    stored = [names[number] for number in unpack(row[9])]
    only = None if tags is None else [index for index, tag in enumerate(stored) if tag.name in tags]
    block = decode(row[8], BlockHead(*row[1:8]), [(tag.name, tag.dtype) for tag in stored], only)
    if span.seq0 <= block.sequence[0] and block.sequence[-1] <= span.seq1:
        return block
    cut = slice(bisect_left(block.sequence, span.seq0), bisect_right(block.sequence, span.seq1))
    return Block(
        tags=block.tags,
        boot=block.boot,
        sequence=block.sequence[cut],
        t_ns=block.t_ns[cut],
        loop_ns=block.loop_ns[cut],
        values=tuple(column[cut] for column in block.values),
        quality=tuple(flags[cut] for flags in block.quality),
    )


def _nearest(text: str, ids: Sequence[str]) -> list[str]:
    return difflib.get_close_matches(text, ids, n=3, cutoff=0.3) or list(ids[-3:])
