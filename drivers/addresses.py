"""What a point's address text means on each kind of wire; pure, and loads no driver."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NoReturn

from drivers.errors import BadAddress
from drivers.link import Point

__all__ = ["ModbusAddress", "circulator_point", "ezo_field", "modbus_address", "mqtt_field", "sics_point"]

_MODBUS = re.compile(
    r"(?P<unit>[0-9]{1,3})/(?P<table>co|di|ir|hr)(?P<address>[0-9]{1,5})"
    r"(?::(?P<count>[0-9]{1,4})(?:\+(?P<offset>[0-9]{1,3}))?)?(?:\.(?P<bit>[0-9]{1,2}))?"
)
_EZO = re.compile(r"R(?::(?P<field>[0-9]))?")
_REGISTERS = {"u16": 1, "i16": 1, "u32": 2, "i32": 2, "f32": 2, "u64": 4, "i64": 4, "f64": 4}
_SICS = {"weight": "float", "weight_now": "float", "tare": "bool", "zero": "bool"}
_CIRCULATOR = {"bath": "float", "setpoint": "float", "running": "bool", "status": "str"}
_BITS = ("co", "di")
_ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")
# values in one request: what can be written is bound by functions 15 and 16, the rest by 1 to 4
# (Modbus application protocol V1.1b3, 6.1 to 6.4, 6.11, 6.12)
_MAX_COUNT = {"co": 1968, "di": 2000, "hr": 123, "ir": 125}
_MAX_WHOLE = 125


@dataclass(frozen=True, slots=True)
class ModbusAddress:
    """One place in a Modbus unit: `count` registers or bits of `table` from the 0-based `address`, read as `kind`.

    `bit` is the bit (0 the lowest) of the one register, -1 for all of it. `whole` is the address and the count of the
    registers that must be read with it, in one request that reads nothing else; None for a place that stands alone.
    """

    unit: int
    table: str
    address: int
    count: int
    kind: str
    order: str = "ABCD"
    bit: int = -1
    whole: tuple[int, int] | None = None

    @property
    def is_bit(self) -> bool:
        """Whether the table holds bits."""
        return self.table in _BITS

    @property
    def end(self) -> int:
        """The address behind the last one."""
        return self.address + self.count


@lru_cache(maxsize=4096)
def modbus_address(point: Point) -> ModbusAddress:
    """Return what `point` names in a Modbus unit: `2/ir10`, `2/hr10.3`, the block `2/hr0:3`, the part `2/hr90:10+2`.

    Raises:
        BadAddress: the text, the kind or the order is not one of Modbus, or the kind is wider than its block.
    """
    found = _MODBUS.fullmatch(point.address)
    if found is None:
        raise BadAddress(
            "{address!r} is no Modbus address: expected unit/table and number (tables co, di, ir, hr), "
            "such as 2/ir10, a bit 2/hr10.3, a block 2/hr0:3, or a part of a block that is read whole 2/hr2090:10+2",
            address=point.address,
        )
    if point.order not in _ORDERS:
        raise BadAddress(
            "{address!r} with order {order!r}: expected {orders}, such as 2/ir10 with ABCD",
            address=point.address,
            order=point.order,
            orders=", ".join(_ORDERS),
        )
    unit, first, table = int(found["unit"]), int(found["address"]), found["table"]
    block = int(found["count"]) if found["count"] else None
    offset = int(found["offset"]) if found["offset"] else None
    bit = int(found["bit"]) if found["bit"] else -1
    count = _bits(point, table, block, offset, bit) if table in _BITS else _count(point, table, block, offset, bit)
    if unit > 255:
        raise BadAddress(
            "{address!r}: unit {unit} is above 255, expected something like 2/ir10", address=point.address, unit=unit
        )
    if first + max(count, block or 0) > 65_536:
        raise BadAddress(
            "{address!r}: it reaches beyond address 65535, expected something like 2/ir10", address=point.address
        )
    whole = None if offset is None or block is None else (first, block)
    return ModbusAddress(unit, table, first + (offset or 0), count, point.kind, point.order, bit, whole)


def _bits(point: Point, table: str, block: int | None, offset: int | None, bit: int) -> int:
    """Return how many coils or inputs `point` holds: one, or a block."""
    if bit >= 0 or offset is not None:
        raise BadAddress(
            "{address!r}: co and di hold single bits already, such as 2/co6 of kind bool", address=point.address
        )
    if block is None and point.kind == "bool":
        return 1
    if block is None or point.kind != "block":
        raise BadAddress(
            "{address!r} of kind {kind}: co and di hold bits, such as 2/co6 of kind bool or 2/co0:8 of kind block",
            address=point.address,
            kind=point.kind,
        )
    if not 1 <= block <= _MAX_COUNT[table]:
        raise BadAddress(
            "{address!r} of kind block: expected a length of 1 to {most}, such as 2/co0:8 (one is 2/co6)",
            address=point.address,
            most=_MAX_COUNT[table],
        )
    return block


def _count(point: Point, table: str, block: int | None, offset: int | None, bit: int) -> int:
    """Return how many registers `point` holds, its kind and its block compared."""
    most = _MAX_COUNT[table] if offset is None else _MAX_WHOLE
    if (block is not None or point.kind in {"block", "str"}) and not 1 <= (block or 0) <= most:
        _refuse_length(point, most)
    if (bit >= 0) != (point.kind == "bool") or bit > 15:
        raise BadAddress(
            "{address!r} of kind {kind}: a bit of a register is 0 to 15 and of kind bool, such as 2/hr10.3",
            address=point.address,
            kind=point.kind,
        )
    if point.kind in {"block", "str"}:
        return _wide(point, (block or 0) - (offset or 0), 1, offset)
    if point.kind != "bool" and point.kind not in _REGISTERS:
        raise BadAddress(
            "{address!r} of kind {kind}: registers hold {kinds}, bool, str or block, such as 2/ir10 of kind i16",
            address=point.address,
            kind=point.kind,
            kinds=", ".join(_REGISTERS),
        )
    width = _REGISTERS.get(point.kind, 1)
    if block is not None:
        _wide(point, block - (offset or 0), width, offset)
    if block is not None and offset is None:
        raise BadAddress(
            "{address!r} of kind {kind}: a length needs kind block or str, such as 2/hr0:3; "
            "a part of registers that are read whole is 2/hr0:3+1 (as 2/hr2090:10+2)",
            address=point.address,
            kind=point.kind,
        )
    return width


def _wide(point: Point, left: int, width: int, offset: int | None) -> int:
    """Return the registers that are `left` in the block of `point`, which needs `width` at least."""
    if left < width:
        _refuse_width(point, max(left, 0), width, offset)
    return left


def _refuse_length(point: Point, most: int) -> NoReturn:
    if point.kind == "str":
        raise BadAddress(
            "{address!r} of kind str: expected a length of 1 to {most}, such as 2/hr0:3 "
            "(a string has 2 characters a register)",
            address=point.address,
            most=most,
        )
    raise BadAddress(
        "{address!r} of kind {kind}: expected a length of 1 to {most}, such as 2/hr0:3",
        address=point.address,
        kind=point.kind,
        most=most,
    )


def _refuse_width(point: Point, left: int, width: int, offset: int | None) -> NoReturn:
    if offset is None:
        raise BadAddress(
            "{address!r} of kind {kind}: it is wider than its block: it takes {width} registers, the block has {left}, "
            "expected a longer block or a narrower kind, such as 2/hr0:3",
            address=point.address,
            kind=point.kind,
            width=width,
            left=left,
        )
    raise BadAddress(
        "{address!r} of kind {kind}: it is wider than its block: it takes {width} registers, the block has {left} "
        "from +{offset}, expected a longer block or a narrower kind, such as 2/hr0:3",
        address=point.address,
        kind=point.kind,
        width=width,
        left=left,
        offset=offset,
    )


@lru_cache(maxsize=256)
def ezo_field(point: Point) -> int:
    """Return which field (from 0) of an EZO reading `point` names: `R` or `R:1`.

    Raises:
        BadAddress: the text is neither, or the kind is not float.
    """
    found = _EZO.fullmatch(point.address)
    if found is None:
        raise BadAddress(
            "{address!r} is no EZO address: expected R, or R:1 for the second field of a reading", address=point.address
        )
    if point.kind != "float":
        raise BadAddress(
            "{address!r} of kind {kind}: an EZO reading is a number, such as R of kind float",
            address=point.address,
            kind=point.kind,
        )
    return int(found["field"] or 0)


def sics_point(point: Point) -> str:
    """Return what `point` names on a balance: weight (stable), weight_now, or the commands tare and zero.

    Raises:
        BadAddress: the balance has no such point, or it is of another kind (float; the commands bool).
    """
    return _named(point, "balance", _SICS)


def circulator_point(point: Point) -> str:
    """Return what `point` names on a heating circulator: bath, setpoint (°C), running, or status.

    Raises:
        BadAddress: the circulator has no such point, or it is of another kind (float; running bool, status str).
    """
    return _named(point, "circulator", _CIRCULATOR)


def _named(point: Point, device: str, kinds: Mapping[str, str]) -> str:
    kind = kinds.get(point.address)
    if kind is None:
        raise BadAddress(
            "{address!r} is no point of a {device}: expected {points}",
            address=point.address,
            device=device,
            points=", ".join(kinds),
        )
    if point.kind != kind:
        raise BadAddress(
            "{address!r} of kind {kind}: on a {device} it is of kind {other}",
            address=point.address,
            kind=point.kind,
            device=device,
            other=kind,
        )
    return point.address


@lru_cache(maxsize=1024)
def mqtt_field(point: Point) -> tuple[str, tuple[str, ...]]:
    """Return the topic, or the sensor's name, and the path that `point` names: `sensors/room/climate#temperature`.

    The steps of a path are separated by full stops; `#DS18B20.Temperature` is ("DS18B20", "Temperature"). A topic
    alone, whose payload is a plain number, has the path ().

    Raises:
        BadAddress: no topic, a wildcard, an empty path or an empty step in it, or a topic alone that is no number.
    """
    topic, hash_, path = point.address.partition("#")
    steps = tuple(path.split(".")) if hash_ else ()
    if not topic or topic.endswith("/") or "+" in topic or not all(steps):
        raise BadAddress(
            "{address!r} is no MQTT address: expected a topic without wildcards and a JSON field, such as "
            "sensors/room/climate#temperature, or the topic of a plain number, such as sensors/room/temperature",
            address=point.address,
        )
    if not steps and point.kind in {"bool", "str", "block"}:
        raise BadAddress(
            "{address!r} of kind {kind}: a topic alone is a plain number; name a JSON field, "
            "such as sensors/room/climate#temperature",
            address=point.address,
            kind=point.kind,
        )
    return topic, steps
