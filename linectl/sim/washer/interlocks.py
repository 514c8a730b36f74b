"""The washer's interlocks: what alarms forbid, when bottles may come in, what a standing chain or a lost rinse needs.

All of it pure: rows of data, and functions of what the PLC sees and does. Doors and emergency stop are wired to the
drives themselves and need no program; here they only set alarms.
"""

from __future__ import annotations

from typing import NamedTuple

from linectl.sim.washer.alarms import Alarm, Device
from linectl.sim.washer.seen import Contact, Doing, Seen

__all__ = [
    "EXHAUST_M_S",
    "FLUSH_AFTER_S",
    "INTERLOCKS",
    "PUSH_OUT_AFTER_S",
    "Block",
    "Quarantine",
    "Stand",
    "blocked",
    "dose_forbidden",
    "feed_refused",
    "heat_forbidden",
    "quarantine",
    "stand",
]

FLUSH_AFTER_S = 600.0
"""Bottles may stand that long in hot caustic; from then on they are kept wet, and no longer heated."""
PUSH_OUT_AFTER_S = 900.0
"""And that long before they are pushed out: caustic takes glass away."""

FEED_BELOW_SETPOINT_K = 2.0
FEED_BELOW_SETPOINT_PCT = 0.2
FRESH_L_MIN = 5.0
EXHAUST_M_S = 2.0
DOSE_LEVEL_PCT = 50.0


class Block:
    """Bits of what an alarm forbids or brings about; plain ints, for they are asked each second."""

    FEED = 1 << 0
    HEAT = 1 << 1
    CAUSTIC_HEAT = 1 << 2
    DOSE = 1 << 3
    HOLD = 1 << 4  # the chain stops, and with it the outfeed
    CHAIN = 1 << 5  # nor may it creep to push bottles out
    QUARANTINE = 1 << 6
    ABORT = 1 << 7


class _Row(NamedTuple):
    bit: Alarm | Device
    blocks: int  # of Block
    latched: bool  # until acknowledged; else while the cause is there


_B = Block
INTERLOCKS: tuple[_Row, ...] = (
    _Row(Alarm.Z3_COLD, _B.FEED, latched=False),
    _Row(Alarm.Z3_HOT, _B.CAUSTIC_HEAT, latched=True),
    _Row(Alarm.NAOH_LOW, _B.FEED, latched=False),
    _Row(Alarm.NAOH_HIGH, _B.DOSE, latched=False),
    _Row(Alarm.CAUSTIC_IN_RINSE, _B.FEED | _B.HOLD | _B.QUARANTINE, latched=True),
    _Row(Alarm.FRESH_WATER, _B.FEED | _B.HOLD | _B.QUARANTINE, latched=True),
    _Row(Alarm.DRY_RUN, _B.HEAT, latched=True),
    _Row(Alarm.TORQUE, _B.FEED | _B.HOLD | _B.CHAIN, latched=True),
    _Row(Alarm.EXHAUST, _B.FEED | _B.CAUSTIC_HEAT | _B.DOSE, latched=True),
    _Row(Alarm.ZONE_STEP, _B.FEED, latched=False),
    _Row(Alarm.STAND, _B.FEED, latched=False),
    _Row(Alarm.WATCHDOG, _B.FEED | _B.HEAT | _B.DOSE | _B.HOLD, latched=True),
    _Row(Device.VALVE_DOSE, _B.DOSE, latched=True),
    _Row(Device.CONTACTOR_CHAIN, _B.FEED | _B.HOLD | _B.CHAIN, latched=True),
    _Row(Device.CONTACTOR_AXIAL, _B.FEED, latched=True),
    _Row(Device.CONTACTOR_JETS, _B.FEED, latched=True),
    _Row(Device.THERMAL_CHAIN, _B.FEED | _B.HOLD | _B.CHAIN, latched=True),
    _Row(Device.THERMAL_AXIAL, _B.FEED, latched=True),
    _Row(Device.THERMAL_JETS, _B.FEED, latched=True),
    _Row(Device.SHEAR_PIN, _B.FEED | _B.HOLD | _B.CHAIN, latched=True),
    _Row(Device.ESTOP, _B.FEED | _B.HEAT | _B.DOSE | _B.CHAIN | _B.ABORT, latched=True),
    _Row(Device.DOOR, _B.FEED | _B.DOSE | _B.HOLD | _B.CHAIN, latched=True),
)
"""Alarm -> what it blocks. Alarms without a row are told, and block nothing."""

_ROWS = tuple((isinstance(row.bit, Alarm), int(row.bit), row.blocks, row.latched) for row in INTERLOCKS)


def blocked(word_1: int, word_2: int, standing_1: int, standing_2: int) -> int:
    """Return the `Block` bits of these latched words and standing bits."""
    if not (word_1 or word_2):
        return 0
    blocks = 0
    for process, bit, effect, latched in _ROWS:
        word = (word_1 if latched else standing_1) if process else (word_2 if latched else standing_2)
        if word & bit:
            blocks |= effect
    return blocks


_ZONE_STEP = int(Alarm.ZONE_STEP)
_NEEDED = frozenset({"z3.temperature", "z2.conductivity", "z3.conductivity", "fresh.flow", "extraction.speed"})


