"""The rig's devices without wires, from the same handlers as the wires, and the link that reaches them.

The devices fit `drivers.memory.MemoryLink` too; the simulator has a link of its own because it depends on no client of
the wires it serves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from drivers.addresses import ezo_field, modbus_address, mqtt_field
from drivers.errors import LinkDown
from drivers.frames.ezo import Values, parse_reply
from drivers.frames.payload import Json, field_at, source_time_ns, typed
from drivers.frames.registers import registers_of, value_of
from drivers.link import LinkStats, Outcome, Point, Priority, RawReading, RawValue, WriteResult
from drivers.wire_tap import WireTap
from linectl.sim.wires.bank import Bank, ModbusFault
from linectl.sim.wires.ezo import EzoCircuit
from linectl.sim.wires.messages import Message

__all__ = ["DeviceLink", "EzoMemory", "ModbusMemory", "RigDevice", "TopicMemory"]


class RigDevice(Protocol):
    """One device of the rig, asked directly."""

    def read(self, point: Point) -> RawReading | RawValue | None:
        """Return the point's raw value, a whole reading, or None when there is none yet."""

    def write(self, point: Point, value: RawValue) -> RawValue:
        """Take `value` and return what the point holds afterwards."""


class ModbusMemory:
    """Banks of registers, read and written as their server would."""

    def __init__(self, banks: Mapping[int, Bank], before: Callable[[], None]) -> None:
        self._banks = banks
        self._before = before

    def read(self, point: Point) -> RawReading | RawValue | None:
        """Return what the point holds now."""
        self._before()
        return self._value(point)

    def write(self, point: Point, value: RawValue) -> RawValue:
        """Write, and return what the point holds afterwards; a refused write changes nothing.

        Raises:
            ValueError: the value does not fit the point's kind.
        """
        self._before()
        place = modbus_address(point)
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


class EzoMemory:
    """An EZO circuit, with its own resolution."""

    def __init__(self, circuit: EzoCircuit, before: Callable[[], None]) -> None:
        self._circuit = circuit
        self._before = before

    def read(self, point: Point) -> RawReading | RawValue | None:
        """Return the field that the point names of a reading taken now."""
        self._before()
        said = parse_reply(self._circuit.reading()[:-1])
        field = ezo_field(point)
        if not isinstance(said, Values) or field >= len(said.fields):
            return RawReading(None, "bad_reply", f"no field {field} in a reading of {self._circuit.device}")
        return said.fields[field]

    def write(self, point: Point, value: RawValue) -> RawValue:
        """Refuse: a reading is not written."""
        raise ValueError(f"{point.address} of {self._circuit.device} is not written (asked: {value})")


class TopicMemory:
    """The last message of each topic, as a subscriber would hold it."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[dict[str, Json], float]] = {}

    def take(self, messages: list[Message], now_s: float) -> None:
        """Keep what was published at loop time `now_s` (s)."""
        for topic, said in messages:
            self._last[topic] = (said, now_s)

    def read(self, point: Point) -> RawReading | RawValue | None:
        """Return the field of the topic's last message; null is out of service."""
        topic, path = mqtt_field(point)
        found = self._last.get(topic)
        if found is None:
            return None
        said, now_s = found
        field = field_at(said, path)
        value = None if field is None else typed(field, point.kind)
        reason = "out_of_service" if value is None else ""
        return RawReading(value, reason, "", now_s, now_s, source_time_ns(said))

    def write(self, point: Point, value: RawValue) -> RawValue:
        """Refuse: nothing is written to a sensor's topic."""
        raise ValueError(f"{point.address} is not written (asked: {value})")


class DeviceLink:
    """A `Link` to a device of the rig in this program; `down` says whether its wire would be cut now."""

    def __init__(self, device: RigDevice, name: str, down: Callable[[], bool]) -> None:
        self._device = device
        self._name = name
        self._down = down
        self._opened = False
        self.tap = WireTap()
        self._stats = LinkStats(devices=self.tap.devices)

    def __repr__(self) -> str:
        """Return the name and whether it is open."""
        return f"<DeviceLink {self._name} {'open' if self.is_open() else 'down'}>"

    async def open(self) -> None:
        """Open.

        Raises:
            LinkDown: the device is cut off.
        """
        if self._down():
            raise LinkDown(f"{self._name} is cut off")
        self._opened = True

    async def close(self) -> None:
        """Close."""
        self._opened = False

    async def read(
        self, points: Sequence[Point], *, deadline: float, priority: Priority = Priority.READ
    ) -> Mapping[Point, RawReading]:
        """Return what the device says of each point, at once."""
        del deadline, priority  # nothing is waited for
        now_s = asyncio.get_running_loop().time()
        self._stats.requests += 1
        if not self.is_open():
            return {point: RawReading(None, "not_connected", self._name, now_s, now_s) for point in points}
        self._stats.replies += 1
        return {point: _reading(self._device.read(point), now_s) for point in points}

    async def write(
        self, point: Point, value: RawValue, *, deadline: float, priority: Priority = Priority.WRITE
    ) -> WriteResult:
        """Write, and compare what was asked with what the point holds afterwards."""
        del deadline, priority  # nothing is waited for
        self._stats.requests += 1
        if not self.is_open():
            return WriteResult(Outcome.UNKNOWN, value, None, f"{self._name} is not connected")
        self._stats.replies += 1
        got = self._device.write(point, value)
        same = not point.readback or got == value
        return WriteResult(Outcome.CONFIRMED if same else Outcome.CLAMPED, value, got)

    def is_open(self) -> bool:
        """Return whether calls can succeed now."""
        return self._opened and not self._down()

    def stats(self) -> LinkStats:
        """Return the counters."""
        return self._stats


def _reading(found: RawReading | RawValue | None, now_s: float) -> RawReading:
    if isinstance(found, RawReading):
        return found
    return RawReading(found, "waiting_for_initial_data" if found is None else "", "", now_s, now_s)
