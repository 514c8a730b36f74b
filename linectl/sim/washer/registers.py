"""The register map of the washer's PLC (unit 1), as data: nothing above the wires knows an address.

Tables: `ir` input registers (FC4), `hr` holding registers (FC3, 6, 16), `co` coils (FC1, 5, 15), `di` discrete inputs
(FC2); addresses from 0, words big-endian, a u32 is two words, the high one first. One FC4 request of 66 registers
covers all inputs.
"""

from __future__ import annotations

from enum import IntEnum

from drivers.frames.modbus_identity import MODEL_NAME, PRODUCT_CODE, PRODUCT_NAME, REVISION, VENDOR
from linectl.sim.wires.bank import Register

__all__ = [
    "COILS",
    "DISCRETES",
    "HOLDINGS",
    "IDENTITIES",
    "INPUTS",
    "INPUT_WORDS",
    "SENSOR_FAULT",
    "SERIAL_NUMBER",
    "WASHER_REGISTERS",
    "WASHER_UNIT",
    "Coil",
    "Discrete",
    "Holding",
    "Input",
]

WASHER_UNIT = 1
SERIAL_NUMBER = 3_000_250  # of the simulated machine
SENSOR_FAULT = -32768
INPUT_WORDS = 66


class _Address(IntEnum):
    """A register or bit of the map; looked up as the plain number that it is."""

    __hash__ = int.__hash__


class Input(_Address):
    """Input registers; those of a row of zones and the u32 are named by their first word."""

    HEARTBEAT = 0
    MACHINE_STATE = 1
    ACTIVE_RECIPE = 2
    SCHEMA_VERSION = 3
    BOOT_COUNTER = 4
    ACK_SEQ = 5
    ACK_RESULT = 6
    UNIT_MODE = 7
    SERIAL_NUMBER = 8
    TEMP_Z0 = 10
    BOTTLE_IN_TEMP = 18
    COND_Z2 = 20
    COND_Z3 = 21
    COND_Z4 = 22
    COND_FINAL = 23
    NAOH_Z2 = 24
    NAOH_Z3 = 25
    PH_FINAL = 26
    PRESS_Z0 = 30
    PRESS_Z2 = 31
    PRESS_Z3 = 32
    PRESS_Z5 = 33
    PRESS_Z7 = 34
    LEVEL_Z1 = 35
    LEVEL_Z2 = 36
    LEVEL_Z3 = 37
    FRESH_FLOW = 38
    HEATER_KW = 39
    CHAIN_SPEED = 40
    CHAIN_TORQUE = 41
    SCREEN_DP = 42
    H2_EXTRACTION = 43
    BOTTLES_IN = 50
    BOTTLES_OUT = 52
    REJECTED = 54
    ENERGY_WH = 56
    WATER_L = 58
    ALARM_WORD_1 = 60
    ALARM_WORD_2 = 61
    ALARM_WORD_3 = 62
    WARN_WORD = 63
    LAST_ALARM_CODE = 64
    LAST_ALARM_SEQ = 65


class Holding(_Address):
    """Holding registers; the setpoints of the zones follow `SP_TEMP_Z0`."""

    CMD_CODE = 0
    CMD_SEQ = 1
    CMD_TOKEN = 2
    CMD_ARGUMENT = 3
    SP_TEMP_Z0 = 10
    SP_NAOH_Z2 = 18
    SP_NAOH_Z3 = 19
    SP_SPEED = 20
    MAX_DT_ZONE = 21
    MIN_T_Z3 = 22
    MAX_T = 23
    WATCHDOG = 24
    HOST_HEARTBEAT = 30
    OWNER = 31


class Coil(_Address):
    """Coils: 0, 1, 2 and 7 are pulses that the PLC clears, 3 to 6 are levels."""

    START_REQ = 0
    STOP_REQ = 1
    ACK = 2
    FEED_ENABLE = 3
    CAUSTIC_DOSE_ENABLE = 4
    FRESH_VALVE = 5
    HEATER_ENABLE = 6
    LAMP_TEST = 7


class Discrete(_Address):
    """Discrete inputs; `_OK` is 0 when bad, as a cut wire is."""

    ESTOP_OK = 0
    DOORS_OK = 1
    CHAIN_CLUTCH_OK = 2
    SHEAR_PIN_OK = 3
    LOW_WATER_OK = 4
    HEATER_DRY_OK = 5
    STEAM_OK = 6
    EXHAUST_OK = 7
    SCREEN_OK = 8
    INFEED_FULL = 9
    OUTFEED_BLOCKED = 10
    MAINS_OK = 11


_Row = tuple[int, str, str, float, str, str]  # address, name, kind, scale, unit, meaning


def _rows(table: str, *rows: _Row) -> tuple[Register, ...]:
    return tuple(
        Register(table, address, name, kind, scale, unit, meaning) for address, name, kind, scale, unit, meaning in rows
    )


def _zones(table: str, first: int, name: str, meaning: str) -> tuple[Register, ...]:
    return _rows(table, *((first + k, f"{name}_z{k}", "i16", 0.1, "°C", meaning.format(k=k)) for k in range(8)))


