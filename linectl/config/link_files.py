"""What a line file may say of its links, and their way into `drivers.settings`."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from drivers.settings import (
    CirculatorSettings,
    EzoSettings,
    LinkSettings,
    MemorySettings,
    ModbusRtuSettings,
    ModbusTcpSettings,
    MqttSettings,
    MqttSource,
    SerialSettings,
    SicsSettings,
    TlsSettings,
    UnitSettings,
)
from linectl.config.schema import FileModel

__all__ = ["HOLE", "PASSWORD_KEYS", "HandshakeFile", "LinkFile", "MqttFile", "UnitFile", "units_of"]

Text = Annotated[str, Field(min_length=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
NetworkPort = Annotated[int, Field(ge=1, le=65535)]
Baud = Annotated[int, Field(ge=50, le=4_000_000)]
Word = Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]

HOLE = re.compile(r"(co|di|ir|hr)([0-9]{1,5})(?:-([0-9]{1,5}))?")
"""How a line file writes addresses that a unit must never be asked for: `hr100-119`, or `hr7`."""

PASSWORD_KEYS = ("password_secret", "password_file", "password_env")
"""How a broker's link says where its password is kept: one of them."""

_TLS_PORT = 8883  # the port that IANA keeps for MQTT over TLS


class UnitFile(FileModel):
    """What one Modbus unit can do, where it is less than the protocol allows."""

    name: str = ""
    max_registers: Annotated[int, Field(ge=1, le=125)] = 125
    max_bits: Annotated[int, Field(ge=1, le=2000)] = 2000
    max_written: Annotated[int, Field(ge=1, le=123)] = 123
    write_function: Literal[0, 16] = 0
    nonce: bool = False
    read_write: bool = False
    holes: tuple[Text, ...] = ()

    def settings(self) -> UnitSettings:
        """Return the settings; `holes` are from an address to the one past their end."""
        found = (HOLE.fullmatch(hole) for hole in self.holes)
        holes = tuple((each[1], int(each[2]), int(each[3] or each[2]) + 1) for each in found if each)
        return UnitSettings(**self.model_dump(exclude={"holes"}), holes=holes)


def units_of(units: dict[str, UnitFile]) -> dict[int, UnitSettings]:
    """Return the settings by unit id."""
    return {int(unit): each.settings() for unit, each in units.items() if unit.isdecimal()}


class ModbusTcpFile(FileModel):
    """A Modbus TCP server or gateway."""

    type: Literal["modbus_tcp"]
    host: Text
    port: NetworkPort = 502
    timeout_s: Positive = 0.5
    units: dict[str, UnitFile] = Field(default_factory=dict)

    def settings(self) -> LinkSettings:
        """Return how to reach it."""
        return ModbusTcpSettings(self.host, self.port, self.timeout_s, units_of(self.units))


class SerialFile(FileModel):
    """A serial line: a path, `socket://host:port` or `rfc2217://host:port`."""

    port: Text
    baud: Baud = 9600
    bits: Literal[7, 8] = 8
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: Literal[1, 2] = 1

    def serial(self) -> SerialSettings:
        """Return the line's settings."""
        return SerialSettings(self.port, self.baud, self.bits, self.parity, self.stop_bits)


class HandshakeFile(SerialFile):
    """A serial line to one instrument, which may want a handshake."""

    xonxoff: bool = False
    rtscts: bool = False

    def serial(self) -> SerialSettings:
        """Return the line's settings."""
        return replace(super().serial(), xonxoff=self.xonxoff, rtscts=self.rtscts)


class ModbusRtuFile(SerialFile):
    """Modbus RTU on a serial line, or over TCP."""

    type: Literal["modbus_rtu"]
    turnaround_s: NotNegative = 0.1
    adapter_latency_s: NotNegative = 0.016
    timeout_s: NotNegative = 0.0
    window_s: NotNegative = 0.0
    units: dict[str, UnitFile] = Field(default_factory=dict)

    def settings(self) -> LinkSettings:
        """Return how to reach it."""
        times = (self.turnaround_s, self.adapter_latency_s, self.timeout_s, self.window_s)
        return ModbusRtuSettings(self.serial(), *times, units_of(self.units))


class EzoFile(FileModel):
    """An Atlas EZO instrument on a serial port."""

    type: Literal["ezo"]
    port: Text
    device: Literal["RTD", "EC", "pH"]
    baud: Literal[300, 1200, 2400, 9600, 19200, 38400, 57600, 115200] = 9600
    timeout_s: Positive = 0.9

    def settings(self) -> LinkSettings:
        """Return how to reach it."""
        return EzoSettings(self.port, self.device, self.baud, self.timeout_s)


class SicsFile(HandshakeFile):
    """A balance that speaks MT-SICS."""

    type: Literal["sics"]
    timeout_s: Positive = 1.0
    stable_s: Positive = 10.0

    def settings(self) -> LinkSettings:
        """Return how to reach it."""
        return SicsSettings(self.serial(), self.timeout_s, self.stable_s)


class CirculatorFile(HandshakeFile):
    """A heating circulator."""

    type: Literal["circulator"]
    timeout_s: Positive = 1.0

    def settings(self) -> LinkSettings:
        """Return how to reach it."""
        return CirculatorSettings(self.serial(), self.timeout_s)


class TlsFile(FileModel):
    """TLS to a broker; relative paths are looked for beside the line file."""

    ca_file: Text
    certificate_file: str = ""
    key_file: str = ""


class SourceFile(FileModel):
    """One sensor behind a broker."""

    topic: Text
    form: Literal["json", "number", "tasmota", "shelly", "zigbee2mqtt"] = "json"
    period_s: NotNegative = 0.0


class MqttFile(FileModel):
    """An MQTT broker. `password` is taken only to be refused with what to do."""

    type: Literal["mqtt"]
    host: Text
    port: NetworkPort = 1883
    topics: tuple[Text, ...] = ("#",)
    keepalive_s: Annotated[int, Field(ge=1, le=65535)] = 5
    identifier: str = ""
    username: str = ""
    password: Any = None
    password_file: str = ""
    password_env: str = ""
    password_secret: str = ""
    version: Literal["3.1.1", "5"] = "3.1.1"
    tls: TlsFile | None = None
    sources: dict[Word, SourceFile] = Field(default_factory=dict)

    @field_validator("version", mode="before")
    @classmethod
    def _plain(cls, value: Any) -> Any:
        return "5" if value == 5 and not isinstance(value, bool) else value

    def settings(self) -> LinkSettings:
        """Return how to reach it; a password is not among it, and TLS paths are as written."""
        tls = self.tls
        return MqttSettings(
            host=self.host,
            port=_TLS_PORT if tls is not None and "port" not in self.model_fields_set else self.port,
            topics=() if self.sources and "topics" not in self.model_fields_set else self.topics,
            keepalive_s=self.keepalive_s,
            identifier=self.identifier,
            username=self.username,
            version=self.version,
            tls=None if tls is None else TlsSettings(tls.ca_file, tls.certificate_file, tls.key_file),
            sources={name: MqttSource(each.topic, each.form, each.period_s) for name, each in self.sources.items()},
        )


class MemoryFile(FileModel):
    """A link without a wire, given by the program."""

    type: Literal["memory"]
    name: Text

    def settings(self) -> LinkSettings:
        """Return its name."""
        return MemorySettings(self.name)


LinkFile = Annotated[
    ModbusTcpFile | ModbusRtuFile | EzoFile | SicsFile | CirculatorFile | MqttFile | MemoryFile,
    Field(discriminator="type"),
]
