"""Which scans belong to which run and trial: spans of (boot, sequence), opened and closed as scans pass."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from datetime import UTC, datetime

from linectl.errors import Refused
from linectl.store.catalogue import Catalogue
from linectl.store.codec import Row
from linectl.store.rows import trial_id
from linectl.units import NS_PER_S
from linectl.words import tr

__all__ = ["SpanBook", "close_dead_runs"]


@dataclass(frozen=True, slots=True)
class _Owner:
    run: str
    trial: int | None  # Trial.ord
    group: str


@dataclass(slots=True)
class SpanBook:
    """Open spans by owner (row id, or None until the first scan), and the last scan of each group (boot, sequence)."""

    catalogue: Catalogue
    _open: dict[_Owner, int | None] = field(default_factory=dict)
    _last: dict[str, tuple[str, int]] = field(default_factory=dict)
    _boots: dict[str, str] = field(default_factory=dict)

    def state(self) -> tuple[dict[_Owner, int | None], dict[str, tuple[str, int]]]:
        """Return what a transaction may change here, for `set_back`."""
        return dict(self._open), dict(self._last)

    def set_back(self, state: tuple[dict[_Owner, int | None], dict[str, tuple[str, int]]]) -> None:
        """Forget what a transaction did here that has been undone in the file."""
        self._open, self._last = state
        self.catalogue = Catalogue(self.catalogue.kinds)

    def boot(self, connection: sqlite3.Connection, told: str) -> str:
        """Return the name under which this opening stores the scans of boot `told`.

        It is `told`, with a number after it when the file already holds scans of an earlier start by that name: two
        starts never share a span.
        """
        if told not in self._boots:
            name, number = told, 1
            while connection.execute("SELECT 1 FROM hot WHERE boot = ? LIMIT 1", (name,)).fetchone():
                number += 1
                name = f"{told}+{number}"
            self._boots[told] = name
        return self._boots[told]

    def start(self, connection: sqlite3.Connection, run: str, trial: int | None, group: str) -> None:
        """Open a span that begins with the next scan of `group`.

        Raises:
            LookupError: there is no such run or trial.
            Refused: the span is open already.
        """
        owner = _Owner(run, trial, group)
        if owner in self._open:
            raise Refused(tr("run {run}: the scans of {group} are being recorded already").format(run=run, group=group))
        if connection.execute("SELECT 1 FROM run WHERE id = ?", (run,)).fetchone() is None:
            raise LookupError(f"the store has no run {run}")
        if trial is not None:
            trial_id(connection, run, trial)
        last = self._last.get(group)
        self._open[owner] = self._insert(connection, owner, last[0], last[1] + 1) if last else None

    def end(self, connection: sqlite3.Connection, run: str, trial: int | None, group: str) -> None:
        """Close a span with the last scan that passed; closing what is not open does nothing."""
        self._close(connection, _Owner(run, trial, group))

    def end_all(self, connection: sqlite3.Connection, run: str) -> None:
        """Close every open span of `run`."""
        for owner in [owner for owner in self._open if owner.run == run]:
            self._close(connection, owner)

    def passed(self, connection: sqlite3.Connection, scan: Row) -> None:
        """Note that `scan` passed; spans that wait for it, or that another boot interrupts, begin here."""
        group, boot = scan.layout.group, self.boot(connection, scan.boot)
        last = self._last.get(group)
        if last is None or last[0] != boot:
            for owner in [owner for owner in self._open if owner.group == group]:
                self._close(connection, owner)
                self._open[owner] = self._insert(connection, owner, boot, scan.sequence)
        self._last[group] = (boot, scan.sequence)

    def _close(self, connection: sqlite3.Connection, owner: _Owner) -> None:
        span, last = self._open.pop(owner, None), self._last.get(owner.group)
        if span is not None and last is not None:
            connection.execute("UPDATE span SET seq1 = ? WHERE id = ?", (last[1], span))

    def _insert(self, connection: sqlite3.Connection, owner: _Owner, boot: str, sequence: int) -> int:
        trial = None if owner.trial is None else trial_id(connection, owner.run, owner.trial)
        cursor = connection.execute(
            "INSERT INTO span(run, trial, grp, boot, seq0) VALUES(?, ?, ?, ?, ?)",
            (owner.run, trial, self.catalogue.group(connection, owner.group), boot, sequence),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid


def close_dead_runs(connection: sqlite3.Connection) -> None:
    """Give runs that no process is making any more (we hold the file's lock) their closing record.

    Their end is the last time that reached the disk (of a scan, a check or an event), their exit status `fail`. State
    `interrupted` says that nobody ended them, and that they can be taken up again (`rows.take_up_run`); their open
    trial stays as it is.
    """
    for (run,) in connection.execute(
        "SELECT id FROM run WHERE exit_status IS NULL AND state != 'interrupted'"
    ).fetchall():
        (last_ns,) = connection.execute(_LAST_NS, {"run": run}).fetchone()
        reason = tr("process killed at {when}").format(when=_iso(last_ns))
        connection.execute(
            "UPDATE run SET state = 'interrupted', exit_status = 'fail', ended_ns = ?, reason = ? WHERE id = ?",
            (last_ns, reason, run),
        )
        connection.execute(
            "INSERT INTO event(ts_ns, run, kind, data) VALUES(?, ?, 'run_interrupted', ?)",
            (last_ns, run, json.dumps({"reason": reason})),
        )
    connection.execute(
        """UPDATE span SET seq1 = (SELECT max(h.seq1) FROM hot h JOIN layout l ON l.id = h.layout
 WHERE h.boot = span.boot AND l.grp = span.grp) WHERE seq1 IS NULL"""
    )


def _iso(ns: int) -> str:
    return datetime.fromtimestamp(ns // NS_PER_S, UTC).isoformat()


_LAST_NS = """SELECT max(ns) FROM (
 SELECT started_ns AS ns FROM run WHERE id = :run
 UNION ALL SELECT max(h.t1) FROM hot h JOIN span s ON s.boot = h.boot WHERE s.run = :run
 UNION ALL SELECT max(ts_ns) FROM event WHERE run = :run
 UNION ALL SELECT max(c.done_ns) FROM bottle_check c JOIN bottle b ON b.id = c.bottle JOIN trial t ON t.id = b.trial
 WHERE t.run = :run)"""
