"""The store's writing side: what a run needs to write, in wall time by a thread of its own, in virtual time inline."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from linectl.errors import StoreError
from linectl.model.lines import Tag
from linectl.model.lots import Lot, Quarantine
from linectl.model.readings import Scan
from linectl.model.records import Act, Bottle, Check, Event, ExitStatus, Run, Trial
from linectl.store.catalogue import kinds_of
from linectl.store.core import Core
from linectl.store.lot_rows import Counted
from linectl.store.recorder import Recorder
from linectl.store.run_words import WordChange
from linectl.store.writer import InlineWriter, ThreadWriter
from linectl.units import NS_PER_S

__all__ = ["Store", "new_run_id", "open_store"]


class Store(Protocol):
    """Where a run writes. Each awaited call returns when its rows are durable, or raises.

    Raises (every awaited call):
        StoreError: the disk failed, at this call or before (`degraded`): nothing is acknowledged. Or a
            record that does not fit the others (code E-STO-002), which harms nobody else.
        Refused: the id of another run, a span that is open already.
    """

    @property
    def degraded(self) -> bool:
        """Whether a write has failed: acknowledged rows are safe, later ones are not kept."""

    @property
    def failure(self) -> StoreError | None:
        """Why nothing is kept now; None: all is.

        Where the disk was full rows are kept again once there is room, after an event `record_gap`.
        """

    @property
    def last_gap(self) -> Event | None:
        """How the last gap in the record since the store was opened was told; None: there was none."""

    async def open(self) -> None:
        """Take the file for writing.

        Raises:
            Refused: another process writes it.
            StoreError: it cannot be written, or a newer linectl made it.
        """

    async def close(self) -> None:
        """Commit what is left, and give the file back."""

    def listen(self, listener: Callable[[Event], None]) -> None:
        """Call `listener` with each event that is given to be kept, before it is on disk."""

    def log_scan(self, scan: Scan) -> None:
        """Take a scan; it is durable within 0.5 s (600 scans in virtual time). Never waits."""

    def log_event(self, event: Event) -> None:
        """Take an event without waiting for the disk, as `log_scan` does."""

    def log_act(self, act: Act) -> None:
        """Append `act` to the audit trail, where no event goes with it, without waiting for the disk."""

    async def start_run(self, run: Run) -> None:
        """Record that `run` begins; the very same run twice is one run."""

    async def end_run(self, run_id: str, status: ExitStatus, reason: str, ended_ns: int) -> None:
        """Record how a run ended, and close its spans. On a full disk this still succeeds, by giving up a reserve."""

    async def take_up_run(self, run_id: str, events: Sequence[Event]) -> None:
        """Open a killed run for writing again, and record `events`, in one transaction.

        Raises:
            Refused: the run ended by itself, or is going on.
        """

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
        """Record, in one transaction, that a trial is given up, with its bottles as they were last seen, and `event`.

        `replaced_by` is appended to the run's trials; `failed_because` closes the run as failed, at `ended_ns`.
        """

    async def start_span(self, run_id: str, trial: int | None, group: str) -> None:
        """Count the scans of `group` from the next one as this run's, or this trial's (`Trial.ord`)."""

    async def end_span(self, run_id: str, trial: int | None, group: str) -> None:
        """Count no more scans of `group` from now on; `end_run` does it for all spans of the run."""

    async def add_trials(self, trials: Sequence[Trial]) -> None:
        """Record new trials."""

    async def update_trial(self, trial: Trial) -> None:
        """Record what became of a trial, found by run and `ord`."""

    async def add_bottles(self, bottles: Sequence[Bottle]) -> None:
        """Record new bottles."""

    async def update_bottle(self, bottle: Bottle) -> None:
        """Record what was seen of a bottle, found by run, trial and label."""

    async def add_checks(self, checks: Sequence[Check]) -> None:
        """Record checks; one already stored (same bottle, same planned time) takes what was done."""

    async def add_event(self, event: Event) -> None:
        """Record an event, and in the same transaction what it is in the audit trail (`Event.act`)."""

    async def tag_run(self, change: WordChange) -> None:
        """Give words to a run or take them from it, and in the same transaction append the act to the audit trail.

        Raises:
            Refused: a word to be taken away is not there, or there would be too many.
        """

    async def audit(self, act: Act) -> None:
        """Append `act` to the audit trail, where no event goes with it."""

    async def put_lots(
        self, lots: Sequence[Lot], counted: Counted, event: Event | None = None, *, loose: Sequence[Quarantine] = ()
    ) -> None:
        """Record lots (found by name) with their quarantines, and what the line's counters stand at.

        `event` is what happened to them; `loose` are quarantines of bottles that belong to no lot. All of it is one
        transaction.
        """

    def log_lots(
        self, lots: Sequence[Lot], counted: Counted, event: Event | None = None, *, loose: Sequence[Quarantine] = ()
    ) -> None:
        """Take the same without waiting for the disk, as `log_scan` does."""


def open_store(
    path: Path,
    *,
    line: str,
    virtual: bool,
    tags: Mapping[str, Tag] | Mapping[str, tuple[str, str]] | None = None,
    repeatable: bool = False,
    holder: str = "",
) -> Store:
    """Return the store in the file `path`, not yet open.

    `tags` gives each tag's unit and type, as `Tag` or as (unit, dtype); a tag that is not in it is stored as a float
    without unit. `virtual` writes inline, for a loop whose clock jumps: a thread would look like a standstill.
    `repeatable` spares the wait for the disk at each commit, where what is written can be made again from its seed:
    what is acknowledged then survives a killed process, but not a power cut. `holder` is who is named to others that
    would like to write it.
    """
    core = Core(path, line, kinds_of(tags or {}), repeatable=repeatable, holder=holder)
    return Recorder(InlineWriter(core) if virtual else ThreadWriter(core))


def new_run_id(started_ns: int, token: str) -> str:
    """Return a short run id that sorts by time: `20260101T000000-ab12`, from the start (ns UTC) and any text.

    Two runs of one store need different tokens when they start in the same second, as all virtual ones do.
    """
    start = datetime.fromtimestamp(started_ns // NS_PER_S, UTC).strftime("%Y%m%dT%H%M%S")
    return f"{start}-{hashlib.sha256(token.encode()).hexdigest()[:4]}"
