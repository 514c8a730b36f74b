"""The journal of a store: events of the line and of its runs, from the last one back, or from one on. Read-only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from linectl.model.records import Event
from linectl.store import rows
from linectl.store.reader import StoreReader

__all__ = ["JournalReader", "Numbered"]

_PAGE = 500  # events fetched at once: memory stays flat, and no read transaction outlives its fetch


@dataclass(frozen=True, slots=True)
class Numbered:
    """An event and its number in the store; numbers rise in the order in which events were written."""

    number: int
    event: Event


class JournalReader(StoreReader):
    """Reads events page by page.

    Raises (every call):
        StoreError: no store there, or one that this linectl cannot read.
    """

    def last_number(self) -> int:
        """Return the number of the last event; 0 when there is none."""
        ((number,),) = self._fetch("SELECT coalesce(max(id), 0) FROM event")
        return int(number)

    def after(
        self, number: int, *, run: str = "", since_ns: int = 0, until_ns: int | None = None
    ) -> Iterator[Numbered]:
        """Yield the events after `number` in their order: of `run` ("": all), from `since_ns` to before `until_ns`."""
        to_ns = (1 << 63) - 1 if until_ns is None else until_ns
        while page := self._fetch(_AFTER, number, run, run, since_ns, to_ns, _PAGE):
            yield from (Numbered(row[0], rows.event_from(row[1:])) for row in page)
            number = page[-1][0]

    def backwards(self, *, run: str = "", until_ns: int | None = None) -> Iterator[Numbered]:
        """Yield the events from the last one back: of `run` ("": all), those before `until_ns`."""
        number, to_ns = (1 << 63) - 1, (1 << 63) - 1 if until_ns is None else until_ns
        while page := self._fetch(_BEFORE, number, run, run, to_ns, _PAGE):
            yield from (Numbered(row[0], rows.event_from(row[1:])) for row in page)
            number = page[-1][0]


_AFTER = """SELECT id, ts_ns, kind, data, run FROM event
 WHERE id > ? AND (? = '' OR run = ?) AND ts_ns >= ? AND ts_ns < ? ORDER BY id LIMIT ?"""
_BEFORE = """SELECT id, ts_ns, kind, data, run FROM event
 WHERE id < ? AND (? = '' OR run = ?) AND ts_ns < ? ORDER BY id DESC LIMIT ?"""
