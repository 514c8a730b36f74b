"""The simulator's own Modbus TCP server: functions 1-6, 8, 15, 16, 22, 23 and 43/14 over banks of registers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress

from drivers.errors import BadReply, DeviceFault
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
from linectl.errors import Unreachable
from linectl.sim.wires.bank import Bank, Fault, ModbusFault
from linectl.words import tr

__all__ = ["Identities", "ModbusServer", "answer"]

Identities = Mapping[int, Mapping[int, bytes]]
"""The identification objects (function 43/14) of each unit."""

_TABLES = {1: "co", 2: "di", 3: "hr", 4: "ir", 5: "co", 6: "hr", 15: "co", 16: "hr", 22: "hr", 23: "hr"}
_ADDRESSES = 65_536
_NOTHING: Mapping[int, bytes] = {}


def answer(banks: Mapping[int, Bank], unit: int, pdu: bytes, identities: Identities | None = None) -> bytes:
    """Return the PDU that answers `pdu` to `unit`: values, an echo or an exception (bytes in, bytes out).

    A unit without an entry in `identities` does not serve function 43.
    """
    function = pdu[0] if pdu else 0
    try:
        bank = banks.get(unit)
        if bank is None:
            raise ModbusFault(Fault.GATEWAY_NO_RESPONSE)
        request = parse_request(pdu)
        if function == 43:
            return _identified((identities or {}).get(unit, _NOTHING), request)
        if function == 8:
            return _looped(request)
        written = request.write_address + len(request.values) if function == 23 else 0
        if max(request.address + request.count, written) > _ADDRESSES:
            raise ModbusFault(Fault.ILLEGAL_ADDRESS)
        return _served(bank, request)
    except (ModbusFault, DeviceFault) as exc:
        return exception_reply(function, exc.code)


def _served(bank: Bank, request: Request) -> bytes:
    table = _TABLES[request.function]
    if request.function == 23:  # the write comes first (Modbus application protocol V1.1b3, 6.17)
        bank.write(table, request.write_address, list(request.values))
    if request.function <= 4 or request.function == 23:
        return values_reply(request, bank.read(table, request.address, request.count))
    values = list(request.values)
    if request.function == 22:
        (now,), (keep, put) = bank.read(table, request.address, 1), values
        values = [now & keep | put & ~keep & 0xFFFF]
    bank.write(table, request.address, values)
    return write_reply(request)


def _looped(request: Request) -> bytes:
    """Answer function 8: sub-function 0 returns what was sent; there are no counters."""
    if request.address != 0:
        raise ModbusFault(Fault.ILLEGAL_FUNCTION)
    return write_reply(request)


def _identified(objects: Mapping[int, bytes], request: Request) -> bytes:
    if not objects:
        raise ModbusFault(Fault.ILLEGAL_FUNCTION)
    return identification_reply(request.count, request.address, objects)


class ModbusServer:
    """Serves `banks` on one TCP port, which stays the same over a stop and a start.

    `before` is called ahead of each request: the plant steps up to the present.
    """

    def __init__(
        self,
        banks: Mapping[int, Bank],
        *,
        identities: Identities | None = None,
        before: Callable[[], None] = lambda: None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.banks = banks
        self.identities: Identities = identities or {}
        self.host = host
        self.port = port
        self.before = before
        self.requests = 0
        self._server: asyncio.Server | None = None
        self._clients: set[_Client] = set()

    def __repr__(self) -> str:
        """Return the address, the clients and the requests answered."""
        state = f"{len(self._clients)} clients" if self._server else "down"
        return f"<ModbusServer {self.host}:{self.port} {state}, {self.requests} requests>"

    async def start(self) -> None:
        """Listen.

        Raises:
            Unreachable: the port is taken.
        """
        if self._server is not None:
            return
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: _Client(self), self.host, self.port)
        except OSError as exc:
            raise Unreachable(
                tr("the simulator's Modbus server cannot listen on {host}:{port}: {why}").format(
                    host=self.host, port=self.port, why=exc
                )
            ) from exc
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening and drop every connection, as a PLC does that loses power."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for client in tuple(self._clients):
            client.drop()
        await server.wait_closed()
        await asyncio.sleep(0)  # the transports close in the loop's next round

    def joined(self, client: _Client) -> None:
        """Note a new connection."""
        self._clients.add(client)

    def left(self, client: _Client) -> None:
        """Forget a connection that has ended."""
        self._clients.discard(client)


class _Client(asyncio.Protocol):
    """One connection: whole frames in, answers out, in order."""

    def __init__(self, server: ModbusServer) -> None:
        self._server = server
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.joined(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # the protocol's signature
        """Forget the connection."""
        self._transport = None
        self._server.left(self)

    def data_received(self, data: bytes) -> None:
        """Answer the requests that `data` completes; a stream that is not Modbus is dropped."""
        self._buffer += data
        try:
            frames = split_frames(self._buffer)
        except BadReply:
            self.drop()
            return
        server = self._server
        for transaction, unit, pdu in frames:
            server.requests += 1
            server.before()
            if self._transport is not None:
                self._transport.write(frame(transaction, unit, answer(server.banks, unit, pdu, server.identities)))

    def drop(self) -> None:
        """Close the connection at once."""
        if self._transport is not None:
            with suppress(OSError):
                self._transport.abort()
