"""A running line: its tags scanned on a fixed grid, its writes checked and read back, its PLC kept content."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType, TracebackType
from typing import Any, Self

from drivers.errors import DriverError
from drivers.link import Link, Outcome, RawReading
from drivers.wire_tap import WireTap
from linectl.clock import Clock
from linectl.config.secrets import with_secrets
from linectl.errors import ConfigError, DeviceError, LinectlError, Unreachable
from linectl.line.gate import Gate
from linectl.line.grid import Due, Grid
from linectl.line.heating_guard import HeatingGuard, HeatingTrip
from linectl.line.limits import Before, doubt
from linectl.line.links import address_of, build_link, what_to_try
from linectl.line.narrow import read_only
from linectl.line.plc import Plc
from linectl.line.reports import Command, CommandReport, Result, WriteReport
from linectl.line.safe_state import SafeState, safe_values
from linectl.line.scan import Group, Scanner, Tick, groups, pulse_of
from linectl.line.trace import Trace, traced
from linectl.line.values import Values
from linectl.line.watch import Watch
from linectl.line.wire import Wire
from linectl.model.lines import LineDefinition, Tag
from linectl.model.readings import GOOD, Reading, Scan, ScanLayout, Value
from linectl.units import s_to_ns
from linectl.words import tr

__all__ = ["Command", "CommandReport", "Line", "Result", "WriteReport"]

ScanListener = Callable[[Scan], None]
WriteListener = Callable[[WriteReport, Reading | None], None]
EventListener = Callable[[str, Mapping[str, object]], None]
Permit = Callable[[str, Value | None], Awaitable[str]]
"""Says why a tag may not take a value now, or a command (None) may not be given; empty when it may."""

_BY_ITSELF = frozenset({"plc_reboot", "plc_alarm", "link_back"})  # after these the PLC may have changed what it holds
_LEASE_SILENCE_S = 5.0  # loop time without a heartbeat of ours; the PLC ends a lease after 10 s
_FIRST_SCAN_S = 5.0  # loop time; a first scan ends by its own deadline, with or without values


class Line:
    """One line, opened by one process at a time. `links` given are used in place of those of the definition.

    With `observe` it is only looked at: nothing is written, nobody takes the PLC or beats its heart, and a link that
    does not open says so in its readings (and in `unopened`).
    Wires, heartbeat and scans go by the loop's clock; the waits of commands by `clock`'s process time.
    """

    def __init__(
        self,
        definition: LineDefinition,
        clock: Clock,
        *,
        links: Mapping[str, Link] | None = None,
        boot: str,
        observe: bool = False,
    ) -> None:
        definition = read_only(definition) if observe else definition
        self.definition = definition
        self.unopened: dict[str, str] = {}
        self._observe = observe
        self.boot = boot
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        wanted = dict.fromkeys(tag.link for tag in definition.tags.values() if tag.point is not None)
        settings = with_secrets(definition, wanted).links if not links else definition.links
        self._links = {name: links[name] if links else build_link(settings[name]) for name in wanted}
        self._scan_listeners: list[ScanListener] = []
        self._event_listeners: list[EventListener] = []
        self._write_listeners: list[WriteListener] = []
        self._waiters: set[asyncio.Future[None]] = set()
        self._values = Values(definition, clock, self._links)
        self._watch = Watch(self._emit, self._links)
        self._wire = Wire(definition, self._links, clock, self._values, self._emit)
        self._groups = groups(definition)
        self.layouts: Mapping[str, ScanLayout] = MappingProxyType(
            {each.layout.group: each.layout for each in self._groups}
        )
        control = definition.control
        self._plc = (
            None if control is None else Plc(definition, control, self._wire, clock, self._emit, self._next_scan)
        )
        self._safe_state = SafeState(definition, self._wire, self._plc)
        self._safe_values = safe_values(definition)
        self._safe_listeners: list[Callable[[], None]] = []
        self._heating = HeatingGuard(definition, self._values, clock, self._emit, self.safe)
        self._heating.place({each.layout.group: each.index for each in self._groups})
        self._gate = Gate(definition, self._wire, self._plc, clock, self._heating, self._safe_values)
        pulse = pulse_of(definition)
        self._scanner = Scanner(
            self._links, clock, self._values, self._watch, boot=boot, pulse_link="" if pulse is None else pulse[0]
        )
        self._scanner.done = self._scanned
        self.permit: Permit = _anything
        self._first: dict[str, asyncio.Future[None]] = {}
        self._control_task: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        """Return the name, whether it is open, and the links that are lost."""
        lost = [name for name in self._links if self._watch.is_lost(name)]
        state = "open" if self._control_task is not None else "closed"
        return f"<Line {self.definition.name} {state}{', lost: ' + ', '.join(lost) if lost else ''}>"

    # open and close

    async def open(self) -> None:
        """Open all links at once, take the line, and return after the first scan of each group.

        Raises:
            Unreachable: links did not open; each is named with its address and what to try. Nothing is left open. A
                line that is only looked at opens without them.
            Refused: another computer holds the line, or the PLC's register map is unknown.
            DeviceError: the PLC answers nothing of use.
        """
        await self._open_links()
        try:
            if self._plc is not None:
                await self._plc.claim()
                await self._heating.look(self._wire.read)
            self._first = {each.layout.group: self._loop.create_future() for each in self._groups}
            self._control_task = self._loop.create_task(self._control(), name=f"control of {self.definition.name}")
            await self._first_scans(self._control_task)
        except BaseException:
            await self._shut()
            raise

    async def close(self) -> None:
        """Make the line safe, give it back and close the links; the last also when the rest fails.

        Raises:
            DeviceError: it could not be proved that the line is safe (see `safe`).
        """
        if self._control_task is None:
            return
        try:
            await self.safe()
            if self._plc is not None:
                await self._plc.release()
        finally:
            await self._shut()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            await self.close()
            return
        with suppress(LinectlError):  # what went wrong first is what must be told; events tell the rest
            await self.close()

    async def _open_links(self) -> None:
        names = list(self._links)
        results = await asyncio.gather(*(self._links[name].open() for name in names), return_exceptions=True)
        failed = {name: each for name, each in zip(names, results, strict=True) if isinstance(each, BaseException)}
        self.unopened = {name: str(error) for name, error in failed.items()}
        wrong = next((error for error in failed.values() if not isinstance(error, DriverError)), None)
        if not failed or (self._observe and wrong is None):
            return
        await asyncio.gather(*(self._links[name].close() for name in names if name not in failed))
        raise wrong or self.unreachable()

    def unreachable(self) -> Unreachable:
        """Return the error that tells of the links that did not open: each with its address and what to try."""
        settings = self.definition.links
        lines = [f"{name} ({address_of(settings[name])}): {error}" for name, error in self.unopened.items()]
        hints = dict.fromkeys(what_to_try(settings[name], why) for name, why in self.unopened.items())
        return Unreachable("\n".join(lines), hint="\n".join(hints))

    async def _first_scans(self, control: asyncio.Task[None]) -> None:
        first: asyncio.Future[list[None]] = asyncio.gather(*self._first.values())
        either: set[asyncio.Future[Any]] = {control, first}
        await asyncio.wait(either, timeout=_FIRST_SCAN_S, return_when=asyncio.FIRST_COMPLETED)
        first.cancel()
        if control.done():
            control.result()

    async def _shut(self) -> None:
        task, self._control_task = self._control_task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        await self._scanner.stop()
        await asyncio.gather(*(link.close() for link in self._links.values()))
        if task is not None and not task.cancelled():
            task.result()  # a control loop that ended by itself ended by a mistake, which must not stay unseen

    # readings

    def reading(self, tag: str) -> Reading:
        """Return the latest reading of `tag`, judged now: BAD when its link is lost or its value stale."""
        return self._values.judged(self._known(tag).name)

    def age_s(self, tag: str) -> float:
        """Return how old the latest reading of `tag` is (process time), whatever was done to the computer's clock."""
        return self._values.age_s(self._known(tag).name)

    async def read(self, tag: str) -> Reading:
        """Return a fresh reading of `tag` from the wire (what publishes by itself: from its link's memory)."""
        return await self._wire.read(self._known(tag).name)

    def raw(self, tag: str) -> RawReading | None:
        """Return what the wire said last of `tag`, before scaling; None before the first answer, and if derived."""
        return self._values.raw(self._known(tag).name)

    @property
    def taps(self) -> Mapping[str, WireTap]:
        """What shows the frames and counters of each link, by the link's name."""
        return {name: link.tap for name, link in self._links.items()}

    def link_of(self, tag: str) -> Link | None:
        """Return the link that carries `tag`, to look at its frames and counters; None when it is derived."""
        return self._links.get(self._known(tag).link)

    async def trace(self, tag: str) -> Trace:
        """Read `tag` once, with its registers where it has some, and the frames that went over its wire meanwhile.

        Raises:
            ConfigError: there is no such tag, or it is derived: its inputs have wires.
        """
        return await traced(self._known(tag), self._wire, self._links)

    def lost(self, link: str) -> str | None:
        """Return why `link` is lost now, None when it is not."""
        return self._watch.why_lost(link)

    def recalibrate(self, definition: LineDefinition) -> None:
        """Correct readings from now on by the calibrations of `definition`, which is this line in all the rest."""
        tags = {
            name: replace(tag, correction=definition.tags[name].correction)
            for name, tag in self.definition.tags.items()
        }
        self.definition = replace(
            self.definition,
            tags=tags,
            calibrations=definition.calibrations,
            calibration_hash=definition.calibration_hash,
        )
        self._values.recalibrate(tags)

    def on_scan(self, listener: ScanListener) -> None:
        """Call `listener` with each scan, on the loop; it must be quick."""
        self._scan_listeners.append(listener)

    def on_event(self, listener: EventListener) -> None:
        """Call `listener` with each event: a machine word and its data."""
        self._event_listeners.append(listener)

    def on_write(self, listener: WriteListener) -> None:
        """Call `listener` after each `write` with its report, and the tag's last scan (None: no scan reads it).

        What the line writes by itself (heartbeat, lease, heater off at its end) is not told.
        """
        self._write_listeners.append(listener)

    def _known(self, name: str) -> Tag:
        tag = self.definition.tags.get(name)
        if tag is None:
            near = difflib.get_close_matches(name, self.definition.tags, n=1)
            text = tr("{line} has no tag {tag}").format(line=self.definition.name, tag=name)
            raise ConfigError(text, hint=tr("did you mean `{word}`?").format(word=near[0]) if near else "")
        return tag

    # writes

    async def write(self, tag: str, value: Value, *, planned: bool = False) -> WriteReport:
        """Write `value` in the tag's unit: checked first (see `refusal`), read back after.

        What is refused here never reaches the wire. Wire faults are outcomes, not exceptions. `planned` writes are
        those of a recipe or an experiment, checked as a whole before it began: they are not held to the tag's pace.
        """
        known = self.definition.tags.get(tag)
        before = self._values.judged(tag) if known is not None and known.scan else None
        report = await self._write(tag, value, planned=planned)
        for listener in self._write_listeners:
            listener(report, before)
        return report

    async def _write(self, tag: str, value: Value, *, planned: bool) -> WriteReport:
        refused = await self.refusal(tag, value, planned=planned)
        if refused is not None:
            return self._wire.audit(WriteReport(tag, Outcome.REFUSED, value, None, *refused))
        report = await self._wire.write(self.definition.tags[tag], value)
        if report.outcome is not Outcome.REFUSED:
            self._gate.passed(tag)
        self._keep(report)
        return report

    def _keep(self, report: WriteReport) -> None:
        """Keep what was read back: what the tag held before the write must not look fresh until its next scan."""
        tag = self.definition.tags[report.tag]
        if tag.point is None or not tag.point.readback or report.got is None:
            return
        now_ns, sequence = self._clock.now_ns(), self._values.latest[tag.name].sequence
        self._values.put(Reading(tag.name, report.got, GOOD, now_ns, now_ns, sequence), self._loop.time())

    async def refusal(self, tag: str, value: Value, *, planned: bool = False) -> tuple[str, str] | None:
        """Return why `value` would not be written to `tag` now (a word of `WriteReport.refused_by`, a text for people).

        Looked at in this order: the tag, its range and limits, its pace, faults of the heating that nobody has reset
        yet, the lease, interlocks and permissives; to its safe value a tag may go in spite of these. None: nothing
        stands against it.
        """
        refused = await self._gate.refusal(tag, value, planned=planned)
        if refused is not None or self._safe_values.get(tag) == value:
            return refused
        forbidden = await self.permit(tag, value)
        return ("interlock", forbidden) if forbidden else None

    def doubt(self, tag: str, value: Value) -> str:
        """Return why a person should be asked before `value` is written to `tag`; "" when nothing is unusual about it.

        Raises:
            ConfigError: there is no such tag.
        """
        return doubt(self._known(tag), value, self.definition.zones)

    async def before(self, tag: str) -> Before:
        """Return what `tag` holds, read now, and how long ago this line wrote it (process time).

        Raises:
            ConfigError: there is no such tag.
        """
        return await self._gate.before(self._known(tag).name)

    async def command(self, code: Command, *, within_s: float) -> CommandReport:
        """Give the PLC a command and wait for its end, at most `within_s` of process time; UNKNOWN when none is heard.

        Raises:
            DeviceError: the line has no PLC that takes commands.
        """
        plc = self._with_plc()
        forbidden = await self.permit(code.name.lower(), None)
        return plc.forbidden(code, forbidden) if forbidden else await plc.command(code, within_s)

    async def safe(self) -> None:
        """Bring the line into its declared safe state (else: heater off, then stop), and prove it by read-back.

        Raises:
            DeviceError: not all of it could be proved.
        """
        for listener in self._safe_listeners:
            listener()
        await self._safe_state.reach()

    def on_safe(self, listener: Callable[[], None]) -> None:
        """Call `listener` whenever the line is about to be made safe: what changes it by itself must end."""
        self._safe_listeners.append(listener)

    @property
    def safe_values(self) -> Mapping[str, Value]:
        """What tags hold in the safe state."""
        return self._safe_values

    @property
    def heating_trips(self) -> Mapping[str, HeatingTrip]:
        """The faults of the heating that nobody has reset, by zone; while any stands, nothing is switched on again."""
        return self._heating.trips

    def reset_heating(self, zones: Collection[str] | None = None) -> tuple[HeatingTrip, ...]:
        """Forget the faults of the heating of `zones` (None: all), for a person who has looked at it; return them."""
        return self._heating.reset(zones)

    def _with_plc(self) -> Plc:
        if self._plc is None:
            raise DeviceError(tr("{line} has no PLC that takes commands").format(line=self.definition.name))
        return self._plc

    # the control loop

    async def _control(self) -> None:
        """Keep the grid: at each tick the heartbeat goes first, written here so that a loop that hangs is noticed."""
        origin_s = self._loop.time()
        scans = [(group, Grid(origin_s, group.layout.period_s)) for group in self._groups]
        period_s = self.definition.control.period_s if self.definition.control else 0.5
        beats = Grid(origin_s, period_s, late=1.0)
        grids = [beats, *[grid for _group, grid in scans]]
        while True:
            self._wake()
            now_s = self._loop.time()
            for group, grid in scans:
                due = grid.take(now_s)
                if due is not None:
                    self._scan(group, due, now_s)
            beat = beats.take(now_s)
            if beat is not None:
                self._tell_missed("heartbeat", beat)
                self._own_again(beat.missed * period_s)
                self._look_at_links()
                if self._plc is not None:
                    await self._plc.beat()
            next_s = min([grid.due_s for grid in grids])
            await asyncio.sleep(max(0.0, next_s - self._loop.time()))

    def _scan(self, group: Group, due: Due, now_s: float) -> None:
        self._tell_missed(group.layout.group, due)
        if due.number is None:
            return
        late_s = (now_s - due.at_s) * self._clock.speed
        loop_ns = s_to_ns(self._clock.process_s() - late_s)
        t_ns = (self._clock.now_ns() - s_to_ns(late_s) + 500) // 1000 * 1000  # whole microseconds
        self._scanner.start(group, Tick(due.number, due.at_s, loop_ns, t_ns))

    def _wake(self) -> None:
        """Look whether the computer slept: what was read before is as old as that, and the PLC went safe meanwhile."""
        slept_s = self._clock.wake()
        if slept_s:
            self._values.aged(slept_s)
            self._emit("slept", {"slept_s": round(slept_s, 1)})
            self._own_again(slept_s)

    def _own_again(self, silent_s: float) -> None:
        """Take the line again after a silence of ours in which our lease may have ended; no setpoint is written."""
        if self._plc is not None and silent_s > _LEASE_SILENCE_S:
            self._scanner.run(self._plc.reclaim())

    def _tell_missed(self, what: str, due: Due) -> None:
        if due.missed:
            last = due.first_missed + due.missed - 1
            self._emit("missed_ticks", {"group": what, "missed": due.missed, "first": due.first_missed, "last": last})

    def _look_at_links(self) -> None:
        for name, link in self._links.items():
            if self._watch.connected(name, link.is_open()):
                for group in self._groups:
                    self._scanner.refresh(group, name)

    def _scanned(self, group: Group, scan: Scan) -> None:
        self._look_at_plc(group, scan)
        self._heating.see(scan, self._scanner.run)
        for listener in self._scan_listeners:
            listener(scan)
        first = self._first.get(group.layout.group)
        if first is not None and not first.done():
            first.set_result(None)
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()

    def _look_at_plc(self, group: Group, scan: Scan) -> None:
        control = self.definition.control
        if control is None or self._plc is None:
            return
        boots = group.index.get(control.boot_counter)
        if boots is not None and self._watch.rebooted(scan.readings[boots]):
            self._scanner.run(self._plc.reclaim())
        alarms = group.index.get(self._plc.alarm_word)
        if alarms is not None:
            self._watch.alarms(scan.readings[alarms])

    async def _next_scan(self, within_s: float) -> None:
        """Wait for the next scan of any group, at most `within_s` of loop time and a second."""
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._waiters.add(waiter)
        await asyncio.wait([waiter], timeout=min(within_s, 1.0))
        self._waiters.discard(waiter)

    def _emit(self, kind: str, data: Mapping[str, object]) -> None:
        if kind == "link_back" and self._plc is not None and data["link"] == self._plc.link:
            self._scanner.run(self._plc.reclaim())  # our lease may have ended meanwhile, the connection cut or not
        if kind == "write":
            self._heating.wrote(str(data["tag"]), data["got"])
        elif kind in _BY_ITSELF and self._plc is not None:
            self._scanner.run(self._heating.look(self._wire.read))
        for listener in self._event_listeners:
            listener(kind, data)


async def _anything(_what: str, _value: Value | None) -> str:
    """Forbid nothing: the line has no interlocks."""
    return ""
