"""What a line file may say, and its way into `linectl.model.lines`."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from drivers.link import Point
from drivers.settings import LinkSettings, ModbusRtuSettings, ModbusTcpSettings, MqttSettings, TlsSettings, UnitSettings
from linectl.config.link_files import PASSWORD_KEYS, LinkFile, MqttFile
from linectl.config.nodes import Document
from linectl.config.point_fields import PointFields
from linectl.config.schema import FileModel, Finite
from linectl.model.devices import Device
from linectl.model.lines import Control, Derivation, Heating, Limit, LineDefinition, SafeStep, Secret, Tag, Zone
from linectl.words import tr

__all__ = ["DeviceEntry", "LineFile", "TagFile", "line_definition"]

Text = Annotated[str, Field(min_length=1)]
TagName = Annotated[str, Field(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)+$")]
Word = Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
UnitId = Annotated[int, Field(ge=1, le=255)]


class LimitFile(FileModel):
    """Limits of one quantity, in its unit."""

    warn: Finite
    block: Finite
    hard: Finite
    step: Positive | None = None
    per_min: Positive | None = None


class HeatingFile(FileModel):
    """How the heating of a zone is watched; tags that are left out are those of the zone.

    `temperature`, `setpoint`, and `heater_enable` as `enable`.
    """

    gain_k: Positive
    within_s: Positive
    max_on_s: Positive
    hysteresis_k: Positive
    blind_s: Positive = 10.0
    temperature: TagName | None = None
    setpoint: TagName | None = None
    enable: TagName | None = None

    def of(self, zone: str) -> Heating:
        """Return the rule for the zone called `zone`."""
        return Heating(
            temperature=self.temperature or f"{zone}.temperature",
            setpoint=self.setpoint or f"{zone}.setpoint",
            enable=self.enable or f"{zone}.heater_enable",
            gain_k=self.gain_k,
            within_s=self.within_s,
            max_on_s=self.max_on_s,
            hysteresis_k=self.hysteresis_k,
            blind_s=self.blind_s,
        )


def _bool_or_number(value: Any) -> Any:
    """Let through what can be written to a tag; the two kinds of a union would each complain in their own words."""
    if isinstance(value, bool | int | float) and math.isfinite(value):
        return value
    raise ValueError(tr("expected true, false or a number, not {got}").format(got=str(value)[:40]))


class SafeStepFile(FileModel):
    """One step to the safe state: a tag and its value, or a command of the PLC."""

    tag: TagName | None = None
    value: Annotated[bool | Finite | None, BeforeValidator(_bool_or_number)] = None
    command: Literal["stop", "abort", "hold"] | None = None


class ZoneFile(FileModel):
    """A bath or station."""

    kind: Literal["bath", "prerinse", "presoak", "caustic", "jets", "rinse", "final"]
    volume_l: Positive
    positions: Annotated[int, Field(ge=0, le=1000)] = 0
    fill_temperature_c: Finite = 15.0
    heater_kw: NotNegative = 0.0
    fill_l_min: NotNegative = 0.0
    drain_l_min: NotNegative = 0.0
    limits: dict[Word, LimitFile] = Field(default_factory=dict)
    heating: HeatingFile | None = None


class ControlFile(FileModel):
    """The tags that keep the PLC's watchdog content."""

    heartbeat: TagName
    plc_counter: TagName
    owner: TagName
    boot_counter: TagName
    period_s: Positive = 0.5
    token: Annotated[int, Field(ge=1, le=65535)] = 1


class DerivedFile(FileModel):
    """A value computed from other tags."""

    law: Text
    inputs: tuple[TagName, ...]


class DeviceEntry(FileModel):
    """One instrument of the line: the file that describes its kind, and where it is."""

    device: Text
    link: Text
    unit: UnitId | None = None


class TagFile(PointFields):
    """One tag: `link` and `point`, or `device` and the name of its point, or `derived`."""

    label: str = ""
    link: str = ""
    device: str = ""
    point: str = ""
    derived: DerivedFile | None = None
    deadband: NotNegative = 0.0
    limit: str = ""
    scan: str = ""
    warn_low: Finite | None = None
    warn_high: Finite | None = None
    step: Positive | None = None
    per_min: Positive | None = None

    def tag(self, name: str, device_point: str = "") -> Tag:
        """Return the tag called `name`, which may be the point `device_point` of its device."""
        return Tag(
            name=name,
            unit=self.unit,
            description=self.description,
            label=self.label,
            link=self.link,
            point=None if self.derived else Point(self.point, self.kind, self.readback, self.order),
            derived=Derivation(self.derived.law, self.derived.inputs) if self.derived else None,
            low=self.low,
            high=self.high,
            scaling=self.scaling(),
            deadband=self.deadband,
            writable=self.writable,
            limit=self.limit,
            scan=self.scan,
            dtype="float" if self.derived and self.dtype is None else self.type_of_value(),
            states=self.names(),
            counter=self.counter,
            device=self.device,
            device_point=device_point,
            warn_low=self.warn_low,
            warn_high=self.warn_high,
            step=self.step,
            per_min=self.per_min,
        )


