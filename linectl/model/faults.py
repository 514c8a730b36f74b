"""Faults and scenarios of the simulated plant as data: what can break, where, how much, and when.

The catalogue says for each kind where it can be and what it takes; the simulator carries it out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

__all__ = ["FaultKind", "FaultOrder", "Parameter", "Scenario"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One figure that a kind of fault takes; its name ends in its unit."""

    name: str
    low: float
    high: float
    unit: str
    default: float | None = None  # None: it must be given
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A kind of fault: `targets` are what it can be ordered for (none: it has no target)."""

    name: str
    group: str  # wire, plc, serial, broker, sensor, process, bottles
    meaning: str
    targets: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()


@dataclass(frozen=True, slots=True)
class FaultOrder:
    """One fault of a timeline: from `at_s` of process time on, for `for_s` (None: until cleared), or `count` times.

    `when` starts it at the first moment after `at_s` at which a reading meets a condition, such as
    `z3.temperature > 70`. `place` is where it stands (file, line, column).
    """

    kind: str
    target: str = ""
    at_s: float = 0.0
    for_s: float | None = None
    count: int | None = None
    when: str = ""
    values: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    place: tuple[str, int, int] = ("", 1, 1)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A timeline of faults on a simulated line, with the state it starts from and how long it goes."""

    name: str
    line: str  # its line file
    duration_s: float
    faults: tuple[FaultOrder, ...]
    seed: int = 1
    initial: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    lots: tuple[Mapping[str, str | float], ...] = ()  # what is fed to the washer, in this order
    recipe: str = ""  # the washer's
    description: str = ""
    source: str = ""
    file_hash: str = ""
