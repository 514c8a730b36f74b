"""What must fit together on the Modbus wires of a line: who writes where, blocks read whole, and time on the line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from drivers.addresses import ModbusAddress, modbus_address
from drivers.errors import BadAddress
from drivers.link import Point
from drivers.modbus.costs import first_guess
from drivers.modbus.read_plan import Rules, plan
from drivers.settings import ModbusRtuSettings, ModbusTcpSettings, UnitSettings
from linectl.config.line_devices import Filled
from linectl.config.line_file import TagFile
from linectl.config.nodes import Document
from linectl.words import decimal, number, tr

__all__ = ["check_wires"]

_MODBUS = ("modbus_tcp", "modbus_rtu")
_READ_ONLY = ("ir", "di")
_LAST_RTU_UNIT = 247  # MODBUS over serial line V1.02, 2.2; 0 is everybody, and nobody answers


@dataclass(frozen=True, slots=True)
class _Placed:
    """One tag on a Modbus wire."""

    name: str
    tag: TagFile
    point: Point
    at: ModbusAddress


def check_wires(filled: Filled, document: Document) -> None:
    """Add to the document writes that get in each other's way, blocks that do, and scans that a line cannot carry."""
    placed = list(_placed(filled))
    for each in placed:
        if each.tag.writable and each.at.table in _READ_ONLY:
            message = tr("table {table} is read-only: a tag that is written lies in hr or co")
            document.complain(("tags", each.name, "writable"), message.format(table=each.at.table))
    settings = {name: link.settings() for name, link in filled.file.links.items()}
    for each in placed:
        wire = settings[each.tag.link]
        assert isinstance(wire, ModbusTcpSettings | ModbusRtuSettings)
        _check_unit(each, wire, document)
    placed.sort(key=lambda each: (each.tag.link, each.at.unit, each.at.table))
    for _, group in groupby(placed, key=lambda each: (each.tag.link, each.at.unit, each.at.table)):
        together = list(group)
        _check_writes([each for each in together if each.tag.writable], document)
        _check_wholes(together, document)
    for link, wire in settings.items():
        if isinstance(wire, ModbusRtuSettings):
            on_line = [each for each in placed if each.tag.link == link]
            _check_times(link, wire, on_line, filled, document)


def _placed(filled: Filled) -> Iterator[_Placed]:
    for name, tag in filled.file.tags.items():
        link = filled.file.links.get(tag.link)
        if link is None or link.type not in _MODBUS or tag.derived is not None or name in filled.broken:
            continue
        point = Point(tag.point, tag.kind, tag.readback, tag.order)
        try:
            yield _Placed(name, tag, point, modbus_address(point))
        except BadAddress:
            continue  # told where points are checked


def _check_unit(each: _Placed, wire: ModbusTcpSettings | ModbusRtuSettings, document: Document) -> None:
    """A tag must be something that its unit can be asked for."""
    at, loc = each.at, ("tags", each.name, "point")
    if isinstance(wire, ModbusRtuSettings) and not 1 <= at.unit <= _LAST_RTU_UNIT:
        message = tr("unit {unit}: on a serial line units are 1 to {last}")
        document.complain(loc, message.format(unit=at.unit, last=_LAST_RTU_UNIT))
    unit = wire.units.get(at.unit, UnitSettings())
    count = at.whole[1] if at.whole is not None else at.count
    most = unit.max_bits if at.is_bit else unit.max_registers
    if count > most:
        message = tr("reads {count} at once, and unit {unit} gives {most} at most")
        document.complain(loc, message.format(count=count, unit=at.unit, most=most))
    if each.tag.writable and not at.is_bit and at.count > unit.max_written:
        message = tr("writes {count} registers at once, and unit {unit} takes {most} at most")
        document.complain(loc, message.format(count=at.count, unit=at.unit, most=unit.max_written))
    for table, start, end in unit.holes:
        if table == at.table and start < at.end and at.address < end:
            message = tr("lies in {table}{start}-{last}, which `holes` of unit {unit} says is never read")
            text = message.format(table=table, start=start, last=end - 1, unit=at.unit)
            document.complain(loc, text)


def _check_writes(writers: list[_Placed], document: Document) -> None:
    """Two tags that write the same place, or one a bit of what the other writes whole, undo each other's work."""
    for place, one in enumerate(writers, start=1):
        for other in writers[place:]:
            if _overlap(one.at, other.at):
                message = tr("writes {place}, where {other} ({other_place}) writes too: make one of them read-only")
                text = message.format(place=other.tag.point, other=one.name, other_place=one.tag.point)
                document.complain(("tags", other.name, "point"), text)


def _overlap(one: ModbusAddress, other: ModbusAddress) -> bool:
    if one.end <= other.address or other.end <= one.address:
        return False
    return one.bit < 0 or other.bit < 0 or one.bit == other.bit


def _check_wholes(placed: list[_Placed], document: Document) -> None:
    """Registers that are read whole are read by one request: no other length, and no part of them alone."""
    wholes: dict[tuple[int, int], _Placed] = {}
    for each in placed:
        if each.at.whole is None:
            continue
        start, count = each.at.whole
        for (other_start, other_count), other in wholes.items():
            same = (start, count) == (other_start, other_count)
            if not same and start < other_start + other_count and other_start < start + count:
                message = tr("reads {count} registers whole, and {other} ({place}) other ones that overlap them")
                text = message.format(count=count, other=other.name, place=other.tag.point)
                document.complain(("tags", each.name, "point"), text)
        wholes.setdefault((start, count), each)
    for each in placed:
        if each.at.whole is None and not each.tag.writable:
            _check_loose(each, wholes, document)


def _check_loose(each: _Placed, wholes: dict[tuple[int, int], _Placed], document: Document) -> None:
    for (start, count), other in wholes.items():
        if start <= each.at.address < start + count:
            message = tr("lies in registers that {other} reads whole: write it as {place}")
            place = f"{each.at.unit}/{each.at.table}{start}:{count}+{each.at.address - start}"
            document.complain(("tags", each.name, "point"), message.format(other=other.name, place=place))
            return


def _check_times(
    link: str, settings: ModbusRtuSettings, placed: list[_Placed], filled: Filled, document: Document
) -> None:
    """Add to the document a scan group that takes longer on the line than its period, and groups that do together."""
    costs = first_guess(settings)
    busy = 0.0
    for scan, period_s in filled.file.scans.items():
        points = [each.point for each in placed if each.tag.scan == scan]
        blocks = plan(points, lambda unit: _rules(settings.units.get(unit, UnitSettings()), settings))
        takes_s = sum(costs.of(block.span) for block in blocks)
        busy += takes_s / period_s
        if takes_s > period_s:
            message = tr(
                "{points} points on {link} take {takes} s at {baud} baud ({requests} requests), more than the "
                "period of {period} s: a longer period, a higher baud rate, or fewer points"
            )
            text = message.format(
                points=len(points),
                link=link,
                takes=number(float(f"{takes_s:.2g}")),
                baud=settings.serial.baud,
                requests=len(blocks),
                period=number(period_s),
            )
            document.complain(("scans", scan), text)
            return
    if busy > 1.0:
        message = tr("its scans together take {busy} s of each second at {baud} baud: scan less often")
        document.complain(("links", link), message.format(busy=decimal(busy, 2), baud=settings.serial.baud))


def _rules(unit: UnitSettings, settings: ModbusRtuSettings) -> Rules:
    holes: dict[str, list[tuple[int, int]]] = {}
    for table, start, end in unit.holes:
        holes.setdefault(table, []).append((start, end))
    return Rules(first_guess(settings), unit.max_registers, unit.max_bits, holes)
