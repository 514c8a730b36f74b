"""A TCP proxy of the tests between a link and its server, that delays, loses, drips, cuts, resets or goes deaf.

async with fault_proxy(server.port) as proxy:
    link = ModbusLink(ModbusTcpSettings("127.0.0.1", proxy.port))
    proxy.latency_s, proxy.jitter_s = 0.2, 0.05   # each way; the order of the bytes stays
    proxy.loss = 0.02          # so many of the pieces that a side sends vanish (seeded), in both directions
    proxy.black_hole = True    # half-open: connections stand and new ones are taken, but no byte passes any more
    proxy.drip_s = 0.001       # byte by byte, with this pause
    proxy.cut_after = 5        # the next reply ends after 5 bytes with a reset
    proxy.lose_write_replies = True   # of Modbus TCP: the server does what it is told, its echo never comes
    proxy.refuse = True        # new connections are reset at once
    proxy.reset()              # every connection is reset now
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import AsyncIterator

from drivers.frames.modbus import frame, split_frames

__all__ = ["FaultProxy", "fault_proxy"]

_WRITES = (5, 6, 15, 16, 22, 23)
_TICK_S = 1e-6  # two timers of one moment may fire in any order: each piece is due a little later than the one before


class FaultProxy:
    """Passes bytes to `upstream` (a port of the loopback) and back, with the faults that stand at the moment."""

    def __init__(self, upstream: int, *, seed: int = 1) -> None:
        self.port = 0
        self.latency_s = 0.0
        self.jitter_s = 0.0
        self.loss = 0.0
        self.black_hole = False
        self.drip_s = 0.0
        self.cut_after: int | None = None
        self.lose_write_replies = False
        self.refuse = False
        self.connections = 0  # taken so far
        self.lost = 0  # pieces that vanished
        self._upstream = upstream
        self._random = random.Random(seed)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        return f"<FaultProxy {self.port} to {self._upstream}, {self.connections} connections, {self.lost} lost>"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._joined, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
        self.reset()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.reset()  # those whose task never had a turn
        self._writers.clear()
        if server is not None:
            await server.wait_closed()

    def heal(self) -> None:
        """End every fault; connections that a black hole swallowed bytes of are reset, as routers do after a while."""
        if self.black_hole:
            self.reset()
        self.latency_s = self.jitter_s = self.loss = self.drip_s = 0.0
        self.black_hole = self.lose_write_replies = self.refuse = False
        self.cut_after = None

    def reset(self) -> None:
        """Reset every connection, on both sides."""
        for writer in tuple(self._writers):
            _reset(writer)

    def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        task = asyncio.create_task(self._serve(reader, writer), name="fault proxy")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far: asyncio.StreamWriter | None = None
        try:
            if self.refuse:
                return
            far_reader, far = await asyncio.open_connection("127.0.0.1", self._upstream)
            self._writers.add(far)
            await asyncio.gather(self._pump(reader, far, False), self._pump(far_reader, writer, True))
            far.close()
            writer.close()
        except OSError:
            pass
        finally:
            for one in (writer, far):
                if one is not None:
                    self._writers.discard(one)
                    if not one.is_closing():
                        _reset(one)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, replies: bool) -> None:
        """Pass what `reader` says to `writer`, each piece in its time, until it says no more."""
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        held = bytearray()
        while data := await reader.read(65_536):
            if self.black_hole or (self.loss and self._random.random() < self.loss):
                self.lost += 1
                continue
            if replies and self.lose_write_replies:
                data = self._without_writes(held, data)
            due_s = max(due_s + _TICK_S, loop.time() + self.latency_s + self._random.uniform(0, self.jitter_s))
            if replies and self.cut_after is not None:
                data, self.cut_after = data[: self.cut_after], None
                loop.call_at(due_s + _TICK_S, _reset, writer)
            for piece in [data[at : at + 1] for at in range(len(data))] if self.drip_s else [data]:
                if due_s <= loop.time() + _TICK_S:
                    _pass(writer, piece)
                else:
                    loop.call_at(due_s, _pass, writer, piece)
                due_s += self.drip_s
        await asyncio.sleep(due_s + 2 * _TICK_S - loop.time())
        if not self.black_hole and not writer.is_closing():
            writer.write_eof()

    def _without_writes(self, held: bytearray, data: bytes) -> bytes:
        """Return the whole frames of `data` that answer no write; what is cut waits in `held`."""
        held += data
        kept = b""
        for transaction, unit, pdu in split_frames(held):
            if pdu[0] in _WRITES:
                self.lost += 1
            else:
                kept += frame(transaction, unit, pdu)
        return kept


def _pass(writer: asyncio.StreamWriter, data: bytes) -> None:
    if data and not writer.is_closing():
        writer.write(data)


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@contextlib.asynccontextmanager
async def fault_proxy(upstream: int, *, seed: int = 1) -> AsyncIterator[FaultProxy]:
    proxy = FaultProxy(upstream, seed=seed)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()
