"""A recording as a device on real wires: whoever talked to the device may talk to it, drivers and strangers alike.

A request that the recording holds is answered as it was, in the recorded order, after the recorded delay. What it does
not hold is a difference: Modbus registers that other replies hold are put together, everything else is refused
(Modbus) or not answered (lines), and told with its frame and time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from drivers.errors import BadReply, LinkDown
from drivers.frames.modbus import frame as tcp_frame
from drivers.frames.modbus import split_frames
from drivers.frames.modbus_rtu import RtuRequests, rtu_frame
from drivers.recordings.compare import Difference, Kind, explained
from drivers.recordings.dialects import Request
from drivers.recordings.exchange import Exchange
from drivers.recordings.pieces import guess
from drivers.recordings.stream import AtEnd, Replay, ReplayStream
from drivers.serial_port import PtyEnd
from drivers.wire_tap import Direction, WireTap

__all__ = ["RecordedDevice"]

_PATIENCE_S = 0.05  # a request may come in parts: adapters hold bytes back for up to 16 ms, gateways for longer
_DIFFERENCES_KEPT = 1000
_LINE_LIMIT = 65_536


class RecordedDevice:
    """Serves a recording on a TCP port, a pseudo-terminal, or both.

    `pace` 1 answers after the recorded delays, 0 at once. `on_difference` is called with each request that was not
    recorded, the first time that it comes; the first 1000 are kept in `differences`, and `replay.unknown_count` counts
    every time. `tap` has the frames as the client sees them, so that the
    exchange can be recorded and compared in its turn.

    Raises:
        BadExchange: the recording is of a link without requests (MQTT, memory).
    """

    def __init__(
        self,
        exchange: Exchange,
        *,
        pace: float = 1.0,
        at_end: AtEnd = AtEnd.REPEAT,
        on_difference: Callable[[Difference], None] | None = None,
    ) -> None:
        self.exchange = exchange
        self.replay = Replay(exchange, pace=pace, at_end=at_end, on_unknown=self._unknown)
        self.tap = WireTap()
        self.differences: list[Difference] = []
        self._told: set[bytes] = set()
        self.requests = 0
        self.address: tuple[str, int] | None = None
        self._kind = exchange.header.kind
        self._on_difference = on_difference
        self._began_s: float | None = None
        self._pty: PtyEnd | None = None
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    def __repr__(self) -> str:
        """Return what is played where, and how often it was asked what it does not hold."""
        where = " ".join(filter(None, (self.path, ":".join(map(str, self.address or ())))))
        return f"<RecordedDevice {where or 'unplugged'} {self.replay!r}>"

    @property
    def path(self) -> str:
        """The tty that a client opens; empty while there is none."""
        return self._pty.path if self._pty is not None else ""

    async def listen(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Serve on a TCP port (0: a free one); `address` then tells which.

        Raises:
            OSError: the port is taken.
        """
        self._server = await asyncio.start_server(self._joined, host, port)
        self.address = (host, int(self._server.sockets[0].getsockname()[1]))

    def plug(self, link: Path | None = None) -> None:
        """Appear as a tty, behind the symbolic link `link` when one is named."""
        self._pty = pty = PtyEnd()
        if link is not None:
            pty.link(link)
        client = _Client(self, pty.write)
        self._start(_hear(client, pty.read))

    async def stop(self) -> None:
        """Unplug, stop listening, drop every connection."""
        if self._pty is not None:
            self._pty.close()
            self._pty = None
        server, self._server, self.address = self._server, None, None
        if server is not None:
            server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if server is not None:
            await server.wait_closed()

    def note(self, direction: Direction, data: bytes) -> None:
        """Keep a frame of an exchange with a client."""
        now_s = asyncio.get_running_loop().time()
        if self._began_s is None:
            self._began_s = now_s
        self.requests += direction is Direction.SENT
        self.tap.note(direction, data, now_s, device=self.exchange.header.device)

    def _unknown(self, request: Request) -> bytes:
        if not request.pdu:
            self._tell(request, "the recording does not hold it: no reply")
            return b""
        newest = self.replay.newest()
        found = guess(request, newest, self.replay.dialect, gateway=self._kind == "modbus_tcp")
        self._tell(request, found.why)
        return self.replay.dialect.framed(found.pdu, request) if found.pdu else b""

    def _tell(self, request: Request, why: str) -> None:
        if request.key in self._told or len(self._told) >= _DIFFERENCES_KEPT:
            return
        self._told.add(request.key)
        what = explained(request.data, self._kind, Direction.SENT)
        at_s = asyncio.get_running_loop().time() - (self._began_s or 0.0)
        difference = Difference(Kind.ADDED, what, why, other_frame=self.tap.mark(), other_t_s=at_s)
        self.differences.append(difference)
        if self._on_difference is not None:
            self._on_difference(difference)

    def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._server is None:  # taken while it was stopping
            writer.transport.abort()
            return
        self._writers.add(writer)

        async def read() -> bytes:
            try:
                data = await reader.read(4096)
            except OSError as exc:
                raise LinkDown(str(exc)) from exc
            if not data:
                raise LinkDown("the client is gone")
            return data

        client = _Client(self, writer.write)
        self._start(_hear(client, read)).add_done_callback(lambda _task: self._left(writer))

    def _left(self, writer: asyncio.StreamWriter) -> None:
        self._writers.discard(writer)
        writer.close()

    def _start(self, hearing: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Hear a client in a task of its own (streams of Python 3.11 log an error when theirs is cancelled)."""
        task = asyncio.create_task(hearing, name=self.replay.name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


class _Client:
    """One client: its bytes cut into whole requests, and the replies it gets."""

    def __init__(self, device: RecordedDevice, write: Callable[[bytes], None]) -> None:
        self._device = device
        self._write = write
        self._cut = _CUTTERS.get(device.exchange.header.kind, _LineCutter)()
        self.stream = ReplayStream(device.replay, self._reply)

    @property
    def is_waiting(self) -> bool:
        """Whether bytes wait that silence would end."""
        return self._cut.pending > 0

    def heard(self, data: bytes) -> None:
        """Answer what `data` completes; none: the wire was silent."""
        for request in self._cut.feed(data) if data else self._cut.silence():
            self._device.note(Direction.SENT, request)
            self.stream.write(request)

    def _reply(self, data: bytes) -> None:
        self._device.note(Direction.RECEIVED, data)
        with contextlib.suppress(LinkDown):  # the client has gone meanwhile
            self._write(data)


async def _hear(client: _Client, read: Callable[[], Awaitable[bytes]]) -> None:
    """Give the client's bytes to `client` until the wire dies, or what comes is not of this wire."""
    try:
        with contextlib.suppress(LinkDown, BadReply):
            while True:
                try:
                    async with asyncio.timeout(_PATIENCE_S if client.is_waiting else None):
                        data = await read()
                except TimeoutError:
                    data = b""
                client.heard(data)
    finally:
        client.stream.close()


class _TcpCutter:
    """Whole frames of Modbus TCP."""

    pending = 0  # silence ends nothing

    def __init__(self) -> None:
        self._heard = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        self._heard += data
        return [tcp_frame(*found) for found in split_frames(self._heard)]

    def silence(self) -> list[bytes]:
        return []


class _RtuCutter:
    """Whole frames of Modbus RTU, however they come."""

    def __init__(self) -> None:
        self._requests = RtuRequests()

    @property
    def pending(self) -> int:
        return self._requests.pending

    def feed(self, data: bytes) -> list[bytes]:
        return [rtu_frame(unit, pdu) for unit, pdu in self._requests.feed(data)]

    def silence(self) -> list[bytes]:
        return [rtu_frame(unit, pdu) for unit, pdu in self._requests.silence()]


class _LineCutter:
    """Whole lines with their ends."""

    pending = 0

    def __init__(self) -> None:
        self._heard = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        self._heard += data
        found = []
        while ends := [at for at in (self._heard.find(b"\r"), self._heard.find(b"\n")) if at >= 0]:
            line = bytes(self._heard[: min(ends) + 1])
            del self._heard[: len(line)]
            if line.strip(b"\r\n"):
                found.append(line)
        del self._heard[:-_LINE_LIMIT]
        return found

    def silence(self) -> list[bytes]:
        return []


_CUTTERS: Mapping[str, type[_TcpCutter | _RtuCutter | _LineCutter]] = {
    "modbus_tcp": _TcpCutter,
    "modbus_rtu": _RtuCutter,
}
