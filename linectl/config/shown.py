"""A file as it is used: defaults and what instruments' files say written out, each value with its source."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drivers.settings import ModbusRtuSettings, ModbusTcpSettings, MqttSettings, UnitSettings
from linectl.config.alarm_form import write_out as write_out_alarms
from linectl.config.device_file import ORDERED, DeviceFile
from linectl.config.documents import parsed
from linectl.config.files import SourceText, read_source
from linectl.config.interlock_form import write_out as write_out_interlocks
from linectl.config.json_schema import MODELS
from linectl.config.line_devices import Filled, fill_in
from linectl.config.line_file import LineFile, TagFile
from linectl.config.link_files import MqttFile
from linectl.config.load import load_line_text, load_text
from linectl.config.nodes import Document, Loc, parse
from linectl.config.point_fields import POINT_KEYS
from linectl.config.scenario_text import write_out as write_out_scenario
from linectl.config.schema import validate
from linectl.config.short_forms import write_out as write_out_experiment
from linectl.model.devices import Device

__all__ = ["Shown", "ShownFile", "show_line", "show_text"]

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
class ShownFile:
    """All that a file of a kind says or leaves to its defaults, as it would say it in full; the same value by value.

    `marks` is where keys and items stand in the file itself: line and column, from 1.
    """

    file: str
    kind: str
    data: dict[str, Any]
    values: tuple[Shown, ...]
    marks: Mapping[Loc, tuple[int, int]] = field(default_factory=dict, repr=False)


def show_text(source: SourceText) -> ShownFile:
    """Return what the text of a file of any kind says, written out; a line with its instruments, without passwords.

    Raises:
        ConfigError: with every problem in the file, and in those that it names.
    """
    found = parse(source).data
    kind = found.get("kind") if isinstance(found, dict) else None
    if kind == "line":
        return _line(source)
    load_text(source)
    kind = str(kind)
    document = parsed(source, kind)
    if kind in _SHORT_FORMS:
        _SHORT_FORMS[kind](document)
    file = validate(document, MODELS[kind])
    assert file is not None
    data = file.model_dump(by_alias=True, exclude_none=True)
    if isinstance(file, DeviceFile):
        _with_order(file, data, document)
    for order in data.get("faults", ()) if kind == "scenario" else ():
        order.update(order.pop("values"))  # figures of a fault stand beside its other keys
    return ShownFile(source.path, kind, data, tuple(_each(document, data, ())), document.marks)


def _with_order(file: DeviceFile, data: dict[str, Any], document: Document) -> None:
    """Give the points of an instrument, which say no word order of their own, that of the instrument, if any."""
    for name, point in file.points.items():
        if "order" in point.model_fields_set:
            continue
        if point.kind not in ORDERED:
            del data["points"][name]["order"]
            continue
        data["points"][name]["order"] = file.order
        if ("order",) in document.marks:
            document.marks["points", name, "order"] = document.marks["order",]


_SHORT_FORMS: Mapping[str, Callable[[Document], None]] = {
    "alarms": write_out_alarms,
    "experiment": write_out_experiment,
    "interlocks": write_out_interlocks,
    "scenario": write_out_scenario,
}
"""What makes the long form of a kind's file, which its model knows, of the short ones that people write."""


def _each(document: Document, value: Any, loc: Loc) -> Iterator[Shown]:
    """Give each value with its place in the file; a list of plain values is one."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _each(document, item, (*loc, str(key)))
    elif isinstance(value, tuple | list) and any(isinstance(item, dict) for item in value):
        for number, item in enumerate(value):
            yield from _each(document, item, (*loc, number))
    else:
        plain = list(value) if isinstance(value, tuple) else value
        yield Shown(loc, plain, *(_mark(document, loc) or ("", 0, 0)))


def show_line(path: str | Path) -> ShownFile:
    """Return the line in the file `path`, written out; passwords are not looked up, and none is in it.

    Raises:
        ConfigError: with every problem in the file, and in those that it names.
    """
    return _line(read_source(path))


def _line(source: SourceText) -> ShownFile:
    load_line_text(source)
    document = parsed(source, "line")
    file = validate(document, LineFile)
    assert file is not None
    whole = _Whole(document, file, fill_in(file, document))
    data = whole.data()
    return ShownFile(source.path, "line", data, tuple(whole.shown(data, ())), document.marks)


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
