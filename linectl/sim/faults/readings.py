"""What the sensors of a rig show now, and the true temperature around them, by the names of `linectl.model.faults`."""

from __future__ import annotations

from drivers.frames.ezo import NO_PROBE_RTD
from linectl.sim.defects import Defects
from linectl.sim.rig import Rig

__all__ = ["defects_of", "liquid_c", "shown"]


def defects_of(rig: Rig, place: str) -> Defects:
    """Return the defects of the machine that has `place` (a zone, or a sensor's name): the bath's or the washer's."""
    return rig.twin.defects if place.partition(".")[0] == "bath" else rig.washer.defects


def shown(rig: Rig, sensor: str) -> float | None:
    """Return what `sensor` shows now, in its unit (°C, mS/cm, %, bar ...), defects included; None: nothing."""
    twin = rig.twin
    if sensor == "bath.temperature":
        value = twin.temperature_c()
        return None if value == NO_PROBE_RTD else value
    if sensor == "bath.controller_temperature":
        return twin.controller_c()
    if sensor == "bath.conductivity":
        return 1e-3 * twin.conductivity_us_cm()
    if sensor == "bath.level":
        return twin.plc.level_pct
    return rig.washer.shown(sensor)


def liquid_c(rig: Rig, sensor: str) -> float:
    """Return the true temperature in °C of the liquid in which `sensor` stands."""
    zone = sensor.partition(".")[0]
    return rig.twin.plant.state.temperature_c if zone == "bath" else rig.washer.state.temperature_c[int(zone[1:])]
