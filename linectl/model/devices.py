"""An instrument as data: what its registers hold, where that was read, and what a sound one answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from drivers.link import Point
from drivers.settings import SerialSettings, UnitSettings
from linectl.model.scaling import Scaling

__all__ = ["Device", "DeviceDefinition", "DevicePoint", "Expectation"]


@dataclass(frozen=True, slots=True)
class DevicePoint:
    """One quantity of an instrument, in `unit`; the address of `point` is without the unit id: `hr2089:10+2`."""

    name: str
    point: Point
    unit: str = ""
    description: str = ""
    scaling: Scaling = field(default_factory=Scaling)
    low: float | None = None
    high: float | None = None
    states: Mapping[int, str] = field(default_factory=dict, hash=False)
    counter: bool = False
    writable: bool = False
    dtype: str = "float"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a sound instrument says at its point `point`: `constant` raw, or a value within low..high in its unit.

    Anything else means a wrong register, unit id, word order or scale; `meaning` says which, for people.
    """

    point: str
    constant: float | str | None = None
    low: float | None = None
    high: float | None = None
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class DeviceDefinition:
    """A kind of instrument, as read from its file.

    `sources` are the manuals it was taken from, `unverified` what no source confirms: check that on the device.
    `links` are the types of link that reach it; `unit` and `serial` (without a port) are as it leaves the factory.
    """

    name: str
    points: Mapping[str, DevicePoint]
    maker: str = ""
    model: str = ""
    description: str = ""
    sources: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    unit: int = 1
    serial: SerialSettings | None = None
    limits: UnitSettings = field(default_factory=UnitSettings)
    expectations: tuple[Expectation, ...] = ()
    source: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Device:
    """One instrument of a line: the unit id `unit` of `link`, and the kind that it is."""

    name: str
    link: str
    unit: int
    definition: DeviceDefinition

    def point(self, name: str) -> Point:
        """Return the whole point (with the unit id) of the quantity called `name` in the device file."""
        bare = self.definition.points[name].point
        return Point(f"{self.unit}/{bare.address}", bare.kind, bare.readback, bare.order)
