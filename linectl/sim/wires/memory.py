"""The rig's devices without wires, from the same handlers as the wires; `linectl.sim.wires.memory_link` reaches them.

They fit `drivers.memory.MemoryLink` too; the simulator has a link of its own because it depends on no client of the
wires it serves.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple, Protocol

from drivers.addresses import circulator_point, ezo_field, modbus_address, sics_point
from drivers.errors import DeviceFault
from drivers.frames.ezo import NO_PROBE_RTD
from drivers.frames.registers import Decode, decoder, registers_of, value_of
from drivers.frames.sics import CANCEL, NOW, TARE, ZERO, parse_tare, parse_weight, parse_zero
from drivers.link import Answer, Point, RawReading, RawValue
from linectl.sim.wires.balance import Balance
from linectl.sim.wires.bank import Bank, ModbusFault
from linectl.sim.wires.circulator import Circulator
from linectl.sim.wires.ezo import EzoCircuit
from linectl.sim.wires.trouble import Asked, Meeting

__all__ = ["BalanceMemory", "CirculatorMemory", "Exchange", "EzoMemory", "ModbusMemory", "RigDevice"]

Exchange = tuple[Asked, tuple[Point, ...]]
"""One request that a driver would send, and the points that its reply holds."""


class RigDevice(Protocol):
    """One device of the rig, asked directly."""

    def read(self, point: Point) -> Answer:
        """Return the point's raw value, a whole reading, or None when there is none yet."""

    def read_all(self, points: Sequence[Point]) -> Sequence[Answer]:
        """Return what `read` says of each of `points`, all taken at one moment."""

    def write(self, point: Point, value: RawValue) -> RawValue:
        """Take `value` and return what the point holds afterwards.

        Raises:
            DeviceFault: the device refuses.
            ValueError: nothing of the kind can be written.
        """

    def exchanges(self, points: Sequence[Point]) -> Sequence[Exchange]:
        """Return the requests that a driver would send for `points`."""

    def shown(self, points: Sequence[Point], meeting: Meeting) -> Sequence[Answer]:
        """Return what `read` says of the points of one exchange, as what it meets lets it be seen."""

    def asked(self, point: Point) -> Asked:
        """Return the request that writes `point`."""


_FUNCTIONS = {"co": 1, "di": 2, "hr": 3, "ir": 4}
_GAP = 8  # registers that are rather read along than asked for apart
_AS_IT_IS = decoder("u16")  # of most registers nothing need be decoded
_PLANS_KEPT = 64
_SHORT = 4  # points whose hash costs less than to keep their tuple


class _Block(NamedTuple):
    """Points of one table, read at once: per point its place in the answer, and what decodes it there."""

    unit: int
    table: str
    address: int
    size: int
    parts: tuple[tuple[int, int, int, Decode], ...]  # index of the point, its first and its end in the block

    def decode(self, held: Sequence[int], found: list[Answer]) -> None:
        """Put what the block holds into `found`, each at its point's index."""
        for index, start, end, decode in self.parts:
            found[index] = held[start] if decode is _AS_IT_IS else decode(held[start:end])


def _blocks(points: Sequence[Point], gap: int) -> tuple[_Block, ...]:
    """Return the fewest blocks that hold `points`, with at most `gap` registers between two that nobody asked for."""
    places = [(modbus_address(point), index) for index, point in enumerate(points)]
    places.sort(key=lambda each: (each[0].unit, each[0].table, each[0].address))
    blocks: list[_Block] = []
    for place, index in places:
        last = blocks[-1] if blocks else None
        touches = last is not None and (last.unit, last.table) == (place.unit, place.table)
        if last is None or not touches or place.address > last.address + last.size + gap:
            last = _Block(place.unit, place.table, place.address, 0, ())
            blocks.append(last)
        start = place.address - last.address
        part = index, start, start + place.count, decoder(place.kind, place.order, place.bit)
        blocks[-1] = last._replace(size=max(last.size, part[2]), parts=(*last.parts, part))
    return tuple(blocks)


