"""A Modbus TCP server of the tests that answers rightly, wrongly, late, in drops or not at all, and a link to it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

from drivers.errors import BadReply
from drivers.frames.modbus import (
    Request,
    exception_reply,
    frame,
    parse_request,
    split_frames,
    values_reply,
    write_reply,
)
from drivers.link import Point, RawReading
from drivers.modbus.link import ModbusLink
from drivers.settings import ModbusTcpSettings

__all__ = [
    "EXCEPTIONS",
    "SETPOINT",
    "THREE",
    "HostileServer",
    "hostile_server",
    "linked",
    "reading",
    "soon",
    "until",
    "until_open",
    "values",
]

THREE = [Point("2/ir0"), Point("2/ir1"), Point("2/ir2")]
SETPOINT = Point("2/hr10", "i16")
TIMEOUT_S = 0.15
EXCEPTIONS = {f"exc{code}": code for code in (1, 2, 3, 4, 5, 6, 10, 11)}
_LATE_S = 0.25


class HostileServer:
    """Registers and bits by table and address (0 where nothing was put), and a list of what to do wrong next.

    `modes` are used up one a request; then `mode` counts, "" for a right answer. `clamps` holds the highest value that
    a holding register takes. `gaps` are input registers that do not exist. `heard` lists the requests as they came.
    """

    def __init__(self) -> None:
        self.port = 0
        self.modes: list[str] = []
        self.mode = ""
        self.writes_only = False
        self.values: dict[tuple[str, int], int] = {}
        self.clamps: dict[int, int] = {}
        self.gaps: set[int] = set()
        self.heard: list[tuple[int, Request]] = []
        self.delay_s = 0.0
        self._server: asyncio.Server | None = None
        self._writers: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()
        await asyncio.gather(*(task for task in self._writers.values() if task), return_exceptions=True)
        if server is not None:
            await server.wait_closed()

    @property
    def connections(self) -> int:
        return len(self._writers)

    def hear(self, table: str) -> list[Request]:
        """The requests that concern `table`, in their order."""
        of = {"co": (1, 5, 15), "di": (2,), "hr": (3, 6, 16), "ir": (4,)}[table]
        return [request for _, request in self.heard if request.function in of]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers[writer] = asyncio.current_task()
        buffer = bytearray()
        try:
            while data := await reader.read(4096):
                buffer += data
                for transaction, unit, pdu in split_frames(buffer):
                    await self._answer(writer, transaction, unit, pdu)
        except (BadReply, OSError):
            pass
        finally:
            del self._writers[writer]
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, transaction: int, unit: int, pdu: bytes) -> None:
        request = parse_request(pdu)
        self.heard.append((unit, request))
        mode = "" if self.writes_only and request.function <= 4 else self.modes.pop(0) if self.modes else self.mode
        code = EXCEPTIONS.get(mode)
        reply = exception_reply(request.function, code) if code else self.right_reply(request)
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        await self._send(writer, mode, frame(transaction, unit, reply), request)

    def right_reply(self, request: Request) -> bytes:
        asked = range(request.address, request.address + request.count)
        if request.function == 4 and self.gaps.intersection(asked):
            return exception_reply(4, 2)
        table = {1: "co", 2: "di", 3: "hr", 4: "ir", 5: "co", 6: "hr", 15: "co", 16: "hr"}[request.function]
        if request.function <= 4:
            return values_reply(request, [self.values.get((table, address), 0) for address in asked])
        for address, value in zip(asked, request.values, strict=True):
            self.values[table, address] = min(value, self.clamps.get(address, 0xFFFF))
        return write_reply(request)

    async def _send(self, writer: asyncio.StreamWriter, mode: str, right: bytes, request: Request) -> None:
        if mode == "rst":
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        elif mode == "drip":
            for byte in right:
                writer.write(bytes((byte,)))
                await asyncio.sleep(0.001)
        else:
            if mode == "late":
                await asyncio.sleep(_LATE_S)
            with contextlib.suppress(OSError):
                writer.write(_spoilt(mode, right, request))


def _spoilt(mode: str, right: bytes, request: Request) -> bytes:  # noqa: PLR0911  # one a mode
    """Return what goes out in `mode` where `right` should."""
    transaction, _, _, unit = struct.unpack_from(">HHHB", right)
    pdu = right[7:]
    match mode:
        case "mute":
            return b""
        case "garbage":
            return bytes(range(160, 200))
        case "wrong_tid":
            return frame((transaction + 7) & 0xFFFF, unit, pdu)
        case "wrong_unit":
            return frame(transaction, (unit + 1) & 0xFF, pdu)
        case "wrong_fc":
            return frame(transaction, unit, bytes(({1: 2, 2: 1, 3: 4, 4: 3, 5: 6, 6: 5, 16: 15}[pdu[0]],)) + pdu[1:])
        case "short_count":
            if request.function > 4:
                return frame(transaction, unit, write_reply(replace(request, address=request.address + 1)))
            return frame(transaction, unit, values_reply(request, [7]))
        case "hugelen":
            return right[:4] + b"\xff\xff" + right[6:]
        case _:
            return right


async def until(condition: Callable[[], bool]) -> None:
    """Wait (5 s at most) for `condition`."""
    async with asyncio.timeout(5):
        while not condition():  # what is watched has no event
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def hostile_server() -> AsyncIterator[HostileServer]:
    server = HostileServer()
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def soon(seconds: float = 2.0) -> float:
    return asyncio.get_running_loop().time() + seconds


@contextlib.asynccontextmanager
async def linked(timeout_s: float = TIMEOUT_S) -> AsyncIterator[tuple[HostileServer, ModbusLink]]:
    async with hostile_server() as server:
        server.values |= {("ir", 0): 100, ("ir", 1): 101, ("ir", 2): 102}
        link = ModbusLink(ModbusTcpSettings("127.0.0.1", server.port, timeout_s))
        await link.open()
        try:
            yield server, link
        finally:
            await link.close()


async def values(link: ModbusLink, points: Sequence[Point] = THREE, within_s: float = 2.0) -> list[object]:
    readings = await link.read(points, deadline=soon(within_s))
    return [readings[point].value for point in points]


async def reading(link: ModbusLink, point: Point, within_s: float = 2.0) -> RawReading:
    return (await link.read((point,), deadline=soon(within_s)))[point]


async def until_open(link: ModbusLink) -> None:
    await until(link.is_open)
