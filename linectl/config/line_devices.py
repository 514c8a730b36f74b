"""The instruments of a line: their files are read, and the tags that name them are filled in from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from linectl.config.device_file import load_device_text
from linectl.config.files import find_file, read_source
from linectl.config.line_file import DeviceEntry, LineFile, TagFile
from linectl.config.nodes import Document, Loc
from linectl.config.point_fields import POINT_KEYS
from linectl.config.schema import nearest
from linectl.errors import ConfigError
from linectl.model.devices import Device, DeviceDefinition, DevicePoint
from linectl.words import tr

__all__ = ["DEVICE_FOLDER", "Filled", "fill_in"]

DEVICE_FOLDER = "config/devices"


@dataclass(slots=True)
class Filled:
    """A line file whose tags stand on links alone, its instruments, and which point of theirs each tag is.

    `broken` are tags of an instrument that could not be had: what is wrong with them was said there.
    """

    file: LineFile
    devices: dict[str, Device] = field(default_factory=dict)
    points: dict[str, str] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)


def fill_in(file: LineFile, document: Document) -> Filled:
    """Return the line with its instruments; what is wrong with them is added to the document."""
    filled = Filled(file)
    known: dict[str, DeviceDefinition | None] = {}
    for name, entry in file.devices.items():
        if entry.device not in known:
            known[entry.device] = _definition(entry.device, ("devices", name, "device"), document)
        definition = known[entry.device]
        if definition is not None and _check_entry(name, entry, definition, filled, document):
            unit = definition.unit if entry.unit is None else entry.unit
            filled.devices[name] = Device(name, entry.link, unit, definition)
    named = _keys(document.data)
    tags = {name: _tag(name, tag, named, filled, document) for name, tag in file.tags.items()}
    filled.file = file.model_copy(update={"tags": tags})
    return filled


def _keys(data: Any) -> list[str]:
    part = data.get("devices") if isinstance(data, dict) else None
    return list(part) if isinstance(part, dict) else []


def _definition(name: str, loc: Loc, document: Document) -> DeviceDefinition | None:
    """Return what the file called `name` describes; its own mistakes are told with its own name."""
    try:
        path = find_file(name, beside=document.source.path, folder=DEVICE_FOLDER)
        return load_device_text(read_source(path))
    except ConfigError as error:
        if error.problems:
            document.problems += error.problems
        else:
            document.complain(loc, _no_such(name, document))
        return None


def _no_such(name: str, document: Document) -> str:
    """Return that no file describes such an instrument, with the nearest name of those that there are."""
    shipped = find_file("lth_mxd70", folder=DEVICE_FOLDER).parent
    beside = Path(document.source.path).parent
    known = sorted({each.stem for folder in (shipped, beside / "devices") for each in folder.glob("*.yaml")})
    message = tr("no file describes an instrument `{name}`: {nearest}")
    return message.format(name=name, nearest=nearest(Path(name).stem, known))


def _check_entry(name: str, entry: DeviceEntry, kind: DeviceDefinition, filled: Filled, document: Document) -> bool:
    """Return whether the entry can be used."""
    loc = ("devices", name)
    link = filled.file.links.get(entry.link)
    if link is None:
        part = document.data.get("links") if isinstance(document.data, dict) else None
        words = list(part) if isinstance(part, dict) else []
        if entry.link not in words:
            message = tr("`{name}` is not known here; {nearest}")
            document.complain((*loc, "link"), message.format(name=entry.link, nearest=nearest(entry.link, words)))
        return False
    if link.type not in kind.links:
        message = tr("{device} is reached by {links}, and {link} is of type {type}")
        text = message.format(device=kind.name, links=", ".join(kind.links), link=entry.link, type=link.type)
        document.complain((*loc, "link"), text)
        return False
    unit = kind.unit if entry.unit is None else entry.unit
    for other in filled.devices.values():
        if (other.link, other.unit) == (entry.link, unit):
            message = tr("{other} has unit {unit} of {link} already: give each its own `unit`")
            document.complain(loc, message.format(other=other.name, unit=unit, link=entry.link))
            return False
    return True


def _tag(name: str, tag: TagFile, named: list[str], filled: Filled, document: Document) -> TagFile:
    """Return the tag with what its instrument says of it; what the tag says itself stands."""
    if not tag.device:
        return tag
    loc = ("tags", name)
    if tag.link or tag.derived is not None:
        document.complain((*loc, "device"), tr("a tag has a `device`, or a `link`, or it is `derived`"))
    device = filled.devices.get(tag.device)
    filled.broken.add(name)
    if device is None:
        if tag.device not in named:
            message = tr("`{name}` is not known here; {nearest}")
            document.complain((*loc, "device"), message.format(name=tag.device, nearest=nearest(tag.device, named)))
        return tag
    point = device.definition.points.get(tag.point)
    if point is None:
        words = list(device.definition.points)
        message = tr("{device} has no point `{name}`; {nearest}")
        message = message.format(device=device.definition.name, name=tag.point, nearest=nearest(tag.point, words))
        document.complain((*loc, "point"), message)
        return tag
    filled.broken.discard(name)
    filled.points[name] = tag.point
    return _merged(tag, device, point)


def _merged(tag: TagFile, device: Device, point: DevicePoint) -> TagFile:
    whole = device.point(point.name)
    given = {
        "unit": point.unit,
        "description": point.description,
        "kind": whole.kind,
        "order": whole.order,
        "readback": whole.readback,
        "low": point.low,
        "high": point.high,
        "gain": point.scaling.gain,
        "offset": point.scaling.offset,
        "bad_raw": point.scaling.bad_raw,
        "writable": point.writable,
        "states": {str(number): label for number, label in point.states.items()},
        "counter": point.counter,
        "dtype": point.dtype,
    }
    assert set(given) == set(POINT_KEYS)
    taken = {key: value for key, value in given.items() if key not in tag.model_fields_set}
    changed = {"kind", "gain", "offset", "states", "counter"} & tag.model_fields_set
    if changed and "dtype" in taken:
        taken["dtype"] = None  # what the value is follows from what the tag says itself
    return tag.model_copy(update=taken | {"link": device.link, "point": whole.address})