_MACHINE = _rows(
    "ir",
    (Input.HEARTBEAT, "heartbeat", "u16", 1, "s", "+1 each second, wraps at 65535"),
    (Input.MACHINE_STATE, "machine_state", "u16", 1, "", "PackML state, 1 to 17"),
    (Input.ACTIVE_RECIPE, "active_recipe", "u16", 1, "", "0 to 31; 0 none"),
    (Input.SCHEMA_VERSION, "schema_version", "u16", 1, "", "version of this map"),
    (Input.BOOT_COUNTER, "boot_counter", "u16", 1, "", "starts of the PLC's program"),
    (Input.ACK_SEQ, "ack_seq", "u16", 1, "", "the command that ack_result speaks of"),
    (
        Input.ACK_RESULT,
        "ack_result",
        "u16",
        1,
        "",
        "0 pending, 1 done, 2 state, 3 interlock, 4 range, 5 token, 6 unknown code",
    ),
    (Input.UNIT_MODE, "unit_mode", "u16", 1, "", "1 Produce, 2 Maintenance, 3 Manual"),
    (Input.SERIAL_NUMBER, "serial_number", "u32", 1, "", "which machine this is: to be read before any write"),
)

_MEASURED = _rows(
    "ir",
    (Input.BOTTLE_IN_TEMP, "bottle_in_temp", "i16", 0.1, "°C", "infrared probe at the infeed; -32768 sensor fault"),
    (Input.COND_Z2, "cond_z2", "u16", 0.1, "mS/cm", "at bath temperature, not compensated"),
    (Input.COND_Z3, "cond_z3", "u16", 0.1, "mS/cm", "at bath temperature, not compensated"),
    (Input.COND_Z4, "cond_z4", "u16", 0.1, "mS/cm", "at bath temperature, not compensated"),
    (Input.COND_FINAL, "cond_final", "u16", 1, "µS/cm", "of the final rinse, at its temperature"),
    (Input.NAOH_Z2, "naoh_z2", "u16", 0.01, "%", "the PLC's own estimate"),
    (Input.NAOH_Z3, "naoh_z3", "u16", 0.01, "%", "the PLC's own estimate"),
    (Input.PH_FINAL, "ph_final", "u16", 0.01, "pH", "of the final rinse"),
    *((Input.PRESS_Z0 + k, f"press_z{z}", "u16", 0.01, "bar", f"jets of Z{z}") for k, z in enumerate((0, 2, 3, 5, 7))),
    *((Input.LEVEL_Z1 + k, f"level_z{k + 1}", "u16", 0.1, "%", f"tank of Z{k + 1}") for k in range(3)),
    (Input.FRESH_FLOW, "fresh_flow", "u16", 0.1, "L/min", "mains water of the final rinse"),
    (Input.HEATER_KW, "heater_kw", "u16", 0.1, "kW", "power that all heaters are told to give"),
    (Input.CHAIN_SPEED, "chain_speed", "u16", 0.1, "pockets/min", "a pocket carries one bottle"),
    (Input.CHAIN_TORQUE, "chain_torque", "u16", 0.1, "%", "above 120 % the chain trips"),
    (Input.SCREEN_DP, "screen_dp", "u16", 1, "mbar", "across the label screen: how clogged it is"),
    (Input.H2_EXTRACTION, "h2_extraction", "u16", 0.1, "m/s", "air in the fume hood; at least 2.0"),
)

_COUNTED = _rows(
    "ir",
    (Input.BOTTLES_IN, "bottles_in", "u32", 1, "bottles", "taken in since the machine was built"),
    (Input.BOTTLES_OUT, "bottles_out", "u32", 1, "bottles", "out, the rejected ones with them"),
    (Input.REJECTED, "rejected", "u32", 1, "bottles", "thrown out by the inspector"),
    (Input.ENERGY_WH, "energy_wh", "u32", 1, "Wh", "heat that the heaters gave"),
    (Input.WATER_L, "water_l", "u32", 0.1, "L", "taken in"),
    (Input.ALARM_WORD_1, "alarm_word_1", "u16", 1, "bits", "process; latched until acknowledged"),
    (Input.ALARM_WORD_2, "alarm_word_2", "u16", 1, "bits", "devices; latched until acknowledged"),
    (Input.ALARM_WORD_3, "alarm_word_3", "u16", 1, "bits", "spare, reads 0"),
    (Input.WARN_WORD, "warn_word", "u16", 1, "bits", "the bits of alarm_word_1 at their warning level; live"),
    (Input.LAST_ALARM_CODE, "last_alarm_code", "u16", 1, "", "the first that came: 100 x word + bit, 0 none"),
    (Input.LAST_ALARM_SEQ, "last_alarm_seq", "u16", 1, "", "+1 for each alarm that comes: again, or still"),
)

