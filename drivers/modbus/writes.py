"""Writes over Modbus: checked before they are sent, echoed, read back, and never repeated when their end is uncertain.

Only absolute values are written. One bit of a register is set by a mask write (function 22): reading the register,
changing the bit and writing it back would undo whatever the unit changed meanwhile, so that is never done.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pymodbus.pdu import ModbusPDU
from pymodbus.pdu.bit_message import WriteMultipleCoilsRequest, WriteSingleCoilRequest
from pymodbus.pdu.register_message import (
    MaskWriteRegisterRequest,
    ReadWriteMultipleRegistersRequest,
    WriteMultipleRegistersRequest,
    WriteSingleRegisterRequest,
)

from drivers.addresses import ModbusAddress, modbus_address
from drivers.errors import BadAddress, DeviceFault, DriverError
from drivers.frames.registers import registers_of, value_of
from drivers.link import Outcome, Point, Priority, RawReading, RawValue, WriteResult
from drivers.modbus.retries import PAUSE_S
from drivers.settings import ModbusRtuSettings, UnitSettings

if TYPE_CHECKING:
    from drivers.modbus.reader import Reader
    from drivers.modbus.wire import ModbusWire

__all__ = ["Writer", "write_request"]

_READ_BACKS = 3  # a PLC takes a value over in its own cycle: only a difference that stays is a clamp
_BUSY_CODE = 6
_ILLEGAL_FUNCTION = 1
_UNDONE = (_ILLEGAL_FUNCTION, 2, 3, _BUSY_CODE, 10)  # after these exceptions the unit has not carried out the write
_MASK_WRITE = 22
_READ_WRITE = 23
_MAX_READ_WRITE = 121  # registers written by function 23 (Modbus application protocol V1.1b3, 6.17)
_LACKS = {
    _MASK_WRITE: "the unit has no function 22, and nothing else sets one bit of a register without touching the rest",
    _READ_WRITE: "the unit has no function 23: its settings must not ask for read_write",
}


class Writer:
    """Writes points over `wire`, and proves it by `reader`."""

    def __init__(self, wire: ModbusWire, reader: Reader) -> None:
        self._wire = wire
        self._reader = reader
        self._serial = isinstance(wire.settings, ModbusRtuSettings)

    def __repr__(self) -> str:
        """Return the wire."""
        return f"<Writer on {self._wire.name}>"

    async def write(self, point: Point, value: RawValue, deadline: float, priority: Priority) -> WriteResult:
        """Write `value` once and return how that ended; an uncertain end is decided by the read-back.

        Raises:
            BadAddress: the point is not one of Modbus.
        """
        address = modbus_address(point)
        unit = self._wire.settings.units.get(address.unit, UnitSettings())
        try:
            registers = self._encoded(address, value, unit)
        except ValueError as error:
            return WriteResult(Outcome.REFUSED, value, None, f"{point.address}: {error}")
        request = write_request(address, registers, unit, proves=point.readback)
        doubt, echo = "", registers
        try:
            echo = await self._send(request, registers, deadline, priority)
        except DriverError as error:
            doubt = f"{point.address}: {error}"
            self._wire.stats().last_error = doubt
            if not error.sent or (isinstance(error, DeviceFault) and error.code in _UNDONE):
                unsent = not error.sent and not isinstance(error, DeviceFault | BadAddress)
                return WriteResult(Outcome.REFUSED, value, None, doubt + _lack(request, error), unsent)
        if point.readback and (request.function_code != _READ_WRITE or doubt or echo != registers):
            return await self._prove(point, value, registers, doubt, deadline, priority)
        if doubt:
            return WriteResult(Outcome.UNKNOWN, value, None, doubt)
        return _by_echo(point, address, value, registers, echo)

    def _encoded(self, address: ModbusAddress, value: RawValue, unit: UnitSettings) -> tuple[int, ...]:
        """Return the registers (or bits) to send; raise ValueError, with the reason, for what cannot be written."""
        if address.table in {"ir", "di"}:
            raise ValueError("an input cannot be written")
        if self._serial and address.unit == 0:
            raise ValueError("unit 0 is the broadcast address of a serial line: nobody would confirm it")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{value} is no number")
        registers = registers_of(address.kind, value, address.order, address.count)
        if address.is_bit and any(bit > 1 for bit in registers):
            raise ValueError(f"coils take 0 and 1, not {value!r}")
        if not address.is_bit and len(registers) > unit.max_written:
            raise ValueError(f"it takes {len(registers)} registers, the unit takes {unit.max_written} in one request")
        return registers

    async def _send(
        self, request: ModbusPDU, registers: tuple[int, ...], deadline: float, priority: Priority
    ) -> tuple[int, ...]:
        """Send once (again only when the unit was too busy to begin), and return what the unit says it holds now."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                answer = await self._wire.ask(request, deadline=deadline, priority=priority)
            except DeviceFault as fault:
                if fault.code != _BUSY_CODE or loop.time() + PAUSE_S >= deadline:
                    raise
            else:
                return _echo(request, answer.reply, registers)
            await asyncio.sleep(PAUSE_S)  # the wire is free meanwhile

    async def _prove(
        self, point: Point, value: RawValue, registers: tuple[int, ...], doubt: str, deadline: float, priority: Priority
    ) -> WriteResult:
        """Read a written point back until it holds what was asked, the difference stays, or the time is over."""
        loop = asyncio.get_running_loop()
        address = modbus_address(point)
        differs, got = 0, RawReading(None)
        while True:
            reading = (await self._reader.read((point,), deadline, priority))[point]
            if reading.value is not None:
                if registers_of(address.kind, reading.value, address.order, address.count) == registers:
                    return WriteResult(Outcome.CONFIRMED, value, reading.value, doubt)
                differs, got = differs + 1, reading
            elif got.value is None:
                got = reading
            if differs == _READ_BACKS or loop.time() + PAUSE_S >= deadline:
                break
            await asyncio.sleep(PAUSE_S)
        if got.value is None:
            return WriteResult(Outcome.UNKNOWN, value, None, doubt or f"no read-back: {got.detail}")
        return WriteResult(Outcome.UNKNOWN if doubt else Outcome.CLAMPED, value, got.value, doubt)


