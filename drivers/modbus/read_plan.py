"""Which requests read a set of Modbus points in the least time: neighbours share one, small holes are read along.

The division is exact, not greedy: dynamic programming over the points in the order of their addresses. It is enough to
try runs of neighbours: two requests whose ranges overlap can swap points, without reading more, until they are runs.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from drivers.addresses import ModbusAddress, modbus_address
from drivers.frames.registers import decoder
from drivers.link import Point, RawValue
from drivers.modbus.costs import BITS_A_REGISTER, Costs

__all__ = ["Block", "Part", "Rules", "plan"]

_NEVER = 1 << 20  # an address behind all others
_TIE_S = 1e-12  # of two divisions that cost the same, the one with the longer first request

Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Rules:
    """What one unit allows, and what a request to it costs.

    `holes` are the ranges of addresses (from, past the end), by table, that no request for other points may touch.
    """

    costs: Costs
    max_registers: int = 125
    max_bits: int = 2000
    holes: Mapping[str, Sequence[Range]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Part:
    """Where in a block's values one point lies, and what makes its value of them."""

    point: Point
    address: ModbusAddress
    start: int
    end: int
    decode: Callable[[Sequence[int]], RawValue]


@dataclass(frozen=True, slots=True)
class Block:
    """One read request, and the points that it answers; a `whole` one is never divided."""

    unit: int
    table: str
    address: int
    count: int
    parts: tuple[Part, ...]
    whole: bool = False

    def __str__(self) -> str:
        """Return the block as an address: `2/ir0:13`, or `2/ir10` for a single one."""
        return f"{self.unit}/{self.table}{self.address}" + (f":{self.count}" if self.count > 1 else "")

    @property
    def end(self) -> int:
        """The address behind the last one."""
        return self.address + self.count

    @property
    def span(self) -> float:
        """How much is read, in registers."""
        return self.count / BITS_A_REGISTER if self.table in {"co", "di"} else self.count

    def gaps(self) -> list[Range]:
        """Return the ranges inside the block that no point of it asks for."""
        found, end = [], self.address
        for part in self.parts:
            if part.address.address > end:
                found.append((end, part.address.address))
            end = max(end, part.address.end)
        return found

    def divided(self) -> tuple[Block, Block] | None:
        """Return the block as two, parted at its middle gap or else between its points; None when it has but one."""
        if self.whole:
            return None
        gaps = self.gaps()
        if gaps:
            edge = gaps[len(gaps) // 2][1]
        else:
            starts = sorted({part.address.address for part in self.parts})
            edge = starts[len(starts) // 2]
        low = [(part.point, part.address) for part in self.parts if part.address.address < edge]
        high = [(part.point, part.address) for part in self.parts if part.address.address >= edge]
        return (_block(low), _block(high)) if low and high else None


def plan(points: Sequence[Point], rules: Callable[[int], Rules]) -> tuple[Block, ...]:
    """Return the requests that read `points` in the least time that the `rules` of their units allow.

    Raises:
        BadAddress: a point is not one of Modbus.
    """
    tables: dict[tuple[int, str], list[tuple[Point, ModbusAddress]]] = {}
    for point in points:
        address = modbus_address(point)
        tables.setdefault((address.unit, address.table), []).append((point, address))
    found: list[Block] = []
    for (unit, table), placed in sorted(tables.items(), key=lambda item: item[0]):
        found += _blocks(placed, table, rules(unit))
    return tuple(found)


def _blocks(placed: list[tuple[Point, ModbusAddress]], table: str, rules: Rules) -> Iterator[Block]:
    wholes: dict[Range, list[tuple[Point, ModbusAddress]]] = {}
    loose: list[tuple[Point, ModbusAddress]] = []
    for one in placed:
        whole = one[1].whole
        if whole is None:
            loose.append(one)
        else:
            wholes.setdefault(whole, []).append(one)
    for (start, count), parts in sorted(wholes.items()):
        yield _block(parts, start, count)
    if loose:
        forbidden = [*rules.holes.get(table, ()), *((start, start + count) for start, count in wholes)]
        bits = table in {"co", "di"}
        most = min(rules.max_bits, 2000) if bits else min(rules.max_registers, 125)
        each_s = rules.costs.register_s / (BITS_A_REGISTER if bits else 1)
        for group in _grouped(loose, _Terrain(forbidden), most, rules.costs.request_s, each_s):
            yield _block(group)


class _Terrain:
    """The addresses that only a request of their own may touch."""

    def __init__(self, forbidden: Sequence[Range]) -> None:
        merged: list[list[int]] = []
        for start, end in sorted(forbidden):
            if merged and start < merged[-1][1]:
                merged[-1][1] = max(merged[-1][1], end)
            else:
                merged.append([start, end])
        self._starts = [start for start, _ in merged]
        self._ends = [end for _, end in merged]

    def edge(self, start: int) -> int:
        """Return the start of the first forbidden range that ends behind `start`."""
        index = bisect_right(self._ends, start)
        return self._starts[index] if index < len(self._starts) else _NEVER


def _grouped(
    loose: Sequence[tuple[Point, ModbusAddress]], terrain: _Terrain, most: int, request_s: float, each_s: float
) -> Iterator[list[tuple[Point, ModbusAddress]]]:
    """Yield who shares a request: what touches forbidden ground, or is too long, goes alone."""
    together: dict[Range, list[tuple[Point, ModbusAddress]]] = {}
    for place, members in _distinct(loose).items():
        start, end = place
        if terrain.edge(start) < end or end - start > most:
            yield members
        else:
            together[place] = members
    places = _outermost(together)
    limits = [min(start + most, terrain.edge(start)) for start, _ in places]
    for run in _runs(places, limits, request_s, each_s):
        yield [one for place in places[run] for one in together[place]]


def _runs(places: Sequence[Range], limits: Sequence[int], request_s: float, each_s: float) -> Iterator[slice]:
    """Yield the runs that cost least in all: best[i] = min over j of request + each x span(i..j) + best[j + 1].

    A run that begins at `places[i]` ends at `limits[i]` at the latest.
    """
    ends = [end for _, end in places]
    cuts = _cuts(places)
    best = [0.0] * (len(places) + 1)
    after = [0] * len(places)
    for first in reversed(range(len(places))):
        start = places[first][0]
        furthest = bisect_right(ends, limits[first], first) - 1
        lowest, at = float("inf"), first + 1
        for last in (*cuts[bisect_left(cuts, first) : bisect_left(cuts, furthest)], furthest):
            cost_s = request_s + each_s * (ends[last] - start) + best[last + 1]
            if cost_s <= lowest + _TIE_S:
                lowest, at = cost_s, last + 1
        best[first], after[first] = lowest, at
    first = 0
    while first < len(places):
        yield slice(first, after[first])
        first = after[first]


def _cuts(places: Sequence[Range]) -> list[int]:
    """Return the places behind which a run may end though it could go on.

    Behind one that touches the next it need not: with the next in this run too, that run is longer by the next, and
    the other one shorter by as much at least (unless the one behind overlaps it) or not needed any more.
    """
    found = []
    for index in range(len(places) - 1):
        touches = places[index + 1][0] == places[index][1]
        overlapped = index + 2 < len(places) and places[index + 2][0] < places[index + 1][1]
        if not touches or overlapped:
            found.append(index)
    return found


def _distinct(loose: Sequence[tuple[Point, ModbusAddress]]) -> dict[Range, list[tuple[Point, ModbusAddress]]]:
    """Return who is at each different range of addresses, in order; of two that begin together the longer first."""
    found: dict[Range, list[tuple[Point, ModbusAddress]]] = {}
    for one in sorted(loose, key=lambda pair: (pair[1].address, -pair[1].end)):
        found.setdefault((one[1].address, one[1].end), []).append(one)
    return found


def _outermost(places: dict[Range, list[tuple[Point, ModbusAddress]]]) -> list[Range]:
    """Return the places that lie in no other; who is in one of the others is added to the place around it."""
    found: list[Range] = []
    for place, members in places.items():
        if found and place[1] <= found[-1][1]:
            places[found[-1]].extend(members)
        else:
            found.append(place)
    return found


def _block(group: Sequence[tuple[Point, ModbusAddress]], start: int = -1, count: int = 0) -> Block:
    first = group[0][1]
    whole = start >= 0
    if not whole:
        start = first.address
        count = max(address.end for _, address in group) - start
    parts = tuple(
        Part(
            point,
            address,
            address.address - start,
            address.end - start,
            decoder(address.kind, address.order, address.bit),
        )
        for point, address in group
    )
    return Block(first.unit, first.table, start, count, parts, whole)