class ModbusMemory:
    """Banks of registers, read and written as their server would."""

    def __init__(self, banks: Mapping[int, Bank], before: Callable[[int], None]) -> None:
        self._banks = banks
        self._before = before
        self._blocks = lru_cache(maxsize=_PLANS_KEPT)(_blocks)
        self._plans: dict[int, tuple[Sequence[Point], tuple[_Block, ...]]] = {}  # of long tuples, by their identity
        self._gap = _GAP

    def read(self, point: Point) -> Answer:
        """Return what the point holds now."""
        self._before(modbus_address(point).unit)
        return self._value(point)

    def read_all(self, points: Sequence[Point]) -> Sequence[Answer]:
        """Return what the points hold now; registers that touch are read at once, as their server would be asked."""
        found: list[Answer] = [None] * len(points)
        ready = -1
        for block in self._plan(points):
            if block.unit != ready:
                self._before(block.unit)
                ready = block.unit
            try:
                held = self._banks[block.unit].read(block.table, block.address, block.size)
            except ModbusFault:  # what lies between: asked again without it, from now on
                self._gap = 0
                self._plans.clear()
                return [self._read_alone(point) for point in points]
            block.decode(held, found)
        return found

    def exchanges(self, points: Sequence[Point]) -> Sequence[Exchange]:
        """Return a request for each block of registers that touch."""
        return [
            (Asked("tcp", unit, _FUNCTIONS[table], address, count), tuple(points[index] for index, *_ in parts))
            for unit, table, address, count, parts in self._plan(points)
        ]

    def shown(self, points: Sequence[Point], meeting: Meeting) -> Sequence[Answer]:
        """Return what the points of one block hold, its registers as the meeting shows them."""
        (block,) = self._plan(points)
        self._before(block.unit)
        try:
            held = meeting.registers(self._banks[block.unit].read(block.table, block.address, block.size))
        except ModbusFault:
            return [self._read_alone(point) for point in points]
        found: list[Answer] = [None] * len(points)
        block.decode(held, found)
        return found

    def asked(self, point: Point) -> Asked:
        """Return the request that writes `point`."""
        place = modbus_address(point)
        function = 16 if place.count > 1 else 5 if place.is_bit else 6
        return Asked("tcp", place.unit, function, place.address, place.count)

    def _plan(self, points: Sequence[Point]) -> tuple[_Block, ...]:
        """Return the blocks of `points`; a long tuple is known by itself, for its hash takes as long as reading it."""
        known, blocks = self._plans.get(id(points), (None, ()))
        if known is points:
            return blocks
        blocks = self._blocks(tuple(points), self._gap)
        if len(points) > _SHORT and isinstance(points, tuple):
            if len(self._plans) >= _PLANS_KEPT:
                self._plans.clear()
            self._plans[id(points)] = (points, blocks)
        return blocks

    def _read_alone(self, point: Point) -> RawReading | RawValue:
        try:
            return self._value(point)
        except ModbusFault as fault:
            return RawReading(None, "out_of_service", f"{point.address}: exception {int(fault.code)}")

    def write(self, point: Point, value: RawValue) -> RawValue:
        """Write, and return what the point holds afterwards; a refused write changes nothing.

        Raises:
            ValueError: the value does not fit the point's kind.
        """
        place = modbus_address(point)
        self._before(place.unit)
        registers = registers_of(point.kind, value, place.order, place.count)
        if place.bit >= 0:
            mask = 1 << place.bit
            (held,) = self._banks[place.unit].read(place.table, place.address, 1)
            registers = (held & ~mask | mask * registers[0],)
        try:
            self._banks[place.unit].write(place.table, place.address, list(registers))
        except ModbusFault:
            return self._value(point)
        return self._value(point) if point.readback else value

    def _value(self, point: Point) -> RawValue:
        place = modbus_address(point)
        held = self._banks[place.unit].read(place.table, place.address, place.count)
        return value_of(point.kind, held, place.order, place.bit)


