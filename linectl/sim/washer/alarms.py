"""The washer's alarms: two words of bits, each with its condition and delay as data, latched until acknowledged.

Bits are least significant first. Word 1 is the process, word 2 the devices (names of a cleaning plant's alarm list);
word 3 is spare. `warn_word` has the bits of word 1 at their warning level and is live. Limits are those of the plant's
design; where a machine would still be warming up an alarm is armed by the first moment in which its quantity was right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntFlag

from linectl.sim.washer.seen import Contact, Doing, Seen

__all__ = [
    "ALARMS",
    "ARMING",
    "DRY_PCT",
    "LEVEL_PCT",
    "SCREEN_MBAR",
    "WARNINGS",
    "Alarm",
    "AlarmRow",
    "Alarms",
    "Device",
    "armed",
    "code",
    "warnings",
]

FINAL_PH = 9.5
FINAL_MS_CM = 0.60  # at 25 °C: hard mains water has 0.50, and 10 mg/L of NaOH add 0.04 to 0.06
LEVEL_PCT = 75.0
DRY_PCT = 30.0
SCREEN_MBAR = 60.0
RINSED_S = 60.0  # in which a machine that rested has rinsed its own final zone
_PER_K = 0.02
STEP_SLACK_K = 1.0


class Alarm(IntFlag):
    """Bits of word 1: the process."""

    Z3_COLD = 1 << 0
    Z3_HOT = 1 << 1
    NAOH_LOW = 1 << 2
    NAOH_HIGH = 1 << 3
    CAUSTIC_IN_RINSE = 1 << 4
    RINSE_PRESSURE = 1 << 5
    FRESH_WATER = 1 << 6
    LEVEL = 1 << 7
    DRY_RUN = 1 << 8
    SCREEN = 1 << 9
    TORQUE = 1 << 10
    EXHAUST = 1 << 11
    ZONE_STEP = 1 << 12
    STAND = 1 << 13
    WATCHDOG = 1 << 14
    SENSOR = 1 << 15


class Device(IntFlag):
    """Bits of word 2: the devices."""

    VALVE_FRESH = 1 << 0
    VALVE_DOSE = 1 << 1
    VALVE_DRAIN = 1 << 2
    VALVE_RECIRCULATION = 1 << 3
    CONTACTOR_CHAIN = 1 << 4
    CONTACTOR_AXIAL = 1 << 5
    CONTACTOR_JETS = 1 << 6
    THERMAL_CHAIN = 1 << 7
    THERMAL_AXIAL = 1 << 8
    THERMAL_JETS = 1 << 9
    LABEL_PRESS = 1 << 10
    SHEAR_PIN = 1 << 11
    ESTOP = 1 << 12
    DOOR = 1 << 13


Condition = Callable[[Seen, Doing], bool]

# plain ints where they are asked each second
_Z3_COLD, _NAOH_LOW, _NAOH_HIGH = int(Alarm.Z3_COLD), int(Alarm.NAOH_LOW), int(Alarm.NAOH_HIGH)
_LEVEL, _ZONE_STEP = int(Alarm.LEVEL), int(Alarm.ZONE_STEP)


@dataclass(frozen=True, slots=True)
class AlarmRow:
    """One alarm: its bit, how pressing it is, what brings it, and how long that must last."""

    bit: Alarm | Device
    priority: str
    after_s: float
    condition: Condition
    meaning: str


def _untrue(bit: Device) -> Condition:
    mask = int(bit)
    return lambda seen, _doing: bool(seen.untrue & mask)


def _open(contact: int) -> Condition:
    return lambda seen, _doing: bool(seen.open_contacts & contact)


def _z3_below(margin_k: float) -> Condition:
    return lambda seen, doing: bool(doing.armed & _Z3_COLD) and seen.temperature_c[3] < doing.setpoint_c[3] - margin_k


def _z3_above(margin_k: float) -> Condition:
    return lambda seen, doing: seen.temperature_c[3] > doing.max_z3_c + margin_k


def _naoh_below(margin_pct: float) -> Condition:
    def condition(seen: Seen, doing: Doing) -> bool:
        if not doing.armed & _NAOH_LOW:
            return False
        (z2, z3), (sp_z2, sp_z3) = seen.naoh_pct, doing.naoh_setpoint_pct
        return z2 < sp_z2 - margin_pct or z3 < sp_z3 - margin_pct

    return condition


def _naoh_above(margin_pct: float) -> Condition:
    def condition(seen: Seen, doing: Doing) -> bool:
        if not doing.armed & _NAOH_HIGH:
            return False
        (z2, z3), (sp_z2, sp_z3) = seen.naoh_pct, doing.naoh_setpoint_pct
        return z2 > sp_z2 + margin_pct or z3 > sp_z3 + margin_pct

    return condition


def _caustic_in_rinse(ph: float, ms_cm: float) -> Condition:
    """While the final rinse runs: what stands in it when the machine rests is not what reaches a bottle."""

    def condition(seen: Seen, doing: Doing) -> bool:
        if doing.rinsing_s < RINSED_S:
            return False
        at_25 = seen.conductivity_ms_cm[3] / (1.0 + _PER_K * (seen.temperature_c[7] - 25.0))
        return seen.ph_final > ph or at_25 > ms_cm

    return condition


def _rinse_pressure(z5_bar: float, z7_bar: float) -> Condition:
    return lambda seen, doing: (
        (doing.pumping_s > 10.0 and seen.pressure_bar[3] < z5_bar)
        # no water at all is another alarm
        or (doing.rinsing_s > 10.0 and seen.pressure_bar[4] < z7_bar and seen.fresh_l_min > 5.0)
    )


def _fresh_below(l_min: float) -> Condition:
    return lambda seen, doing: doing.rinsing_s > 10.0 and seen.fresh_l_min < l_min


def _level_below(pct: float) -> Condition:
    return lambda seen, doing: bool(doing.armed & _LEVEL) and min(seen.level_pct) < pct


def _dry_below(pct: float) -> Condition:
    return lambda seen, doing: doing.heating and min(seen.level_pct[1:]) < pct


def _screen_above(mbar: float) -> Condition:
    return lambda seen, _doing: seen.screen_mbar > mbar


def _torque_above(pct: float) -> Condition:
    return lambda seen, _doing: seen.torque_pct > pct


def _exhaust_below(m_s: float) -> Condition:
    return lambda seen, doing: doing.fan_s > 20.0 and seen.extraction_m_s < m_s


def _step_above(margin_k: float) -> Condition:
    """A step between neighbouring zones, or from the infeed, that glass may not stand; where bottles are or wait."""

    def condition(seen: Seen, doing: Doing) -> bool:
        if not (doing.armed & _ZONE_STEP and (seen.waiting or any(seen.bottles))):
            return False
        limit_k, before_c = doing.max_step_k + margin_k, seen.bottle_in_c
        for temperature_c in seen.temperature_c:
            if not -limit_k <= temperature_c - before_c <= limit_k:
                return True
            before_c = temperature_c
        return False

    return condition


def _never(_seen: Seen, _doing: Doing) -> bool:
    return False


def _stands(seconds: float) -> Condition:
    return lambda _seen, doing: doing.stand_s > seconds


ALARMS: tuple[AlarmRow, ...] = (
    AlarmRow(Alarm.Z3_COLD, "high", 10.0, _z3_below(2.0), "Z3 more than 2 K below its setpoint"),
    AlarmRow(Alarm.Z3_HOT, "high", 5.0, _z3_above(0.0), "Z3 above max_t (88 °C)"),
    AlarmRow(Alarm.NAOH_LOW, "high", 20.0, _naoh_below(0.2), "NaOH of Z2 or Z3 0.2 % below its setpoint"),
    AlarmRow(Alarm.NAOH_HIGH, "medium", 20.0, _naoh_above(0.4), "NaOH of Z2 or Z3 0.4 % above its setpoint"),
    AlarmRow(
        Alarm.CAUSTIC_IN_RINSE, "critical", 5.0, _caustic_in_rinse(FINAL_PH, FINAL_MS_CM), "caustic in the final rinse"
    ),
    AlarmRow(Alarm.RINSE_PRESSURE, "medium", 10.0, _rinse_pressure(1.2, 1.5), "rinse pressure of Z5 or Z7 low"),
    AlarmRow(Alarm.FRESH_WATER, "critical", 3.0, _fresh_below(5.0), "fresh water lost"),
    AlarmRow(Alarm.LEVEL, "medium", 10.0, _level_below(LEVEL_PCT), "level of Z1, Z2 or Z3 low"),
    AlarmRow(Alarm.DRY_RUN, "critical", 2.0, _dry_below(DRY_PCT), "a heating element is not covered"),
    AlarmRow(Alarm.SCREEN, "medium", 10.0, _screen_above(SCREEN_MBAR), "the label screen is clogged"),
    AlarmRow(Alarm.TORQUE, "high", 0.0, _torque_above(120.0), "the chain's torque is above 120 %"),
    AlarmRow(Alarm.EXHAUST, "critical", 3.0, _exhaust_below(2.0), "the exhaust draws less than 2.0 m/s: hydrogen"),
    AlarmRow(Alarm.ZONE_STEP, "high", 10.0, _step_above(0.0), "a step between zones that glass may not stand"),
    AlarmRow(Alarm.STAND, "high", 0.0, _stands(120.0), "the chain stands for 120 s with bottles in caustic"),
    AlarmRow(Alarm.WATCHDOG, "high", 0.0, _never, "the host's heartbeat has stopped: raised at that moment"),
    AlarmRow(Alarm.SENSOR, "high", 2.0, lambda seen, _doing: bool(seen.broken), "a sensor is broken"),
    AlarmRow(Device.VALVE_FRESH, "high", 5.0, _untrue(Device.VALVE_FRESH), "fresh water valve does not obey"),
    AlarmRow(Device.VALVE_DOSE, "high", 5.0, _untrue(Device.VALVE_DOSE), "a dosing valve does not obey"),
    AlarmRow(Device.VALVE_DRAIN, "high", 5.0, _untrue(Device.VALVE_DRAIN), "a drain valve does not obey"),
    AlarmRow(Device.VALVE_RECIRCULATION, "medium", 5.0, _untrue(Device.VALVE_RECIRCULATION), "recirculation valve"),
    AlarmRow(Device.CONTACTOR_CHAIN, "high", 2.0, _untrue(Device.CONTACTOR_CHAIN), "the chain's contactor"),
    AlarmRow(Device.CONTACTOR_AXIAL, "high", 2.0, _untrue(Device.CONTACTOR_AXIAL), "the axial pump's contactor"),
    AlarmRow(Device.CONTACTOR_JETS, "high", 2.0, _untrue(Device.CONTACTOR_JETS), "a jet pump's contactor"),
    AlarmRow(Device.THERMAL_CHAIN, "high", 0.0, _open(Contact.CHAIN_THERMAL), "the chain's motor is too hot"),
    AlarmRow(Device.THERMAL_AXIAL, "high", 0.0, _open(Contact.AXIAL_THERMAL), "the axial pump's motor is too hot"),
    AlarmRow(Device.THERMAL_JETS, "high", 0.0, _open(Contact.JETS_THERMAL), "a jet pump's motor is too hot"),
    AlarmRow(Device.LABEL_PRESS, "medium", 0.0, _open(Contact.PRESS), "the label press has stopped"),
    AlarmRow(Device.SHEAR_PIN, "high", 0.0, _open(Contact.SHEAR_PIN | Contact.CLUTCH), "shear pin or clutch"),
    AlarmRow(Device.ESTOP, "critical", 0.0, _open(Contact.ESTOP), "an emergency stop is pressed"),
    AlarmRow(Device.DOOR, "high", 0.0, _open(Contact.DOORS), "a door is open"),
)
"""All alarms, in the order of the words' bits."""