class LineFile(FileModel):
    """A whole line."""

    kind: Literal["line"]
    name: Word
    description: str = ""
    simulated: bool = False
    speed: Positive = 1.0
    store: str = ""
    hands: str = ""
    calibration: str = ""
    calibrations: str = ""
    calibration_policy: Literal["block", "warn", "ignore"] = "warn"
    interlocks: str = ""
    alarms: str = ""
    links: dict[Word, LinkFile]
    devices: dict[Word, DeviceEntry] = Field(default_factory=dict)
    scans: dict[Word, Positive] = Field(default_factory=dict)
    control: ControlFile | None = None
    safe_state: tuple[SafeStepFile, ...] = ()
    zones: dict[Word, ZoneFile] = Field(default_factory=dict)
    tags: dict[TagName, TagFile]


def line_definition(
    file: LineFile, document: Document, devices: Mapping[str, Device], device_points: Mapping[str, str]
) -> LineDefinition:
    """Return the line that a checked file describes; `device_points` names the point of each tag of an instrument."""
    control, source = file.control, document.source
    return LineDefinition(
        name=file.name,
        links=_links(file, source.path, devices),
        scans=dict(file.scans),
        tags={name: tag.tag(name, device_points.get(name, "")) for name, tag in file.tags.items()},
        zones={name: _zone(name, zone) for name, zone in file.zones.items()},
        control=None if control is None else Control(**control.model_dump()),
        store=file.store,
        simulated=file.simulated,
        speed=file.speed,
        hands=file.hands,
        calibration=file.calibration,
        calibration_folder=str(_records(file, Path(source.path))),
        calibration_policy=file.calibration_policy,
        interlocks_file=file.interlocks,
        alarms_file=file.alarms,
        source=source.path,
        config_hash=_hash(source.sha256, devices),
        devices=dict(devices),
        secrets=_secrets(file, document),
        safe_state=tuple(SafeStep(each.tag or "", each.value, each.command or "") for each in file.safe_state),
    )


def _hash(own: str, devices: Mapping[str, Device]) -> str:
    """Return the hash of the file, or of it and of its device files."""
    if not devices:
        return own
    parts = [own, *(device.definition.sha256 for device in devices.values())]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _links(file: LineFile, path: str, devices: Mapping[str, Device]) -> dict[str, LinkSettings]:
    """Return the settings of the links; a unit whose limits only its device file states gets those."""
    links = {name: _beside(link.settings(), Path(path).parent) for name, link in file.links.items()}
    for device in devices.values():
        settings = links[device.link]
        if not isinstance(settings, ModbusTcpSettings | ModbusRtuSettings) or device.unit in settings.units:
            continue
        if device.definition.limits != UnitSettings():
            limits = replace(device.definition.limits, name=device.name)
            links[device.link] = replace(settings, units={**settings.units, device.unit: limits})
    return links


def _beside(settings: LinkSettings, home: Path) -> LinkSettings:
    """Return the settings with the paths of TLS files taken from beside the line file."""
    if not isinstance(settings, MqttSettings) or settings.tls is None:
        return settings
    tls = settings.tls
    paths = (_resolved(each, home) for each in (tls.ca_file, tls.certificate_file, tls.key_file))
    return replace(settings, tls=TlsSettings(*paths))


def _records(file: LineFile, path: Path) -> Path:
    """Return the folder of the line's calibration records, whether it is there or not."""
    return (path.parent / (file.calibrations or f"calibrations/{file.name}")).resolve()


def _resolved(path: str, home: Path) -> str:
    return str((home / path).resolve()) if path else ""


def _secrets(file: LineFile, document: Document) -> dict[str, Secret]:
    """Return where passwords are kept, and of links with TLS where the line file names its files."""
    found = {}
    for name, link in file.links.items():
        if not isinstance(link, MqttFile):
            continue
        key = next((key for key in (*PASSWORD_KEYS, "tls") if getattr(link, key)), "")
        if key:
            problem = document.problem(("links", name, key), "")
            place = (problem.file, problem.line, problem.column, problem.where)
            kept = _resolved(link.password_file, Path(document.source.path).parent)
            found[name] = Secret(link.username, kept, link.password_env, link.password_secret, place)
    return found


def _zone(name: str, file: ZoneFile) -> Zone:
    limits = {quantity: Limit(**each.model_dump()) for quantity, each in file.limits.items()}
    values = file.model_dump(exclude={"limits", "heating"})
    heating = None if file.heating is None else file.heating.of(name)
    return Zone(name=name, limits=limits, heating=heating, **values)
