"""The chain and its drive: a ramp, a torque that the load makes, a jam that stops it."""

from __future__ import annotations

from linectl.sim.washer.plan import Plan

__all__ = ["speed_after", "torque_after"]

_STANDS = 0.01  # pockets/min


def speed_after(speed_pockets_min: float, asked_pockets_min: float, jammed: bool, plan: Plan) -> float:
    """Return the chain's speed in pockets/min after a step: the drive's ramp, or the short way to a stand of a jam."""
    if jammed:
        slowed = speed_pockets_min * plan.jam
        return slowed if slowed > _STANDS else 0.0
    most = plan.params.ramp_pockets_min_s * plan.dt_s
    if asked_pockets_min > speed_pockets_min + most:
        return speed_pockets_min + most
    if asked_pockets_min < speed_pockets_min - most:
        return speed_pockets_min - most
    return asked_pockets_min


def torque_after(
    torque_pct: float, speed_pockets_min: float, asked_pockets_min: float, inside: float, jammed: bool, plan: Plan
) -> float:
    """Return the drive's torque in % of its rating after a step; `inside` is the number of bottles in the machine.

    It follows its load with a lag: half of the idle part grows with the speed, a full chain adds its own, and a chain
    that is jammed while the drive pulls goes to what the clutch holds.
    """
    params = plan.params
    load_pct = 0.0
    if jammed and asked_pockets_min > 0.0:
        load_pct = params.torque_jam_pct
    elif speed_pockets_min > 0.0:
        full = params.rated_b_h * plan.transit_h
        load_pct = params.torque_idle_pct * (0.5 + 0.5 * speed_pockets_min / plan.rated_pockets_min)
        load_pct += params.torque_full_pct * inside / full
    return torque_pct + plan.torque * (load_pct - torque_pct)
