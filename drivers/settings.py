"""How to reach each kind of wire, as plain data that loads no driver."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["EzoSettings", "LinkSettings", "MemorySettings", "ModbusTcpSettings", "MqttSettings"]


@dataclass(frozen=True, slots=True)
class ModbusTcpSettings:
    """A Modbus TCP server; `timeout_s` bounds one request."""

    host: str
    port: int = 502
    timeout_s: float = 0.5


@dataclass(frozen=True, slots=True)
class EzoSettings:
    """An Atlas EZO instrument on a serial port; `device` is what its `i` command answers (RTD, EC)."""

    port: str
    device: str
    baud: int = 9600
    timeout_s: float = 0.9


@dataclass(frozen=True, slots=True)
class MqttSettings:
    """An MQTT broker; `topics` are the filters to subscribe to."""

    host: str
    port: int = 1883
    topics: tuple[str, ...] = ("#",)
    keepalive_s: int = 5
    identifier: str = ""
    username: str = ""
    password: str = ""


@dataclass(frozen=True, slots=True)
class MemorySettings:
    """A link without a wire: the object that answers is given by the program (tests, the simulator in memory)."""

    name: str


LinkSettings = ModbusTcpSettings | EzoSettings | MqttSettings | MemorySettings
