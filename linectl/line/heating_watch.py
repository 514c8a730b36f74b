"""Whether a heater does what it should: a pure step from looks at a zone to a fault. Times are process time in s."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from linectl.model.lines import Heating

__all__ = ["OFF", "HeatingFault", "HeatingLook", "HeatingState", "follow"]


class HeatingFault(StrEnum):
    """What is wrong with the heating of a zone."""

    NO_GAIN = "no_gain"  # on, below its set point, and the temperature does not rise
    RUNAWAY = "runaway"  # above its set point, and the temperature still rises
    BLIND = "blind"  # on, and nobody can read the temperature
    TOO_LONG = "too_long"  # on for longer than it may be at a stretch


class HeatingLook(NamedTuple):
    """What is seen of a zone: temperature and set point in °C, and whether its heater is on; None: nobody knows.

    A plain tuple, like the state, for both are made at each scan.
    """

    temperature_c: float | None
    setpoint_c: float | None
    on: bool | None


class HeatingState(NamedTuple):
    """What is remembered between two looks.

    `on_s`: since when the heater is on (None: it is off); `seen_s`: when the temperature was good last, while it was
    on. `side` tells where the temperature stands to the set point, -1 below, 1 above, 0 in the band; it came there, or
    began its present stretch, at `since_s`, and was `lowest_c` at the least since.
    """

    on_s: float | None = None
    seen_s: float = 0.0
    side: int = 0
    since_s: float = 0.0
    lowest_c: float = 0.0
    fault: HeatingFault | None = None


OFF = HeatingState()
"""A heater that is off: nothing is remembered of it."""


def follow(rule: Heating, before: HeatingState, look: HeatingLook, now_s: float) -> HeatingState:
    """Return what is to be remembered at `now_s` (not before the last look), with the fault found there, if any.

    A heater of which nobody knows whether it is on counts as it did before.
    """
    on = look.on if look.on is not None else before.on_s is not None
    if not on:
        return OFF
    on_s = now_s if before.on_s is None else before.on_s
    seen_s = now_s if before.on_s is None or look.temperature_c is not None else before.seen_s
    side, since_s, lowest_c, fault = _stretch(rule, before, look, now_s)
    if now_s - on_s > rule.max_on_s:
        fault = HeatingFault.TOO_LONG
    elif now_s - seen_s > rule.blind_s:
        fault = HeatingFault.BLIND
    return HeatingState(on_s, seen_s, side, since_s, lowest_c, fault)


def _stretch(
    rule: Heating, before: HeatingState, look: HeatingLook, now_s: float
) -> tuple[int, float, float, HeatingFault | None]:
    """Return side, its begin, its lowest temperature, and what is wrong there.

    Below, a stretch ends with each gain, and with the time for it. Cold bottles put into the bath lower its
    temperature without giving the heater more time: the gain counts from the lowest, the time from the begin.
    """
    temperature_c, setpoint_c = look.temperature_c, look.setpoint_c
    if temperature_c is None or setpoint_c is None:
        return before.side, before.since_s, before.lowest_c, None
    side = _side(rule, temperature_c, setpoint_c)
    if side != before.side or before.on_s is None:
        return side, now_s, temperature_c, None
    lowest_c = min(before.lowest_c, temperature_c)
    gained = temperature_c - lowest_c >= rule.gain_k
    if side < 0 and gained:
        return side, now_s, temperature_c, None
    if side < 0 and now_s - before.since_s > rule.within_s:
        return side, before.since_s, lowest_c, HeatingFault.NO_GAIN
    if side > 0 and gained:
        return side, before.since_s, lowest_c, HeatingFault.RUNAWAY
    return side, before.since_s, lowest_c, None


def _side(rule: Heating, temperature_c: float, setpoint_c: float) -> int:
    if temperature_c < setpoint_c - rule.hysteresis_k:
        return -1
    return 1 if temperature_c > setpoint_c + rule.hysteresis_k else 0
