"""One look at a simulated plant: what is true, beside what its PLC and its instruments say.

Plain data, so that it goes over the control socket and back; the picture is drawn from it alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["BottleView", "FaultView", "Quantity", "TwinView", "ZoneView", "as_data", "view_of"]


@dataclass(frozen=True, slots=True)
class Quantity:
    """One figure of the plant: the truth, and what is told of it outside (None: a broken sensor, or nobody tells).

    `tolerance` is what lag and noise of a sound sensor explain; a larger difference is a lie.
    """

    name: str  # temperature, naoh, level, conductivity, heater, ...
    unit: str
    true: float
    told: float | None = None
    is_told: bool = False
    setpoint: float | None = None
    tolerance: float = 0.0
    digits: int = 1

    @property
    def differs(self) -> bool:
        """Whether what is told is not what is true."""
        return self.is_told and (self.told is None or abs(self.told - self.true) > self.tolerance)


@dataclass(frozen=True, slots=True)
class ZoneView:
    """One tank: what it holds, and how many bottles are in it (of how many places)."""

    name: str
    kind: str
    level_pct: float
    quantities: tuple[Quantity, ...]
    bottles: int = 0
    places: int = 0

    def quantity(self, name: str) -> Quantity | None:
        """Return the quantity of that name, None when the zone has none."""
        return next((each for each in self.quantities if each.name == name), None)


@dataclass(frozen=True, slots=True)
class BottleView:
    """One place of a bath: its number, the glue there, and whether the label is still on."""

    place: int
    glue: str
    attached: bool


@dataclass(frozen=True, slots=True)
class FaultView:
    """A fault that stands, waits or has ended."""

    number: int
    kind: str
    target: str
    state: str  # waiting, standing, ended
    since_s: float | None  # process time
    until_s: float | None
    text: str = ""  # its figures, or the machine word for why it ended
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TwinView:
    """The whole plant at one moment. Names of alarms are machine words."""

    line: str
    plant: str  # bath or washer
    seed: int
    speed: float
    process_s: float
    plc_state: str
    owner: int
    alarms: tuple[str, ...]
    zones: tuple[ZoneView, ...]
    counts: Mapping[str, float]
    warnings: tuple[str, ...] = ()
    refused: str = ""  # why the washer takes no bottle in
    machine: tuple[Quantity, ...] = ()  # of the whole machine: chain, torque, extraction ...
    bottles: tuple[BottleView, ...] = ()
    carriers: float = 0.0  # rows of the chain that have passed the infeed: what makes the picture move
    faults: tuple[FaultView, ...] = ()
    late_s: float = 0.0  # how late the plant was brought to the present last, and at its worst: s of wire time
    worst_s: float = 0.0
    overruns: int = 0  # how often later than the next time was due
    held: bool = True  # whether this computer holds the speed

    @property
    def standing(self) -> tuple[FaultView, ...]:
        """The faults that act now."""
        return tuple(each for each in self.faults if each.state == "standing")


def as_data(view: TwinView) -> dict[str, Any]:
    """Return `view` as JSON says it."""
    return asdict(view)


def view_of(data: Mapping[str, Any]) -> TwinView:
    """Return the view that `as_data` made JSON of.

    Raises:
        TypeError: it is none; another version speaks.
        KeyError: the same.
    """
    zones = tuple(
        ZoneView(**{**zone, "quantities": tuple(Quantity(**each) for each in zone["quantities"])})
        for zone in data["zones"]
    )
    return TwinView(
        **{
            **data,
            "zones": zones,
            "alarms": tuple(data["alarms"]),
            "warnings": tuple(data["warnings"]),
            "machine": tuple(Quantity(**each) for each in data["machine"]),
            "bottles": tuple(BottleView(**each) for each in data["bottles"]),
            "faults": tuple(FaultView(**each) for each in data["faults"]),
        }
    )
