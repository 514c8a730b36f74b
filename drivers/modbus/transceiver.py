"""The stream under a Modbus wire: a frame goes out, what comes for it comes back, the rest is dropped and counted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from drivers.errors import LinkDown
from drivers.link import LinkStats
from drivers.modbus.framing import LONGEST_RTU, Found, MbapFramer, RtuFramer, Verdict, reply_size
from drivers.modbus.guard import Guard, timeout_s
from drivers.modbus.units import Unit
from drivers.settings import ModbusRtuSettings, ModbusTcpSettings, SerialSettings
from drivers.streams import OnBytes, OnLost, OpenStream, Stream, open_stream, open_tcp
from drivers.wire_tap import Direction, WireTap

__all__ = ["Transceiver"]

_CONNECT_S = 1.0
_SKIPPED_ON_TCP = (Verdict.LATE, Verdict.FOREIGN)  # their transaction number tells that they are not ours


class Transceiver:
    """A TCP connection or a serial line that carries Modbus frames; `guard` is None on TCP.

    `on_lost` is told why the stream died or can no longer be read, `on_unasked` that a unit sent what nobody asked for.
    """

    def __init__(
        self,
        settings: ModbusTcpSettings | ModbusRtuSettings,
        tap: WireTap,
        stats: LinkStats,
        *,
        opener: OpenStream | None,
        on_lost: OnLost,
        on_unasked: Callable[[Unit], None],
    ) -> None:
        self.guard: Guard | None = None
        self.is_socket = True
        self._framer: MbapFramer | RtuFramer = MbapFramer()
        if isinstance(settings, ModbusRtuSettings):
            self.guard = Guard(settings)
            self.is_socket = "://" in settings.serial.port
            self._framer = RtuFramer()
        self._settings = settings
        self._tap = tap
        self._stats = stats
        self._opener = opener
        self._on_lost = on_lost
        self._on_unasked = on_unasked
        self._stream: Stream | None = None
        self._connection = 0
        self._waiting: asyncio.Future[Found] | None = None
        self._unit: Unit | None = None  # who was asked last
        self._request = b""  # unit and PDU, asked last
        self._strays: list[Found] = []  # frames that nobody waits for, since the last request

    def __repr__(self) -> str:
        """Return the framing and whether there is a stream."""
        return f"<Transceiver {self._framer} {'up' if self._stream else 'down'}>"

    def limit_s(self, asked: bytes) -> float:
        """Return how long (s) to wait for the reply to the request PDU `asked`."""
        if not isinstance(self._settings, ModbusRtuSettings):
            return self._settings.timeout_s
        size = reply_size(asked)
        return timeout_s(self._settings, len(asked) + 3, LONGEST_RTU if size is None else size + 3)

    def silence_s(self) -> float:
        """Return how long (s) the wire is taken by a short request that nobody answers."""
        return self.limit_s(bytes((6, 0, 0, 0, 0))) + (self.guard.window_s if self.guard else 0.0)

    async def send(self, unit: Unit, asked: bytes, until_s: float) -> Found:
        """Send the request PDU `asked` to `unit` and return what comes for it.

        Raises:
            TimeoutError: nothing whole came until then (loop time); `rest` has what did.
            LinkDown: there is no stream, or it takes nothing any more.
        """
        if self._stream is None:
            raise LinkDown("not connected")
        loop = asyncio.get_running_loop()
        frame = self._framer.frame(unit.number, asked)
        reply: asyncio.Future[Found] = loop.create_future()
        self._waiting = reply
        self._unit = unit
        self._request = bytes((unit.number,)) + asked
        self._strays.clear()
        self._stats.requests += 1
        unit.stats.requests += 1
        unit.stats.bytes_sent += len(frame)
        self._tap.note(Direction.SENT, frame, loop.time(), device=unit.name)
        self._stream.write(frame)
        if self.guard is not None:
            self.guard.asked()
        timer = loop.call_at(until_s, _give_up, reply)
        try:
            return await reply
        finally:
            timer.cancel()

    def finish(self) -> bytes:
        """Wait for no reply any more; return the bytes that came and made no frame (none on TCP: their rest comes)."""
        self._waiting = None
        self._remember_strays()
        rest = self._framer.give_up()
        if not rest or self.guard is None:
            return b""
        self._note(Found(Verdict.GARBAGE, rest), "no frame")
        return rest

    async def connect(self) -> None:
        """Open the stream; on RTU an older connection's reply is waited out.

        Raises:
            LinkDown: it cannot be opened.
        """
        self._connection += 1
        self._framer.reset()
        number = self._connection
        self._stream = await self._open(partial(self._arrived, number), partial(self._gone, number))
        if self.guard is not None:
            self.guard.doubt(asyncio.get_running_loop().time())

    async def disconnect(self) -> None:
        """Let go of the stream."""
        self._connection += 1
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    async def _open(self, on_bytes: OnBytes, on_lost: OnLost) -> Stream:
        settings = self._settings
        if isinstance(settings, ModbusRtuSettings):
            return await (self._opener or open_stream)(settings.serial, on_bytes, on_lost)
        if self._opener is not None:
            there = SerialSettings(f"socket://{settings.host}:{settings.port}")
            return await self._opener(there, on_bytes, on_lost)
        return await open_tcp(settings.host, settings.port, on_bytes, on_lost, within_s=_CONNECT_S)

    def _gone(self, connection: int, why: str) -> None:
        if connection == self._connection:
            self._on_lost(why)

    def _arrived(self, connection: int, data: bytes) -> None:
        """Take bytes from the stream of a connection."""
        if connection != self._connection:
            return
        if self.guard is not None:
            self.guard.used(asyncio.get_running_loop().time())
        for found in self._framer.feed(data):
            waiting = self._waiting
            if waiting is None or waiting.done() or (self.guard is None and found.verdict in _SKIPPED_ON_TCP):
                self._stray(found)
            else:
                self._note(found, "" if found.verdict is Verdict.REPLY else found.verdict)
                waiting.set_result(found)

    def _stray(self, found: Found) -> None:
        """Drop bytes that nobody waits for."""
        self._note(found, found.verdict)
        self._stats.dropped += 1
        unit = self._unit
        if unit is not None:
            unit.stats.dropped += 1
            unit.stats.late_frames += found.verdict is Verdict.LATE
        if self.guard is not None:
            if found.pdu:
                self._strays.append(found)
            if self._waiting is None:
                self._remember_strays()
            suspect = self.guard.heard(asyncio.get_running_loop().time(), len(found.data))
            if suspect and unit is not None:
                self._on_unasked(unit)
        elif found.verdict is Verdict.GARBAGE:
            self._on_lost("what came is not Modbus TCP")

    def _remember_strays(self) -> None:
        """Remember what nobody waited for, once the reply that came before it is judged; a copy may yet follow."""
        if self.guard is not None:
            now_s = asyncio.get_running_loop().time()
            for found in self._strays:
                request = self._request if found.verdict is Verdict.LATE else b""
                self.guard.memory.stray(bytes((found.unit,)) + found.pdu, now_s, request)
        self._strays.clear()

    def _note(self, found: Found, note: str) -> None:
        unit, now_s = self._unit, asyncio.get_running_loop().time()
        if unit is not None:
            unit.stats.bytes_received += len(found.data) + found.skipped
        self._tap.note(Direction.RECEIVED, found.data, now_s, device=unit.name if unit else "", note=note)


def _give_up(reply: asyncio.Future[Found]) -> None:
    if not reply.done():
        reply.set_exception(TimeoutError())
