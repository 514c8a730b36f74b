"""Reading and writing single tags, in engineering units, through the links that carry them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from drivers.errors import DriverError
from drivers.link import Link, Outcome, Point, Priority, RawReading, RawValue, WriteResult
from linectl.clock import Clock
from linectl.line.convert import encode
from linectl.line.reports import WriteReport
from linectl.line.values import Values
from linectl.line.watch import Emit
from linectl.model.lines import LineDefinition, Tag
from linectl.model.readings import Reading, Value

__all__ = ["READ_WITHIN_S", "WRITE_WITHIN_S", "Wire"]

READ_WITHIN_S = 2.0  # an EZO answers in 0.6 s, and may be at a scan's reading first
WRITE_WITHIN_S = 1.0  # a write and its read-back


class Wire:
    """The way from a tag to its link and back."""

    def __init__(
        self, definition: LineDefinition, links: Mapping[str, Link], clock: Clock, values: Values, emit: Emit
    ) -> None:
        self._tags = definition.tags
        self._links = links
        self._clock = clock
        self._values = values
        self._emit = emit
        self._loop = asyncio.get_running_loop()

    async def read(self, name: str, *, within_s: float = READ_WITHIN_S, priority: Priority = Priority.READ) -> Reading:
        """Return a fresh reading of the tag `name`; a derived one from fresh readings of its inputs."""
        tag = self._tags[name]
        if tag.derived is not None:
            inputs = [await self.read(each, within_s=within_s) for each in tag.derived.inputs]
            return self._values.derived(tag, inputs, self._values.latest[name].sequence)
        assert tag.point is not None
        raw = (await self.ask(tag, (tag.point,), within_s=within_s, priority=priority))[tag.point]
        return self.take(tag, raw)

    def take(self, tag: Tag, raw: RawReading) -> Reading:
        """Return the reading that `raw` is for `tag` now, and keep it."""
        sequence = self._values.latest[tag.name].sequence
        return self._values.made(tag.name, raw, sequence, self._loop.time(), self._clock.now_ns())

    async def ask(
        self, tag: Tag, points: Sequence[Point], *, within_s: float = READ_WITHIN_S, priority: Priority = Priority.READ
    ) -> Mapping[Point, RawReading]:
        """Return what `points` on the link of `tag` say; what the link takes for no point of its own says why."""
        try:
            return await self._links[tag.link].read(points, deadline=self._loop.time() + within_s, priority=priority)
        except DriverError as error:
            return dict.fromkeys(points, RawReading(None, "out_of_service", str(error)))

    async def now(self, name: str, *, fresh: bool) -> Reading:
        """Return the latest reading of a scanned tag; a fresh one when that is asked for, or no scan reads it."""
        if fresh or not self._tags[name].scan:
            return await self.read(name)
        return self._values.judged(name)

    async def write(self, tag: Tag, value: Value, priority: Priority = Priority.WRITE) -> WriteReport:
        """Write `value` (in the tag's unit) once and report what the read-back said; nothing is checked here."""
        result = await self.write_raw(tag, encode(tag, value), within_s=WRITE_WITHIN_S, priority=priority)
        refused = ""
        if result.outcome is Outcome.REFUSED:
            refused = "link" if result.unsent else "device"
        got = self._engineering(tag, result.got)
        return self.audit(WriteReport(tag.name, result.outcome, value, got, refused, result.detail))

    def audit(self, report: WriteReport) -> WriteReport:
        """Tell how a write ended, also one that never reached the wire; return the report."""
        self._emit(
            "write",
            {
                "tag": report.tag,
                "outcome": str(report.outcome),
                "asked": report.asked,
                "got": report.got,
                "refused_by": report.refused_by,
                "detail": report.detail,
            },
        )
        return report

    async def write_raw(self, tag: Tag, raw: RawValue, *, within_s: float, priority: Priority) -> WriteResult:
        """Write a raw value once; a wire that is down makes the outcome unknown, never an exception."""
        assert tag.point is not None
        try:
            return await self._links[tag.link].write(
                tag.point, raw, deadline=self._loop.time() + within_s, priority=priority
            )
        except DriverError as error:
            return WriteResult(Outcome.UNKNOWN, raw, None, str(error))

    def _engineering(self, tag: Tag, raw: RawValue | None) -> Value | None:
        return None if raw is None else self._values.decoders[tag.name](raw)[0]
