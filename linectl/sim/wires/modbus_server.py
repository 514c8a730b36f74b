"""The simulator's own Modbus TCP server: functions 1-6, 8, 15, 16, 22, 23 and 43/14 over banks of registers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

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
from linectl.sim.wires.bank import Bank, Fault, ModbusFault
from linectl.sim.wires.holder import cannot_listen
from linectl.sim.wires.trouble import Asked, Meeting, Reply, Trouble, Wire
from linectl.words import tr

__all__ = ["Identities", "ModbusServer", "answer", "asked_of", "other_values"]

Identities = Mapping[int, Mapping[int, bytes]]
"""The identification objects (function 43/14) of each unit."""

_TABLES = {1: "co", 2: "di", 3: "hr", 4: "ir", 5: "co", 6: "hr", 15: "co", 16: "hr", 22: "hr", 23: "hr"}
_ADDRESSES = 65_536
_NOTHING: Mapping[int, bytes] = {}
_TICK_S = 1e-6  # two timers of one moment may fire in any order: each piece is due a little later than the one before


def answer(
    banks: Mapping[int, Bank],
    unit: int,
    pdu: bytes,
    identities: Identities | None = None,
    meeting: Meeting | None = None,
) -> bytes:
    """Return the PDU that answers `pdu` to `unit`: values, an echo or an exception (bytes in, bytes out).

    A unit without an entry in `identities` does not serve function 43. `meeting` is what the request meets.
    """
    function = pdu[0] if pdu else 0
    if meeting is not None and meeting.code:
        return exception_reply(function, meeting.code)
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
        return _served(bank, request, meeting)
    except (ModbusFault, DeviceFault) as exc:
        return exception_reply(function, exc.code)


def asked_of(wire: Wire, unit: int, pdu: bytes) -> Asked:
    """Return what `pdu` asks of `unit`, as far as ills want to know."""
    function, address, count = (int.from_bytes(part) for part in (pdu[:1], pdu[1:3], pdu[3:5]))
    return Asked(wire, unit, function, address, count)


def other_values(pdu: bytes) -> bytes:
    """Return a reply shaped as `pdu`, with other values: what another unit may say to the same question."""
    return pdu[:2] + bytes(value ^ 0x55 for value in pdu[2:])


def _served(bank: Bank, request: Request, meeting: Meeting | None) -> bytes:
    table = _TABLES[request.function]
    if request.function == 23:  # the write comes first (Modbus application protocol V1.1b3, 6.17)
        bank.write(table, request.write_address, list(request.values))
    if request.function <= 4 or request.function == 23:
        held = bank.read(table, request.address, request.count)
        return values_reply(request, held if meeting is None else meeting.registers(held))
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

    `before` is called with the unit ahead of each request: the plant steps up to the present. `troubles` are those of
    each unit.
    """

    def __init__(
        self,
        banks: Mapping[int, Bank],
        *,
        identities: Identities | None = None,
        before: Callable[[int], None] = lambda _unit: None,
        troubles: Mapping[int, Trouble] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.banks = banks
        self.identities: Identities = identities or {}
        self.host = host
        self.port = port
        self.before = before
        self.troubles: Mapping[int, Trouble] = troubles or {}
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
            what = tr("the simulator's Modbus server cannot listen on {host}:{port}: {why}")
            raise cannot_listen(self.host, self.port, exc, what) from exc
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
        self._free_s = 0.0  # when the last reply that was put off will have gone out
        self._later: list[asyncio.TimerHandle] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.joined(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # the protocol's signature
        """Forget the connection."""
        self._transport = None
        for timer in self._later:
            timer.cancel()
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
            server.before(unit)
            if self._later or server.troubles.get(unit):
                self._answer_in_trouble(transaction, unit, pdu)
            elif self._transport is not None:
                self._transport.write(frame(transaction, unit, answer(server.banks, unit, pdu, server.identities)))

    def _answer_in_trouble(self, transaction: int, unit: int, pdu: bytes) -> None:
        """Answer as the unit's troubles let it, after the replies that are still held back."""
        server, trouble = self._server, self._server.troubles.get(unit)
        meeting = trouble.meet(asked_of("tcp", unit, pdu)) if trouble else None
        if meeting is not None and meeting.silent:
            return
        said = answer(server.banks, unit, pdu, server.identities, meeting)
        reply = Reply(((0.0, frame(transaction, unit, said)),))
        if meeting is not None:
            reply = meeting.fate(reply.data, frame(transaction ^ 0x5555, unit, other_values(said)))
        loop = asyncio.get_running_loop()
        self._later = [timer for timer in self._later if timer.when() > loop.time()]
        due_s = max(loop.time(), self._free_s + _TICK_S if self._later else 0.0)
        for delay_s, data in reply.pieces:
            due_s += delay_s
            self._at(due_s, partial(self._write, data))
            due_s += _TICK_S
        if reply.close:
            self._at(due_s, self.drop)
        self._free_s = due_s

    def _at(self, due_s: float, action: Callable[[], None]) -> None:
        """Do it at loop time `due_s`, at once when that is now."""
        loop = asyncio.get_running_loop()
        if due_s <= loop.time() + _TICK_S:
            action()
        else:
            self._later.append(loop.call_at(due_s, action))

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def drop(self) -> None:
        """Close the connection at once."""
        if self._transport is not None:
            with suppress(OSError):
                self._transport.abort()
