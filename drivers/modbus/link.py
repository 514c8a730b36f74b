"""Modbus over TCP with pymodbus, which does not compare a reply with its request: this link does.

pymodbus gets one try and no reconnect of its own; deadlines, reconnects and read-backs are ours.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ConnectionException, ModbusException

from drivers.addresses import ModbusAddress, modbus_address
from drivers.errors import BadReply, DeviceFault, DriverError, LinkDown, ReplyTimeout
from drivers.frames.modbus import exception_text, registers_of, value_of
from drivers.link import LinkStats, Outcome, Point, Priority, RawReading, RawValue, WriteResult
from drivers.owner import Owner
from drivers.read_plan import Block, plan
from drivers.settings import ModbusTcpSettings
from drivers.wire_tap import WireTap

__all__ = ["ModbusLink"]

_SILENCES_TO_DROP = 2  # a half-open socket says nothing for ever: two silences in a row and it is dropped
_PAUSE_S = 0.05  # before a busy unit is asked again, and before a value that did not take is read back again
_READ_BACKS = 3  # a PLC takes a value over in its own cycle: only a difference that stays is a clamp
_PLANS_KEPT = 64
_ILLEGAL_ADDRESS = 2
_BUSY_CODE = 6
_BUSY = (5, _BUSY_CODE)  # acknowledge, busy (Modbus application protocol V1.1b3, 7): ask again within the deadline
_UNDONE = (1, 2, 3, _BUSY_CODE, 10)  # after these exceptions the unit has not carried out a write
_REASONS = {
    **dict.fromkeys((1, 2, 3), "out_of_service"),  # the address is wrong for this unit: nobody is sick
    **dict.fromkeys(_BUSY, "timeout"),
    **dict.fromkeys((10, 11), "not_connected"),  # a gateway does not reach the unit
}
_TABLE_NAMES = {"co": "coil", "di": "discrete input", "hr": "holding register", "ir": "input register"}
_TABLE_READS = {"co": 1, "di": 2, "hr": 3, "ir": 4}  # table -> function


class ModbusLink:
    """A `Link` to one Modbus TCP server and the units behind it."""

    def __init__(self, settings: ModbusTcpSettings) -> None:
        self.settings = settings
        self.name = f"Modbus {settings.host}:{settings.port}"
        self._client: AsyncModbusTcpClient | None = None
        self._owner = Owner(self.name, self._connect, self._disconnect, seed=settings.port)
        self._plans: dict[tuple[Point, ...], tuple[Block, ...]] = {}
        self._refused: set[Block] = set()
        self._silences = 0
        self.tap = WireTap()
        self._stats = LinkStats(devices=self.tap.devices)

    def __repr__(self) -> str:
        """Return the address, the state and the counters that matter."""
        stats = self.stats()
        state = "open" if self.is_open() else "down"
        faults = f"{stats.timeouts} timeouts, {stats.bad_replies} bad replies, {stats.reconnects} reconnects"
        return f"<ModbusLink {self.settings.host}:{self.settings.port} {state}, {stats.replies} replies, {faults}>"

    async def open(self) -> None:
        """Connect, and stay connected until `close`.

        Raises:
            LinkDown: nothing answers at the address.
        """
        await self._owner.start()

    async def close(self) -> None:
        """Disconnect for good."""
        await self._owner.stop()

    def is_open(self) -> bool:
        """Return whether the connection is up."""
        return self._owner.is_open

    def stats(self) -> LinkStats:
        """Return the counters."""
        self._stats.reconnects = self._owner.reconnects
        return self._stats

    # reading

    async def read(
        self, points: Sequence[Point], *, deadline: float, priority: Priority = Priority.READ
    ) -> Mapping[Point, RawReading]:
        """Return one raw reading per point, read in as few requests as the addresses allow.

        Reasons: not_connected, timeout (also a unit that stayed busy), bad_reply, sensor_failure (the unit reported a
        failure, or a float that is no number), out_of_service (the unit has no such register).

        Raises:
            BadAddress: a point is not one of Modbus.
        """
        readings: dict[Point, RawReading] = {}
        for block in self._plan(tuple(points)):
            await self._read_block(block, readings, deadline, priority)
        return readings

    def _plan(self, points: tuple[Point, ...]) -> tuple[Block, ...]:
        blocks = self._plans.get(points)
        if blocks is None:
            if len(self._plans) >= _PLANS_KEPT:
                self._plans.clear()
            blocks = self._plans[points] = plan(points, self._refused)
        return blocks

    async def _read_block(
        self, block: Block, readings: dict[Point, RawReading], deadline: float, priority: Priority
    ) -> None:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        try:
            values = await self._patiently(partial(self._fetch, block, deadline), _BUSY, deadline, priority)
        except DriverError as error:
            if isinstance(error, DeviceFault) and error.code == _ILLEGAL_ADDRESS and len(block.parts) > 1:
                self._refused.add(block)
                self._plans.clear()
                for half in block.halves():
                    await self._read_block(half, readings, deadline, priority)
                return
            failed = RawReading(None, self._reason(error), f"{block}: {error}", began_s, loop.time())
            readings.update(dict.fromkeys((part.point for part in block.parts), failed))
            return
        ended_s = loop.time()
        for part in block.parts:
            value = value_of(part.address.kind, values[part.start : part.end])
            if isinstance(value, float) and not math.isfinite(value):  # how instruments say "failed"
                readings[part.point] = RawReading(
                    None, "sensor_failure", f"{part.point.address} holds {value}", began_s, ended_s
                )
            else:
                readings[part.point] = RawReading(value, "", "", began_s, ended_s)

    def _reason(self, error: DriverError) -> str:
        self._stats.last_error = str(error)
        match error:
            case DeviceFault():
                return _REASONS.get(error.code, "sensor_failure")
            case ReplyTimeout():
                return "timeout"
            case BadReply():
                return "bad_reply"
            case _:
                return "not_connected"

    async def _fetch(self, block: Block, deadline: float) -> list[int] | list[bool]:
        """Read one block; the reply is checked for everything that its request says."""
        function = _TABLE_READS[block.table]
        client = self._connected()
        ask = (
            client.read_coils,
            client.read_discrete_inputs,
            client.read_holding_registers,
            client.read_input_registers,
        )[function - 1]
        reply = await self._transact(client, deadline, ask(block.address, count=block.count, device_id=block.unit))
        self._check(reply, function, block.unit, block.table, f"{block.address}")
        if function > 2:
            if len(reply.registers) != block.count:
                raise self._bad(f"{block.count} registers were asked, {len(reply.registers)} answered")
            return reply.registers  # type: ignore[no-any-return]  # pymodbus: list[int]
        if len(reply.bits) != (block.count + 7) // 8 * 8:
            raise self._bad(f"{block.count} bits were asked, {len(reply.bits)} answered")
        return reply.bits  # type: ignore[no-any-return]  # pymodbus: list[bool]

    # writing

    async def write(
        self, point: Point, value: RawValue, *, deadline: float, priority: Priority = Priority.WRITE
    ) -> WriteResult:
        """Write once; an uncertain write is decided by the read-back, never repeated.

        Refused: the unit said so, the value does not fit, or nothing was sent for want of a connection.
        Unknown: no proof either way; `got` then is what the point holds, when that could be read.

        Raises:
            BadAddress: the point is not one of Modbus.
        """
        address = modbus_address(point)
        try:
            registers = _encoded(address, value)
        except ValueError as error:
            return WriteResult(Outcome.REFUSED, value, None, f"{point.address}: {error}")
        doubt, echo = "", registers
        sent = [False]
        try:
            echo = await self._patiently(
                partial(self._send, address, registers, deadline, sent), (_BUSY_CODE,), deadline, priority
            )
        except DriverError as error:
            doubt = f"{point.address}: {error}"
            self._stats.last_error = doubt
            if not sent[0] or (isinstance(error, DeviceFault) and error.code in _UNDONE):
                return WriteResult(Outcome.REFUSED, value, None, doubt)
        if point.readback:
            return await self._prove(point, value, registers, doubt, deadline, priority)
        if doubt:
            return WriteResult(Outcome.UNKNOWN, value, None, doubt)
        if echo != registers:
            return WriteResult(Outcome.CLAMPED, value, value_of(address.kind, echo))
        return WriteResult(Outcome.CONFIRMED, value)

    async def _prove(
        self, point: Point, value: RawValue, registers: tuple[int, ...], doubt: str, deadline: float, priority: Priority
    ) -> WriteResult:
        """Read a written point back until it holds what was asked, the difference stays, or the time is over."""
        loop = asyncio.get_running_loop()
        kind = modbus_address(point).kind
        differs, got = 0, RawReading(None)
        while True:
            reading = (await self.read((point,), deadline=deadline, priority=priority))[point]
            if reading.value is not None:
                if registers_of(kind, reading.value) == registers:
                    return WriteResult(Outcome.CONFIRMED, value, reading.value, doubt)
                differs, got = differs + 1, reading
            elif got.value is None:
                got = reading
            if differs == _READ_BACKS or loop.time() + _PAUSE_S >= deadline:
                break
            await asyncio.sleep(_PAUSE_S)
        if got.value is None:
            return WriteResult(Outcome.UNKNOWN, value, None, doubt or f"no read-back: {got.detail}")
        return WriteResult(Outcome.UNKNOWN if doubt else Outcome.CLAMPED, value, got.value, doubt)

    async def _send(
        self, address: ModbusAddress, registers: tuple[int, ...], deadline: float, sent: list[bool]
    ) -> tuple[int, ...]:
        """Write once and return the echo; `sent[0]` becomes true as soon as the unit may have heard of it.

        Some servers echo the value that they keep rather than the one they got: that is a clamp, no wrong reply.
        """
        client, unit, start = self._connected(), address.unit, address.address
        call: Awaitable[Any]
        if address.is_bit:
            function, call = 5, client.write_coil(start, bool(registers[0]), device_id=unit)
        elif address.kind != "block" and address.count == 1:
            function, call = 6, client.write_register(start, registers[0], device_id=unit)
        else:
            function, call = 16, client.write_registers(start, list(registers), device_id=unit)
        sent[0] = True
        reply = await self._transact(client, deadline, call)
        self._check(reply, function, unit, address.table, f"{start}")
        if function == 16:
            if (reply.address, reply.count) != (start, len(registers)):
                raise self._bad(
                    f"{len(registers)} registers from {start} were written, {reply.count} from {reply.address} echoed"
                )
            return registers
        if reply.address != start:
            raise self._bad(f"{start} was written, {reply.address} echoed")
        return (int((reply.bits if function == 5 else reply.registers)[0]),)

    # the wire

    async def _patiently(
        self, action: Callable[[], Awaitable[Any]], busy: tuple[int, ...], deadline: float, priority: Priority
    ) -> Any:
        """Run `action` in its turn; a unit that answers with one of the codes `busy` is asked again by the deadline."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                return await self._owner.call(action, deadline=deadline, priority=priority)
            except DeviceFault as fault:
                if fault.code not in busy or loop.time() + _PAUSE_S >= deadline:
                    raise
            await asyncio.sleep(_PAUSE_S)  # the wire is free meanwhile

    async def _transact(self, client: AsyncModbusTcpClient, deadline: float, call: Awaitable[Any]) -> Any:
        """Await one pymodbus request, its exceptions turned into ours; two silences in a row drop the socket."""
        self._stats.requests += 1
        loop = asyncio.get_running_loop()
        limit_s = min(self.settings.timeout_s, deadline - loop.time())
        client.ctx.comm_params.timeout_connect = limit_s  # pymodbus waits so long for a reply
        began_s = loop.time()
        try:
            reply = await call
        except asyncio.CancelledError:  # by the owner: the deadline passed, the wire was lost, or the link is closed
            if loop.time() >= deadline:
                self._silent()
            raise
        except ConnectionException as error:
            self._owner.lost(str(error))
            raise LinkDown(f"{self.name} is not connected") from error
        except ModbusException as error:
            if loop.time() - began_s < 0.9 * limit_s:  # not for want of a reply
                raise self._bad(str(error)) from error
            self._silent()
            raise ReplyTimeout(f"{self.name}: no reply within {limit_s:.3g} s") from error
        self._silences = 0
        self._stats.replies += 1
        return reply

    def _silent(self) -> None:
        self._silences += 1
        self._stats.timeouts += 1
        if self._silences >= _SILENCES_TO_DROP:
            self._owner.lost(f"{self._silences} requests in a row were not answered")

    def _check(self, reply: Any, function: int, unit: int, table: str, address: str) -> None:
        """Raise unless `reply` is of the function and the unit that were asked."""
        if reply.dev_id != unit:
            raise self._bad(f"unit {unit} was asked, unit {reply.dev_id} answered")
        if reply.isError():
            self._stats.exceptions += 1
            code = reply.exception_code
            where = f"unit {unit}, {_TABLE_NAMES[table]} {address}"
            raise DeviceFault(f"{where}: exception {code} ({exception_text(code)})", code)
        if reply.function_code != function:
            raise self._bad(f"function {function} was asked, {reply.function_code} answered")

    def _bad(self, why: str) -> BadReply:
        self._stats.bad_replies += 1
        return BadReply(f"{self.name}: {why}")

    def _connected(self) -> AsyncModbusTcpClient:
        if self._client is None:
            raise LinkDown(f"{self.name} is not connected")
        return self._client

    async def _connect(self) -> None:
        settings = self.settings
        client = AsyncModbusTcpClient(
            settings.host,
            port=settings.port,
            timeout=settings.timeout_s,
            retries=0,
            reconnect_delay=0,
            trace_connect=lambda up: None if up else self._gone(client),
        )
        try:
            connected = await client.connect()
        except BaseException:
            client.close()
            raise
        if not connected:
            client.close()
            raise LinkDown(f"no Modbus server answers at {settings.host}:{settings.port}")
        self._client = client
        self._silences = 0
        self._refused.clear()  # another map may have been loaded meanwhile
        self._plans.clear()

    def _gone(self, client: AsyncModbusTcpClient) -> None:
        if client is self._client:
            self._owner.lost("the server closed the connection")

    async def _disconnect(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()


def _encoded(address: ModbusAddress, value: RawValue) -> tuple[int, ...]:
    """Return the registers (or bit) to send; raise ValueError, with the reason, for what cannot be written there."""
    if address.table in {"ir", "di"}:
        raise ValueError("an input cannot be written")
    registers = registers_of(address.kind, value)
    if len(registers) != address.count:
        raise ValueError(f"it takes {address.count} values, not {len(registers)}")
    return registers
