"""A Modbus server of the tests that answers rightly, wrongly, late, in drops or not at all, and a link to it.

    async with hostile_server("rtu_pty") as server:      # or "tcp" (the default), "rtu_tcp"
        server.values["ir", 0] = 100                     # tables co, di, hr, ir; 0 where nothing was put
        server.modes = ["late", "bad_crc"]               # one a request, then `server.mode` ("" is a right answer)
        link = ModbusLink(server.settings(timeout_s=0.15))

`linked(wire=...)` gives both, the link open. `MODES[wire]` names the modes that mean something on a wire:

| mode | what comes |
| --- | --- |
| mute | nothing |
| garbage | 40 bytes that are no Modbus |
| garbage_before | 3 bytes of noise, then the right reply |
| wrong_tid | another transaction id (tcp) |
| wrong_unit | the right reply, said by the next unit |
| wrong_fc | the right data under another function |
| short_count | one value where more were asked (none for one); for a write the echo of another address |
| long_count | one value more than was asked |
| wrong_echo | for a write the echo of another value or count; a read is answered rightly |
| late | the right reply, `late_s` after the request |
| drip | the right reply byte by byte |
| hugelen | a length of 0xFFFF (tcp), a byte count of 255 (rtu) |
| rst | the connection is reset (tcp, rtu_tcp); a pty is unplugged and comes back as another tty |
| duplicate | the right reply twice, in one piece |
| truncated | the right reply without its last 3 bytes |
| half | half of the right reply, then silence |
| burst | the right reply with a burst of up to 16 flipped bits (seeded) |
| foreign | a valid reply of another unit with other values, and nothing else |
| foreign_first | that, then the right reply |
| bad_crc | the right reply with a wrong CRC (rtu) |
| exc1 ... exc11 | an exception: 1-6, 10, 11 |

On every wire the server answers one request after the other, as a gateway does: what comes while it is late waits.
`clamps` holds the highest value that a holding register takes (the echo does not tell). `gaps` are input registers
that do not exist. `writes_only` keeps reads right. `delay_s` delays each reply. `heard`: (unit, request), in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from drivers.errors import BadReply, DeviceFault, LinkDown
from drivers.frames.modbus import (
    Request,
    exception_reply,
    frame,
    parse_request,
    split_frames,
    values_reply,
    write_reply,
)
from drivers.frames.modbus_identity import identification_reply
from drivers.frames.modbus_rtu import RtuRequests, rtu_frame
from drivers.link import Point, RawReading
from drivers.modbus.link import ModbusLink
from drivers.serial_port import PtyEnd
from drivers.settings import ModbusRtuSettings, ModbusTcpSettings, SerialSettings

__all__ = [
    "EXCEPTIONS",
    "IDENTITY",
    "MODES",
    "SETPOINT",
    "THREE",
    "HostileServer",
    "Wire",
    "hostile_server",
    "linked",
    "reading",
    "soon",
    "until",
    "until_open",
    "values",
]

Wire = Literal["tcp", "rtu_tcp", "rtu_pty"]

THREE = [Point("2/ir0"), Point("2/ir1"), Point("2/ir2")]
SETPOINT = Point("2/hr10", "i16")
TIMEOUT_S = 0.15
IDENTITY = {0: b"hostile", 1: b"H-1", 2: b"0.9"}
EXCEPTIONS = {f"exc{code}": code for code in (1, 2, 3, 4, 5, 6, 10, 11)}
_EVERYWHERE = (
    *("mute", "garbage", "garbage_before", "wrong_unit", "wrong_fc", "short_count", "long_count", "wrong_echo"),
    *("late", "drip", "hugelen", "rst", "duplicate", "truncated", "half", "burst", "foreign", "foreign_first"),
    *EXCEPTIONS,
)
MODES: dict[Wire, tuple[str, ...]] = {
    "tcp": ("wrong_tid", *_EVERYWHERE),
    "rtu_tcp": ("bad_crc", *_EVERYWHERE),
    "rtu_pty": ("bad_crc", *_EVERYWHERE),
}
_LATE_S = 0.25
_BAUD = 115_200
_OTHER_FUNCTION = {1: 2, 2: 1, 3: 4, 4: 3, 5: 6, 6: 5, 8: 6, 15: 16, 16: 15, 22: 6, 23: 3, 43: 3}
_TABLES = {1: "co", 2: "di", 3: "hr", 4: "ir", 5: "co", 6: "hr", 15: "co", 16: "hr", 22: "hr", 23: "hr"}

Send = Callable[[bytes], None]


class HostileServer:
    """Registers and bits by table and address, and a list of what to do wrong next (see the top of this file)."""

    def __init__(self, wire: Wire = "tcp", *, seed: int = 1, link: Path | None = None) -> None:
        self.wire = wire
        self.port = 0
        self.path = ""
        self.modes: list[str] = []
        self.mode = ""
        self.writes_only = False
        self.values: dict[tuple[str, int], int] = {}
        self.clamps: dict[int, int] = {}
        self.gaps: set[int] = set()
        self.heard: list[tuple[int, Request]] = []
        self.delay_s = 0.0
        self.late_s = _LATE_S
        self._link = link
        self._random = random.Random(seed)
        self._server: asyncio.Server | None = None
        self._pty: PtyEnd | None = None
        self._writers: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}
        self._wires: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        if self.wire == "rtu_pty":
            self.plug()
            return
        self._server = await asyncio.start_server(self._joined, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        self.path = f"socket://127.0.0.1:{self.port}"

    async def stop(self) -> None:
        self.unplug()
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()
        for task in self._wires:
            task.cancel()
        await asyncio.gather(*(task for task in self._writers.values() if task), *self._wires, return_exceptions=True)
        if server is not None:
            await server.wait_closed()

    def plug(self) -> None:
        """Appear as a new tty (rtu_pty), behind `link` when one was given."""
        self.unplug()
        self._pty = PtyEnd()
        if self._link is not None:
            self._pty.link(self._link)
        self.path = str(self._link or self._pty.path)
        task = asyncio.create_task(self._serve_pty(self._pty), name="hostile pty")
        self._wires.add(task)
        task.add_done_callback(self._wires.discard)

    def unplug(self) -> None:
        """Vanish (rtu_pty)."""
        if self._pty is not None:
            self._pty.close()
            self._pty = None

    def settings(self, timeout_s: float = TIMEOUT_S, window_s: float = 0.0) -> ModbusTcpSettings | ModbusRtuSettings:
        """How a link reaches this server; `window_s` 0 leaves the quarantine to the link."""
        if self.wire == "tcp":
            return ModbusTcpSettings("127.0.0.1", self.port, timeout_s)
        serial = SerialSettings(self.path, _BAUD)
        return ModbusRtuSettings(serial, timeout_s=timeout_s, window_s=window_s)

    @property
    def connections(self) -> int:
        return len(self._writers)

    def hear(self, table: str) -> list[Request]:
        """The requests that concern `table`, in their order."""
        return [request for _, request in self.heard if _TABLES.get(request.function) == table]

    # the wires

    def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Coroutine[Any, Any, None]:
        self._writers[writer] = None  # known at once: it may be stopped before its task has a turn
        return self._serve(reader, writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers[writer] = asyncio.current_task()
        buffer, requests = bytearray(), RtuRequests()
        try:
            while data := await reader.read(4096):
                if self.wire == "tcp":
                    buffer += data
                    for transaction, unit, pdu in split_frames(buffer):
                        await self._answer(writer.write, transaction, unit, pdu)
                else:
                    for unit, pdu in requests.feed(data):
                        await self._answer(writer.write, 0, unit, pdu)
        except (BadReply, OSError):
            pass
        finally:
            del self._writers[writer]
            writer.close()

    async def _serve_pty(self, pty: PtyEnd) -> None:
        requests = RtuRequests()
        with contextlib.suppress(LinkDown):
            while True:
                for unit, pdu in requests.feed(await pty.read()):
                    await self._answer(pty.write, 0, unit, pdu)

    async def _answer(self, send: Send, transaction: int, unit: int, pdu: bytes) -> None:
        try:
            request = parse_request(pdu)
        except DeviceFault as fault:
            send(self._framed(transaction, unit, exception_reply(pdu[0], fault.code)))
            return
        self.heard.append((unit, request))
        mode = "" if self.writes_only and request.function <= 4 else self.modes.pop(0) if self.modes else self.mode
        code = EXCEPTIONS.get(mode)
        reply = exception_reply(request.function, code) if code else self.right_reply(request)
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        if mode == "rst":
            self._reset()
            return
        if mode == "late":
            await asyncio.sleep(self.late_s)
        said = self._said(mode, transaction, unit, reply, request)
        with contextlib.suppress(OSError):
            for piece in [said[at : at + 1] for at in range(len(said))] if mode == "drip" else [said]:
                send(piece)
                if mode == "drip":
                    await asyncio.sleep(0.001)

    def _reset(self) -> None:
        if self.wire == "rtu_pty":
            self.plug()
        for writer in tuple(self._writers):
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    def _framed(self, transaction: int, unit: int, pdu: bytes) -> bytes:
        return frame(transaction, unit, pdu) if self.wire == "tcp" else rtu_frame(unit, pdu)

    # what is said

    def right_reply(self, request: Request) -> bytes:
        if request.function == 43:
            return identification_reply(request.count, request.address, IDENTITY)
        if request.function == 8:
            return write_reply(request)
        asked = range(request.address, request.address + request.count)
        if request.function == 4 and self.gaps.intersection(asked):
            return exception_reply(4, 2)
        table = _TABLES[request.function]
        if request.function > 4:
            self._store(table, request)
        if request.function <= 4 or request.function == 23:
            return values_reply(request, [self.values.get((table, address), 0) for address in asked])
        return write_reply(request)

    def _store(self, table: str, request: Request) -> None:
        start = request.write_address if request.function == 23 else request.address
        written = request.values
        if request.function == 22:
            keep, put = written
            written = (self.values.get((table, start), 0) & keep | put & ~keep & 0xFFFF,)
        for address, value in enumerate(written, start):
            self.values[table, address] = min(value, self.clamps.get(address, 0xFFFF))

    def _said(self, mode: str, transaction: int, unit: int, pdu: bytes, request: Request) -> bytes:  # noqa: C901, PLR0911, PLR0912  # one a mode
        """Return the bytes that go out in `mode` where the reply `pdu` should."""
        right = self._framed(transaction, unit, pdu)
        match mode:
            case "mute":
                return b""
            case "garbage":
                return bytes(range(160, 200))
            case "garbage_before":
                return b"\xff\x00\xff" + right
            case "wrong_tid":
                return frame((transaction + 7) & 0xFFFF, unit, pdu)
            case "wrong_unit":
                return self._framed(transaction, (unit + 1) & 0xFF, pdu)
            case "wrong_fc":
                return self._framed(transaction, unit, bytes((_OTHER_FUNCTION[pdu[0]],)) + pdu[1:])
            case "short_count" | "long_count" | "wrong_echo":
                return self._framed(transaction, unit, _miscounted(mode, pdu, request))
            case "hugelen" if self.wire == "tcp":
                return right[:4] + b"\xff\xff" + right[6:]
            case "hugelen":
                return rtu_frame(unit, pdu[:1] + b"\xff" + pdu[2:])
            case "duplicate":
                return right + right
            case "truncated":
                return right[:-3]
            case "half":
                return right[: len(right) // 2]
            case "burst":
                return self._burst(right)
            case "foreign":
                return self._foreign(transaction, unit, request)
            case "foreign_first":
                return self._foreign(transaction, unit, request) + right
            case "bad_crc":
                return right[:-2] + bytes((right[-2] ^ 0x55, right[-1]))
            case _:
                return right

    def _burst(self, right: bytes) -> bytes:
        """Flip the ends of a burst of at most 16 bits and, by chance, what lies between; TCP headers stay whole.

        CRC-16 finds each such burst. TCP has no checksum of Modbus' own, so there the burst hits function and length.
        """
        length = self._random.randint(2, 16)
        pattern = 1 | 1 << length - 1 | self._random.getrandbits(length)
        bits = 8 * len(right)
        shift = self._random.randrange(bits - length + 1)
        if self.wire == "tcp":
            pattern, shift = 0x8001, bits - 8 * 9  # from the function's highest bit to the byte count's lowest
        return (int.from_bytes(right, "big") ^ pattern << shift).to_bytes(len(right), "big")

    def _foreign(self, transaction: int, unit: int, request: Request) -> bytes:
        other = (unit % 247) + 1
        one = 1 if request.function <= 2 else 0xBEEF
        pdu = (
            values_reply(request, [one] * request.count)
            if request.function in {1, 2, 3, 4, 23}
            else self.right_reply(request)
        )
        return self._framed((transaction + 7) & 0xFFFF, other, pdu)


def _miscounted(mode: str, pdu: bytes, request: Request) -> bytes:
    """Return the reply `pdu` with one value too few or too many, or the echo of another write."""
    if request.function in {1, 2, 3, 4, 23}:
        return _miscounted_values(mode, pdu, request)
    if mode == "long_count":
        return pdu + b"\x00\x07"
    if mode == "short_count" and request.function != 43:
        return write_reply(replace(request, address=(request.address + 1) & 0xFFFF))
    if request.function == 5:
        return pdu[:3] + bytes((pdu[3] ^ 0xFF, 0))
    return pdu[:-1] + bytes((pdu[-1] ^ 1,))


def _miscounted_values(mode: str, pdu: bytes, request: Request) -> bytes:
    if mode == "short_count" and request.function <= 2:
        return bytes((request.function, pdu[1] - 1)) + pdu[2:-1]
    if mode == "short_count":
        return values_reply(request, [7] if request.count > 1 else [])
    if mode == "long_count":
        data = pdu[2:] + (b"\x01" if request.function <= 2 else b"\x00\x07")
        return bytes((request.function, len(data) & 0xFF)) + data
    return pdu


async def until(condition: Callable[[], bool]) -> None:
    """Wait (5 s at most) for `condition`."""
    async with asyncio.timeout(5):
        while not condition():  # what is watched has no event
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def hostile_server(wire: Wire = "tcp", *, link: Path | None = None) -> AsyncIterator[HostileServer]:
    server = HostileServer(wire, link=link)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def soon(seconds: float = 2.0) -> float:
    return asyncio.get_running_loop().time() + seconds


@contextlib.asynccontextmanager
async def linked(
    timeout_s: float = TIMEOUT_S, *, wire: Wire = "tcp", window_s: float = 0.0, link: Path | None = None
) -> AsyncIterator[tuple[HostileServer, ModbusLink]]:
    async with hostile_server(wire, link=link) as server:
        server.values |= {("ir", 0): 100, ("ir", 1): 101, ("ir", 2): 102}
        modbus = ModbusLink(server.settings(timeout_s, window_s))  # type: ignore[arg-type, unused-ignore]  # TCP or RTU
        await modbus.open()
        try:
            yield server, modbus
        finally:
            await modbus.close()


async def values(link: ModbusLink, points: Sequence[Point] = THREE, within_s: float = 2.0) -> list[object]:
    readings = await link.read(points, deadline=soon(within_s))
    return [readings[point].value for point in points]


async def reading(link: ModbusLink, point: Point, within_s: float = 2.0) -> RawReading:
    return (await link.read((point,), deadline=soon(within_s)))[point]


async def until_open(link: ModbusLink) -> None:
    await until(link.is_open)
