"""What is broken in the simulated plant: sensors that lie and drives that do not do what they are told.

A twin asks on its way: what a sensor shows (`shown`) and what a drive does (`done`). Names are those of the plant:
`z3.temperature`, `bath.conductivity`; `heater.z3`, `dosing.z2`, `pump.z5`, `valve.fresh`, `extraction`, `chain`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["Defects", "DriveDefect", "SensorDefect"]

SensorDefect = Callable[[float, float], float | None]
"""(true value, process s) -> shown value, None for a broken wire."""
DriveDefect = Callable[[float, float], float]
"""(what was asked for, process s) -> what is done."""


@dataclass(slots=True)
class Defects:
    """The defects of one plant, by name; several on one name act one after the other, in the order they came."""

    sensors: dict[str, list[SensorDefect]] = field(default_factory=dict)
    drives: dict[str, list[DriveDefect]] = field(default_factory=dict)

    def shown(self, name: str, value: float | None, process_s: float) -> float | None:
        """Return what the sensor `name` shows at `process_s` when the truth is `value`."""
        for defect in self.sensors.get(name, ()):
            if value is None:
                return None
            value = defect(value, process_s)
        return value

    def done(self, name: str, asked: float, process_s: float) -> float:
        """Return what the drive `name` does when `asked` is what it is told."""
        for defect in self.drives.get(name, ()):
            asked = defect(asked, process_s)
        return asked

    def __bool__(self) -> bool:
        """Whether anything is broken."""
        return bool(self.sensors or self.drives)
