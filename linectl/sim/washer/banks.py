"""The Modbus face of the washer's PLC: unit 1 of the register map, as scaled words and bits.

Inputs are an image that is taken once a scan: within a scan every request sees the same. What was written reads back
at once. A sensor with a broken wire reads -32768, whatever its register's type.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from linectl.sim.washer.alarms import DRY_PCT, LEVEL_PCT, SCREEN_MBAR
from linectl.sim.washer.interlocks import EXHAUST_M_S
from linectl.sim.washer.plan import eight
from linectl.sim.washer.program import SCAN_S, SCHEMA
from linectl.sim.washer.recipes import HIGHEST_C, HIGHEST_NAOH_PCT, SPEED_B_H, clamped
from linectl.sim.washer.registers import (
    INPUT_WORDS,
    SENSOR_FAULT,
    SERIAL_NUMBER,
    WASHER_REGISTERS,
    Coil,
    Discrete,
    Holding,
    Input,
)
from linectl.sim.washer.seen import Contact
from linectl.sim.washer.sensing import SENSORS
from linectl.sim.washer.states import Command
from linectl.sim.washer.twin import WasherTwin
from linectl.sim.wires.bank import HOLES, Fault, ModbusFault

__all__ = ["WasherBank"]

_KJ_PER_WH = 3.6
_TENTHS = 10.0
_COMMAND = (Holding.CMD_CODE, Holding.CMD_SEQ, Holding.CMD_TOKEN)
_IN_COMMAND = frozenset(_COMMAND)
_SETPOINTS = range(Holding.SP_TEMP_Z0, Holding.SP_TEMP_Z0 + 8)
_SERVICE = {
    Holding.MAX_DT_ZONE: (5.0, 42.0),
    Holding.MIN_T_Z3: (0.0, 85.0),
    Holding.MAX_T: (60.0, 95.0),
    Holding.WATCHDOG: (0.5, 60.0),
}
_PULSES = {Coil.START_REQ, Coil.STOP_REQ, Coil.ACK, Coil.LAMP_TEST}

_SENSORS: tuple[tuple[int, str, float], ...] = (
    *((Input.TEMP_Z0 + k, f"z{k}.temperature", 10.0) for k in range(8)),
    (Input.BOTTLE_IN_TEMP, "infeed.temperature", 10.0),
    *((Input.COND_Z2 + k, f"z{k + 2}.conductivity", 10.0) for k in range(3)),
    (Input.COND_FINAL, "z7.conductivity", 1000.0),
    (Input.PH_FINAL, "z7.ph", 100.0),
    *((Input.PRESS_Z0 + k, f"z{z}.pressure", 100.0) for k, z in enumerate((0, 2, 3, 5, 7))),
    *((Input.LEVEL_Z1 + k, f"z{k + 1}.level", 10.0) for k in range(3)),
    (Input.FRESH_FLOW, "fresh.flow", 10.0),
    (Input.CHAIN_TORQUE, "chain.torque", 10.0),
    (Input.SCREEN_DP, "screen.dp", 1.0),
    (Input.H2_EXTRACTION, "extraction.speed", 10.0),
)
"""Input register, sensor, words per unit of the sensor."""
_SIGNED = {*range(Input.TEMP_Z0, Input.TEMP_Z0 + 8), Input.BOTTLE_IN_TEMP}
_PLACES = tuple(
    (int(address), SENSORS.index(name), per_unit, address in _SIGNED) for address, name, per_unit in _SENSORS
)
"""The same by the sensor's place among all, and whether its register is signed."""
_MACHINE = slice(int(Input.HEARTBEAT), Input.UNIT_MODE + 1)
_NAOH = slice(int(Input.NAOH_Z2), Input.NAOH_Z3 + 1)
_ALARMS = slice(int(Input.ALARM_WORD_1), INPUT_WORDS)
_ASKED = {*_SETPOINTS, Holding.SP_NAOH_Z2, Holding.SP_NAOH_Z3, Holding.SP_SPEED}


