"""A link's settings in an exchange file: plain JSON without what is secret, and back again."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

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

__all__ = ["KINDS", "kind_of", "settings_from", "settings_to"]

KINDS: Mapping[str, type[LinkSettings]] = {
    "modbus_tcp": ModbusTcpSettings,
    "modbus_rtu": ModbusRtuSettings,
    "ezo": EzoSettings,
    "sics": SicsSettings,
    "circulator": CirculatorSettings,
    "mqtt": MqttSettings,
    "memory": MemorySettings,
}
"""The kinds of links, by the word that an exchange file uses."""

_SECRET = frozenset({"username", "password", "tls"})  # who we are, and where our keys lie, is nobody's business
_PLAIN: Mapping[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (float, int), "bool": (bool,)}


def kind_of(settings: LinkSettings) -> str:
    """Return the word for the kind of link that `settings` reach."""
    return next(word for word, kind in KINDS.items() if type(settings) is kind)


def settings_to(settings: LinkSettings) -> dict[str, object]:
    """Return `settings` as JSON takes them, without user name, password and the places of keys."""
    told: dict[str, object] = _as_json(settings)
    return told


def settings_from(kind: str, told: Mapping[str, object]) -> LinkSettings:
    """Return the settings that `settings_to` told of a link of `kind`; fields of a newer version are passed over.

    Raises:
        ValueError: the kind is unknown, or a field is missing or of the wrong type; the message names it.
    """
    if kind not in KINDS:
        raise ValueError(f"`{kind}` is no kind of link ({', '.join(KINDS)})")
    settings: LinkSettings = _record(KINDS[kind], told, "settings")
    return settings


def _as_json(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        names = (each.name for each in dataclasses.fields(value) if each.name not in _SECRET)
        return {name: _as_json(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {str(key): _as_json(each) for key, each in value.items()}
    return [_as_json(each) for each in value] if isinstance(value, tuple) else value


def _record(kind: type[Any], told: object, where: str) -> Any:
    """Return the dataclass `kind` from a JSON object."""
    if not isinstance(told, Mapping):
        raise ValueError(f"{where} is no object")  # noqa: TRY004  # one error for all that a file can hold
    fields = {each.name: each for each in dataclasses.fields(kind)}
    given = {name: told[name] for name in fields if name in told and name not in _SECRET}
    missing = [
        name
        for name, each in fields.items()
        if name not in given and each.default is dataclasses.MISSING and each.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise ValueError(f"{where} says nothing of {', '.join(missing)}")
    return kind(**{name: _field(str(fields[name].type), value, f"{where}.{name}") for name, value in given.items()})


def _field(kind: str, value: object, where: str) -> object:
    if kind in _PLAIN:
        if not isinstance(value, _PLAIN[kind]) or (isinstance(value, bool) and kind != "bool"):
            raise ValueError(f"{where} is no {kind}: {value!r:.40}")
        return value
    if kind in _NESTED:
        return _NESTED[kind](value, where)
    raise ValueError(f"{where} cannot be read by this version")


def _words(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError(f"{where} is no list of texts")
    return tuple(value)


def _holes(value: object, where: str) -> tuple[tuple[str, int, int], ...]:
    rows = value if isinstance(value, list) else [None]
    holes = []
    for row in rows:
        if not isinstance(row, list) or [type(each) for each in row] != [str, int, int]:
            raise ValueError(f"{where} is no list of [table, from, past the end]")
        holes.append((row[0], row[1], row[2]))
    return tuple(holes)


def _records(kind: type[Any], key: Callable[[str], Any]) -> Callable[[object, str], object]:
    def read(value: object, where: str) -> object:
        if not isinstance(value, Mapping):
            raise ValueError(f"{where} is no object")  # noqa: TRY004  # see above
        return {key(name): _record(kind, each, f"{where}.{name}") for name, each in value.items()}

    return read


_NESTED: Mapping[str, Callable[[object, str], object]] = {
    "SerialSettings": lambda value, where: _record(SerialSettings, value, where),
    "TlsSettings | None": lambda value, where: None if value is None else _record(TlsSettings, value, where),
    "tuple[str, ...]": _words,
    "tuple[tuple[str, int, int], ...]": _holes,
    "Mapping[int, UnitSettings]": _records(UnitSettings, int),
    "Mapping[str, MqttSource]": _records(MqttSource, str),
}
