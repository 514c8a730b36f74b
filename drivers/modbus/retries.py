"""Which failed reads are worth asking again, and how often. Writes are never asked again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pymodbus.pdu import ModbusPDU

from drivers.errors import BadReply, DeviceFault, DriverError, ReplyTimeout
from drivers.link import Priority
from drivers.settings import ModbusRtuSettings

if TYPE_CHECKING:
    from drivers.modbus.wire import ModbusWire

__all__ = ["BUSY_CODES", "PAUSE_S", "asked", "tries_after"]

PAUSE_S = 0.05  # before a busy unit is asked again
BUSY_CODES = (5, 6)  # acknowledge, busy (Modbus application protocol V1.1b3, 7): ask again within the deadline
_FAILURE = 4  # "while attempting to perform": asked once more
_TRIES_RTU = 3  # a read that got no reply, or a broken one, is asked so often at most
_TRIES_BROKEN_TCP = 2  # nothing is lost on TCP: a silent unit is silent, but a broken reply may be one too many


def tries_after(error: DriverError, *, serial: bool) -> int:
    """Return how often a read that failed with `error` may be asked in all; a busy unit is not counted here."""
    match error:
        case DeviceFault(code=code):
            return 2 if code == _FAILURE else 1
        case BadReply():
            return _TRIES_RTU if serial else _TRIES_BROKEN_TCP
        case ReplyTimeout(sent=True) if serial:
            return _TRIES_RTU
        case _:
            return 1


async def asked(wire: ModbusWire, request: ModbusPDU, *, deadline: float) -> ModbusPDU:
    """Return the reply to a request that changes nothing, asked again where that helps.

    Raises:
        DriverError: what the last try that was sent ended with.
    """
    loop = asyncio.get_running_loop()
    serial = isinstance(wire.settings, ModbusRtuSettings)
    tries, before = 0, None
    while True:
        try:
            return (await wire.ask(request, deadline=deadline, priority=Priority.READ)).reply
        except DriverError as error:
            tries += 1
            busy = isinstance(error, DeviceFault) and error.code in BUSY_CODES
            again = busy or tries < tries_after(error, serial=serial)
            if not again or loop.time() + PAUSE_S >= deadline:
                raise (before if before is not None and not error.sent else error) from error
            before = error
        if busy:
            await asyncio.sleep(PAUSE_S)
