"""A line as data: its links, tags, zones and limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from drivers.link import Point
from drivers.settings import LinkSettings
from linectl.model.alarms import Alarms
from linectl.model.calibrations import Calibration, Curve, Policy
from linectl.model.devices import Device
from linectl.model.interlocks import Interlocks
from linectl.model.scaling import Scaling

__all__ = [
    "Control",
    "Derivation",
    "Heating",
    "Limit",
    "LineDefinition",
    "SafeStep",
    "Scaling",
    "Secret",
    "Tag",
    "Zone",
]


@dataclass(frozen=True, slots=True)
class Derivation:
    """A value computed from other tags: `law` names the function, `inputs` its tags in order."""

    law: str
    inputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tag:
    """One named quantity of the line, `zone.quantity`, in `unit`; from a wire's point or derived from other tags.

    `limit` names the quantity of the zone's limits that bounds what may be written here (`temperature`, `naoh`).
    Outside `warn_low` to `warn_high` a write is asked about; one write changes the value by `step` at most, and writes
    together by `per_min` a minute; these stand beside those of the zone, and the narrower one counts.
    `states` names the numbers of an enumeration, and any other number is none of it. A `counter` adds up over its
    wraps. A tag of an instrument of the line names it (`device`) and its point there (`device_point`). `correction` is
    the curve of its active calibration, through which every value of it goes.
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
    scaling: Scaling = field(default_factory=Scaling)
    deadband: float = 0.0
    writable: bool = False
    limit: str = ""
    scan: str = ""
    dtype: str = "float"  # float | int | bool
    states: Mapping[int, str] = field(default_factory=dict, hash=False)
    counter: bool = False
    device: str = ""
    device_point: str = ""
    warn_low: float | None = None
    warn_high: float | None = None
    step: float | None = None
    per_min: float | None = None
    correction: Curve | None = None

    def state(self, value: float | None) -> str:
        """Return what people call `value` when the tag is an enumeration, else an empty text."""
        return "" if value is None else self.states.get(int(value), "")


@dataclass(frozen=True, slots=True)
class Limit:
    """Limits in the tag's unit: above `warn` it is said, above `block` and `hard` it is refused (`hard` always).

    One write changes a set point by `step` at most, and writes together by `per_min` a minute (None: as one likes).
    """

    warn: float
    block: float
    hard: float
    step: float | None = None
    per_min: float | None = None


@dataclass(frozen=True, slots=True)
class Heating:
    """How the heating of a zone is watched, by tag name: `temperature`, `setpoint`, and `enable`, which switches it.

    While it is on and more than `hysteresis_k` K below its set point it gains `gain_k` K in each `within_s` s. Above
    the set point by more than that it does not rise by `gain_k`. It is without a good temperature for `blind_s` s at
    most, and on for `max_on_s` s at a stretch.
    """

    temperature: str
    setpoint: str
    enable: str
    gain_k: float
    within_s: float
    max_on_s: float
    hysteresis_k: float
    blind_s: float = 10.0


@dataclass(frozen=True, slots=True)
class SafeStep:
    """One step of a line's safe state: `tag` is set to `value`, or the PLC is given `command` (stop, abort, hold)."""

    tag: str = ""
    value: float | int | bool | None = None
    command: str = ""


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
    heating: Heating | None = None


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
class Secret:
    """Where the password of `username` on a link is kept: a file, an environment variable, a secret's name.

    `place` is where the line file names it (file:line:column: key), for whoever has to put it right.
    """

    username: str
    file: str = ""
    env: str = ""
    name: str = ""
    place: tuple[str, int, int, str] = field(default=("", 1, 1, ""), compare=False)


@dataclass(frozen=True, slots=True)
class LineDefinition:
    """A whole line, as read from its file.

    `simulated` lines have no equipment; `speed` is process seconds per second; `hands` names the link through which a
    simulated operator moves bottles. `interlocks` are read from `interlocks_file`, `alarms` from `alarms_file`;
    `devices` are its instruments that are described by files of their own, `secrets` the passwords of its links, by
    link. `safe_state` is what makes it safe, in order; none: heater off, then stop, as far as it has them.
    `config_hash` is the SHA-256 of the file, with device files that of them all; calibrations, interlocks and alarms
    have hashes of their own. `calibrations` are by tag: the active record of each sensor in the folder
    `calibration_folder`, else what the file `calibration` says of it; `calibration_hash` is of all of them.
    `calibration_policy` says what an overdue one does to a run: block, warn or ignore.
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
    calibration: str = ""
    calibration_folder: str = ""
    calibration_policy: Policy = "warn"
    calibrations: Mapping[str, Calibration] = field(default_factory=dict)
    calibration_hash: str = ""
    source: str = ""
    config_hash: str = ""
    devices: Mapping[str, Device] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    safe_state: tuple[SafeStep, ...] = ()
    interlocks_file: str = ""
    interlocks: Interlocks | None = None
    alarms_file: str = ""
    alarms: Alarms | None = None
