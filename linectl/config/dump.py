"""A line as YAML that `load_line` reads back (`sim up --write-config`)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import yaml

from drivers.settings import EzoSettings, LinkSettings, MemorySettings, ModbusTcpSettings
from linectl.config.nodes import PLAIN_WORDS
from linectl.model.lines import LineDefinition, Tag, Zone

__all__ = ["PlainDumper", "dump_line"]


class PlainDumper(yaml.SafeDumper):
    """Quotes what YAML 1.1 or YAML 1.2 would not read as text, and writes no aliases."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # PyYAML's signature
        """Write everything out, however often it occurs."""
        return True


for _tag, _pattern, _first in PLAIN_WORDS:
    PlainDumper.add_implicit_resolver(_tag, _pattern, _first)


def dump_line(definition: LineDefinition) -> str:
    """Return the YAML text of a line; passwords are not written."""
    control = definition.control
    document: dict[str, Any] = {
        "kind": "line",
        "name": definition.name,
        "simulated": definition.simulated,
        "speed": definition.speed,
        "store": definition.store,
        "hands": definition.hands,
        "calibration": definition.calibration,
        "links": {name: _link(settings) for name, settings in definition.links.items()},
        "scans": dict(definition.scans),
    }
    if control is not None:
        document["control"] = dataclasses.asdict(control)
    document["zones"] = {name: _zone(zone) for name, zone in definition.zones.items()}
    document["tags"] = {name: _tag_entry(tag) for name, tag in definition.tags.items()}
    text: str = yaml.dump(document, Dumper=PlainDumper, sort_keys=False, allow_unicode=True, width=110)
    return text


def _link(settings: LinkSettings) -> dict[str, Any]:
    values = _plain(dataclasses.asdict(settings))
    values.pop("password", None)
    if isinstance(settings, ModbusTcpSettings):
        return {"type": "modbus_tcp", **values}
    if isinstance(settings, EzoSettings):
        return {"type": "ezo", **values}
    return {"type": "memory" if isinstance(settings, MemorySettings) else "mqtt", **values}


def _zone(zone: Zone) -> dict[str, Any]:
    values = {field.name: getattr(zone, field.name) for field in dataclasses.fields(zone) if field.name != "name"}
    values["limits"] = {quantity: dataclasses.asdict(limit) for quantity, limit in zone.limits.items()}
    return values


def _tag_entry(tag: Tag) -> dict[str, Any]:
    """Return what differs from an empty entry."""
    entry: dict[str, Any] = {"unit": tag.unit, "description": tag.description, "label": tag.label, "link": tag.link}
    if tag.point is not None:
        entry |= {"point": tag.point.address, "kind": tag.point.kind}
        if not tag.point.readback:
            entry["readback"] = False
    if tag.derived is not None:
        entry["derived"] = {"law": tag.derived.law, "inputs": list(tag.derived.inputs)}
    if tag.scaling.gain != 1.0:
        entry["gain"] = tag.scaling.gain
    entry |= {"offset": tag.scaling.offset, "bad_raw": list(tag.scaling.bad_raw), "low": tag.low, "high": tag.high}
    entry |= {"deadband": tag.deadband, "writable": tag.writable, "limit": tag.limit, "scan": tag.scan}
    empty = {"offset": 0.0, "deadband": 0.0, "writable": False, "bad_raw": [], "low": None, "high": None}
    kept = {key: value for key, value in entry.items() if value != empty.get(key, "")}
    return kept | {"dtype": tag.dtype}


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}
