"""What the writer answers, and what it needs from whoever holds the line and its record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from linectl.line.reports import WriteReport
from linectl.model.readings import Value
from linectl.model.records import Act

__all__ = ["Book", "SetReport"]


class Book(Protocol):
    """Writes to the line and keeps the record of them."""

    async def write(self, tag: str, value: Value, *, who: str, why: str = "") -> WriteReport:
        """Write as every write goes; how it ended is on disk when this returns."""
        ...

    async def refused(self, report: WriteReport, *, who: str, why: str = "") -> None:
        """Record a write that was refused before it reached the line."""
        ...

    def concern(self, tag: str) -> str:
        """Return why somebody should be asked before `tag` is written by hand now, whatever the value; else ""."""
        ...

    def tell(self, kind: str, data: Mapping[str, object], act: Act | None = None) -> None:
        """Record something that happened, and what somebody did, for the audit trail."""
        ...


@dataclass(frozen=True, slots=True)
class SetReport:
    """How a set ended, or how it goes on.

    `outcome`: confirmed, clamped (asked, got), refused (`refused_by`), unknown; ramping while a ramp is under way;
    possible for a dry run against which nothing stands. `ends_in_s`: process time until a ramp is at its end, or until
    the old value is written back (`back_to`). `doubt` says what is unusual about the value.
    """

    tag: str
    outcome: str
    asked: Value
    got: Value | None = None
    before: Value | None = None
    refused_by: str = ""
    detail: str = ""
    doubt: str = ""
    ends_in_s: float | None = None
    back_to: Value | None = None

    @property
    def done(self) -> bool:
        """Whether it ended, or goes on, as it was asked."""
        return self.outcome in {"confirmed", "ramping", "possible"}

    def as_data(self) -> dict[str, Any]:
        """Return what JSON holds of it."""
        return {name: getattr(self, name) for name in self.__slots__}
