"""Modbus over TCP, a serial line, or RTU inside TCP: many units, planned reads, and writes that are proved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from drivers.link import LinkStats, Point, Priority, RawReading, RawValue, WriteResult
from drivers.modbus.identify import identified, looped_back
from drivers.modbus.reader import Reader
from drivers.modbus.wire import ModbusWire
from drivers.modbus.writes import Writer
from drivers.settings import ModbusRtuSettings, ModbusTcpSettings
from drivers.streams import OpenStream

__all__ = ["ModbusLink"]


class ModbusLink:
    """A `Link` to one Modbus server, or to the units of one serial line.

    `seed` draws the jitter of reconnects; `open_stream` replaces how the wire is opened (tests, recordings).
    """

    def __init__(
        self,
        settings: ModbusTcpSettings | ModbusRtuSettings,
        *,
        seed: int = 0,
        open_stream: OpenStream | None = None,
    ) -> None:
        self.settings = settings
        self._wire = ModbusWire(settings, seed=seed, open_stream=open_stream)
        self._reader = Reader(self._wire)
        self._writer = Writer(self._wire, self._reader)
        self.name = self._wire.name
        self.tap = self._wire.tap

    def __repr__(self) -> str:
        """Return the address, the state and the counters that matter."""
        stats = self.stats()
        state = "open" if self.is_open() else "down"
        faults = f"{stats.timeouts} timeouts, {stats.bad_replies} bad replies, {stats.reconnects} reconnects"
        return f"<ModbusLink {self.name.removeprefix('Modbus ')} {state}, {stats.replies} replies, {faults}>"

    async def open(self) -> None:
        """Connect, and stay connected until `close`.

        Raises:
            LinkDown: nothing answers at the address, or the port cannot be opened.
        """
        await self._wire.open()

    async def close(self) -> None:
        """Disconnect for good."""
        await self._wire.close()

    def is_open(self) -> bool:
        """Return whether the connection is up."""
        return self._wire.is_open()

    def stats(self) -> LinkStats:
        """Return the counters, those of each unit among them (`unit 2`)."""
        return self._wire.stats()

    async def read(
        self, points: Sequence[Point], *, deadline: float, priority: Priority = Priority.READ
    ) -> Mapping[Point, RawReading]:
        """Return one raw reading per point, read in as little time as the addresses allow.

        Reasons: not_connected, timeout (also a unit that stayed busy), bad_reply (also a string that is no ASCII),
        sensor_failure (the unit reported a failure, or a float that is no number), out_of_service (the unit has no such
        register, or its settings say that it is never read).

        Raises:
            BadAddress: a point is not one of Modbus.
        """
        return await self._reader.read(points, deadline, priority)

    async def write(
        self, point: Point, value: RawValue, *, deadline: float, priority: Priority = Priority.WRITE
    ) -> WriteResult:
        """Write once; an uncertain write is decided by the read-back, never repeated.

        Refused: the unit said so, the value does not fit, or nothing was sent for want of a connection.
        Unknown: no proof either way; `got` then is what the point holds, when that could be read.

        Raises:
            BadAddress: the point is not one of Modbus.
        """
        return await self._writer.write(point, value, deadline, priority)

    async def identify(self, unit: int, *, deadline: float) -> Mapping[str, str]:
        """Return what `unit` says of itself (function 43/14): vendor, product_code, revision, ...

        Raises:
            DeviceFault: the unit does not identify itself (exception 1, most often).
            LinkDown, ReplyTimeout, BadReply: as for any request.
        """
        return await identified(self._wire, unit, deadline=deadline)

    async def loopback(self, unit: int, data: bytes, *, deadline: float) -> bool:
        """Return whether `unit` sends `data` (two bytes) back as it was (function 8).

        Raises:
            DeviceFault: the unit has no loopback.
            LinkDown, ReplyTimeout, BadReply: as for any request.
        """
        return await looped_back(self._wire, unit, data, deadline=deadline)
