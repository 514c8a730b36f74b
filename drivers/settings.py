"""How to reach each kind of wire, as plain data that loads no driver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = [
    "CirculatorSettings",
    "EzoSettings",
    "LinkSettings",
    "MemorySettings",
    "ModbusRtuSettings",
    "ModbusTcpSettings",
    "MqttSettings",
    "MqttSource",
    "SerialSettings",
    "SicsSettings",
    "TlsSettings",
    "UnitSettings",
]


@dataclass(frozen=True, slots=True)
class SerialSettings:
    """A serial line: a device's path (by-id paths are steady), `socket://host:port` or `rfc2217://host:port`.

    `xonxoff` and `rtscts` are the handshakes in software and by the lines RTS and CTS, which the cable must carry.
    """

    port: str
    baud: int = 9600
    bits: int = 8
    parity: str = "N"  # N, E, O
    stop_bits: int = 1
    xonxoff: bool = False
    rtscts: bool = False

    @property
    def character_s(self) -> float:
        """How long one character takes on the wire, s: start bit, data, parity, stop bits."""
        return (1 + self.bits + (self.parity != "N") + self.stop_bits) / self.baud


@dataclass(frozen=True, slots=True)
class UnitSettings:
    """What one Modbus unit can do, where it is less than the protocol allows.

    `write_function` 0 writes single values by functions 5 and 6 and several by 15 and 16; 16 writes registers by 16
    only. `nonce` asks a loopback (function 8) with a random number after each quarantine. `read_write` writes
    and reads back in one request (function 23). `holes` are tables and addresses (from, past the end) never read.
    """

    name: str = ""
    max_registers: int = 125
    max_bits: int = 2000
    max_written: int = 123
    write_function: int = 0
    nonce: bool = False
    read_write: bool = False
    holes: tuple[tuple[str, int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ModbusTcpSettings:
    """A Modbus TCP server or gateway; `timeout_s` bounds one request; `units` by unit id, where a unit is special."""

    host: str
    port: int = 502
    timeout_s: float = 0.5
    units: Mapping[int, UnitSettings] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModbusRtuSettings:
    """Modbus RTU on a serial line, or over TCP when the port is `socket://host:port`.

    `turnaround_s` is the longest time a unit takes before it answers, `adapter_latency_s` what the adapter or gateway
    may add (a USB adapter holds bytes for up to 16 ms). `timeout_s` and `window_s` 0 are computed from these and the
    longest frame at the baud rate.
    """

    serial: SerialSettings
    turnaround_s: float = 0.1
    adapter_latency_s: float = 0.016
    timeout_s: float = 0.0
    window_s: float = 0.0
    units: Mapping[int, UnitSettings] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EzoSettings:
    """An Atlas EZO instrument on a serial port; `device` is what its `i` command answers (RTD, EC, pH)."""

    port: str
    device: str
    baud: int = 9600
    timeout_s: float = 0.9


@dataclass(frozen=True, slots=True)
class SicsSettings:
    """A balance that speaks MT-SICS; `stable_s` is how long a stable weight is waited for."""

    serial: SerialSettings
    timeout_s: float = 1.0
    stable_s: float = 10.0


@dataclass(frozen=True, slots=True)
class CirculatorSettings:
    """A heating circulator of the IN_PV / OUT_SP / OUT_MODE command family."""

    serial: SerialSettings
    timeout_s: float = 1.0


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """TLS to a broker: the authority's certificate, and our own with its key when the broker asks for one."""

    ca_file: str
    certificate_file: str = ""
    key_file: str = ""


@dataclass(frozen=True, slots=True)
class MqttSource:
    """One sensor behind a broker: the form it publishes in, its topic (base topic), and its own period.

    `form` is json, number, tasmota, shelly or zigbee2mqtt. `period_s` 0 is learned from what arrives.
    """

    topic: str
    form: str = "json"
    period_s: float = 0.0


@dataclass(frozen=True, slots=True)
class MqttSettings:
    """An MQTT broker; `topics` are the filters to subscribe to beside those of `sources` (by name)."""

    host: str
    port: int = 1883
    topics: tuple[str, ...] = ("#",)
    keepalive_s: int = 5
    identifier: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    version: str = "3.1.1"  # or 5
    tls: TlsSettings | None = None
    sources: Mapping[str, MqttSource] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MemorySettings:
    """A link without a wire: the object that answers is given by the program (tests, the simulator in memory)."""

    name: str


LinkSettings = (
    ModbusTcpSettings
    | ModbusRtuSettings
    | EzoSettings
    | SicsSettings
    | CirculatorSettings
    | MqttSettings
    | MemorySettings
)
