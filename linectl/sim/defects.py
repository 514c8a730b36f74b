"""What is broken in the simulated plant: sensors that lie and drives that do not do what they are told.

A twin asks on its way: what a sensor shows (`shown`) and what a drive does (`done`). Names are those of the plant:
`z3.temperature`, `bath.conductivity`; `heater.z3`, `dosing.z2`, `pump.z5`, `valve.fresh`, `extraction`, `chain`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

__all__ = ["Defects", "DriveDefect", "SensorDefect"]

SensorDefect = Callable[[float, float], float | None]
"""(true value, process s) -> shown value, None for a broken wire."""
DriveDefect = Callable[[float, float], float]
"""(what was asked for, process s) -> what is done."""

_Defect = TypeVar("_Defect")


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

    def spoil(self, name: str, defect: SensorDefect) -> Callable[[], None]:
        """Let the sensor `name` lie; return what ends this lie and no other."""
        return _joined(self.sensors, name, defect)

    def hamper(self, name: str, defect: DriveDefect) -> Callable[[], None]:
        """Let the drive `name` do something else than it is told; return what ends that."""
        return _joined(self.drives, name, defect)

    def __bool__(self) -> bool:
        """Whether anything is broken."""
        return bool(self.sensors or self.drives)


def _joined(where: dict[str, list[_Defect]], name: str, defect: _Defect) -> Callable[[], None]:
    """Append `defect`; return what takes it out again, with its entry when it was the last one there."""
    where.setdefault(name, []).append(defect)

    def end() -> None:
        left = [each for each in where.get(name, ()) if each is not defect]
        if left:
            where[name] = left
        else:
            where.pop(name, None)

    return end
