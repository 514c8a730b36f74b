"""What is not kept while the disk takes nothing, counted, and told once it takes rows again."""

from __future__ import annotations

from collections.abc import Sequence

from linectl.model.records import Act, Event
from linectl.store.audit import time_text
from linectl.store.codec import Row

__all__ = ["GAP", "Gap"]

GAP = "record_gap"
_WHO = "linectl"


class Gap:
    """Counts scans and entries that were lost. Times are those of the scans (ns UTC): nothing else has them here."""

    def __init__(self, seen_ns: int = 0) -> None:
        self.seen_ns = seen_ns
        self.scans = 0
        self.entries = 0
        self._kept_ns = seen_ns
        self._since_ns: int | None = None

    def seen(self, scans: Sequence[Row]) -> None:
        """Take scans that are to be kept."""
        if scans:
            self.seen_ns = max(self.seen_ns, scans[-1].t_ns)

    def kept(self, scans: Sequence[Row]) -> None:
        """Take scans that are on disk."""
        if scans:
            self._kept_ns = max(self._kept_ns, scans[-1].t_ns)

    def lost(self, scans: Sequence[Row], entries: int) -> None:
        """Take what was not kept."""
        if self._since_ns is None:
            self._since_ns = scans[0].t_ns if scans else max(self._kept_ns, self.seen_ns)
        self.scans += len(scans)
        self.entries += entries

    def event(self, line: str, why: str) -> Event:
        """Return the gap as it is told in the record and in the audit trail of `line`."""
        since_ns = self.seen_ns if self._since_ns is None else self._since_ns
        told = {"since": time_text(since_ns), "until": time_text(self.seen_ns)}
        data = {**told, "scans": self.scans, "entries": self.entries}
        act = Act(self.seen_ns, _WHO, GAP, line, new=data, reason=why)
        return Event(self.seen_ns, GAP, {**data, "why": why}, act=act)
