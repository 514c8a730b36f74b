"""Settings -> links. The drivers' libraries are loaded here, when a line is opened, and nowhere else."""

from __future__ import annotations

from importlib import import_module

from drivers.link import Link
from drivers.settings import (
    CirculatorSettings,
    EzoSettings,
    LinkSettings,
    MemorySettings,
    ModbusRtuSettings,
    ModbusTcpSettings,
    MqttSettings,
    SicsSettings,
)
from linectl.errors import ConfigError
from linectl.words import tr

__all__ = ["address_of", "build_link", "what_to_try"]

_LINKS = {
    ModbusTcpSettings: ("drivers.modbus.link", "ModbusLink"),
    ModbusRtuSettings: ("drivers.modbus.link", "ModbusLink"),
    EzoSettings: ("drivers.ezo", "EzoLink"),
    SicsSettings: ("drivers.sics", "SicsLink"),
    CirculatorSettings: ("drivers.circulator", "CirculatorLink"),
    MqttSettings: ("drivers.mqtt", "MqttLink"),
}


def build_link(settings: LinkSettings) -> Link:
    """Return a closed link to what `settings` say.

    Raises:
        ConfigError: the settings name a link in memory, which only the program itself can give.
    """
    if isinstance(settings, MemorySettings):
        raise ConfigError(
            tr("the link `{name}` is in memory: it exists only inside the program").format(name=settings.name)
        )
    module, name = _LINKS[type(settings)]
    link: Link = getattr(import_module(module), name)(settings)
    return link


def address_of(settings: LinkSettings) -> str:
    """Return the address as people write it."""
    match settings:
        case MemorySettings():
            return settings.name
        case EzoSettings():
            return settings.port
        case ModbusRtuSettings() | SicsSettings() | CirculatorSettings():
            return settings.serial.port
        case ModbusTcpSettings() | MqttSettings():
            return f"{settings.host}:{settings.port}"


def what_to_try(settings: LinkSettings) -> str:
    """Return what a person can do when nothing answers at the address."""
    match settings:
        case EzoSettings() | ModbusRtuSettings() | SicsSettings() | CirculatorSettings():
            return tr("is the cable in, and may you read the port (group dialout)? ls -l /dev/serial/by-id")
        case ModbusTcpSettings():
            return tr("is the PLC on, and is the address right? Without equipment: --sim, or linectl sim up")
        case _:
            return tr("does the broker run, and is the address right? Without equipment: --sim, or linectl sim up")
