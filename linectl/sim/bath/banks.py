"""The Modbus faces of the simulated rig: the PLC's registers (unit 2) and the hands' (unit 9)."""

from __future__ import annotations

from collections.abc import Callable

from linectl.sim.bath.plant import POSITIONS
from linectl.sim.bath.plc import SCHEMA
from linectl.sim.bath.registers import Coil, Discrete, Holding, Input
from linectl.sim.bath.twin import Twin
from linectl.sim.wires.bank import HOLES, Fault, ModbusFault

__all__ = ["HandsBank", "PlcBank", "signed"]

_SENSOR_FAULT = -32768 & 0xFFFF
_COMMAND = (Holding.CODE, Holding.SEQ, Holding.TOKEN)
_LID = POSITIONS
_WRITABLE = frozenset(
    (*_COMMAND, Holding.SETPOINT, Holding.NAOH_SETPOINT, Holding.STIRRER, Holding.HEARTBEAT, Holding.OWNER)
)


class PlcBank:
    """Unit 2: what `Plc` knows, as scaled words and bits."""

    def __init__(self, twin: Twin, *, strict_holes: bool = False) -> None:
        self._twin = twin
        self._strict = strict_holes

    def read(self, table: str, address: int, count: int) -> list[int]:
        """Return `count` values from `address` on; holes answer 0, or exception 2 when strict."""
        image = self._image(table)
        if self._strict and any(k not in image for k in range(address, address + count)):
            raise ModbusFault(Fault.ILLEGAL_ADDRESS)
        return [image.get(k, HOLES) for k in range(address, address + count)]

    def write(self, table: str, address: int, values: list[int]) -> None:
        """Take setpoints, commands, the heartbeat and coils.

        Raises:
            ModbusFault: no register there, a read-only one, or a command that is not written in one request.
        """
        written = dict(enumerate(values, start=address))
        if table == "co":
            self._write_coils(written)
        else:
            self._write_words(written)

    def _image(self, table: str) -> dict[int, int]:
        plc = self._twin.plc
        if table == "ir":
            return self._inputs()
        if table == "hr":
            asked = plc.setpoints
            return {
                **dict(zip(_COMMAND, plc.handshake.command, strict=True)),
                Holding.SETPOINT: _word(asked.temperature_c * 10.0),
                Holding.NAOH_SETPOINT: _word(asked.naoh_pct * 100.0),
                Holding.STIRRER: _word(asked.stirrer_pct),
                Holding.WATCHDOG: _word(plc.host.watchdog_s * 10.0),
                Holding.HEARTBEAT: plc.heartbeat,
                Holding.OWNER: plc.owner,
            }
        if table == "co":
            return {Coil.ACKNOWLEDGE: 0, Coil.HEATER_ENABLE: int(plc.heater_enable)}
        return {
            Discrete.LID_CLOSED: int(not self._twin.lid_open),
            Discrete.LEVEL_OK: int(plc.level_ok),
            Discrete.HEATER_ON: int(plc.heater_kw > 0.0),
            Discrete.OVERTEMP_OK: int(plc.overtemp_ok),
        }

    def _inputs(self) -> dict[int, int]:
        plc, shown = self._twin.plc, self._twin.controller_c()
        return {
            Input.COUNTER: plc.counter,
            Input.STATE: plc.state,
            Input.ALARMS: plc.alarms,
            Input.SCHEMA: SCHEMA,
            Input.BOOTS: plc.boots,
            Input.ACK_SEQ: plc.handshake.ack_seq,
            Input.ACK_RESULT: plc.handshake.ack_result,
            Input.TEMPERATURE: _SENSOR_FAULT if shown is None else _word(shown * 10.0),
            Input.LEVEL: _word(plc.level_pct * 10.0),
            Input.HEATER: _word(plc.heater_kw * 100.0),
        }

    def _write_words(self, written: dict[int, int]) -> None:
        plc = self._twin.plc
        if not _WRITABLE.issuperset(written):
            raise ModbusFault(Fault.ILLEGAL_ADDRESS)
        command = [written[k] for k in _COMMAND if k in written]
        if command and len(command) < len(_COMMAND):
            raise ModbusFault(Fault.ILLEGAL_VALUE)
        if Holding.HEARTBEAT in written:
            plc.beat(written[Holding.HEARTBEAT])
        if Holding.OWNER in written:
            plc.claim(written[Holding.OWNER])
        if Holding.SETPOINT in written:
            plc.ask(temperature_c=signed(written[Holding.SETPOINT]) * 0.1)
        if Holding.NAOH_SETPOINT in written:
            plc.ask(naoh_pct=written[Holding.NAOH_SETPOINT] * 0.01)
        if Holding.STIRRER in written:
            plc.ask(stirrer=written[Holding.STIRRER])
        if command:
            plc.do(*command)

    def _write_coils(self, written: dict[int, int]) -> None:
        if not written.keys() <= {Coil.ACKNOWLEDGE, Coil.HEATER_ENABLE}:
            raise ModbusFault(Fault.ILLEGAL_ADDRESS)
        if written.get(Coil.ACKNOWLEDGE):
            self._twin.plc.acknowledge()
        if Coil.HEATER_ENABLE in written:
            self._twin.plc.enable_heater(bool(written[Coil.HEATER_ENABLE]))


class HandsBank:
    """Unit 9, which no real line has: HR0-23 the bottle at position k + 1 (glue class, 0 none), HR24 the lid.

    `moved` is called after bottles were put in or out.
    """

    def __init__(self, twin: Twin, moved: Callable[[], None] = lambda: None) -> None:
        self._twin = twin
        self._moved = moved

    def read(self, table: str, address: int, count: int) -> list[int]:
        """Return what lies at the positions, and whether the lid is open."""
        if table != "hr":
            return [HOLES] * count
        image = [*self._twin.glue_codes(), int(self._twin.lid_open)]
        return [image[k] if k < len(image) else HOLES for k in range(address, address + count)]

    def write(self, table: str, address: int, values: list[int]) -> None:
        """Put bottles in (glue class) and out (0), open and close the lid.

        Raises:
            ModbusFault: no such position (2) or glue class (3).
        """
        if table != "hr" or address + len(values) > _LID + 1:
            raise ModbusFault(Fault.ILLEGAL_ADDRESS)
        for index, value in enumerate(values, start=address):
            if index == _LID:
                self._twin.lid_open = bool(value)
                continue
            try:
                self._twin.put(index + 1, value)
            except ValueError as exc:
                raise ModbusFault(Fault.ILLEGAL_VALUE) from exc
        self._moved()


def signed(word: int) -> int:
    """Return the i16 that a word stands for."""
    return word - 0x10000 if word & 0x8000 else word


def _word(value: float) -> int:
    return round(value) & 0xFFFF
