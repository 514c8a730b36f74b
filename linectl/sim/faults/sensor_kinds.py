"""Faults of sensors: what they show of the truth. Times are process time; figures are in the sensor's own unit."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from math import exp

from linectl.sim.defects import SensorDefect
from linectl.sim.faults.acts import Act, Begin, Undo
from linectl.sim.faults.readings import defects_of, liquid_c, shown

__all__ = ["SENSOR_KINDS"]

_S_PER_H = 3600.0


def _lie(make: Callable[[Act], SensorDefect]) -> Begin:
    def begin(act: Act) -> Undo:
        defect = make(act)
        return defects_of(act.rig, act.target).spoil(act.target, defect)

    return begin


def _stuck(act: Act) -> SensorDefect:
    held = shown(act.rig, act.target)
    return lambda _true, _process_s: held


def _drift(act: Act) -> SensorDefect:
    began_s, per_s = act.process_s, act.values["per_h"] / _S_PER_H
    return lambda true, process_s: true + per_s * (process_s - began_s)


def _offset(act: Act) -> SensorDefect:
    by = act.values["by"]
    return lambda true, _process_s: true + by


def _dead(_act: Act) -> SensorDefect:
    return lambda _true, _process_s: None


def _compensated(act: Act) -> SensorDefect:
    """Compensate as most meters do: as if conductivity rose by a fixed share of its value at `to_c` for each kelvin."""
    per_k, to_c = 1e-2 * act.values["per_k"], act.values["to_c"]
    rig, sensor = act.rig, act.target
    return lambda true, _process_s: true / max(0.05, 1.0 + per_k * (liquid_c(rig, sensor) - to_c))


def _in_air(act: Act) -> SensorDefect:
    """Follow the air by a first-order lag, from what was shown before."""
    began_s, air_c, lag_s = act.process_s, act.values["air_c"], act.values["lag_s"]
    held = shown(act.rig, act.target)
    from_c = air_c if held is None else held
    return lambda _true, process_s: air_c + (from_c - air_c) * exp(-(process_s - began_s) / lag_s)


class _Spikes:
    """Spikes at random times: in each stretch of `lasts_s` the seed decides whether there is one."""

    def __init__(self, act: Act) -> None:
        values = act.values
        self._lasts_s = values["lasts_s"]
        self._chance = min(1.0, self._lasts_s / values["every_s"])
        self._size = values["size"]
        self._stream = f"{act.rig.twin.seed}/spike {act.number}"
        self._struck = act.struck
        self._last: int | None = None  # the stretch of the spike that was shown last
        self._over = False

    def __call__(self, true: float, process_s: float) -> float:
        stretch = int(process_s // self._lasts_s)
        if self._last is not None and stretch != self._last:
            self._last = None
            self._over = self._struck()
        if self._over:
            return true
        draw = random.Random(f"{self._stream}/{stretch}").random()  # noqa: S311  # a simulation, no secret
        if draw >= self._chance:
            return true
        self._last = stretch
        return true + self._size


SENSOR_KINDS: Mapping[str, Begin] = {
    "sensor_stuck": _lie(_stuck),
    "sensor_drift": _lie(_drift),
    "sensor_spike": _lie(_Spikes),
    "sensor_offset": _lie(_offset),
    "sensor_dead": _lie(_dead),
    "wrong_compensation": _lie(_compensated),
    "probe_out_of_bath": _lie(_in_air),
}
