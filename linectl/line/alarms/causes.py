"""What one alarm looks at: is its cause there now, by readings, lost links and the server's troubles."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from linectl.line.conditions import truth
from linectl.model.alarms import Alarm, AlarmCondition
from linectl.model.conditions import Condition, tags_of
from linectl.model.readings import Level, Reading, Value

__all__ = ["calm_band", "holds", "sees", "value_of"]

_NEVER_SPOKE = "waiting_for_initial_data"  # a position without a bottle, a sensor with an hour's period
_ABOVE = (AlarmCondition.HIHI, AlarmCondition.HI)


def sees(alarm: Alarm, stands: bool, readings: Mapping[str, Reading], lost: Collection[object]) -> bool | None:
    """Return whether the cause of `alarm` is there; `stands`: it was, so that the deadband counts. None: unknown."""
    match alarm.condition:
        case AlarmCondition.LINK:
            return alarm.link in lost
        case AlarmCondition.SERVER:
            return alarm.trouble in lost
        case AlarmCondition.BAD_PV:
            return _without_value(alarm.tags, readings)
        case AlarmCondition.WHEN:
            assert alarm.when is not None
            return holds(alarm.when, readings)
        case _:
            value = value_of(alarm.tag, readings)
            return None if value is None else _says(alarm, stands, value, readings)


def holds(condition: Condition, readings: Mapping[str, Reading]) -> bool | None:
    """Return whether `condition` holds by the values that the readings have; None: they do not tell."""
    known = {tag: value for tag in tags_of(condition) if (value := value_of(tag, readings)) is not None}
    return truth(condition, known)


def value_of(tag: str, readings: Mapping[str, Reading]) -> Value | None:
    """Return the value of `tag`; None: it has none that means anything."""
    reading = readings.get(tag)
    if reading is None or reading.value is None:
        return None
    return reading.value if math.isfinite(reading.value) else None


def calm_band(alarm: Alarm, stands: bool) -> tuple[float, float] | None:
    """Return between which values of its tag (both included) the cause stays as it is; None: any change may matter."""
    if alarm.limit is None or alarm.limit[1] or alarm.condition is AlarmCondition.DEV:
        return None
    limit = alarm.limit[0]
    if alarm.condition in _ABOVE:
        return (math.nextafter(limit - alarm.deadband, math.inf), math.inf) if stands else (-math.inf, limit)
    return (-math.inf, math.nextafter(limit + alarm.deadband, -math.inf)) if stands else (limit, math.inf)


def _says(alarm: Alarm, stands: bool, value: Value, readings: Mapping[str, Reading]) -> bool | None:
    if alarm.condition is AlarmCondition.BIT:
        return bool(int(value) >> alarm.bit & 1)
    if alarm.condition is AlarmCondition.CONTACT:
        return bool(value) is alarm.says
    return _beyond(alarm, stands, float(value), readings)


def _beyond(alarm: Alarm, stands: bool, value: float, readings: Mapping[str, Reading]) -> bool | None:
    assert alarm.limit is not None
    limit, beside = alarm.limit
    reference = value_of(beside, readings) if beside else 0.0
    if reference is None:
        return None
    back = alarm.deadband if stands else 0.0
    if alarm.condition is AlarmCondition.DEV:
        apart = abs(value - float(reference))
        return apart > limit - back if stands else apart > limit
    limit += float(reference)
    if alarm.condition in _ABOVE:
        return value > limit - back
    return value < limit + back


def _without_value(tags: tuple[str, ...], readings: Mapping[str, Reading]) -> bool:
    """Return whether any of `tags` has no value. One that has yet to speak, since its wire came, is not missed."""
    found = (readings[tag].quality for tag in tags if tag in readings)
    return any(each.level is Level.BAD and each.reason != _NEVER_SPOKE for each in found)