class _Text(ABC):
    """What is asked in lines of text: one question for each point, nothing to write unless it says so."""

    @abstractmethod
    def read(self, point: Point) -> Answer:
        """Return the point's value."""

    def read_all(self, points: Sequence[Point]) -> Sequence[Answer]:
        """Return what `read` says of each of `points`."""
        return [self.read(point) for point in points]

    def write(self, point: Point, value: RawValue) -> RawValue:
        """Refuse: a reading is not written."""
        raise ValueError(f"{point.address} is not written (asked: {value})")

    def exchanges(self, points: Sequence[Point]) -> Sequence[Exchange]:
        """Return a question for each point."""
        return [(self.asked(point), (point,)) for point in points]

    def shown(self, points: Sequence[Point], meeting: Meeting) -> Sequence[Answer]:
        """Return what `read` says."""
        del meeting  # a line of text has no registers
        return self.read_all(points)

    def asked(self, point: Point) -> Asked:
        """Return the question."""
        return Asked("text", text=point.address)


class EzoMemory(_Text):
    """An EZO circuit, with its own resolution."""

    def __init__(self, circuit: EzoCircuit, before: Callable[[], None]) -> None:
        self._circuit = circuit
        self._before = before

    def read(self, point: Point) -> Answer:
        """Return the field that the point names of a reading taken now."""
        self._before()
        field = ezo_field(point)
        if field:
            return RawReading(None, "bad_reply", f"no field {field} in a reading of {self._circuit.device}")
        value, _ = self._circuit.measured()
        if self._circuit.device == "RTD" and value <= NO_PROBE_RTD:
            return RawReading(None, "sensor_failure", "no probe")
        return value

    def exchanges(self, points: Sequence[Point]) -> Sequence[Exchange]:
        """Return one question: a reading holds all fields."""
        return [(Asked("text", text="R"), tuple(points))]


class BalanceMemory(_Text):
    """A balance, which answers when it stands still: `weight` while it moves is no weight yet."""

    def __init__(self, balance: Balance) -> None:
        self._balance = balance

    def read(self, point: Point) -> Answer:
        """Return the net weight in g, or why there is none."""
        name = sics_point(point)
        if name in {"tare", "zero"}:
            return RawReading(None, "out_of_service", f"{name}: a command holds nothing to read")
        try:
            weight = parse_weight(self._balance.answer(NOW.encode("ascii"), _now_s()).data)
        except DeviceFault as fault:
            return RawReading(None, "sensor_failure", str(fault))
        if name == "weight" and not weight.stable:
            return RawReading(None, "timeout", "moving")
        return RawReading(weight.grams, "", "" if weight.stable else "moving", _now_s(), _now_s())

    def write(self, point: Point, value: RawValue) -> RawValue:
        """Tare or zero.

        Raises:
            ValueError: the point is a weight, or `value` is not True.
            DeviceFault: it moves, or there is too much on it.
        """
        name = sics_point(point)
        if name not in {"tare", "zero"} or value is not True:
            return super().write(point, value)
        command, parse = (TARE, parse_tare) if name == "tare" else (ZERO, parse_zero)
        said = self._balance.answer(command.encode("ascii"), _now_s()).data
        if not said:  # it waits for rest
            self._balance.answer(CANCEL.encode("ascii"), _now_s())
            raise DeviceFault("not executable now: the balance moves", 1)
        parse(said)
        return True


class CirculatorMemory(_Text):
    """A circulator of either dialect, by what it holds."""

    def __init__(self, circulator: Circulator) -> None:
        self._circulator = circulator

    def read(self, point: Point) -> Answer:
        """Return the bath, the setpoint (°C), whether it runs, or its status."""
        self._circulator.advance()
        device = self._circulator
        values: dict[str, RawValue] = {
            "bath": round(device.bath_c, 2),
            "setpoint": round(device.setpoint_c, 2),
            "running": device.running,
            "status": "0",
        }
        return values[circulator_point(point)]

    def write(self, point: Point, value: RawValue) -> RawValue:
        """Take a setpoint within its limits, or switch.

        Raises:
            ValueError: the point is read only, or the value none of its kind.
            DeviceFault: the setpoint is above the highest.
        """
        name, device = circulator_point(point), self._circulator
        device.advance()
        if name == "running" and isinstance(value, bool):
            device.running = value
            return value
        if name != "setpoint" or isinstance(value, bool) or not isinstance(value, int | float):
            return super().write(point, value)
        if value > device.highest_c:
            raise DeviceFault(f"ERR_6: {value:g} °C is not permitted", 6)
        device.setpoint_c = round(float(value), 2)
        return device.setpoint_c


def _now_s() -> float:
    return asyncio.get_running_loop().time()
