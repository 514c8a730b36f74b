"""Which alarms a scan can have moved: most scans move none, and then nothing is judged."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from linectl.line.alarms.causes import calm_band
from linectl.model.alarms import Alarm, AlarmCondition, Alarms, State
from linectl.model.conditions import tags_of
from linectl.model.readings import Quality, Reading, Scan, ScanLayout

__all__ = ["Gate", "tags_of_alarm"]


def tags_of_alarm(alarm: Alarm) -> tuple[str, ...]:
    """Return the tags at which an alarm looks, each once."""
    named = (
        *((alarm.tag,) if alarm.tag else ()),
        *alarm.tags,
        *((alarm.limit[1],) if alarm.limit is not None and alarm.limit[1] else ()),
        *(tags_of(alarm.when) if alarm.when is not None else ()),
        *(tags_of(alarm.suppressed_when) if alarm.suppressed_when is not None else ()),
    )
    return tuple(dict.fromkeys(named))


class _Watch:
    """One tag: the alarms that look at it, and between which values of which quality none of them can move."""

    __slots__ = ("alarms", "high", "low", "quality")

    def __init__(self) -> None:
        self.alarms: list[Alarm] = []
        self.quality: Quality | None = None
        self.low = math.inf
        self.high = -math.inf


class Gate:
    """Keeps, for each tag, the band of values in which no alarm moves."""

    def __init__(self, rules: Alarms) -> None:
        self._watches: dict[str, _Watch] = {}
        for alarm in rules.alarms.values():
            for tag in tags_of_alarm(alarm):
                self._watches.setdefault(tag, _Watch()).alarms.append(alarm)
        self._of: dict[ScanLayout, list[tuple[int, _Watch]]] = {}

    def touched(self, scan: Scan) -> list[Reading]:
        """Return the readings of `scan` that can move an alarm."""
        places = self._of.get(scan.layout)
        if places is None:
            places = self._of[scan.layout] = [
                (number, self._watches[tag]) for number, tag in enumerate(scan.layout.tags) if tag in self._watches
            ]
        found, readings = [], scan.readings
        for number, watch in places:
            reading = readings[number]
            value = reading[1]
            if reading[2] is not watch.quality or (value is not None and not watch.low <= value <= watch.high):
                found.append(reading)
        return found

    def alarms_of(self, readings: Iterable[Reading]) -> list[str]:
        """Return the names of the alarms that look at any of these readings' tags."""
        return list(dict.fromkeys(alarm.name for each in readings for alarm in self._watches[each.tag].alarms))

    def seen(self, readings: Iterable[Reading], state: State) -> None:
        """Take the readings that were judged: around them lie the new bands."""
        for reading in readings:
            watch = self._watches[reading.tag]
            watch.quality = reading.quality
            watch.low, watch.high = _band(watch.alarms, reading, state)


def _band(alarms: Iterable[Alarm], reading: Reading, state: State) -> tuple[float, float]:
    low, high = -math.inf, math.inf
    for alarm in alarms:
        own = _own_band(alarm, reading, state)
        if own is None:
            return (math.inf, -math.inf) if reading.value is None else (reading.value, reading.value)
        low, high = max(low, own[0]), min(high, own[1])
    return low, high


def _own_band(alarm: Alarm, reading: Reading, state: State) -> tuple[float, float] | None:
    others: Mapping[str, object] = dict.fromkeys(tags_of(alarm.suppressed_when)) if alarm.suppressed_when else {}
    if reading.tag in others:
        return None
    if alarm.condition is AlarmCondition.BAD_PV:
        return -math.inf, math.inf  # only its quality counts
    return calm_band(alarm, state.entry(alarm.name).cause)
