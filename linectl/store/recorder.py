"""Each call of the store as one job of its writer."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from functools import partial

from linectl.errors import StoreError
from linectl.model.lots import Lot, Quarantine
from linectl.model.readings import Scan
from linectl.model.records import Act, Bottle, Check, Event, ExitStatus, Run, Trial
from linectl.store import audit, codec, lot_rows, rows, run_words
from linectl.store.core import Action, Job
from linectl.store.run_words import WordChange
from linectl.store.spans import SpanBook
from linectl.store.writer import Writer

__all__ = ["Recorder"]


class Recorder:
    """The `Store` over any writer."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._listeners: list[Callable[[Event], None]] = []

    def __repr__(self) -> str:
        """Return the file and whether it still takes rows."""
        return f"<Recorder {self._writer.core.file} {'degraded' if self.degraded else 'ok'}>"

    @property
    def degraded(self) -> bool:
        """Whether a write has failed."""
        return self._writer.core.failure is not None

    @property
    def failure(self) -> StoreError | None:
        """Why nothing is kept now; None: all is."""
        return self._writer.core.failure

    @property
    def last_gap(self) -> Event | None:
        """How the last gap in the record was told."""
        return self._writer.core.last_gap

    async def open(self) -> None:
        """Take the file for writing."""
        await self._writer.open()

    async def close(self) -> None:
        """Commit what is left, and give the file back."""
        await self._writer.close()

    def listen(self, listener: Callable[[Event], None]) -> None:
        """Call `listener` with each event that is given to be kept."""
        self._listeners.append(listener)

    def _tell(self, event: Event) -> None:
        for listener in self._listeners:
            listener(event)

    def log_scan(self, scan: Scan) -> None:
        """Take a scan; never waits."""
        self._writer.put(codec.row_of(scan))

    def log_event(self, event: Event) -> None:
        """Take an event without waiting for the disk."""
        self._tell(event)
        self._writer.put(Job(_simple(partial(rows.add_event, event=event, data=rows.event_data(event)))))

    def log_act(self, act: Act) -> None:
        """Append `act` to the audit trail without waiting for the disk."""
        self._writer.put(Job(_simple(partial(audit.append, act=act))))

    async def start_run(self, run: Run) -> None:
        """Record that `run` begins."""
        await self._writer.submit(_simple(partial(rows.start_run, run=run)))

    async def end_run(self, run_id: str, status: ExitStatus, reason: str, ended_ns: int) -> None:
        """Record how a run ended, and close its spans."""

        def action(connection: sqlite3.Connection, spans: SpanBook) -> None:
            spans.end_all(connection, run_id)
            rows.end_run(connection, run_id, status, reason, ended_ns)

        await self._writer.submit(action, last_words=True)

    async def take_up_run(self, run_id: str, events: Sequence[Event]) -> None:
        """Open a killed run for writing again, and record what is told of it, in one transaction."""
        told = [(event, rows.event_data(event)) for event in events]
        for event in events:
            self._tell(event)

        def action(connection: sqlite3.Connection, _spans: SpanBook) -> None:
            rows.take_up_run(connection, run_id)
            for event, data in told:
                rows.add_event(connection, event, data)

        await self._writer.submit(action)

    async def give_up_trial(
        self,
        trial: Trial,
        bottles: Sequence[Bottle],
        event: Event,
        *,
        replaced_by: Trial | None = None,
        failed_because: str | None = None,
        ended_ns: int = 0,
    ) -> None:
        """Close a trial, its bottles and perhaps its run, or append the trial that replaces it, in one transaction."""
        data = rows.event_data(event)
        self._tell(event)

        def action(connection: sqlite3.Connection, spans: SpanBook) -> None:
            rows.update_trial(connection, trial)
            for bottle in bottles:
                rows.update_bottle(connection, bottle)
            rows.add_event(connection, event, data)
            if replaced_by is not None:
                rows.add_trials(connection, [replaced_by])
            if failed_because is not None:
                spans.end_all(connection, trial.run)
                rows.end_run(connection, trial.run, ExitStatus.FAIL, failed_because, ended_ns)

        await self._writer.submit(action)

    async def start_span(self, run_id: str, trial: int | None, group: str) -> None:
        """Count the scans of `group` from the next one as this run's or trial's."""
        await self._writer.submit(lambda connection, spans: spans.start(connection, run_id, trial, group))

    async def end_span(self, run_id: str, trial: int | None, group: str) -> None:
        """Count no more scans of `group`."""
        await self._writer.submit(lambda connection, spans: spans.end(connection, run_id, trial, group))

    async def add_trials(self, trials: Sequence[Trial]) -> None:
        """Record new trials."""
        await self._writer.submit(_simple(partial(rows.add_trials, trials=tuple(trials))))

    async def update_trial(self, trial: Trial) -> None:
        """Record what became of a trial."""
        await self._writer.submit(_simple(partial(rows.update_trial, trial=trial)))

    async def add_bottles(self, bottles: Sequence[Bottle]) -> None:
        """Record new bottles."""
        await self._writer.submit(_simple(partial(rows.add_bottles, bottles=tuple(bottles))))

    async def update_bottle(self, bottle: Bottle) -> None:
        """Record what was seen of a bottle."""
        await self._writer.submit(_simple(partial(rows.update_bottle, bottle=bottle)))

    async def add_checks(self, checks: Sequence[Check]) -> None:
        """Record checks."""
        await self._writer.submit(_simple(partial(rows.add_checks, checks=tuple(checks))))

    async def tag_run(self, change: WordChange) -> None:
        """Give words to a run, or take them from it, and tell the audit trail."""
        await self._writer.submit(_simple(partial(run_words.change, asked=change)))

    async def audit(self, act: Act) -> None:
        """Append `act` to the audit trail."""
        await self._writer.submit(_simple(partial(audit.append, act=act)))

    async def add_event(self, event: Event) -> None:
        """Record an event."""
        self._tell(event)
        await self._writer.submit(_simple(partial(rows.add_event, event=event, data=rows.event_data(event))))

    async def put_lots(
        self,
        lots: Sequence[Lot],
        counted: lot_rows.Counted,
        event: Event | None = None,
        *,
        loose: Sequence[Quarantine] = (),
    ) -> None:
        """Record lots, quarantines and counters as they are now, and what happened to them, in one transaction."""
        if event is not None:
            self._tell(event)
        await self._writer.submit(_lots(lots, counted, event, loose))

    def log_lots(
        self,
        lots: Sequence[Lot],
        counted: lot_rows.Counted,
        event: Event | None = None,
        *,
        loose: Sequence[Quarantine] = (),
    ) -> None:
        """Take the same without waiting for the disk."""
        if event is not None:
            self._tell(event)
        self._writer.put(Job(_lots(lots, counted, event, loose)))


def _lots(lots: Sequence[Lot], counted: lot_rows.Counted, event: Event | None, loose: Sequence[Quarantine]) -> Action:
    data = "" if event is None else rows.event_data(event)

    def action(connection: sqlite3.Connection, _spans: SpanBook) -> None:
        lot_rows.put_lots(connection, lots, loose)
        lot_rows.put_counters(connection, counted)
        if event is not None:
            rows.add_event(connection, event, data)

    return action


def _simple(statement: partial[None]) -> Action:
    """Return `statement`, which needs the connection alone, as an action."""
    return lambda connection, _spans: statement(connection)
