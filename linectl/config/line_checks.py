"""What must fit together across a line file: names that refer to each other, points, limits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from drivers.addresses import circulator_point, ezo_field, modbus_address, mqtt_field, sics_point
from drivers.errors import BadAddress
from drivers.link import Point
from linectl.config.address_words import told
from linectl.config.line_devices import Filled
from linectl.config.line_file import LimitFile, LineFile, TagFile
from linectl.config.link_checks import check_links
from linectl.config.nodes import Document, Loc
from linectl.config.point_fields import check_fields
from linectl.config.schema import nearest
from linectl.config.wire_checks import check_wires
from linectl.config.write_checks import check_writes
from linectl.words import tr

__all__ = ["LAWS", "check_line"]

LAWS = {"naoh_conductivity": 2}
"""The laws by which a tag may be derived, and how many inputs each takes."""

_PARSERS: Mapping[str, Callable[[Point], object]] = {
    "modbus_tcp": modbus_address,
    "modbus_rtu": modbus_address,
    "ezo": ezo_field,
    "mqtt": mqtt_field,
    "sics": sics_point,
    "circulator": circulator_point,
}
_WRITABLE = {"ezo": (), "mqtt": (), "sics": ("tare", "zero"), "circulator": ("setpoint", "running")}
_COMMANDS = {"sics": ("tare", "zero")}


def check_line(filled: Filled, document: Document) -> None:
    """Add to the document what does not fit together in the line."""
    file, names = filled.file, _Names(document.data)
    for name, tag in file.tags.items():
        if name not in filled.broken:
            _check_tag(tag, ("tags", name), file, names, document)
    check_links(file, document)
    check_wires(filled, document)
    check_writes(file, document)
    for zone_name, zone in file.zones.items():
        for quantity, limit in zone.limits.items():
            _check_limit(limit, ("zones", zone_name, "limits", quantity), document)
    if file.hands:
        _known(file.hands, names.links, ("hands",), document)
    if file.control is not None:
        for role in ("heartbeat", "plc_counter", "owner", "boot_counter"):
            _known(getattr(file.control, role), names.tags, ("control", role), document)


class _Names:
    """The names that the file gives, those of wrong entries too: a reference to them is no second mistake."""

    def __init__(self, data: Any) -> None:
        self.links = _keys(data, "links")
        self.scans = _keys(data, "scans")
        self.zones = _keys(data, "zones")
        self.tags = _keys(data, "tags")


def _keys(data: Any, name: str) -> list[str]:
    part = data.get(name) if isinstance(data, Mapping) else None
    return list(part) if isinstance(part, Mapping) else []


def _check_tag(tag: TagFile, loc: Loc, file: LineFile, names: _Names, document: Document) -> None:
    if tag.derived is not None:
        _check_derived(tag, loc, names, document)
    else:
        _check_point(tag, loc, file, names, document)
    if tag.scan:
        _known(tag.scan, names.scans, (*loc, "scan"), document)
    link = file.links.get(tag.link)
    check_fields(tag, loc, document, modbus=link is not None and link.type in {"modbus_tcp", "modbus_rtu"})
    if tag.limit:
        _check_limit_name(tag, loc, file, names, document)


def _check_derived(tag: TagFile, loc: Loc, names: _Names, document: Document) -> None:
    assert tag.derived is not None
    inside = (*loc, "derived")
    _known(tag.derived.law, LAWS, (*inside, "law"), document)
    for number, name in enumerate(tag.derived.inputs):
        _known(name, names.tags, (*inside, "inputs", number), document)
    wanted = LAWS.get(tag.derived.law, len(tag.derived.inputs))
    if len(tag.derived.inputs) != wanted:
        message = tr("{law} takes {count} inputs").format(law=tag.derived.law, count=wanted)
        document.complain((*inside, "inputs"), message)
    for key in ("link", "point", "writable"):
        if getattr(tag, key):
            document.complain((*loc, key), tr("a derived tag has no wire of its own"))


def _check_point(tag: TagFile, loc: Loc, file: LineFile, names: _Names, document: Document) -> None:
    if not tag.link or not tag.point:
        document.complain(loc, tr("expected `link` and `point`, or `derived`"))
        return
    if tag.kind == "str":
        document.complain((*loc, "kind"), tr("a tag is a number or a bool: a text can be expected of a device"))
    _known(tag.link, names.links, (*loc, "link"), document)
    link = file.links.get(tag.link)
    parser = _PARSERS.get(link.type) if link is not None else None
    if parser is None:
        return
    try:
        parser(Point(tag.point, tag.kind, tag.readback, tag.order))
    except BadAddress as error:
        document.complain((*loc, "point"), told(error))
    assert link is not None
    if tag.writable and tag.point not in _WRITABLE.get(link.type, (tag.point,)):
        message = tr("{point} of a {link} link cannot be written").format(point=tag.point, link=link.type)
        document.complain((*loc, "writable"), message)
    if tag.scan and tag.point in _COMMANDS.get(link.type, ()):
        message = tr("{point} is a command: it holds nothing to scan").format(point=tag.point)
        document.complain((*loc, "scan"), message)


def _check_limit_name(tag: TagFile, loc: Loc, file: LineFile, names: _Names, document: Document) -> None:
    zone_name = str(loc[-1]).partition(".")[0]
    zone = file.zones.get(zone_name)
    if zone_name not in names.zones:
        document.complain((*loc, "limit"), tr("there is no zone `{zone}`").format(zone=zone_name))
    elif zone is not None:
        _known(tag.limit, zone.limits, (*loc, "limit"), document)


def _check_limit(limit: LimitFile, loc: Loc, document: Document) -> None:
    if not limit.warn <= limit.block <= limit.hard:
        message = tr("expected warn <= block <= hard, not {warn:g}, {block:g}, {hard:g}")
        document.complain(loc, message.format(warn=limit.warn, block=limit.block, hard=limit.hard))


def _known(name: str, known: Iterable[str], loc: Loc, document: Document) -> None:
    words = list(known)
    if name not in words:
        document.complain(
            loc, tr("`{name}` is not known here; {nearest}").format(name=name, nearest=nearest(name, words))
        )
