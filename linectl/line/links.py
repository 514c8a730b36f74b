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

__all__ = ["address_of", "broker_trouble", "build_link", "what_to_try"]

_LINKS = {
    ModbusTcpSettings: ("drivers.modbus.link", "ModbusLink"),
    ModbusRtuSettings: ("drivers.modbus.link", "ModbusLink"),
    EzoSettings: ("drivers.instruments.ezo", "EzoLink"),
    SicsSettings: ("drivers.instruments.sics", "SicsLink"),
    CirculatorSettings: ("drivers.instruments.circulator", "CirculatorLink"),
    MqttSettings: ("drivers.mqtt.link", "MqttLink"),
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


def what_to_try(settings: LinkSettings, why: str = "") -> str:
    """Return what a person can do when nothing answers at the address, or, with `why`, when it says that."""
    match settings:
        case EzoSettings() | ModbusRtuSettings() | SicsSettings() | CirculatorSettings():
            return _port_trouble(address_of(settings), why)
        case ModbusTcpSettings():
            return tr("is the PLC on, and is the address right? Without equipment: --sim, or linectl sim up")
        case MqttSettings():
            return broker_trouble(settings, why)[1]
        case _:
            return tr("does the broker run, and is the address right? Without equipment: --sim, or linectl sim up")


def _port_trouble(port: str, why: str) -> str:
    if "another program has it" in why:
        return tr("a port is one program's alone; `linectl scan serial` tells who has which")
    if "://" in port:
        return tr("is the serial server on, and are its host and port right?")
    return tr("is the cable in, and may you read the port (group dialout)? ls -l /dev/serial/by-id")


def broker_trouble(settings: MqttSettings, why: str) -> tuple[str, str]:
    """Return a machine word for what keeps us from a broker that says `why`, and what a person can do about it."""
    rules = (  # refusals first: what is refused may be called anything
        (
            ("refuses to send",),
            "broker_acl",
            tr("the broker's access list (acl_file) must let this user read these topics"),
        ),
        (
            ("authori", "user name", "this password"),
            "broker_login",
            tr("are `username` and its password right, and does the broker know them?"),
        ),
        (
            ("client certificate", "certificate required"),
            "broker_tls",
            tr("name ours at the link: `tls: {ca_file: ..., certificate_file: ..., key_file: ...}`"),
        ),
        (("closed the connection", "reset by peer", "wrong version number"), "broker_tls", _tls_or_not(settings)),
        (("cannot be used",), "broker_tls", tr("expected PEM files that are there, the key that of the certificate")),
        (
            ("certificate", "ssl", "tls"),
            "broker_tls",
            tr("is `ca_file` the authority of this broker, and `host` the name in its certificate?"),
        ),
    )
    said = why.removeprefix(f"mqtt://{address_of(settings)}: ").lower()
    for words, code, do in rules:
        if any(word in said for word in words):
            return code, do
    text = tr("does the broker run, and is the address right? Without equipment: --sim, or linectl sim up")
    return "link_unopened", text


def _tls_or_not(settings: MqttSettings) -> str:
    if settings.tls is None:
        return tr("does it speak TLS on this port (8883 usually)? then the link needs `tls: {ca_file: ...}`")
    return tr("does it speak TLS on this port? 8883 usually does, 1883 does not: then leave `tls` out")
