"""A link without a wire: a public fake for tests and for the simulator in memory, with faults on demand.

link = MemoryLink(MemoryBank({Point("2/ir10", "i16"): 600}))
link.fail("not_connected")      # every read says so, every write ends unknown
link.restore()
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from drivers.errors import DeviceFault, LinkDown
from drivers.link import LinkStats, Outcome, Point, Priority, RawReading, RawValue, WriteResult
from drivers.wire_tap import WireTap

__all__ = ["MemoryBank", "MemoryDevice", "MemoryLink"]


class MemoryDevice(Protocol):
    """What answers a `MemoryLink`."""

    def read(self, point: Point) -> RawReading | RawValue | None:
        """Return the point's raw value, a whole reading, or None when there is none yet."""

    def write(self, point: Point, value: RawValue) -> RawValue:
        """Take `value` and return what the point holds afterwards (a clamp shows here).

        Raises:
            DeviceFault: the device refuses the value.
        """


class MemoryBank:
    """A device of plain values: what was written is read back, within `clamps` (low, high) where given.

    `values` may be changed at any time; `script` queues values for the reads to come. `written` lists what was written,
    in its order, and `refused` the points that take no value.
    """

    def __init__(
        self,
        values: Mapping[Point, RawReading | RawValue | None] | None = None,
        *,
        clamps: Mapping[Point, tuple[float, float]] | None = None,
    ) -> None:
        self.values: dict[Point, RawReading | RawValue | None] = dict(values or {})
        self.clamps = dict(clamps or {})
        self.written: list[tuple[Point, RawValue]] = []
        self.refused: set[Point] = set()
        self._scripts: dict[Point, deque[RawReading | RawValue | None]] = {}

    def __repr__(self) -> str:
        """Return how much is held."""
        return f"<MemoryBank {len(self.values)} points, {len(self.written)} writes>"

    def script(self, point: Point, values: Iterable[RawReading | RawValue | None]) -> None:
        """Let the next reads of `point` give `values`, one after the other; the last one stays."""
        self._scripts[point] = deque(values)

    def read(self, point: Point) -> RawReading | RawValue | None:
        """Return what the point holds, or the next value of its script."""
        script = self._scripts.get(point)
        if script:
            self.values[point] = script.popleft()
        return self.values.get(point)

    def write(self, point: Point, value: RawValue) -> RawValue:
        """Keep `value`, clamped, and return it.

        Raises:
            DeviceFault: the point is one of `refused`.
        """
        if point in self.refused:
            raise DeviceFault(f"{point.address} takes no value", 3)
        if point in self.clamps and isinstance(value, int | float):
            low, high = self.clamps[point]
            value = type(value)(min(max(value, low), high))
        self.written.append((point, value))
        self.values[point] = value
        return value


class MemoryLink:
    """A `Link` whose far end is an object of this program."""

    def __init__(self, device: MemoryDevice, name: str = "memory") -> None:
        self.device = device
        self.name = name
        self._open = False
        self._fault = ""
        self._held = False
        self.tap = WireTap()
        self._stats = LinkStats(devices=self.tap.devices)

    def __repr__(self) -> str:
        """Return the name and the state."""
        state = self._fault or ("held" if self._held else "open" if self._open else "closed")
        return f"<MemoryLink {self.name} {state}>"

    def fail(self, reason: str = "not_connected") -> None:
        """Answer every call with `reason` from now on."""
        self._fault = reason

    def hold(self) -> None:
        """Answer nothing from now on: calls end at their deadline."""
        self._held = True

    def restore(self) -> None:
        """End every fault."""
        self._fault = ""
        self._held = False

    async def open(self) -> None:
        """Open, unless a fault is set.

        Raises:
            LinkDown: a fault is set.
        """
        if self._fault or self._held:
            raise LinkDown(f"{self.name} is not connected: {self._fault or 'no answer'}")
        self._open = True

    async def close(self) -> None:
        """Close."""
        self._open = False

    async def read(
        self, points: Sequence[Point], *, deadline: float, priority: Priority = Priority.READ
    ) -> Mapping[Point, RawReading]:
        """Return what the device says of each point; a fault is the reason of all."""
        del priority  # there is no queue
        self._stats.requests += 1
        began_s = asyncio.get_running_loop().time()
        reason = await self._trouble(deadline)
        now_s = asyncio.get_running_loop().time()
        if reason:
            return dict.fromkeys(points, RawReading(None, reason, f"{self.name}: {reason}", began_s, now_s))
        self._stats.replies += 1
        return {point: self._reading(point, now_s) for point in points}

    def _reading(self, point: Point, now_s: float) -> RawReading:
        found = self.device.read(point)
        if isinstance(found, RawReading):
            return found
        reason = "waiting_for_initial_data" if found is None else ""
        return RawReading(found, reason, t_request_s=now_s, t_reply_s=now_s)

    async def write(
        self, point: Point, value: RawValue, *, deadline: float, priority: Priority = Priority.WRITE
    ) -> WriteResult:
        """Write to the device; the outcome compares what was asked with what it holds afterwards."""
        del priority  # there is no queue
        self._stats.requests += 1
        reason = await self._trouble(deadline)
        if reason:
            return WriteResult(Outcome.UNKNOWN, value, None, f"{self.name}: {reason}")
        self._stats.replies += 1
        try:
            got = self.device.write(point, value)
        except DeviceFault as fault:
            self._stats.exceptions += 1
            return WriteResult(Outcome.REFUSED, value, None, str(fault))
        if not point.readback or got == value:
            return WriteResult(Outcome.CONFIRMED, value, got)
        return WriteResult(Outcome.CLAMPED, value, got)

    async def _trouble(self, deadline: float) -> str:
        if not self._open:
            return "not_connected"
        if self._held:
            self._stats.timeouts += 1
            await asyncio.sleep(max(0.0, deadline - asyncio.get_running_loop().time()))
            return "timeout"
        return self._fault

    def is_open(self) -> bool:
        """Return whether calls can succeed now."""
        return self._open and not self._fault and not self._held

    def stats(self) -> LinkStats:
        """Return the counters."""
        return self._stats
