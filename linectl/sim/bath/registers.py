"""The register map of the lab bath's PLC (unit 2) and of the simulated operator's hands (unit 9), as data.

Tables: `ir` input registers (FC4), `hr` holding registers (FC3, 6, 16), `co` coils (FC1, 5, 15), `di` discrete inputs
(FC2); addresses from 0, words big-endian. The numbers of states and commands are PackML's (OPC 30050).
"""

from __future__ import annotations

from enum import IntEnum, IntFlag

from drivers.frames.modbus_identity import MODEL_NAME, PRODUCT_CODE, PRODUCT_NAME, REVISION, VENDOR
from linectl.sim.plc.handshake import Result
from linectl.sim.wires.bank import Register

__all__ = [
    "HANDS_REGISTERS",
    "HANDS_UNIT",
    "IDENTITIES",
    "PLC_REGISTERS",
    "PLC_UNIT",
    "Alarm",
    "Coil",
    "Command",
    "Discrete",
    "Holding",
    "Input",
    "Result",
    "State",
]

PLC_UNIT = 2
HANDS_UNIT = 9


class State(IntEnum):
    """Machine state in IR1. The bath has no transition that takes time, so none of PackML's -ing states appears."""

    STOPPED = 2
    IDLE = 4
    EXECUTE = 6
    ABORTED = 9
    HELD = 11


class Command(IntEnum):
    """`cmd_code` in HR0."""

    RESET = 1
    START = 2
    STOP = 3
    HOLD = 4
    UNHOLD = 5
    ABORT = 8
    CLEAR = 9
    ACKNOWLEDGE = 100
    FILL = 110
    DRAIN = 111
    DOSE = 112


class Alarm(IntFlag):
    """Bits of the alarm word in IR2, least significant first; latched until acknowledged."""

    OVER_TEMPERATURE = 1 << 0
    LEVEL = 1 << 1
    DRY_RUN = 1 << 2
    WATCHDOG = 1 << 14
    SENSOR = 1 << 15


class Input(IntEnum):
    """Input registers of unit 2."""

    COUNTER = 0
    STATE = 1
    ALARMS = 2
    SCHEMA = 3
    BOOTS = 4
    ACK_SEQ = 5
    ACK_RESULT = 6
    TEMPERATURE = 10
    LEVEL = 11
    HEATER = 12


class Holding(IntEnum):
    """Holding registers of unit 2."""

    CODE = 0
    SEQ = 1
    TOKEN = 2
    SETPOINT = 10
    NAOH_SETPOINT = 11
    STIRRER = 12
    WATCHDOG = 24
    HEARTBEAT = 30
    OWNER = 31


class Coil(IntEnum):
    """Coils of unit 2."""

    ACKNOWLEDGE = 2
    HEATER_ENABLE = 6


class Discrete(IntEnum):
    """Discrete inputs of unit 2; `_OK` is 0 when bad, as a cut wire is."""

    LID_CLOSED = 0
    LEVEL_OK = 1
    HEATER_ON = 2
    OVERTEMP_OK = 3


def _row(table: str, address: int, name: str, kind: str, meaning: str, scale: float = 1.0, unit: str = "") -> Register:
    return Register(table, address, name, kind, scale, unit, meaning)


PLC_REGISTERS = (
    _row("ir", Input.COUNTER, "plc_counter", "u16", "+1 each second, wraps at 65535"),
    _row("ir", Input.STATE, "state", "u16", "PackML state: 2 Stopped, 4 Idle, 6 Execute, 9 Aborted, 11 Held"),
    _row("ir", Input.ALARMS, "alarm_word", "u16", "0 over-temperature, 1 level, 2 dry-run, 14 watchdog, 15 sensor"),
    _row("ir", Input.SCHEMA, "schema_version", "u16", "version of this map"),
    _row("ir", Input.BOOTS, "boot_counter", "u16", "starts of the PLC's program"),
    _row("ir", Input.ACK_SEQ, "ack_seq", "u16", "the command that ack_result speaks of"),
    _row(
        "ir",
        Input.ACK_RESULT,
        "ack_result",
        "u16",
        "0 pending, 1 done, 2 state, 3 interlock, 4 range, 5 token, 6 unknown",
    ),
    _row(
        "ir", Input.TEMPERATURE, "controller_temperature", "i16", "controller's probe; -32768 sensor fault", 0.1, "°C"
    ),
    _row("ir", Input.LEVEL, "level", "u16", "level of the bath", 0.1, "%"),
    _row("ir", Input.HEATER, "heater_power", "u16", "power of the heater", 0.01, "kW"),
    _row("hr", Holding.CODE, "cmd_code", "u16", "command; HR0-2 are written in one request"),
    _row("hr", Holding.SEQ, "cmd_seq", "u16", "its number; a repeated one never acts twice"),
    _row("hr", Holding.TOKEN, "cmd_token", "u16", "must be the owner's"),
    _row("hr", Holding.SETPOINT, "setpoint", "i16", "bath temperature; clamped to 0..92", 0.1, "°C"),
    _row("hr", Holding.NAOH_SETPOINT, "naoh_setpoint", "u16", "a dose goes up to it; clamped to 0..4", 0.01, "%"),
    _row("hr", Holding.STIRRER, "stirrer", "u16", "stirrer speed; clamped to 0..100", 1.0, "%"),
    _row("hr", Holding.WATCHDOG, "watchdog", "u16", "read-only: the heartbeat must change within it", 0.1, "s"),
    _row("hr", Holding.HEARTBEAT, "host_heartbeat", "u16", "written each 0.5 s by the host"),
    _row("hr", Holding.OWNER, "owner", "u16", "0 free, else the owner's token; a 10 s lease that the heartbeat renews"),
    _row("co", Coil.ACKNOWLEDGE, "acknowledge", "bool", "pulse: clears latched alarms whose cause is gone"),
    _row("co", Coil.HEATER_ENABLE, "heater_enable", "bool", "level; does not take while an interlock stands"),
    _row("di", Discrete.LID_CLOSED, "lid_closed", "bool", "the lid lies on the bath"),
    _row("di", Discrete.LEVEL_OK, "level_ok", "bool", "enough liquid to heat"),
    _row("di", Discrete.HEATER_ON, "heater_on", "bool", "the heater draws power"),
    _row("di", Discrete.OVERTEMP_OK, "overtemp_ok", "bool", "the bath is below 95 °C"),
)

HANDS_REGISTERS = (
    *(_row("hr", k, f"position_{k + 1}", "u16", "glue class of the bottle there, 0 empty") for k in range(24)),
    _row("hr", 24, "lid", "u16", "0 closed, 1 open"),
)

IDENTITIES = {
    PLC_UNIT: {
        VENDOR: b"linectl",
        PRODUCT_CODE: b"SIM-BATH",
        REVISION: b"1.0",
        PRODUCT_NAME: b"simulated lab bath",
        MODEL_NAME: b"PLC with watchdog",
    },
    HANDS_UNIT: {
        VENDOR: b"linectl",
        PRODUCT_CODE: b"SIM-HANDS",
        REVISION: b"1.0",
        PRODUCT_NAME: b"simulated operator",
    },
}
"""What each unit says of itself (function 43/14)."""
