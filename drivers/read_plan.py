"""Which requests read a set of Modbus points: neighbours share one, holes are read along when they are small."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from drivers.addresses import ModbusAddress, modbus_address
from drivers.frames.modbus import MAX_BITS, MAX_REGISTERS
from drivers.link import Point

__all__ = ["Block", "Part", "plan"]

_HOLE_REGISTERS = 16  # on TCP a hole costs nothing beside a request; a unit that refuses to read it is asked in halves
_HOLE_BITS = 16 * _HOLE_REGISTERS


@dataclass(frozen=True, slots=True)
class Part:
    """Where in a block's values one point lies."""

    point: Point
    address: ModbusAddress
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Block:
    """One read request, and the points that it answers."""

    unit: int
    table: str
    address: int
    count: int
    parts: tuple[Part, ...]

    def __str__(self) -> str:
        """Return the block as an address: `2/ir0:13`, or `2/ir10` for a single one."""
        return f"{self.unit}/{self.table}{self.address}" + (f":{self.count}" if self.count > 1 else "")

    def halves(self) -> tuple[Block, Block]:
        """Return the block as two, each with half of its points (it has two at least)."""
        addresses = [(part.point, part.address) for part in self.parts]
        middle = len(addresses) // 2
        return _block(addresses[:middle]), _block(addresses[middle:])


def plan(points: Sequence[Point], refused: Collection[Block] = ()) -> tuple[Block, ...]:
    """Return the requests that read `points`; a block that a unit has `refused` is asked for in halves.

    Raises:
        BadAddress: a point is not one of Modbus.
    """
    placed = [(point, modbus_address(point)) for point in points]
    placed.sort(key=lambda pair: (pair[1].unit, pair[1].table, pair[1].address))
    return tuple(part for group in _groups(placed) for part in _unrefused(_block(group), refused))


def _groups(placed: Sequence[tuple[Point, ModbusAddress]]) -> Iterator[list[tuple[Point, ModbusAddress]]]:
    group: list[tuple[Point, ModbusAddress]] = []
    end = 0
    for point, address in placed:
        if group and not _fits(group[0][1], end, address):
            yield group
            group = []
        end = address.end if not group else max(end, address.end)
        group.append((point, address))
    if group:
        yield group


def _fits(first: ModbusAddress, end: int, address: ModbusAddress) -> bool:
    """Return whether a block from `first` up to `end` may take `address` in as well."""
    if (first.unit, first.table) != (address.unit, address.table):
        return False
    hole, longest = (_HOLE_BITS, MAX_BITS) if address.is_bit else (_HOLE_REGISTERS, MAX_REGISTERS)
    return address.address - end <= hole and max(end, address.end) - first.address <= longest


def _block(group: Sequence[tuple[Point, ModbusAddress]]) -> Block:
    first = group[0][1]
    start, end = first.address, max(address.end for _, address in group)
    parts = tuple(Part(point, address, address.address - start, address.end - start) for point, address in group)
    return Block(first.unit, first.table, start, end - start, parts)


def _unrefused(block: Block, refused: Collection[Block]) -> Iterator[Block]:
    if block not in refused or len(block.parts) == 1:
        yield block
        return
    for half in block.halves():
        yield from _unrefused(half, refused)
