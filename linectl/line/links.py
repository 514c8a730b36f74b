"""Settings -> links. The drivers' libraries are loaded here, when a line is opened, and nowhere else."""

from __future__ import annotations

from drivers.link import Link
from drivers.settings import EzoSettings, LinkSettings, MemorySettings, ModbusTcpSettings
from linectl.errors import ConfigError
from linectl.words import tr

__all__ = ["address_of", "build_link", "what_to_try"]


def build_link(settings: LinkSettings) -> Link:
    """Return a closed link to what `settings` say.

    Raises:
        ConfigError: the settings name a link in memory, which only the program itself can give.
    """
    if isinstance(settings, ModbusTcpSettings):
        from drivers.modbus import ModbusTcpLink

        return ModbusTcpLink(settings)
    if isinstance(settings, EzoSettings):
        from drivers.ezo import EzoLink

        return EzoLink(settings)
    if isinstance(settings, MemorySettings):
        raise ConfigError(
            tr("the link `{name}` is in memory: it exists only inside the program").format(name=settings.name)
        )
    from drivers.mqtt import MqttLink

    return MqttLink(settings)


def address_of(settings: LinkSettings) -> str:
    """Return the address as people write it."""
    if isinstance(settings, MemorySettings):
        return settings.name
    if isinstance(settings, EzoSettings):
        return settings.port
    return f"{settings.host}:{settings.port}"


def what_to_try(settings: LinkSettings) -> str:
    """Return what a person can do when nothing answers at the address."""
    if isinstance(settings, EzoSettings):
        return tr("is the cable in, and may you read the port (group dialout)? ls -l /dev/serial/by-id")
    if isinstance(settings, ModbusTcpSettings):
        return tr("is the PLC on, and is the address right? Without equipment: --sim, or linectl sim up")
    return tr("does the broker run, and is the address right? Without equipment: --sim, or linectl sim up")
