"""What a device file may say: the registers of one kind of instrument, its defaults, and how a sound one is known."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field

from drivers.addresses import modbus_address
from drivers.errors import BadAddress
from drivers.link import Point
from drivers.settings import SerialSettings, UnitSettings
from linectl.config.address_words import told
from linectl.config.documents import parsed, stop_on_problems
from linectl.config.files import SourceText
from linectl.config.link_files import HOLE, UnitFile
from linectl.config.nodes import Document, Loc
from linectl.config.point_fields import Order, PointFields, check_fields
from linectl.config.schema import FileModel, Finite, nearest, validate
from linectl.model.devices import DeviceDefinition, DevicePoint, Expectation
from linectl.words import tr

__all__ = ["ORDERED", "DeviceFile", "check_holes", "load_device_text"]

Text = Annotated[str, Field(min_length=1)]
Word = Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
UnitId = Annotated[int, Field(ge=1, le=247)]

ORDERED = frozenset({"u32", "i32", "u64", "i64", "f32", "f64"})
_UNIT_BEFORE = re.compile(r"[0-9]+/")


class DeviceSerialFile(FileModel):
    """How its serial line is set when it leaves the factory."""

    baud: Annotated[int, Field(ge=50, le=4_000_000)] = 9600
    bits: Literal[7, 8] = 8
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: Literal[1, 2] = 1


class DevicePointFile(PointFields):
    """One quantity: its point without the unit id, such as `hr2089:10+2`."""

    point: Text


class ExpectFile(FileModel):
    """What a sound one says at a point: `constant` (raw), or from `low` to `high` (in the point's unit)."""

    point: Word
    constant: float | str | None = None
    low: Finite | None = None
    high: Finite | None = None
    meaning: str = ""


class DeviceFile(FileModel):
    """A whole device file; `order` is that of every number of several registers which states none of its own."""

    kind: Literal["device"]
    name: Word
    maker: str = ""
    model: str = ""
    description: str = ""
    sources: Annotated[tuple[Text, ...], Field(min_length=1)]
    unverified: tuple[Text, ...] = ()
    links: tuple[Literal["modbus_tcp", "modbus_rtu"], ...] = ("modbus_rtu", "modbus_tcp")
    unit: UnitId = 1
    serial: DeviceSerialFile | None = None
    limits: UnitFile = UnitFile()
    order: Order = "ABCD"
    points: Annotated[dict[Word, DevicePointFile], Field(min_length=1)]
    expect: tuple[ExpectFile, ...] = ()


def load_device_text(source: SourceText) -> DeviceDefinition:
    """Return the kind of instrument that the text of a file describes.

    Raises:
        ConfigError: with every problem in the file.
    """
    document = parsed(source, "device")
    file = validate(document, DeviceFile)
    if file is not None:
        _check(file, document)
    stop_on_problems(document)
    assert file is not None
    return _definition(file, source)


def check_holes(holes: tuple[str, ...], loc: Loc, document: Document) -> None:
    """Add to the document what is no hole."""
    for number, hole in enumerate(holes):
        found = HOLE.fullmatch(hole)
        if found is None or int(found[2]) > int(found[3] or found[2]) or int(found[3] or found[2]) > 0xFFFF:
            document.complain((*loc, number), tr("expected a table and addresses, such as hr100-119"))


def _check(file: DeviceFile, document: Document) -> None:
    for name, point in file.points.items():
        loc = ("points", name)
        check_fields(point, loc, document, modbus=True)
        if _UNIT_BEFORE.match(point.point):
            document.complain(
                (*loc, "point"),
                tr("the unit id is not of the kind: leave `{unit}` out").format(
                    unit=point.point.partition("/")[0] + "/"
                ),
            )
            continue
        try:
            address = modbus_address(_point(point, file, unit="1/"))
        except BadAddress as error:
            document.complain((*loc, "point"), told(error).replace("1/", ""))
            continue
        if point.writable and address.table in {"ir", "di"}:
            message = tr("table {table} is read-only: a tag that is written lies in hr or co")
            document.complain((*loc, "writable"), message.format(table=address.table))
    for number, expected in enumerate(file.expect):
        _check_expectation(expected, ("expect", number), file, document)
    check_holes(file.limits.holes, ("limits", "holes"), document)


def _check_expectation(expected: ExpectFile, loc: Loc, file: DeviceFile, document: Document) -> None:
    point = file.points.get(expected.point)
    if point is None and expected.point not in _names(document.data):
        message = tr("`{name}` is not known here; {nearest}")
        near = nearest(expected.point, list(file.points))
        document.complain((*loc, "point"), message.format(name=expected.point, nearest=near))
    bounded = expected.low is not None or expected.high is not None
    if bounded == (expected.constant is not None):
        document.complain(loc, tr("expected either `constant`, or `low` and `high`"))
    if expected.low is not None and expected.high is not None and expected.low >= expected.high:
        message = tr("{low:g} is not below high, {high:g}").format(low=expected.low, high=expected.high)
        document.complain((*loc, "low"), message)
    text = isinstance(expected.constant, str)
    if point is not None and expected.constant is not None and text != (point.kind == "str"):
        message = tr("the point {name} is of kind {kind}").format(name=expected.point, kind=point.kind)
        document.complain((*loc, "constant"), message)


def _names(data: object) -> list[str]:
    points = data.get("points") if isinstance(data, dict) else None
    return list(points) if isinstance(points, dict) else []


def _point(point: DevicePointFile, file: DeviceFile, unit: str = "") -> Point:
    own = "order" in point.model_fields_set or point.kind not in ORDERED
    return Point(unit + point.point, point.kind, point.readback, point.order if own else file.order)


def _definition(file: DeviceFile, source: SourceText) -> DeviceDefinition:
    serial = None if file.serial is None else SerialSettings("", **file.serial.model_dump())
    return DeviceDefinition(
        name=file.name,
        points={name: _device_point(name, point, file) for name, point in file.points.items()},
        maker=file.maker,
        model=file.model,
        description=file.description,
        sources=file.sources,
        unverified=file.unverified,
        links=file.links,
        unit=file.unit,
        serial=serial,
        limits=file.limits.settings() if "limits" in file.model_fields_set else UnitSettings(),
        expectations=tuple(Expectation(**each.model_dump()) for each in file.expect),
        source=source.path,
        sha256=source.sha256,
    )


def _device_point(name: str, point: DevicePointFile, file: DeviceFile) -> DevicePoint:
    return DevicePoint(
        name=name,
        point=_point(point, file),
        unit=point.unit,
        description=point.description,
        scaling=point.scaling(),
        low=point.low,
        high=point.high,
        states=point.names(),
        counter=point.counter,
        writable=point.writable,
        dtype=point.type_of_value(),
    )