def write_request(
    address: ModbusAddress, registers: Sequence[int], unit: UnitSettings, *, proves: bool = False
) -> ModbusPDU:
    """Return the request that writes `registers` at `address` as the unit wants it.

    `proves` says that the value is to be read back: where the unit can, in the same request (function 23).
    """
    start, device = address.address, address.unit
    if address.is_bit:
        if address.kind == "block":
            return WriteMultipleCoilsRequest(address=start, bits=[bool(bit) for bit in registers], dev_id=device)
        return WriteSingleCoilRequest(address=start, bits=[bool(registers[0])], dev_id=device)
    if address.bit >= 0:
        mask = 1 << address.bit
        return MaskWriteRegisterRequest(
            address=start, and_mask=0xFFFF ^ mask, or_mask=mask * registers[0], dev_id=device
        )
    if unit.read_write and proves and address.whole is None and len(registers) <= _MAX_READ_WRITE:
        return ReadWriteMultipleRegistersRequest(
            read_address=start,
            read_count=len(registers),
            write_address=start,
            write_registers=list(registers),
            dev_id=device,
        )
    single = address.kind not in {"block", "str"} and len(registers) == 1
    if single and unit.write_function != WriteMultipleRegistersRequest.function_code:
        return WriteSingleRegisterRequest(address=start, registers=[registers[0]], dev_id=device)
    return WriteMultipleRegistersRequest(address=start, registers=list(registers), dev_id=device)


def _echo(request: ModbusPDU, reply: ModbusPDU, registers: tuple[int, ...]) -> tuple[int, ...]:
    """Return what the echo says the unit holds.

    Some servers echo the value that they keep rather than the one they got: that is a clamp, no wrong reply.
    """
    match request:
        case WriteSingleCoilRequest():
            return (int(reply.bits[0]),)
        case WriteSingleRegisterRequest() | ReadWriteMultipleRegistersRequest():
            return tuple(reply.registers)
        case _:  # 15, 16 and 22 echo where and how many, or the masks; the wire has compared them
            return registers


def _by_echo(
    point: Point, address: ModbusAddress, value: RawValue, registers: tuple[int, ...], echo: tuple[int, ...]
) -> WriteResult:
    if echo != registers:
        return WriteResult(Outcome.CLAMPED, value, value_of(address.kind, echo, address.order))
    return WriteResult(Outcome.CONFIRMED, value, value if point.readback else None)


def _lack(request: ModbusPDU, error: DriverError) -> str:
    """Return what is to be said when the unit does not know the function of `request`."""
    if isinstance(error, DeviceFault) and error.code == _ILLEGAL_FUNCTION and request.function_code in _LACKS:
        return f"; {_LACKS[request.function_code]}"
    return ""
