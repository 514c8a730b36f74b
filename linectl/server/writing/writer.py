"""The one way in which a person or a face writes to a line: armed, checked, allowed, written, read back, recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextvars import Context
from dataclasses import dataclass, replace
from typing import Any

from drivers.link import Outcome
from linectl.clock import Clock
from linectl.errors import Refused
from linectl.line.convert import resolution, same
from linectl.line.limits import pace_of
from linectl.line.line import Line
from linectl.line.reports import WriteReport
from linectl.model.lines import Tag
from linectl.model.people import Who
from linectl.model.readings import Reading, Value
from linectl.model.records import Act
from linectl.server.as_data import iso
from linectl.server.writing.arming import LONGEST_MIN, Armed, Arming, held_by
from linectl.server.writing.ramps import Ramp, ramp
from linectl.server.writing.said import Book, SetReport
from linectl.server.writing.under_way import Ground, Holding, Ramping, Work
from linectl.server.writing.undoing import LastSet, why_not_undone
from linectl.units import s_to_ns
from linectl.words import number, tr

__all__ = ["Writer"]

_LONGEST_FOR_S = 86_400.0
_ENDING_COMMANDS = frozenset({"hold", "abort", "stop"})
_TRIPS = frozenset({"plc_alarm", "plc_reboot", "heating_fault"})


@dataclass(frozen=True, slots=True)
class Asked:
    """What a set asks for (see `Writer.set`)."""

    tag: str
    value: Value
    who: Who
    why: str
    for_s: float | None = None
    per_min: float | None = None
    sure: bool = False
    once: bool = False
    dry_run: bool = False


class Writer:
    """Writes by hand on one line. Times are process time; everything is recorded in `book`.

    A write goes through, in this order: arming, range and pace, the lease, interlocks and permissives, what is unusual
    and must be meant, the wire, echo, read-back, record. Ramps and values for a time go on when the arming has
    ended; a hold, an abort, a trip or any other write to the tag ends them, and so does `close`.
    """

    def __init__(self, line: Line, clock: Clock, book: Book) -> None:
        self._line = line
        self._clock = clock
        self._book = book
        self._loop = asyncio.get_running_loop()
        self._arming = Arming()
        self._expiry: asyncio.TimerHandle | None = None
        self._lock = asyncio.Lock()
        self._ground = Ground(line, clock, book, self._lock, self._moved, self._over)
        self._writing = ""  # the tag that is being written by hand now
        self._work: dict[str, Work] = {}
        self._last: LastSet | None = None
        line.on_write(self._written)
        line.on_event(self._happened)
        line.on_safe(lambda: self.end("safe"))

    # arming

    @property
    def armed(self) -> Armed | None:
        """Who may write now; None: nobody."""
        return self._arming.holder(self._clock.process_s())

    def armed_state(self) -> dict[str, Any] | None:
        """Return who may write now, at which face and until when, as faces show it; None: nobody."""
        armed = self.armed
        if armed is None:
            return None
        until_ns = self._clock.now_ns() + s_to_ns(armed.until_s - self._clock.process_s())
        return {"who": armed.who.operator, "face": armed.who.face, "until": iso(until_ns)}

    def arm(self, who: Who, minutes: float = LONGEST_MIN, *, take_over: bool = False, why: str = "") -> Armed:
        """Let `who` write for `minutes`, 5 at most.

        Raises:
            Refused: another one is armed (see `Arming.arm`).
        """
        before = self.armed
        armed = self._arming.arm(who, self._clock.process_s(), minutes, take_over=take_over, why=why)
        if self._expiry is not None:
            self._expiry.cancel()
        wait_s = 60.0 * minutes / self._clock.speed
        self._expiry = self._loop.call_later(wait_s, self._expired, armed, context=Context())
        taken = before if before is not None and not before.is_of(who) else None
        old = None if taken is None else taken.who.operator
        self._tell("armed", who, old=old, new={"face": who.face, "minutes": minutes}, why=why)
        return armed

    def disarm(self, who: Who) -> None:
        """End the arming of `who`; nothing when nobody is armed.

        Raises:
            Refused: another one is armed.
        """
        if self._arming.disarm(who, self._clock.process_s()) is not None:
            self._tell("disarmed", who, old={"face": who.face}, why="")

    def _expired(self, armed: Armed) -> None:
        self._arming.end()
        self._tell("disarmed", armed.who, old={"face": armed.who.face}, why="expired")

    # writes

    async def set(
        self,
        tag: str,
        value: Value,
        who: Who,
        why: str = "",
        *,
        for_s: float | None = None,
        ramp_per_min: float | None = None,
        sure: bool = False,
        once: bool = False,
        dry_run: bool = False,
    ) -> SetReport:
        """Write `value` (in the tag's unit) to `tag`, and return how that ended.

        With `for_s` the old value is written back so much later, with `ramp_per_min` it goes there in steps. `sure`
        says that an unusual value is meant. `once` arms for this write alone, if nobody is armed. A dry run makes all
        checks and writes nothing.

        Raises:
            Refused: such a value cannot be ramped, or held for a time.
        """
        async with self._lock:
            asked = Asked(tag, value, who, why, for_s, ramp_per_min, sure, once, dry_run)
            return await self._set(asked)

    async def undo(
        self, who: Who, why: str = "", *, sure: bool = False, once: bool = False, dry_run: bool = False
    ) -> SetReport:
        """Write what the tag of the last set held before it, through the same checks.

        Raises:
            Refused: there is nothing to undo: none, older than 10 minutes, or the value was changed since.
        """
        async with self._lock:
            last = self._last
            holds = None if last is None else (await self._line.before(last.tag.name)).value
            problem = why_not_undone(last, self._clock.process_s(), holds)
            if problem:
                raise Refused(problem, code="E-WRT-UNDO")
            assert last is not None
            assert last.old is not None
            asked = Asked(last.tag.name, last.old, who, why, sure=sure, once=once, dry_run=dry_run)
            report = await self._set(asked)
            if not dry_run and report.outcome != "refused":
                self._last = None
            return report

    async def _set(self, asked: Asked) -> SetReport:
        name, value, who = asked.tag, asked.value, asked.who
        refused = self._not_armed(who, once=asked.once) or await self._against(asked)
        if refused is not None:
            return await self._refused(asked, refused)
        tag = self._line.definition.tags[name]
        before = (await self._line.before(name)).value if tag.point is not None and tag.point.readback else None
        doubt = self._unusual(name, value)
        way = None if asked.per_min is None else self._ramp(tag, value, before, asked.per_min)
        hold_s = None if asked.for_s is None else self._hold_s(tag, value, before, asked)
        ends_in_s = hold_s if way is None else way.lasts_s
        back_to = before if hold_s is not None else None
        if asked.dry_run:
            return SetReport(name, "possible", value, None, before, doubt=doubt, ends_in_s=ends_in_s, back_to=back_to)
        if way is not None:
            self._start_ramp(tag, way, who, asked.why)
            return SetReport(name, "ramping", value, before, before, doubt=doubt, ends_in_s=ends_in_s)
        report = await self._write(tag, value, who, asked.why)
        told = _report(report, before, doubt)
        if report.outcome is Outcome.REFUSED:
            return told
        inherited = self._stop(name, "written")
        self._last = LastSet(tag, before, self._held(report), self._clock.process_s())
        if hold_s is None or before is None:
            return told
        back_to = before if inherited is None else inherited
        self._work[name] = Holding(self._ground, tag, back_to, self._held(report), hold_s, who)
        return replace(told, ends_in_s=hold_s, back_to=back_to)

    async def _write(self, tag: Tag, value: Value, who: Who, why: str) -> WriteReport:
        self._writing = tag.name
        try:
            return await self._book.write(tag.name, value, who=who.operator, why=why)
        finally:
            self._writing = ""

    @staticmethod
    def _held(report: WriteReport) -> Value:
        return report.asked if report.got is None else report.got

    # what stands against a write

    def _not_armed(self, who: Who, *, once: bool) -> tuple[str, str] | None:
        armed = self.armed
        if armed is None:
            return None if once else ("arming", tr("writing is not armed: linectl arm, or --arm with this command"))
        if not armed.is_of(who):
            error = held_by(armed, self._clock.process_s())
            return "arming", tr("{what}: {text}").format(what=error.message, text=error.hint)
        return None

    async def _against(self, asked: Asked) -> tuple[str, str] | None:
        """Return why the value would not be written now, None when nothing stands against it."""
        refused = await self._line.refusal(asked.tag, asked.value, planned=asked.per_min is not None)
        if refused is None and asked.per_min is not None:
            refused = self._ramp_too_fast(self._line.definition.tags[asked.tag], asked.per_min)
        if refused is None and not asked.sure and (doubt := self._unusual(asked.tag, asked.value)):
            refused = "soft", doubt
        return refused

    def _unusual(self, name: str, value: Value) -> str:
        """Return what should be meant before `value` is written: a rare value, a plan that does not know of it."""
        return " ".join(filter(None, [self._line.doubt(name, value), self._book.concern(name)]))

    def _ramp_too_fast(self, tag: Tag, per_min: float) -> tuple[str, str] | None:
        most = pace_of(tag, self._line.definition.zones).per_min
        if most is None or per_min <= most:
            return None
        text = tr("{rate} {unit} a minute is faster than {tag} may change, {most} {unit} a minute")
        return "rate", text.format(rate=number(per_min), unit=tag.unit, tag=tag.name, most=number(most))

    async def _refused(self, asked: Asked, refused: tuple[str, str]) -> SetReport:
        report = WriteReport(asked.tag, Outcome.REFUSED, asked.value, None, *refused)
        if not asked.dry_run:
            await self._book.refused(report, who=asked.who.operator, why=asked.why)
        return _report(report, None, refused[1] if refused[0] == "soft" else "")

    # ramps and values for a time

    def _ramp(self, tag: Tag, value: Value, before: Value | None, per_min: float) -> Ramp:
        if tag.dtype == "bool" or tag.states:
            raise Refused(tr("{tag} has no values in between: there is no ramp to it").format(tag=tag.name))
        if before is None:
            raise Refused(tr("{tag} cannot be read back: nobody knows where a ramp begins").format(tag=tag.name))
        if not per_min > 0.0:
            raise Refused(tr("a ramp needs a rate above 0 a minute"))
        return ramp(float(before), float(value), per_min, resolution(tag))

    def _hold_s(self, tag: Tag, value: Value, before: Value | None, asked: Asked) -> float:
        """Return for how long `value` is to stand: at least so long that the way back is not too fast.

        Raises:
            Refused: it cannot be put back, or leaves its safe value by itself.
        """
        for_s = asked.for_s or 0.0
        if asked.per_min is not None:
            raise Refused(tr("a ramp has no end at which it goes back: give --ramp or --for, not both"))
        if not 0.0 < for_s <= _LONGEST_FOR_S:
            raise Refused(tr("a value is held for 24 h at most, and for more than nothing"))
        if before is None:
            raise Refused(tr("{tag} cannot be read back: there is nothing to go back to").format(tag=tag.name))
        if self._line.safe_values.get(tag.name) == value and not same(tag, before, value):
            text = tr("{tag} would leave its safe value by itself: set it without --for, and back by hand")
            raise Refused(text.format(tag=tag.name))
        most = pace_of(tag, self._line.definition.zones).per_min
        return for_s if most is None else max(for_s, abs(value - before) / most * 60.0)

    def _start_ramp(self, tag: Tag, way: Ramp, who: Who, why: str) -> None:
        self._stop(tag.name, "written")
        self._last = LastSet(tag, way.start, way.start, self._clock.process_s())
        new = {"value": way.target, "unit": tag.unit, "per_min": way.per_min, "lasts_s": round(way.lasts_s, 3)}
        self._tell("ramp", who, tag=tag.name, old=way.start, new=new, why=why)
        self._work[tag.name] = Ramping(self._ground, tag, way, who, why)

    @property
    def under_way(self) -> Mapping[str, Work]:
        """The ramps and the values held for a time, by tag."""
        return self._work

    def end(self, why: str) -> None:
        """End every ramp and forget every value that waits to be written back: what stands now stays (a machine word).

        For a hold, an abort and a trip: nothing is written by itself after those.
        """
        for name in list(self._work):
            self._stop(name, why)

    def _stop(self, name: str, why: str) -> Value | None:
        """End what is under way for the tag `name`; return what it was to be put back to, None: nothing."""
        work = self._work.pop(name, None)
        return None if work is None else work.stop(why)

    async def close(self) -> None:
        """End ramps, write back what was set for a time (not what the safe state will set next), and disarm."""
        if self._expiry is not None:
            self._expiry.cancel()
        self._arming.end()
        for name, work in list(self._work.items()):
            await work.close(safe=name in self._line.safe_values)
        self._work.clear()
        if self._ground.tasks:
            await asyncio.wait(set(self._ground.tasks))

    # what goes on meanwhile

    def _written(self, report: WriteReport, _before: Reading | None) -> None:
        """Take a write of anybody: a ramp does not go on against one."""
        work = self._work.get(report.tag)
        ours = report.tag == self._writing or (work is not None and work.writing)
        if isinstance(work, Ramping) and not ours and report.outcome is not Outcome.REFUSED:
            self._stop(report.tag, "written")

    def _moved(self, name: str, at: Value) -> None:
        """Take where a ramp has come to: undo takes back the whole of it."""
        if self._last is not None and self._last.tag.name == name:
            self._last = replace(self._last, got=at, at_s=self._clock.process_s())

    def _over(self, work: Work) -> None:
        if self._work.get(work.tag.name) is work:
            del self._work[work.tag.name]

    def _happened(self, kind: str, data: Mapping[str, object]) -> None:
        """Take an event of the line."""
        if kind == "plc_alarm" and not data.get("now"):
            return
        if kind in _TRIPS:
            self.end(kind)
        elif kind == "command" and data.get("code") in _ENDING_COMMANDS:
            self.end(str(data["code"]))

    def _tell(
        self, action: str, who: Who, *, tag: str = "", old: object = None, new: object = None, why: str = ""
    ) -> None:
        """Record what somebody did, and what ended by itself."""
        target = tag or self._line.definition.name
        act = Act(self._clock.now_ns(), who.operator, action, target, old=old, new=new, reason=why)
        told: dict[str, object] = {"who": who.operator, "face": who.face}
        told |= {"tag": tag} if tag else {}
        told |= new if isinstance(new, dict) else {}
        self._book.tell(action, told | ({"why": why} if why else {}), act)


def _report(report: WriteReport, before: Value | None, doubt: str) -> SetReport:
    return SetReport(
        report.tag,
        str(report.outcome),
        report.asked,
        report.got,
        before,
        refused_by=report.refused_by,
        detail=report.detail,
        doubt=doubt,
    )
