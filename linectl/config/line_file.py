"""What a line file may say, and its way into `linectl.model.lines`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from drivers.link import Point
from drivers.settings import EzoSettings, LinkSettings, MemorySettings, ModbusTcpSettings, MqttSettings
from linectl.config.files import SourceText
from linectl.config.schema import FileModel, Finite
from linectl.model.lines import Control, Derivation, Limit, LineDefinition, Scaling, Tag, Zone

__all__ = ["LineFile", "TagFile", "line_definition"]

Text = Annotated[str, Field(min_length=1)]
TagName = Annotated[str, Field(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)+$")]
Word = Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Port = Annotated[int, Field(ge=1, le=65535)]


class ModbusTcpFile(FileModel):
    """A Modbus TCP server."""

    type: Literal["modbus_tcp"]
    host: Text
    port: Port = 502
    timeout_s: Positive = 0.5

    def settings(self) -> LinkSettings:
        """Return how to reach it."""
        return ModbusTcpSettings(self.host, self.port, self.timeout_s)


class EzoFile(FileModel):
    """An Atlas EZO instrument on a serial port."""

    type: Literal["ezo"]
    port: Text
    device: Literal["RTD", "EC"]
    baud: Literal[300, 1200, 2400, 9600, 19200, 38400, 57600, 115200] = 9600
    timeout_s: Positive = 0.9

    def settings(self) -> LinkSettings:
        """Return how to reach it."""
        return EzoSettings(self.port, self.device, self.baud, self.timeout_s)


class MqttFile(FileModel):
    """An MQTT broker."""

    type: Literal["mqtt"]
    host: Text
    port: Port = 1883
    topics: Annotated[tuple[Text, ...], Field(min_length=1)] = ("#",)
    keepalive_s: Annotated[int, Field(ge=1, le=65535)] = 5
    identifier: str = ""
    username: str = ""

    def settings(self) -> LinkSettings:
        """Return how to reach it."""
        return MqttSettings(self.host, self.port, self.topics, self.keepalive_s, self.identifier, self.username)


class MemoryFile(FileModel):
    """A link without a wire, given by the program."""

    type: Literal["memory"]
    name: Text

    def settings(self) -> LinkSettings:
        """Return its name."""
        return MemorySettings(self.name)


LinkFile = Annotated[ModbusTcpFile | EzoFile | MqttFile | MemoryFile, Field(discriminator="type")]


class LimitFile(FileModel):
    """Limits of one quantity, in its unit."""

    warn: Finite
    block: Finite
    hard: Finite


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


class TagFile(FileModel):
    """One tag: `link` and `point`, or `derived`."""

    unit: str = ""
    description: str = ""
    label: str = ""
    link: str = ""
    point: str = ""
    kind: Literal["u16", "i16", "u32", "i32", "f32", "bool", "block", "float", "str"] = "u16"
    readback: bool = True
    derived: DerivedFile | None = None
    low: Finite | None = None
    high: Finite | None = None
    gain: Finite = 1.0
    offset: Finite = 0.0
    bad_raw: tuple[Finite, ...] = ()
    deadband: NotNegative = 0.0
    writable: bool = False
    limit: str = ""
    scan: str = ""
    dtype: Literal["float", "int", "bool"] | None = None

    def tag(self, name: str) -> Tag:
        """Return the tag called `name`; without `dtype` a bool point is a bool and any other a float."""
        return Tag(
            name=name,
            unit=self.unit,
            description=self.description,
            label=self.label,
            link=self.link,
            point=None if self.derived else Point(self.point, self.kind, self.readback),
            derived=Derivation(self.derived.law, self.derived.inputs) if self.derived else None,
            low=self.low,
            high=self.high,
            scaling=Scaling(self.gain, self.offset, self.bad_raw),
            deadband=self.deadband,
            writable=self.writable,
            limit=self.limit,
            scan=self.scan,
            dtype=self.dtype or ("bool" if self.kind == "bool" and not self.derived else "float"),
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
    links: dict[Word, LinkFile]
    scans: dict[Word, Positive]
    control: ControlFile | None = None
    zones: dict[Word, ZoneFile] = Field(default_factory=dict)
    tags: dict[TagName, TagFile]


def line_definition(file: LineFile, source: SourceText) -> LineDefinition:
    """Return the line that a checked file describes."""
    control = file.control
    return LineDefinition(
        name=file.name,
        links={name: link.settings() for name, link in file.links.items()},
        scans=dict(file.scans),
        tags={name: tag.tag(name) for name, tag in file.tags.items()},
        zones={name: _zone(name, zone) for name, zone in file.zones.items()},
        control=None if control is None else Control(**control.model_dump()),
        store=file.store,
        simulated=file.simulated,
        speed=file.speed,
        hands=file.hands,
        calibration=file.calibration,
        source=source.path,
        config_hash=source.sha256,
    )


def _zone(name: str, file: ZoneFile) -> Zone:
    limits = {quantity: Limit(each.warn, each.block, each.hard) for quantity, each in file.limits.items()}
    values = file.model_dump(exclude={"limits"})
    return Zone(name=name, limits=limits, **values)
