"""Whether all is far from an alarm: the usual second of a shift, told without asking thirty conditions."""

from __future__ import annotations

from linectl.sim.washer.alarms import Alarm
from linectl.sim.washer.seen import Doing, Seen

__all__ = ["calm"]

_NAOH_LOW, _NAOH_HIGH, _Z3_COLD = int(Alarm.NAOH_LOW), int(Alarm.NAOH_HIGH), int(Alarm.Z3_COLD)
_ZONE_STEP = int(Alarm.ZONE_STEP)
_MARGIN_K = 2.0


def calm(seen: Seen, doing: Doing) -> bool:
    """Return True only when no condition of `alarms.ALARMS` for word 1, nor of `alarms.WARNINGS`, is met.

    False means that they must be asked. The limits are those of the warnings, or a little closer.
    """
    return (
        not seen.broken
        and doing.stand_s <= 120.0
        and seen.screen_mbar <= 40.0
        and seen.torque_pct <= 100.0
        and min(seen.level_pct) >= 85.0
        and (doing.fan_s <= 20.0 or seen.extraction_m_s >= 2.5)
        and _baths(seen, doing)
        and (doing.pumping_s <= 10.0 or seen.pressure_bar[3] >= 1.6)
        and (doing.rinsing_s <= 10.0 or _rinse(seen))
        and (not doing.armed & _ZONE_STEP or _steps(seen, doing.max_step_k - _MARGIN_K))
    )


def _baths(seen: Seen, doing: Doing) -> bool:
    armed, z3_c = doing.armed, seen.temperature_c[3]
    (z2, z3), (asked_2, asked_3) = seen.naoh_pct, doing.naoh_setpoint_pct
    return (
        z3_c <= doing.max_z3_c - 2.0
        and (not armed & _Z3_COLD or z3_c >= doing.setpoint_c[3] - 1.0)
        and (not armed & _NAOH_LOW or (z2 >= asked_2 - 0.1 and z3 >= asked_3 - 0.1))
        and (not armed & _NAOH_HIGH or (z2 <= asked_2 + 0.2 and z3 <= asked_3 + 0.2))
    )


def _rinse(seen: Seen) -> bool:
    """Return whether the final rinse has water, pressure and none of the caustic, whatever its temperature."""
    return (
        seen.fresh_l_min >= 10.0
        and seen.pressure_bar[4] >= 1.8
        and seen.ph_final <= 9.0
        and seen.conductivity_ms_cm[3] <= 0.535 * (1.0 + 0.02 * (seen.temperature_c[7] - 25.0))
    )


def _steps(seen: Seen, limit_k: float) -> bool:
    t0, t1, t2, t3, t4, t5, t6, t7 = seen.temperature_c
    return (
        -limit_k <= t0 - seen.bottle_in_c <= limit_k
        and -limit_k <= t1 - t0 <= limit_k
        and -limit_k <= t2 - t1 <= limit_k
        and -limit_k <= t3 - t2 <= limit_k
        and -limit_k <= t4 - t3 <= limit_k
        and -limit_k <= t5 - t4 <= limit_k
        and -limit_k <= t6 - t5 <= limit_k
        and -limit_k <= t7 - t6 <= limit_k
    )
