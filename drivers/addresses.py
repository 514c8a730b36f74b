"""What a point's address text means on each kind of wire; pure, and loads no driver."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from drivers.errors import BadAddress
from drivers.link import Point

__all__ = ["ModbusAddress", "ezo_field", "modbus_address", "mqtt_field"]

_MODBUS = re.compile(r"(?P<unit>[0-9]{1,3})/(?P<table>co|di|ir|hr)(?P<address>[0-9]{1,5})(?::(?P<count>[0-9]{1,3}))?")
_EZO = re.compile(r"R(?::(?P<field>[0-9]))?")
_REGISTERS = {"u16": 1, "i16": 1, "u32": 2, "i32": 2, "f32": 2}
_BITS = ("co", "di")
_MAX_BLOCK = 123  # registers in one FC16 request (Modbus application protocol V1.1b3, 6.12)


@dataclass(frozen=True, slots=True)
class ModbusAddress:
    """One place in a Modbus unit: `count` registers or bits of `table` from the 0-based `address`, read as `kind`."""

    unit: int
    table: str
    address: int
    count: int
    kind: str

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
    """Return what `point` names in a Modbus unit, such as `2/ir10` or the block `2/hr0:3`.

    Raises:
        BadAddress: the text or the kind is not one of Modbus.
    """
    found = _MODBUS.fullmatch(point.address)
    if found is None:
        raise BadAddress(
            f"{point.address!r} is no Modbus address: expected unit/table and number (tables co, di, ir, hr), "
            "such as 2/ir10, or a block such as 2/hr0:3"
        )
    unit, address, table = int(found["unit"]), int(found["address"]), found["table"]
    count = _count(point, table, found["count"])
    if unit > 255:
        raise BadAddress(f"{point.address!r}: unit {unit} is above 255, expected something like 2/ir10")
    if address + count > 65_536:
        raise BadAddress(f"{point.address!r}: it reaches beyond address 65535, expected something like 2/ir10")
    return ModbusAddress(unit, table, address, count, point.kind)


def _count(point: Point, table: str, block: str | None) -> int:
    if table in _BITS:
        if point.kind != "bool" or block is not None:
            raise BadAddress(
                f"{point.address!r} of kind {point.kind}: co and di hold single bits, such as 2/co6 of kind bool"
            )
        return 1
    if point.kind == "block":
        count = int(block or 0)
        if not 1 <= count <= _MAX_BLOCK:
            raise BadAddress(
                f"{point.address!r} of kind block: expected a length of 1 to {_MAX_BLOCK}, such as 2/hr0:3"
            )
        return count
    if block is not None:
        raise BadAddress(f"{point.address!r} of kind {point.kind}: a length needs kind block, such as 2/hr0:3")
    if point.kind not in _REGISTERS:
        raise BadAddress(
            f"{point.address!r} of kind {point.kind}: registers hold {', '.join(_REGISTERS)} or block, "
            "such as 2/ir10 of kind i16"
        )
    return _REGISTERS[point.kind]


@lru_cache(maxsize=256)
def ezo_field(point: Point) -> int:
    """Return which field (from 0) of an EZO reading `point` names: `R` or `R:1`.

    Raises:
        BadAddress: the text is neither, or the kind is not float.
    """
    found = _EZO.fullmatch(point.address)
    if found is None:
        raise BadAddress(f"{point.address!r} is no EZO address: expected R, or R:1 for the second field of a reading")
    if point.kind != "float":
        raise BadAddress(f"{point.address!r} of kind {point.kind}: an EZO reading is a number, such as R of kind float")
    return int(found["field"] or 0)


@lru_cache(maxsize=1024)
def mqtt_field(point: Point) -> tuple[str, tuple[str, ...]]:
    """Return the topic and the path of the JSON field that `point` names: `sensors/room/climate#temperature`.

    The steps of a path are separated by full stops; `#DS18B20.Temperature` is ("DS18B20", "Temperature").

    Raises:
        BadAddress: no topic, a wildcard, no path, or an empty step in it.
    """
    topic, _, path = point.address.partition("#")
    steps = tuple(path.split("."))
    if not topic or topic.endswith("/") or "+" in topic or not all(steps):
        raise BadAddress(
            f"{point.address!r} is no MQTT address: expected a topic without wildcards and a JSON field, "
            "such as sensors/room/climate#temperature"
        )
    return topic, steps