WARNINGS: tuple[tuple[Alarm, Condition], ...] = (
    (Alarm.Z3_COLD, _z3_below(1.0)),
    (Alarm.Z3_HOT, _z3_above(-2.0)),
    (Alarm.NAOH_LOW, _naoh_below(0.1)),
    (Alarm.NAOH_HIGH, _naoh_above(0.2)),
    (Alarm.CAUSTIC_IN_RINSE, _caustic_in_rinse(9.0, 0.9 * FINAL_MS_CM)),
    (Alarm.RINSE_PRESSURE, _rinse_pressure(1.6, 1.8)),
    (Alarm.FRESH_WATER, _fresh_below(10.0)),
    (Alarm.LEVEL, _level_below(85.0)),
    (Alarm.DRY_RUN, _dry_below(50.0)),
    (Alarm.SCREEN, _screen_above(40.0)),
    (Alarm.TORQUE, _torque_above(100.0)),
    (Alarm.EXHAUST, _exhaust_below(2.5)),
    (Alarm.ZONE_STEP, _step_above(-2.0)),
    (Alarm.STAND, _stands(600.0)),
)
"""The bits of `warn_word`, without delay or latch; 13 is the ten minutes after which glass has stood too long."""

ARMING: tuple[tuple[Alarm, Condition], ...] = (
    (
        Alarm.Z3_COLD,
        lambda seen, doing: doing.heating and 0.0 < doing.setpoint_c[3] <= seen.temperature_c[3] + STEP_SLACK_K,
    ),
    (
        Alarm.NAOH_LOW,
        lambda seen, doing: (
            doing.dosing
            and seen.naoh_pct[0] >= doing.naoh_setpoint_pct[0] - 0.1
            and seen.naoh_pct[1] >= doing.naoh_setpoint_pct[1] - 0.1
        ),
    ),
    (
        Alarm.NAOH_HIGH,
        lambda seen, doing: (
            doing.dosing
            and seen.naoh_pct[0] <= doing.naoh_setpoint_pct[0] + 0.1
            and seen.naoh_pct[1] <= doing.naoh_setpoint_pct[1] + 0.1
        ),
    ),
    (Alarm.LEVEL, lambda seen, _doing: min(seen.level_pct) > 90.0),
    (Alarm.ZONE_STEP, lambda seen, doing: doing.heating and not _too_steep(seen, doing)),
)
"""What arms the alarms that would come while the machine warms up."""