def feed_refused(seen: Seen, doing: Doing) -> str:
    """Return why no bottle may come in, as a machine word; empty when the feed permissive stands.

    Z3 within 2 K and NaOH within 0.2 % of their setpoints, fresh water, exhaust, and steps that glass stands; a sensor
    that cannot say so says no.
    """
    if not seen.broken.isdisjoint(_NEEDED):
        return "sensor"
    step_k = doing.max_step_k
    if (
        seen.temperature_c[3] >= max(doing.setpoint_c[3] - FEED_BELOW_SETPOINT_K, doing.min_z3_c)
        and seen.naoh_pct[0] >= doing.naoh_setpoint_pct[0] - FEED_BELOW_SETPOINT_PCT
        and seen.naoh_pct[1] >= doing.naoh_setpoint_pct[1] - FEED_BELOW_SETPOINT_PCT
        and seen.fresh_l_min >= FRESH_L_MIN
        and seen.extraction_m_s >= EXHAUST_M_S
        and -step_k <= seen.temperature_c[0] - seen.bottle_in_c <= step_k
        and doing.armed & _ZONE_STEP
    ):  # as a rule; else it is worth a longer look
        return ""
    wrong = (
        ("z3.temperature", seen.temperature_c[3] < max(doing.setpoint_c[3] - FEED_BELOW_SETPOINT_K, doing.min_z3_c)),
        ("z2.naoh", seen.naoh_pct[0] < doing.naoh_setpoint_pct[0] - FEED_BELOW_SETPOINT_PCT),
        ("z3.naoh", seen.naoh_pct[1] < doing.naoh_setpoint_pct[1] - FEED_BELOW_SETPOINT_PCT),
        ("fresh.flow", seen.fresh_l_min < FRESH_L_MIN),
        ("extraction.speed", seen.extraction_m_s < EXHAUST_M_S),
        ("infeed.temperature", not -step_k <= seen.temperature_c[0] - seen.bottle_in_c <= step_k),
        ("zone_step", not doing.armed & _ZONE_STEP),
    )
    return next((name for name, is_wrong in wrong if is_wrong), "")


_NOTHING: frozenset[int] = frozenset()
_CAUSTIC = frozenset({2, 3})
_ALL = frozenset(range(8))
_TEMPERATURES = {f"z{k}.temperature": k for k in range(8)}


def heat_forbidden(seen: Seen, blocks: int, standing: int) -> frozenset[int]:
    """Return the zones that may not be heated: by alarms, without exhaust, blind, under standing bottles."""
    if blocks & Block.HEAT:
        return _ALL
    hydrogen = seen.extraction_m_s < EXHAUST_M_S or "extraction.speed" in seen.broken
    forbidden = _CAUSTIC if hydrogen or standing or blocks & Block.CAUSTIC_HEAT else _NOTHING
    if seen.broken:
        forbidden |= {_TEMPERATURES[name] for name in seen.broken if name in _TEMPERATURES}
    return forbidden


def dose_forbidden(seen: Seen, blocks: int) -> frozenset[int]:
    """Return the caustic zones that may not be dosed: by alarms, without exhaust, blind, or nearly empty."""
    if blocks & Block.DOSE or seen.extraction_m_s < EXHAUST_M_S or "extraction.speed" in seen.broken:
        return _CAUSTIC
    if min(seen.level_pct[1:]) >= DOSE_LEVEL_PCT and not seen.broken:
        return _NOTHING
    return frozenset(
        zone
        for zone in _CAUSTIC
        if seen.level_pct[zone - 1] < DOSE_LEVEL_PCT
        or not seen.broken.isdisjoint({f"z{zone}.temperature", f"z{zone}.conductivity"})
    )


class Stand:
    """Bits of what the PLC does about bottles that stand in caustic."""

    FLUSH = 1 << 0
    PUSH_OUT = 1 << 1


def stand(seconds: float, open_contacts: int) -> int:
    """Return what `seconds` of standing with bottles in caustic ask for, as bits of Stand.

    They are pushed out only where nobody can be hurt and nothing is in the way: all contacts closed.
    """
    if seconds <= FLUSH_AFTER_S:
        return 0
    danger = Contact.ESTOP | Contact.DOORS | Contact.CLUTCH | Contact.SHEAR_PIN | Contact.OUTFEED
    if seconds <= PUSH_OUT_AFTER_S or open_contacts & danger:
        return Stand.FLUSH
    return Stand.FLUSH | Stand.PUSH_OUT


class Quarantine(NamedTuple):
    """Bottles that may carry caustic, by the pocket at the infeed in which they came in: from first to last.

    Pockets, for the chain's speed changes and a wall clock would not know them.
    """

    first: int
    last: int

    def holds(self, pocket: int) -> bool:
        """Return whether the bottle of that pocket is among them."""
        return self.first <= pocket <= self.last


def quarantine(pockets: float, machine_pockets: float, final_pockets: float) -> Quarantine:
    """Return which bottles a final rinse that was lost at `pockets` leaves in doubt.

    Those in the final rinse now, `final_pockets` long, and those that left while the machine's whole length,
    `machine_pockets`, last passed.
    """
    out = pockets - machine_pockets  # the pocket that is at the exit now
    return Quarantine(max(0, int(out - machine_pockets)), int(out + final_pockets))
