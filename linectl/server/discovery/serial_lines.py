"""Asking what hangs on a serial port, by questions that change nothing: EZO, MT-SICS, circulators, Modbus units."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from drivers.errors import DriverError, LinkDown
from drivers.frames import circulator, ezo, sics
from drivers.lines import EITHER, LinePort, open_line_port
from drivers.settings import ModbusRtuSettings, SerialSettings
from linectl.errors import Unreachable
from linectl.line.links import what_to_try
from linectl.server.discovery.modbus import Bounds, scan_modbus
from linectl.words import tr

__all__ = ["BAUDS", "MODBUS", "Instrument", "ask_port"]

BAUDS = (9600, 19200, 38400, 57600, 115200, 4800, 2400)
MODBUS = ((9600, "N"), (19200, "E"), (9600, "E"), (19200, "N"), (38400, "E"), (115200, "N"))
"""Baud rates and parities that Modbus devices leave the factory with; 19200 8E1 is the standard's own."""

_ANSWER_S = 0.4  # an EZO circuit answers `i` in 0.3 s, others sooner
_LAST_UNIT = 16
_TURNAROUND_S = 0.05
_MODBUS_BOUNDS = Bounds(requests=60, seconds=8.0)


@dataclass(frozen=True, slots=True)
class Instrument:
    """What answered on a port: its kind (ezo, sics, circulator, modbus_rtu), in words, and how it is reached.

    `device` is what an EZO circuit calls itself; `unit` the Modbus unit.
    """

    kind: str
    said: str
    serial: SerialSettings
    device: str = ""
    unit: int = 0


async def ask_port(
    port: str,
    *,
    bauds: Sequence[int] = BAUDS,
    modbus: Sequence[tuple[int, str]] = MODBUS,
    on_step: Callable[[str], None] = lambda _text: None,
) -> list[Instrument]:
    """Return what answers on `port`; the search ends with the first kind of instrument that does.

    An EZO circuit is asked `i`, a balance `I4`, a circulator `status`, Modbus units 1 to 16 for one register.

    Raises:
        Unreachable: the port cannot be opened.
    """
    for baud in bauds:
        on_step(tr("{baud} baud: instruments that speak in lines").format(baud=baud))
        found = await _ask_lines(SerialSettings(port, baud))
        if found is not None:
            return [found]
    for baud, parity in modbus:
        on_step(tr("{baud} baud, parity {parity}: Modbus units").format(baud=baud, parity=parity))
        serial = SerialSettings(port, baud, parity=parity)
        settings = ModbusRtuSettings(serial, turnaround_s=_TURNAROUND_S)
        scan = await scan_modbus(settings, units=range(1, _LAST_UNIT + 1), tables=(), bounds=_MODBUS_BOUNDS)
        if scan.units:
            return [
                Instrument("modbus_rtu", _identity(unit.how, unit.identity), serial, "", unit.unit)
                for unit in scan.units
            ]
    return []


def _identity(how: str, identity: object) -> str:
    parts = " ".join(identity.values()) if isinstance(identity, dict) else ""
    return f"{how} {parts}".strip()


async def _ask_lines(settings: SerialSettings) -> Instrument | None:
    try:
        port = await open_line_port(settings, terminator=EITHER)
    except LinkDown as error:
        raise Unreachable(str(error), hint=what_to_try(ModbusRtuSettings(settings), str(error))) from error
    try:
        for question, recognise in _QUESTIONS:
            found = await _ask(port, question, recognise, settings)
            if found is not None:
                return found
    finally:
        port.close()
    return None


Recognise = Callable[[bytes, SerialSettings], Instrument | None]


async def _ask(port: LinePort, question: bytes, recognise: Recognise, settings: SerialSettings) -> Instrument | None:
    """Return what the answer to `question` shows, None when nothing known answers in time."""
    await port.discard()
    port.write(question)
    with suppress(TimeoutError):
        async with asyncio.timeout(_ANSWER_S):
            while True:
                found = recognise(await port.read_line(), settings)
                if found is not None:
                    return found
    return None


def _ezo(line: bytes, settings: SerialSettings) -> Instrument | None:
    try:
        reply = ezo.parse_reply(line)
    except DriverError:
        return None
    if not isinstance(reply, ezo.Info):
        return None
    return Instrument("ezo", f"EZO {reply.device} {reply.firmware}", settings, reply.device)


def _sics(line: bytes, settings: SerialSettings) -> Instrument | None:
    try:
        number = sics.parse_serial_number(line)
    except DriverError:
        return None
    return Instrument("sics", tr("balance, serial number {number}").format(number=number), settings)


def _circulator(line: bytes, settings: SerialSettings) -> Instrument | None:
    try:
        dialect = circulator.dialect_of(line)
    except DriverError:
        return None
    return Instrument("circulator", tr("circulator, as {maker}").format(maker=dialect), settings)


_END_LINE = b"\r\n"  # a balance ends its lines so, and would take what was asked before for the beginning of this one
_QUESTIONS: tuple[tuple[bytes, Recognise], ...] = (
    (ezo.encode_command("i"), _ezo),
    (_END_LINE + sics.encode_command("I4"), _sics),
    (circulator.encode_command(circulator.PROBE), _circulator),
    (circulator.encode_command(circulator.PROBE), _circulator),  # some leave the first question unanswered
)