class WasherBank:
    """Unit 1: what the washer's PLC knows."""

    def __init__(self, twin: WasherTwin, *, strict_holes: bool = False) -> None:
        self._twin = twin
        self._strict = strict_holes
        self._pulsed: set[int] = set()
        self._image: tuple[tuple[int, int, int], list[int]] = ((-1, -1, -1), [])
        self._there = {table: _addresses(table) for table in ("ir", "hr", "co", "di")}

    def read(self, table: str, address: int, count: int) -> list[int]:
        """Return `count` values from `address` on; holes answer 0, or exception 2 when strict.

        Raises:
            ModbusFault: a hole, when strict.
        """
        if self._strict and not self._there[table].issuperset(range(address, address + count)):
            raise ModbusFault(Fault.ILLEGAL_ADDRESS)
        if table in {"ir", "di"}:
            words = self._inputs() if table == "ir" else self._bits()
            return [*words[address : address + count], *[HOLES] * (address + count - max(address, len(words)))]
        image = self._holdings() if table == "hr" else self._coils()
        return [image.get(k, HOLES) for k in range(address, address + count)]

    def write(self, table: str, address: int, values: list[int]) -> None:
        """Take setpoints, commands, the heartbeat, releases and pulses.

        Raises:
            ModbusFault: no register there, a read-only one, or a command that is not written in one request.
        """
        written = dict(enumerate(values, start=address))
        if table == "co":
            self._write_coils(written)
        else:
            self._write_words(written)

    # inputs

    def _inputs(self) -> list[int]:
        """Return the input registers as they were at the beginning of this scan."""
        twin = self._twin
        scan = int(twin.process_s / SCAN_S + 1e-6), twin.plc.boots, twin.second
        if self._image[0] != scan:
            self._image = scan, self._words()
        return self._image[1]

    def _words(self) -> list[int]:
        twin, words = self._twin, [0] * INPUT_WORDS
        all_shown = twin.sensing.all_shown()
        for address, place, per_unit, signed in _PLACES:
            shown = all_shown[place]
            if shown is None:
                words[address] = SENSOR_FAULT & 0xFFFF
            else:
                word = round(shown * per_unit)
                words[address] = word if 0 <= word <= 32767 else _ended(word, signed)
        plc = twin.plc
        alarms, orders = plc.alarms, plc.orders
        words[_MACHINE] = [
            plc.counter,
            int(plc.state),
            plc.recipe,
            SCHEMA,
            plc.boots & 0xFFFF,
            plc.handshake.ack_seq,
            int(plc.handshake.ack_result),
            int(plc.mode),
        ]
        if plc.seen is not None:
            words[_NAOH] = [_scaled(pct * 100.0) for pct in plc.seen.naoh_pct]
        words[Input.HEATER_KW] = _scaled(sum(orders.heater_kw) * _TENTHS)
        words[Input.CHAIN_SPEED] = _scaled(twin.state.speed_pockets_min * _TENTHS)
        words[_ALARMS] = [
            alarms.word_1,
            alarms.word_2,
            0,
            plc.warn_word(),
            alarms.first_code,
            alarms.seq,
        ]
        for address, count in self._counters():
            words[address : address + 2] = [count >> 16 & 0xFFFF, count & 0xFFFF]
        return words

    def _counters(self) -> tuple[tuple[int, int], ...]:
        counts, ledger, since = self._twin.chain.counts, self._twin.state.ledger, self._twin.state.since
        return (
            (Input.SERIAL_NUMBER, SERIAL_NUMBER),
            (Input.BOTTLES_IN, counts.fed),
            (Input.BOTTLES_OUT, counts.out + counts.rejected),
            (Input.REJECTED, counts.rejected),
            (Input.ENERGY_WH, int((ledger.heater_kj + since.heater_kj) / _KJ_PER_WH)),
            (Input.WATER_L, int(ledger.water_in_kg * _TENTHS)),
        )

    def _bits(self) -> list[int]:
        """Return the discrete inputs: what the program saw last, so the same within a scan."""
        seen = self._twin.plc.seen
        if seen is None:
            return [0] * len(Discrete)
        opened = seen.open_contacts
        good = {
            Discrete.ESTOP_OK: not opened & Contact.ESTOP,
            Discrete.DOORS_OK: not opened & Contact.DOORS,
            Discrete.CHAIN_CLUTCH_OK: not opened & Contact.CLUTCH,
            Discrete.SHEAR_PIN_OK: not opened & Contact.SHEAR_PIN,
            Discrete.LOW_WATER_OK: min(seen.level_pct) >= LEVEL_PCT,
            Discrete.HEATER_DRY_OK: min(seen.level_pct[1:]) >= DRY_PCT,
            Discrete.STEAM_OK: not opened & Contact.STEAM,
            Discrete.EXHAUST_OK: seen.extraction_m_s >= EXHAUST_M_S,
            Discrete.SCREEN_OK: seen.screen_mbar <= SCREEN_MBAR,
            Discrete.INFEED_FULL: seen.waiting > 0,
            Discrete.OUTFEED_BLOCKED: bool(opened & Contact.OUTFEED),
            Discrete.MAINS_OK: not opened & Contact.MAINS,
        }
        return [int(good[bit]) for bit in Discrete]

    # what is written reads back at once

    def _holdings(self) -> dict[int, int]:
        plc = self._twin.plc
        asked, limits = plc.setpoints, plc.limits
        return {
            **dict(zip(_COMMAND, plc.written, strict=True)),
            Holding.CMD_ARGUMENT: plc.argument,
            **dict(zip(_SETPOINTS, (_scaled(t * _TENTHS, signed=True) for t in asked.temperature_c), strict=True)),
            Holding.SP_NAOH_Z2: _scaled(asked.naoh_pct[0] * 100.0),
            Holding.SP_NAOH_Z3: _scaled(asked.naoh_pct[1] * 100.0),
            Holding.SP_SPEED: _scaled(asked.speed_b_h),
            Holding.MAX_DT_ZONE: _scaled(limits.max_step_k * _TENTHS),
            Holding.MIN_T_Z3: _scaled(limits.min_z3_c * _TENTHS),
            Holding.MAX_T: _scaled(limits.max_z3_c * _TENTHS),
            Holding.WATCHDOG: _scaled(plc.host.watchdog_s * _TENTHS),
            Holding.HOST_HEARTBEAT: plc.host.heartbeat,
            Holding.OWNER: plc.host.owner,
        }

    def _coils(self) -> dict[int, int]:
        plc = self._twin.plc
        return {
            **{coil: int(coil in self._pulsed) for coil in _PULSES},
            Coil.FEED_ENABLE: int(plc.feed_enable),
            Coil.CAUSTIC_DOSE_ENABLE: int(plc.dose_enable),
            Coil.FRESH_VALVE: int(plc.fresh_valve),
            Coil.HEATER_ENABLE: int(plc.heater_enable),
        }

    def _write_words(self, written: dict[int, int]) -> None:
        plc = self._twin.plc
        service = () if _SERVICE.keys().isdisjoint(written) else written.keys() & _SERVICE.keys()
        if not self._there["hr"].issuperset(written) or (service and not plc.service_key):
            raise ModbusFault(Fault.ILLEGAL_ADDRESS)
        command = [] if _IN_COMMAND.isdisjoint(written) else [written[k] for k in _COMMAND if k in written]
        if command and len(command) < len(_COMMAND):
            raise ModbusFault(Fault.ILLEGAL_VALUE)
        if Holding.HOST_HEARTBEAT in written:
            plc.beat(written[Holding.HOST_HEARTBEAT])
        if Holding.OWNER in written:
            plc.claim(written[Holding.OWNER])
        plc.argument = written.get(Holding.CMD_ARGUMENT, plc.argument)
        if not _ASKED.isdisjoint(written):
            self._ask(written)
        for register in service:
            self._serve(register, written[register])
        if command:
            plc.ask_command(*command)

    def _ask(self, written: dict[int, int]) -> None:
        """Take setpoints, each clamped without a word."""
        plc = self._twin.plc
        asked = plc.setpoints
        degrees, (z2, z3), speed = list(asked.temperature_c), asked.naoh_pct, asked.speed_b_h
        for register in written.keys() & set(_SETPOINTS):
            degrees[register - Holding.SP_TEMP_Z0] = clamped(_signed(written[register]) / _TENTHS, 0.0, HIGHEST_C)
        if Holding.SP_NAOH_Z2 in written:
            z2 = clamped(written[Holding.SP_NAOH_Z2] * 0.01, 0.0, HIGHEST_NAOH_PCT)
        if Holding.SP_NAOH_Z3 in written:
            z3 = clamped(written[Holding.SP_NAOH_Z3] * 0.01, 0.0, HIGHEST_NAOH_PCT)
        if Holding.SP_SPEED in written:
            speed = clamped(float(written[Holding.SP_SPEED]), *SPEED_B_H)
        plc.ask(replace(asked, temperature_c=eight(degrees), naoh_pct=(z2, z3), speed_b_h=speed))

    def _serve(self, register: int, word: int) -> None:
        """Take a limit from the service technician."""
        plc = self._twin.plc
        figure = word if register == Holding.WATCHDOG else _signed(word)  # a u16 among i16
        value = clamped(figure / _TENTHS, *_SERVICE[Holding(register)])
        if register == Holding.WATCHDOG:
            plc.watchdog_s = plc.host.watchdog_s = value
        elif register == Holding.MAX_DT_ZONE:
            plc.limits = plc.limits._replace(max_step_k=value)
        elif register == Holding.MIN_T_Z3:
            plc.limits = plc.limits._replace(min_z3_c=value)
        else:
            plc.limits = plc.limits._replace(max_z3_c=value)

    def _write_coils(self, written: dict[int, int]) -> None:
        plc = self._twin.plc
        if not written.keys() <= self._there["co"]:
            raise ModbusFault(Fault.ILLEGAL_ADDRESS)
        levels = {
            Coil.FEED_ENABLE: plc.enable_feed,
            Coil.CAUSTIC_DOSE_ENABLE: plc.enable_dose,
            Coil.FRESH_VALVE: plc.open_fresh,
            Coil.HEATER_ENABLE: plc.enable_heater,
        }
        for coil, value in written.items():
            if coil in _PULSES:
                if value:
                    self._pulsed.add(coil)
                    plc.soon(partial(self._pulse, Coil(coil)))
            else:
                levels[Coil(coil)](bool(value))

    def _pulse(self, coil: Coil) -> None:
        """Do at the next scan what a pulse asks for, and clear it."""
        self._pulsed.discard(coil)
        plc = self._twin.plc
        if coil is Coil.ACK:
            plc.acknowledge()
        elif coil is Coil.LAMP_TEST:
            plc.light_lamps()
        else:
            plc.command(Command.START if coil is Coil.START_REQ else Command.STOP)


def _addresses(table: str) -> frozenset[int]:
    return frozenset(
        row.address + k for row in WASHER_REGISTERS if row.table == table for k in range(2 if row.kind == "u32" else 1)
    )


def _scaled(value: float, signed: bool = False) -> int:
    """Return the word of a scaled value."""
    word = round(value)
    return word if 0 <= word <= 32767 else _ended(word, signed)


def _ended(word: int, signed: bool) -> int:
    """Return the word of a number that may not fit: what a register cannot hold stays at its end."""
    low, high = (-32767, 32767) if signed else (0, 65535)
    return min(max(word, low), high) & 0xFFFF


def _signed(word: int) -> int:
    return word - 0x10000 if word & 0x8000 else word
