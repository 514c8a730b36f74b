"""A line as data: its links, tags, zones and limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from drivers.link import Point
from drivers.settings import LinkSettings
from linectl.model.calibrations import Calibration

__all__ = ["Control", "Derivation", "Limit", "LineDefinition", "Scaling", "Tag", "Zone"]


@dataclass(frozen=True, slots=True)
class Scaling:
    """Engineering value = raw * gain + offset; `bad_raw` are raw codes by which the device says "sensor fault"."""

    gain: float = 1.0
    offset: float = 0.0
    bad_raw: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Derivation:
    """A value computed from other tags: `law` names the function, `inputs` its tags in order."""

    law: str
    inputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tag:
    """One named quantity of the line, `zone.quantity`, in `unit`; from a wire's point or derived from other tags.

    `limit` names the quantity of the zone's limits that bounds what may be written here (`temperature`, `naoh`).
    """

    name: str
    unit: str
    description: str = ""
    label: str = ""
    link: str = ""
    point: Point | None = None
    derived: Derivation | None = None
    low: float | None = None
    high: float | None = None
    scaling: Scaling = Scaling()
    deadband: float = 0.0
    writable: bool = False
    limit: str = ""
    scan: str = ""
    dtype: str = "float"  # float | int | bool


@dataclass(frozen=True, slots=True)
class Limit:
    """Limits in the tag's unit: above `warn` it is said, above `block` and `hard` it is refused (`hard` always)."""

    warn: float
    block: float
    hard: float


@dataclass(frozen=True, slots=True)
class Zone:
    """A bath or station of the line; `limits` by quantity (`temperature`, `naoh`)."""

    name: str
    kind: str
    volume_l: float
    positions: int = 0
    fill_temperature_c: float = 15.0
    heater_kw: float = 0.0
    fill_l_min: float = 0.0
    drain_l_min: float = 0.0
    limits: Mapping[str, Limit] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Control:
    """What keeps the PLC's watchdog content, by tag name, and who owns the line (`token`)."""

    heartbeat: str
    plc_counter: str
    owner: str
    boot_counter: str
    period_s: float = 0.5
    token: int = 1


@dataclass(frozen=True, slots=True)
class LineDefinition:
    """A whole line, as read from its file.

    `simulated` lines have no equipment; `speed` is process seconds per second; `hands` names the link through which a
    simulated operator moves bottles. `config_hash` is the SHA-256 of the file.
    """

    name: str
    links: Mapping[str, LinkSettings]
    scans: Mapping[str, float]  # group -> period in s
    tags: Mapping[str, Tag]
    zones: Mapping[str, Zone]
    control: Control | None = None
    store: str = ""
    simulated: bool = False
    speed: float = 1.0
    hands: str = ""
    calibration: str = ""  # the file that holds `calibrations`, which are by tag
    calibrations: Mapping[str, Calibration] = field(default_factory=dict)
    calibration_hash: str = ""
    source: str = ""
    config_hash: str = ""
