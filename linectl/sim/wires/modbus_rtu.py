"""The simulator's Modbus RTU server: units on one serial wire, a pseudo-terminal or a TCP socket that carries one.

A pty and a socket ignore the baud rate: the server waits as long as request, silence, turnaround and reply would take
on the wire, then sends the reply in one piece, as an adapter hands it over.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from drivers.errors import LinkDown
from drivers.frames.modbus_rtu import RtuRequests, rtu_frame, silence_s
from drivers.serial_port import PtyEnd
from linectl.sim.wires.bank import Bank
from linectl.sim.wires.holder import cannot_listen
from linectl.sim.wires.modbus_server import Identities, answer, asked_of, other_values
from linectl.sim.wires.trouble import Meeting, Reply, Trouble
from linectl.words import tr

__all__ = ["ByteChannel", "ModbusRtuServer"]

BROADCAST = 0
LAST_UNIT = 247
_PATIENCE_S = 0.05  # a request may come in parts: adapters hold bytes back for up to 16 ms, gateways for longer


class ByteChannel(Protocol):
    """Where the server hears and speaks: `drivers.serial_port.PtyEnd`, or a socket."""

    async def read(self) -> bytes:
        """Return the bytes that have come, at least one.

        Raises:
            LinkDown: the wire is gone.
        """

    def write(self, data: bytes) -> None:
        """Send `data`.

        Raises:
            LinkDown: the wire is gone.
        """


class ModbusRtuServer:
    """Serves `banks` by unit on every wire it is given; other units' requests are not answered, unit 0 never is.

    `before` is called with the unit ahead of each request. `character_s` is how long one character takes on the wire
    (11 bits at 8E1; 0 is an infinitely fast wire), `turnaround_s` how long a unit works before it answers. `troubles`
    are those of each unit; what is late holds the wire, as it does behind an adapter or a gateway.
    """

    def __init__(
        self,
        banks: Mapping[int, Bank],
        *,
        identities: Identities | None = None,
        before: Callable[[int], None] = lambda _unit: None,
        troubles: Mapping[int, Trouble] | None = None,
        character_s: float = 0.0,
        turnaround_s: float = 0.0,
    ) -> None:
        self.banks = banks
        self.identities: Identities = identities or {}
        self.before = before
        self.troubles: Mapping[int, Trouble] = troubles or {}
        self.character_s = character_s
        self.turnaround_s = turnaround_s
        self.host = "127.0.0.1"
        self.port = 0
        self.requests = 0
        self.noise = 0  # bytes heard that belong to no request
        self._pty: PtyEnd | None = None
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    def __repr__(self) -> str:
        """Return the wires and the requests answered."""
        where = [self.path] if self._pty is not None else []
        where += [f"{self.host}:{self.port}"] if self._server is not None else []
        return f"<ModbusRtuServer {' '.join(where) or 'unplugged'}, {self.requests} requests>"

    @property
    def path(self) -> str:
        """The tty that a client opens; empty while there is none."""
        return self._pty.path if self._pty is not None else ""

    def plug(self, link: Path | None = None) -> None:
        """Appear as a new tty, behind the symbolic link `link` when one is named; the running loop serves it."""
        self.unplug()
        self._pty = pty = PtyEnd()
        if link is not None:
            pty.link(link)
        self._start(pty, pty.path)

    def unplug(self) -> None:
        """Vanish: the tty dies for whoever has it open."""
        if self._pty is not None:
            self._pty.close()
            self._pty = None

    async def listen(self, port: int = 0) -> None:
        """Serve RTU frames over TCP too, as a transparent gateway does; `port` then tells where.

        Raises:
            Unreachable: the port is taken.
        """
        try:
            self._server = await asyncio.start_server(self._joined, self.host, port)
        except OSError as exc:
            what = tr("the simulator's Modbus server cannot listen on {host}:{port}: {why}")
            raise cannot_listen(self.host, port, exc, what) from exc
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Unplug, stop listening, drop every connection."""
        self.unplug()
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if server is not None:
            await server.wait_closed()

    async def serve(self, channel: ByteChannel) -> None:
        """Answer what is asked on `channel` until it dies."""
        requests = RtuRequests()
        with contextlib.suppress(LinkDown):
            while True:
                for unit, pdu in await self._heard(channel, requests):
                    trouble = self.troubles.get(unit)
                    if trouble:
                        await self._answer_in_trouble(channel, unit, pdu, trouble.meet(asked_of("rtu", unit, pdu)))
                        continue
                    reply = self._reply(unit, pdu)
                    if self.character_s or self.turnaround_s:
                        await asyncio.sleep(self._on_the_wire_s(len(pdu) + 3, len(reply)))
                    if reply:
                        channel.write(reply)

    async def _answer_in_trouble(self, channel: ByteChannel, unit: int, pdu: bytes, meeting: Meeting) -> None:
        """Answer as the unit's troubles let it.

        Raises:
            LinkDown: the wire is gone, or hangs up.
        """
        said = b"" if meeting.silent else self._reply(unit, pdu, meeting)
        await asyncio.sleep(self._on_the_wire_s(len(pdu) + 3, len(said)))
        foreign = rtu_frame(unit % LAST_UNIT + 1, other_values(said[1:-2]))
        reply = meeting.fate(said, foreign) if said else Reply(())
        for delay_s, data in reply.pieces:
            if delay_s:
                await asyncio.sleep(delay_s)
            channel.write(data)
        if reply.close and isinstance(channel, _Socket):
            raise LinkDown("the server hangs up")

    async def _heard(self, channel: ByteChannel, requests: RtuRequests) -> list[tuple[int, bytes]]:
        """Return the next requests; what silence ends counts too."""
        noise = requests.noise
        try:
            async with asyncio.timeout(_PATIENCE_S if requests.pending else None):
                found = requests.feed(await channel.read())
        except TimeoutError:
            found = requests.silence()
        self.noise += requests.noise - noise
        return found

    def _reply(self, unit: int, pdu: bytes, meeting: Meeting | None = None) -> bytes:
        """Return the frame that answers, or nothing where a unit of the wire would keep silent."""
        if unit != BROADCAST and unit not in self.banks:
            return b""
        self.requests += 1
        self.before(unit)
        if unit != BROADCAST:
            return rtu_frame(unit, answer(self.banks, unit, pdu, self.identities, meeting))
        for each in self.banks:
            answer(self.banks, each, pdu)
        return b""

    def _on_the_wire_s(self, asked: int, answered: int) -> float:
        """Return how long `asked` and `answered` characters take, with what lies between (s)."""
        if not answered:
            return asked * self.character_s
        return (asked + answered) * self.character_s + silence_s(self.character_s) + self.turnaround_s

    def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._server is None:  # taken while it was stopping
            writer.transport.abort()
            return
        self._writers.add(writer)
        self._start(_Socket(reader, writer), "tcp", lambda: self._left(writer))

    def _left(self, writer: asyncio.StreamWriter) -> None:
        self._writers.discard(writer)
        writer.close()

    def _start(self, channel: ByteChannel, name: str, ended: Callable[[], None] = lambda: None) -> None:
        """Serve `channel` in a task of its own (streams of Python 3.11 log an error when theirs is cancelled)."""
        task = asyncio.create_task(self.serve(channel), name=f"modbus rtu {name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _task: ended())


class _Socket:
    """A TCP connection as a byte channel."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self) -> bytes:
        try:
            data = await self._reader.read(4096)
        except OSError as exc:
            raise LinkDown(str(exc)) from exc
        if not data:
            raise LinkDown("the client is gone")
        return data

    def write(self, data: bytes) -> None:
        if self._writer.is_closing():
            raise LinkDown("the client is gone")
        self._writer.write(data)
