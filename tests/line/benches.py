"""A small bath on links in memory, for the tests of the line: each test scripts what it needs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from drivers.link import Answer, Link, LinkStats, Outcome, Point, Priority, RawReading, RawValue, WriteResult
from drivers.memory import MemoryDevice, MemoryLink
from linectl.clock import VIRTUAL_START_NS, Clock, VirtualTimeLoop
from linectl.config.files import SourceText
from linectl.config.load import load_line_text
from linectl.line.line import Line
from linectl.model.lines import LineDefinition
from linectl.model.readings import Reading, Scan

T = TypeVar("T")

TEXT = """\
kind: line
name: bench
simulated: true
links:
  plc: {type: modbus_tcp, host: 127.0.0.1, port: 5020}
  rtd: {type: ezo, port: /dev/rtd, device: RTD}
  ec: {type: ezo, port: /dev/ec, device: EC}
  sensors: {type: mqtt, host: 127.0.0.1, port: 1883}
scans: {bath: 1.0, slow: 30.0}
control: {heartbeat: bath.heartbeat, plc_counter: bath.plc_counter, owner: bath.owner, boot_counter: bath.boot_counter}
zones:
  bath:
    kind: bath
    volume_l: 40
    positions: 24
    limits: {temperature: {warn: 85, block: 88, hard: 92}, naoh: {warn: 2.5, block: 3, hard: 4}}
tags:
  bath.plc_counter: {link: plc, point: 2/ir0, dtype: int, scan: bath}
  bath.alarm_word: {link: plc, point: 2/ir2, dtype: int, scan: bath}
  bath.schema_version: {link: plc, point: 2/ir3, dtype: int, scan: bath}
  bath.boot_counter: {link: plc, point: 2/ir4, dtype: int, scan: bath}
  bath.ack_seq: {link: plc, point: 2/ir5, dtype: int, scan: bath}
  bath.ack_result: {link: plc, point: 2/ir6, dtype: int, scan: bath}
  bath.controller_temperature: {link: plc, point: 2/ir10, kind: i16, gain: 0.1, bad_raw: [-32768],
    unit: °C, low: -20, high: 120, scan: bath}
  bath.lid_closed: {link: plc, point: 2/di0, kind: bool, scan: bath}
  bath.command: {link: plc, point: "2/hr0:3", kind: block, readback: false, writable: true}
  bath.setpoint: {link: plc, point: 2/hr10, kind: i16, gain: 0.1, unit: °C, low: 0, high: 100, writable: true,
    limit: temperature}
  bath.naoh_setpoint: {link: plc, point: 2/hr11, gain: 0.01, unit: "%", writable: true, limit: naoh}
  bath.stirrer: {link: plc, point: 2/hr12, unit: "%", low: 0, high: 100, writable: true}
  bath.heartbeat: {link: plc, point: 2/hr30, readback: false, writable: true}
  bath.owner: {link: plc, point: 2/hr31, dtype: int, writable: true}
  bath.heater_enable: {link: plc, point: 2/co6, kind: bool, writable: true}
  bath.temperature: {link: rtd, point: R, kind: float, unit: °C, low: -20, high: 120, scan: bath}
  bath.conductivity: {link: ec, point: R, kind: float, gain: 0.001, unit: mS/cm, scan: bath}
  bath.naoh: {derived: {law: naoh_conductivity, inputs: [bath.conductivity, bath.temperature]}, unit: "%", low: 0.01,
    high: 4, scan: bath}
  room.temperature: {link: sensors, point: "room#t", kind: float, unit: °C, scan: slow}
  label.p01: {link: sensors, point: "label/1#attached", kind: bool, scan: slow}
"""

HEARTBEAT, OWNER, COMMAND, HEATER = "2/hr30", "2/hr31", "2/hr0:3", "2/co6"


class FakePlc:
    """Registers by address; a counter that runs with the loop, a clamp, and the command handshake."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.values: dict[str, Any] = {"2/ir3": 1, "2/ir4": 7, "2/ir10": 600, "2/di0": True, OWNER: 0, HEATER: False}
        self.written: list[tuple[float, str, RawValue]] = []
        self.counter_runs = True
        self.results: dict[int, int] = {}  # command code -> result; 1 when not given
        self.busy_s = 0.0  # how long a command other than stop stays pending
        self.deaf = 0  # so many commands are not heard
        self.stuck: dict[str, RawValue] = {}  # by address: what stands there whatever is written
        self._ends: tuple[float, int] | None = None

    def read(self, point: Point) -> RawReading | RawValue | None:
        if point.address == "2/ir0":
            return int(self.loop.time()) if self.counter_runs else 1234
        if point.address == "2/ir6" and self._ends is not None and self.loop.time() >= self._ends[0]:
            self.values["2/ir6"], self._ends = self._ends[1], None
        found: RawReading | RawValue | None = self.values.get(point.address, 0)
        return found

    def write(self, point: Point, value: RawValue) -> RawValue:
        self.written.append((self.loop.time(), point.address, value))
        if point.address == COMMAND and isinstance(value, tuple):
            self._command(*value)
            return value
        if point.address == "2/hr10" and isinstance(value, int):
            value = min(value, 800)
        value = self.stuck.get(point.address, value)
        self.values[point.address] = value
        return value

    def _command(self, code: int, seq: int, token: int) -> None:
        if self.deaf:
            self.deaf -= 1
            return
        result = self.results.get(code, 1) if token == self.values[OWNER] else 5
        self.values["2/ir5"] = seq
        wait_s = 0.0 if code == 3 else self.busy_s
        self.values["2/ir6"] = 0 if wait_s else result
        self._ends = (self.loop.time() + wait_s, result) if wait_s else None

    def at(self, address: str) -> list[float]:
        return [when for when, where, _value in self.written if where == address]

    def sent(self, address: str) -> list[RawValue]:
        return [value for _when, where, value in self.written if where == address]


