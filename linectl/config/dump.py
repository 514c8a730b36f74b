"""A line as YAML that `load_line` reads back (`sim up --write-config`)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from drivers.settings import (
    CirculatorSettings,
    EzoSettings,
    LinkSettings,
    MemorySettings,
    ModbusRtuSettings,
    ModbusTcpSettings,
    MqttSettings,
    SicsSettings,
    UnitSettings,
)
from linectl.config.nodes import PLAIN_WORDS
from linectl.config.point_fields import usual_bad_raw
from linectl.model.devices import Device
from linectl.model.lines import LineDefinition, SafeStep, Secret, Tag, Zone

__all__ = ["PlainDumper", "dump_line", "plain_text"]

_TYPES = {
    ModbusTcpSettings: "modbus_tcp",
    ModbusRtuSettings: "modbus_rtu",
    EzoSettings: "ezo",
    SicsSettings: "sics",
    CirculatorSettings: "circulator",
    MqttSettings: "mqtt",
    MemorySettings: "memory",
}


class PlainDumper(yaml.SafeDumper):
    """Quotes what YAML 1.1 or YAML 1.2 would not read as text, and writes no aliases."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # PyYAML's signature
        """Write everything out, however often it occurs."""
        return True


for _tag, _pattern, _first in PLAIN_WORDS:
    PlainDumper.add_implicit_resolver(_tag, _pattern, _first)


def dump_line(definition: LineDefinition) -> str:
    """Return the YAML text of a line; where passwords are kept is written, passwords are not."""
    control = definition.control
    document: dict[str, Any] = {
        "kind": "line",
        "name": definition.name,
        "simulated": definition.simulated,
        "speed": definition.speed,
        "store": definition.store,
        "hands": definition.hands,
        "calibration": definition.calibration,
        "calibration_policy": definition.calibration_policy,
        "interlocks": definition.interlocks_file,
        "alarms": definition.alarms_file,
        "links": {name: _link(each, definition.secrets.get(name)) for name, each in definition.links.items()},
        "scans": dict(definition.scans),
    }
    if Path(definition.calibration_folder).is_dir():
        document["calibrations"] = definition.calibration_folder
    if definition.devices:
        document["devices"] = {name: _device(device) for name, device in definition.devices.items()}
    if control is not None:
        document["control"] = dataclasses.asdict(control)
    if definition.safe_state:
        document["safe_state"] = [_step(step) for step in definition.safe_state]
    document["zones"] = {name: _zone(zone) for name, zone in definition.zones.items()}
    document["tags"] = {name: _tag_entry(tag, definition.devices) for name, tag in definition.tags.items()}
    return plain_text(document)


def plain_text(document: Mapping[str, Any]) -> str:
    """Return plain data as YAML, in its own order."""
    text: str = yaml.dump(dict(document), Dumper=PlainDumper, sort_keys=False, allow_unicode=True, width=110)
    return text


def _link(settings: LinkSettings, secret: Secret | None) -> dict[str, Any]:
    values = _plain(dataclasses.asdict(settings))
    values.pop("password", None)
    values |= values.pop("serial", {})
    if isinstance(settings, ModbusTcpSettings | ModbusRtuSettings):
        values["units"] = {unit: _unit(each) for unit, each in settings.units.items()}
    if isinstance(settings, ModbusRtuSettings):
        del values["xonxoff"], values["rtscts"]  # its bytes are any bytes, its lines those of RS-485
    if isinstance(settings, MqttSettings) and secret is not None and secret.username == settings.username:
        values |= {"password_file": secret.file, "password_env": secret.env, "password_secret": secret.name}
    empty: tuple[Any, ...] = ({}, None, "")
    return {"type": _TYPES[type(settings)]} | {key: value for key, value in values.items() if value not in empty}


def _unit(settings: UnitSettings) -> dict[str, Any]:
    """Return what differs from a unit that can do everything."""
    usual = dataclasses.asdict(UnitSettings())
    values = dataclasses.asdict(settings)
    values["holes"] = [f"{table}{start}-{end - 1}" for table, start, end in settings.holes]
    return {key: value for key, value in values.items() if value not in (usual[key], [])}


def _device(device: Device) -> dict[str, Any]:
    return {"device": device.definition.source, "link": device.link, "unit": device.unit}


def _zone(zone: Zone) -> dict[str, Any]:
    values = {field.name: getattr(zone, field.name) for field in dataclasses.fields(zone) if field.name != "name"}
    values["limits"] = {quantity: _said(dataclasses.asdict(limit)) for quantity, limit in zone.limits.items()}
    del values["heating"]
    return values if zone.heating is None else values | {"heating": dataclasses.asdict(zone.heating)}


def _step(step: SafeStep) -> dict[str, Any]:
    return {"command": step.command} if step.command else {"tag": step.tag, "value": step.value}


def _said(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _tag_entry(tag: Tag, devices: Mapping[str, Device]) -> dict[str, Any]:
    """Return what differs from an empty entry, or from what the instrument's file says."""
    entry: dict[str, Any] = {"unit": tag.unit, "description": tag.description, "label": tag.label, "link": tag.link}
    if tag.point is not None:
        entry |= {"point": tag.point.address, "kind": tag.point.kind, "order": tag.point.order}
        entry["readback"] = tag.point.readback
    if tag.derived is not None:
        entry["derived"] = {"law": tag.derived.law, "inputs": list(tag.derived.inputs)}
    scaling = tag.scaling
    entry |= {"gain": scaling.gain, "offset": scaling.offset, "bad_raw": list(scaling.bad_raw)}
    entry |= {"low": tag.low, "high": tag.high, "states": dict(tag.states), "counter": tag.counter}
    entry |= {"deadband": tag.deadband, "writable": tag.writable, "limit": tag.limit, "scan": tag.scan}
    entry |= {"warn_low": tag.warn_low, "warn_high": tag.warn_high, "step": tag.step, "per_min": tag.per_min}
    entry["dtype"] = tag.dtype
    usual = _usual(tag, devices)
    return {key: value for key, value in entry.items() if key not in usual or value != usual[key]} | _source(tag)


def _source(tag: Tag) -> dict[str, Any]:
    return {"device": tag.device, "point": tag.device_point} if tag.device else {}


def _usual(tag: Tag, devices: Mapping[str, Device]) -> dict[str, Any]:
    """Return what a key need not be written for: what it is when left out."""
    usual: dict[str, Any] = dict.fromkeys(("unit", "description", "label", "link", "limit", "scan"), "")
    usual |= {"order": "ABCD", "readback": True, "gain": 1.0, "offset": 0.0, "deadband": 0.0, "writable": False}
    usual |= dict.fromkeys(("low", "high", "warn_low", "warn_high", "step", "per_min"))
    usual |= {"states": {}, "counter": False}
    usual["bad_raw"] = list(usual_bad_raw(tag.point.kind)) if tag.point is not None else []
    if not tag.device:
        return usual
    device = devices[tag.device]
    point, whole = device.definition.points[tag.device_point], device.point(tag.device_point)
    scaling = point.scaling
    usual |= {"kind": whole.kind, "order": whole.order, "readback": whole.readback, "link": device.link}
    usual |= {"gain": scaling.gain, "offset": scaling.offset, "bad_raw": list(scaling.bad_raw), "unit": point.unit}
    usual |= {"low": point.low, "high": point.high, "states": dict(point.states), "counter": point.counter}
    return usual | {"writable": point.writable, "description": point.description}


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}