_ASKED = _rows(
    "hr",
    (Holding.CMD_CODE, "cmd_code", "u16", 1, "", "command; HR0-2 are written in one request"),
    (Holding.CMD_SEQ, "cmd_seq", "u16", 1, "", "its number; a repeated one never acts twice"),
    (Holding.CMD_TOKEN, "cmd_token", "u16", 1, "", "must be the owner's"),
    (Holding.CMD_ARGUMENT, "cmd_argument", "u16", 1, "", "recipe of command 102, mode of command 103; stands"),
    (Holding.SP_NAOH_Z2, "sp_naoh_z2", "u16", 0.01, "%", "clamped to 0..3.00"),
    (Holding.SP_NAOH_Z3, "sp_naoh_z3", "u16", 0.01, "%", "clamped to 0..3.00"),
    (Holding.SP_SPEED, "sp_speed", "u16", 1, "bottles/h", "clamped to 500..3500"),
    (Holding.MAX_DT_ZONE, "max_dt_zone", "i16", 0.1, "K", "between neighbours; read-only without the service key"),
    (Holding.MIN_T_Z3, "min_t_z3", "i16", 0.1, "°C", "no feed below it; read-only without the service key"),
    (Holding.MAX_T, "max_t", "i16", 0.1, "°C", "Z3 high alarm; read-only without the service key"),
    (Holding.WATCHDOG, "watchdog", "u16", 0.1, "s", "the heartbeat must change within it; service key"),
    (Holding.HOST_HEARTBEAT, "host_heartbeat", "u16", 1, "", "written each 0.5 s by the host"),
    (Holding.OWNER, "owner", "u16", 1, "", "0 free, else the owner's token; a 10 s lease that the heartbeat renews"),
)

INPUTS = (
    *_MACHINE,
    *_zones("ir", Input.TEMP_Z0, "temp", "bath of Z{k}; -32768 sensor fault"),
    *_MEASURED,
    *_COUNTED,
)
HOLDINGS = (*_zones("hr", Holding.SP_TEMP_Z0, "sp_temp", "setpoint of Z{k}; clamped to 0..85.0"), *_ASKED)
COILS = _rows(
    "co",
    (Coil.START_REQ, "start_req", "bool", 1, "", "pulse: start"),
    (Coil.STOP_REQ, "stop_req", "bool", 1, "", "pulse: stop"),
    (Coil.ACK, "ack", "bool", 1, "", "pulse: clears latched alarms whose cause is gone"),
    (Coil.FEED_ENABLE, "feed_enable", "bool", 1, "", "level: bottles may come in, once the permissive stands"),
    (Coil.CAUSTIC_DOSE_ENABLE, "caustic_dose_enable", "bool", 1, "", "level: lye is dosed to the setpoints"),
    (Coil.FRESH_VALVE, "fresh_valve", "bool", 1, "", "level: final rinse, and tanks are kept full"),
    (Coil.HEATER_ENABLE, "heater_enable", "bool", 1, "", "level; does not take while an interlock stands"),
    (Coil.LAMP_TEST, "lamp_test", "bool", 1, "", "pulse: all lamps on for 3 s"),
)
DISCRETES = _rows(
    "di",
    (Discrete.ESTOP_OK, "estop_ok", "bool", 1, "", "no emergency stop is pressed"),
    (Discrete.DOORS_OK, "doors_ok", "bool", 1, "", "all doors are shut"),
    (Discrete.CHAIN_CLUTCH_OK, "chain_clutch_ok", "bool", 1, "", "the overload clutch is in"),
    (Discrete.SHEAR_PIN_OK, "shear_pin_ok", "bool", 1, "", "the shear pin is whole"),
    (Discrete.LOW_WATER_OK, "low_water_ok", "bool", 1, "", "the tanks have water enough to run"),
    (Discrete.HEATER_DRY_OK, "heater_dry_ok", "bool", 1, "", "the heating elements are covered"),
    (Discrete.STEAM_OK, "steam_ok", "bool", 1, "", "steam is there to heat with"),
    (Discrete.EXHAUST_OK, "exhaust_ok", "bool", 1, "", "the hood draws 2.0 m/s or more"),
    (Discrete.SCREEN_OK, "screen_ok", "bool", 1, "", "the label screen is not clogged"),
    (Discrete.INFEED_FULL, "infeed_full", "bool", 1, "", "1: bottles wait at the infeed"),
    (Discrete.OUTFEED_BLOCKED, "outfeed_blocked", "bool", 1, "", "1: bottles cannot leave"),
    (Discrete.MAINS_OK, "mains_ok", "bool", 1, "", "mains power stands"),
)
WASHER_REGISTERS = (*INPUTS, *HOLDINGS, *COILS, *DISCRETES)

IDENTITIES = {
    WASHER_UNIT: {
        VENDOR: b"linectl",
        PRODUCT_CODE: b"SIM-WASHER",
        REVISION: b"1.0",
        PRODUCT_NAME: b"simulated bottle washer",
        MODEL_NAME: b"8 zones, 3000 bottles/h",
    },
}
"""What the unit says of itself (function 43/14)."""