class Fixed:
    """A device that says what it is told to say, the same of every point unless one is named."""

    def __init__(self, value: RawReading | RawValue | None, named: Mapping[str, Any] | None = None) -> None:
        self.value = value
        self.named = dict(named or {})

    def read(self, point: Point) -> RawReading | RawValue | None:
        found: RawReading | RawValue | None = self.named.get(point.address, self.value)
        return found

    def write(self, point: Point, value: RawValue) -> RawValue:
        raise AssertionError(f"{point} was written: {value}")


class HalfOpen:
    """A link that calls itself open and answers nothing: calls end at their deadline, or never."""

    def __init__(self, inner: Link) -> None:
        self.inner = inner
        self.tap = inner.tap
        self.silent = False
        self.endless = False

    async def open(self) -> None:
        await self.inner.open()

    async def close(self) -> None:
        await self.inner.close()

    async def read(
        self, points: Sequence[Point], *, deadline: float, priority: Priority = Priority.READ
    ) -> Mapping[Point, RawReading]:
        if not self.silent:
            return await self.inner.read(points, deadline=deadline, priority=priority)
        await self._silence(deadline)
        return dict.fromkeys(points, RawReading(None, "timeout"))

    async def write(
        self, point: Point, value: RawValue, *, deadline: float, priority: Priority = Priority.WRITE
    ) -> WriteResult:
        if not self.silent:
            return await self.inner.write(point, value, deadline=deadline, priority=priority)
        await self._silence(deadline)
        return WriteResult(Outcome.UNKNOWN, value, None, "timeout")

    async def _silence(self, deadline: float) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(86_400.0 if self.endless else max(0.0, deadline - loop.time()))

    def is_open(self) -> bool:
        return self.inner.is_open()

    def stats(self) -> LinkStats:
        return self.inner.stats()


class AtOnce(HalfOpen):
    """A link that need not wait: its answers are what the device says, bare values where it says no times."""

    def read_now(self, points: Sequence[Point]) -> Sequence[Answer] | None:
        assert isinstance(self.inner, MemoryLink)
        return [self.inner.device.read(point) for point in points] if self.inner.is_open() else None


@dataclass
class Bench:
    """A line with what it is connected to, and everything it told."""

    line: Line
    clock: Clock
    plc: FakePlc
    rtd: Fixed
    ec: Fixed
    sensors: Fixed
    wires: dict[str, MemoryLink]
    links: dict[str, HalfOpen]
    scans: list[Scan] = field(default_factory=list)
    events: list[tuple[float, str, Mapping[str, Any]]] = field(default_factory=list)

    def of(self, group: str) -> list[Scan]:
        return [scan for scan in self.scans if scan.layout.group == group]

    def told(self, kind: str) -> list[Mapping[str, Any]]:
        return [data for _when, each, data in self.events if each == kind]

    def series(self, tag: str) -> list[Reading]:
        return [scan.readings[scan.layout.tags.index(tag)] for scan in self.scans if tag in scan.layout.tags]


def definition(text: str = TEXT) -> LineDefinition:
    return load_line_text(SourceText("bench.yaml", text, "hash"))


def make(text: str = TEXT, *, speed: float = 1.0, link: Callable[[Link], HalfOpen] = HalfOpen) -> Bench:
    """Return a line on a bath at 60 °C with 1.5 % NaOH; to be called inside the loop."""
    clock = Clock(start_ns=VIRTUAL_START_NS, speed=speed)
    plc, rtd, ec = FakePlc(), Fixed(60.0), Fixed(124_400.0)
    sensors = Fixed(20.0, {"label/1#attached": True})
    devices: dict[str, MemoryDevice] = {"plc": plc, "rtd": rtd, "ec": ec, "sensors": sensors}
    wires = {name: MemoryLink(device, name) for name, device in devices.items()}
    links = {name: link(wire) for name, wire in wires.items()}
    line = Line(definition(text), clock, links=links, boot="boot")
    bench = Bench(line, clock, plc, rtd, ec, sensors, wires, links)
    line.on_scan(bench.scans.append)
    line.on_event(lambda kind, data: bench.events.append((asyncio.get_running_loop().time(), kind, data)))
    return bench


def virtually(work: Callable[[], Awaitable[T]]) -> T:
    """Run `work` in virtual time and return its result; no task may be left."""

    async def whole() -> T:
        result = await work()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, left
        return result

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(whole())
