"""A line file as it is used: defaults and what instruments' files say written out, each value with its source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drivers.settings import ModbusRtuSettings, ModbusTcpSettings, MqttSettings, UnitSettings
from linectl.config.device_file import DeviceFile
from linectl.config.documents import parsed
from linectl.config.files import read_source
from linectl.config.line_devices import Filled, fill_in
from linectl.config.line_file import LineFile, TagFile
from linectl.config.link_files import MqttFile
from linectl.config.load import load_line_text
from linectl.config.nodes import Document, Loc
from linectl.config.point_fields import POINT_KEYS
from linectl.config.schema import validate
from linectl.model.devices import Device

__all__ = ["Shown", "ShownLine", "show_line"]

_OF_A_WIRE = ("link", "device", "point", "kind", "order", "readback", "gain", "offset", "bad_raw", "states", "counter")
"""What a tag that is computed from others does not use."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One value, its place in the line, and the `file`, line and column (from 1) that say it; no file: a default."""

    loc: Loc
    value: Any
    file: str = ""
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class ShownLine:
    """All that a line consists of, as its file would say it in full, and the same value by value."""

    file: str
    data: dict[str, Any]
    values: tuple[Shown, ...]


def show_line(path: str | Path) -> ShownLine:
    """Return the line in the file `path`, written out; passwords are not looked up, and none is in it.

    Raises:
        ConfigError: with every problem in the file, and in those that it names.
    """
    source = read_source(path)
    load_line_text(source)
    document = parsed(source, "line")
    file = validate(document, LineFile)
    assert file is not None
    whole = _Whole(document, file, fill_in(file, document))
    data = whole.data()
    return ShownLine(source.path, data, tuple(whole.shown(data, ())))


@dataclass(slots=True)
class _Whole:
    """A sound line: its document, what it says itself, and the same with its instruments filled in."""

    document: Document
    said: LineFile
    filled: Filled
    _devices: dict[str, Document] = field(default_factory=dict)

    def data(self) -> dict[str, Any]:
        """Return everything, in the form of the file."""
        data = self.filled.file.model_dump(by_alias=True)
        for name, link in self.filled.file.links.items():
            data["links"][name].pop("password", None)
            settings = link.settings()
            if isinstance(link, MqttFile) and isinstance(settings, MqttSettings):  # these follow from others
                data["links"][name] |= {"port": settings.port, "topics": settings.topics}
        for name, device in self.filled.devices.items():
            data["devices"][name]["unit"] = device.unit
            if self._has_limits(device):
                units = data["links"][device.link]["units"]
                units[str(device.unit)] = {**self._limits(device), "name": device.name}
        data["tags"] = {name: self._tag(name, tag) for name, tag in self.filled.file.tags.items()}
        return data

    def _tag(self, name: str, tag: TagFile) -> dict[str, Any]:
        data = tag.model_dump(by_alias=True)
        if tag.derived is None:
            del data["derived"]
            return data | {"dtype": tag.type_of_value(), "bad_raw": tag.scaling().bad_raw}
        unused = [key for key in _OF_A_WIRE if ("tags", name, key) not in self.document.marks]
        return {key: value for key, value in data.items() if key not in unused} | {"dtype": tag.dtype or "float"}

    def _has_limits(self, device: Device) -> bool:
        """Return whether what the instrument's unit can do is said by its own file, as the line's file does not."""
        link = self.said.links[device.link].settings()
        if not isinstance(link, ModbusTcpSettings | ModbusRtuSettings) or device.unit in link.units:
            return False
        return device.definition.limits != UnitSettings()

    def _limits(self, device: Device) -> dict[str, Any]:
        file = validate(self._document_of(device), DeviceFile)
        assert file is not None
        return file.limits.model_dump()

    def shown(self, value: Any, loc: Loc) -> Iterator[Shown]:
        """Give each value with its source; a list of plain values is one."""
        if isinstance(value, dict) and value:
            for key, item in value.items():
                yield from self.shown(item, (*loc, key))
            return
        file, line, column = self._source(loc) or ("", 0, 0)
        yield Shown(loc, list(value) if isinstance(value, tuple) else value, file, line, column)

    def _source(self, loc: Loc) -> tuple[str, int, int] | None:
        match loc:
            case ("tags", str(name), str(key), *rest) if name in self.filled.points:
                return self._source_of_point(name, key, tuple(rest))
            case ("devices", str(name), "unit"):
                return _mark(self.document, loc) or self._mark_of(self.filled.devices[name], ("unit",))
            case ("links", str(link), "units", str(unit), *rest):
                return _mark(self.document, loc) or self._source_of_unit(link, unit, tuple(rest))
        return _mark(self.document, loc)

    def _source_of_point(self, name: str, key: str, rest: Loc) -> tuple[str, int, int] | None:
        """Return what says `key` of a tag of an instrument: the line's file, or the instrument's."""
        tag, point = self.said.tags[name], self.filled.points[name]
        device = self.filled.devices[tag.device]
        if key == "link":
            return _mark(self.document, ("devices", tag.device, "link"))
        if key != "point" and (key not in POINT_KEYS or key in tag.model_fields_set):
            return _mark(self.document, ("tags", name, key, *rest))
        if key == "dtype" and self.filled.file.tags[name].dtype is None:
            return None  # it follows from what the tag says itself
        found = self._mark_of(device, ("points", point, key, *rest))
        return self._mark_of(device, ("order",)) if found is None and key == "order" else found

    def _source_of_unit(self, link: str, unit: str, rest: Loc) -> tuple[str, int, int] | None:
        for device in self.filled.devices.values():
            if (device.link, str(device.unit)) == (link, unit) and self._has_limits(device):
                own = rest == ("name",)
                return (
                    _mark(self.document, ("devices", device.name)) if own else self._mark_of(device, ("limits", *rest))
                )
        return None

    def _mark_of(self, device: Device, loc: Loc) -> tuple[str, int, int] | None:
        return _mark(self._document_of(device), loc)

    def _document_of(self, device: Device) -> Document:
        path = device.definition.source
        if path not in self._devices:
            self._devices[path] = parsed(read_source(path), "device")
        return self._devices[path]


def _mark(document: Document, loc: Loc) -> tuple[str, int, int] | None:
    mark = document.marks.get(loc)
    return None if mark is None else (document.source.path, *mark)