def _too_steep(seen: Seen, doing: Doing) -> bool:
    steps = zip(seen.temperature_c[1:], seen.temperature_c, strict=False)
    return any(abs(after - before) > doing.max_step_k for after, before in steps)


_Watched = tuple[int, int, float, Condition]  # number, bit, after_s, condition


def _watched(kind: type[Alarm | Device]) -> tuple[_Watched, ...]:
    return tuple(
        (number, int(row.bit), row.after_s, row.condition)
        for number, row in enumerate(ALARMS)
        if isinstance(row.bit, kind)
    )


_WORD_1, _WORD_2 = _watched(Alarm), _watched(Device)


def code(bit: Alarm | Device) -> int:
    """Return the number of an alarm for IR64: 100 x word + bit."""
    return (100 if isinstance(bit, Alarm) else 200) + int(bit).bit_length() - 1


class Alarms:
    """The alarm words over time: delays, latch, what came first."""

    def __init__(self) -> None:
        self.word_1 = self.word_2 = 0  # latched
        self.standing_1 = self.standing_2 = 0  # their cause is there now
        self.first_code, self.seq = 0, 0
        self._waiting_2 = False
        self._waiting_1 = False  # the cause of some process alarm is there
        self._lasted_s = [0.0] * len(ALARMS)

    def __repr__(self) -> str:
        """Return the words."""
        return f"<Alarms {self.word_1:#06x} {self.word_2:#06x}>"

    def __bool__(self) -> bool:
        """Whether any alarm is latched."""
        return bool(self.word_1 or self.word_2)

    def scan(self, seen: Seen, doing: Doing, dt_s: float, *, calm: bool = False) -> None:
        """Look at all conditions, `dt_s` after the last look; `calm`: it is known that none of word 1 is met."""
        if self._waiting_1 or not calm:
            standing = self._word(_WORD_1, seen, doing, dt_s)
            if standing & ~self.standing_1:
                self._came(_WORD_1, standing & ~self.standing_1)
            self.standing_1 = standing
            self.word_1 |= standing
            self._waiting_1 = any(self._lasted_s[: len(_WORD_1)])
        if not (seen.untrue or seen.open_contacts or self.standing_2 or self._waiting_2):
            return
        standing = self._word(_WORD_2, seen, doing, dt_s)
        self._waiting_2 = bool(seen.untrue or standing)
        if standing & ~self.standing_2:
            self._came(_WORD_2, standing & ~self.standing_2)
        self.standing_2 = standing
        self.word_2 |= standing

    def raise_now(self, bit: int) -> None:
        """Latch a bit of word 1 whose moment is not a scan's."""
        self._came(_WORD_1, bit)
        self.word_1 |= bit

    def acknowledge(self) -> None:
        """Clear the alarms whose cause is gone."""
        self.word_1 &= self.standing_1
        self.word_2 &= self.standing_2
        if not (self.word_1 or self.word_2):
            self.first_code = 0

    def _word(self, rows: tuple[_Watched, ...], seen: Seen, doing: Doing, dt_s: float) -> int:
        lasted_s, standing = self._lasted_s, 0
        for number, bit, after_s, condition in rows:
            if condition(seen, doing):
                lasted_s[number] += dt_s
                if lasted_s[number] > after_s:
                    standing |= bit
            elif lasted_s[number]:
                lasted_s[number] = 0.0
        return standing

    def _came(self, rows: tuple[_Watched, ...], new: int) -> None:
        self.seq = (self.seq + new.bit_count()) & 0xFFFF
        if not (self.word_1 or self.word_2):
            word = 100 if rows is _WORD_1 else 200
            self.first_code = word + (new & -new).bit_length() - 1


def warnings(seen: Seen, doing: Doing) -> int:
    """Return `warn_word`."""
    return sum(bit for bit, condition in WARNINGS if condition(seen, doing))


_ARMING = tuple((int(bit), condition) for bit, condition in ARMING)
_ALL_ARMED = sum(bit for bit, _ in _ARMING)


def armed(seen: Seen, doing: Doing) -> int:
    """Return the bits of word 1 that are armed after this scan."""
    bits = doing.armed
    if bits == _ALL_ARMED:
        return bits
    for bit, condition in _ARMING:
        if not bits & bit and condition(seen, doing):
            bits |= bit
    return bits
