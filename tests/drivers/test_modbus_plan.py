"""Which requests a set of points takes: every point once, no request too long, and none dearer than need be."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.addresses import modbus_address
from drivers.link import Point
from drivers.modbus.costs import Costs
from drivers.modbus.read_plan import Block, Rules, plan

FAST = Rules(Costs(0.005, 2e-6))
SLOW = Rules(Costs(14.4, 1.0))  # 9600 8E1, in units of a register

registers = st.builds(
    lambda unit, table, address, kind: Point(f"{unit}/{table}{address}", kind),
    st.integers(1, 2),
    st.sampled_from(["hr", "ir"]),
    st.integers(0, 400),
    st.sampled_from(["u16", "i16", "u32", "f32", "f64"]),
)
bits = st.builds(lambda address: Point(f"1/di{address}", "bool"), st.integers(0, 6000))
register_bits = st.builds(lambda a, bit: Point(f"1/hr{a}.{bit}", "bool"), st.integers(0, 300), st.integers(0, 15))
blocks = st.builds(lambda a, count: Point(f"1/hr{a}:{count}", "block"), st.integers(0, 300), st.integers(1, 123))
parts = st.builds(
    lambda a, offset: Point(f"1/hr{a}:10+{offset}", "f32"), st.sampled_from([20, 100, 105]), st.integers(0, 8)
)
point_lists = st.lists(st.one_of(registers, bits, register_bits, blocks, parts), unique=True, max_size=40)
holes = st.lists(st.tuples(st.integers(0, 300), st.integers(1, 20)).map(lambda h: (h[0], h[0] + h[1])), max_size=4)


def longest(block: Block) -> int:
    return 2000 if block.table in {"co", "di"} else 125


@given(point_lists, holes)
def test_every_point_is_read_once_within_the_limits_and_off_the_holes(
    points: list[Point], forbidden: list[tuple[int, int]]
) -> None:
    found = plan(points, lambda _unit: Rules(FAST.costs, holes={"hr": forbidden}))
    assert sorted(p.point.address for block in found for p in block.parts) == sorted(p.address for p in points)
    wholes = {(b.unit, b.address, b.end) for b in found if b.whole}
    for block in found:
        assert 1 <= block.count <= longest(block)
        for part in block.parts:
            address = modbus_address(part.point)
            assert (address.unit, address.table) == (block.unit, block.table)
            assert block.address + part.start == address.address
            assert part.end - part.start == address.count
            assert part.end <= block.count
            assert block.whole == (address.whole is not None)
            if block.whole:
                assert address.whole == (block.address, block.count)
        if block.table == "hr" and not block.whole and len({(p.start, p.end) for p in block.parts}) > 1:
            ground = [*forbidden, *((start, end) for unit, start, end in wholes if unit == block.unit)]
            assert all(end <= block.address or start >= block.end for start, end in ground)


def cost(group: Sequence[tuple[int, int]], costs: Costs) -> float:
    return costs.of(max(end for _, end in group) - group[0][0])


def partitions(items: list[tuple[int, int]]) -> list[list[list[tuple[int, int]]]]:
    """Every way to divide `items`, into runs or not."""
    if not items:
        return [[]]
    first, rest = items[0], items[1:]
    found = []
    for smaller in partitions(rest):
        found += [[*smaller[:k], [first, *smaller[k]], *smaller[k + 1 :]] for k in range(len(smaller))]
        found.append([[first], *smaller])
    return found


def runs(items: list[tuple[int, int]]) -> list[list[list[tuple[int, int]]]]:
    found = []
    for count in range(len(items)):
        for cuts in itertools.combinations(range(1, len(items)), count):
            edges = [0, *cuts, len(items)]
            found.append([items[start:end] for start, end in itertools.pairwise(edges)])
    return found


def allowed(group: list[tuple[int, int]], forbidden: list[tuple[int, int]], most: int) -> bool:
    start, end = group[0][0], max(end for _, end in group)
    crossed = any(low < end and high > start for low, high in forbidden)
    return len(group) == 1 or (end - start <= most and not crossed)


def cheapest(
    divisions: list[list[list[tuple[int, int]]]], costs: Costs, forbidden: list[tuple[int, int]], most: int
) -> float:
    return min(
        sum(cost(group, costs) for group in division)
        for division in divisions
        if all(allowed(group, forbidden, most) for group in division)
    )


places = st.tuples(st.integers(0, 160), st.sampled_from([1, 2, 4])).map(lambda p: (p[0], p[0] + p[1]))
kinds = {1: "u16", 2: "u32", 4: "u64"}


def planned(items: list[tuple[int, int]], costs: Costs, forbidden: list[tuple[int, int]], most: int) -> float:
    points = [Point(f"1/hr{start}", kinds[end - start]) for start, end in items]
    found = plan(points, lambda _unit: Rules(costs, max_registers=most, holes={"hr": forbidden}))
    return sum(costs.of(block.span) for block in found)


@settings(max_examples=60, deadline=None)
@given(st.sets(places, min_size=1, max_size=10), holes, st.sampled_from([0.5, 3, 14.4, 77]), st.sampled_from([20, 125]))
def test_no_division_into_runs_is_cheaper(
    chosen: set[tuple[int, int]], forbidden: list[tuple[int, int]], request: float, most: int
) -> None:
    items, costs = sorted(chosen), Costs(request, 1.0)
    if any(not allowed([*[one] * 2], forbidden, most) for one in items):
        forbidden = []  # what lies in a hole goes alone: the next test
    best = cheapest(runs(items), costs, forbidden, most)
    assert planned(items, costs, forbidden, most) == pytest.approx(best)


@settings(max_examples=60, deadline=None)
@given(st.sets(places, min_size=1, max_size=6), holes, st.sampled_from([0.5, 3, 14.4, 77]))
def test_no_division_of_any_kind_is_cheaper(
    chosen: set[tuple[int, int]], forbidden: list[tuple[int, int]], request: float
) -> None:
    items, costs = sorted(chosen), Costs(request, 1.0)
    best = cheapest(partitions(items), costs, forbidden, 125)
    assert planned(items, costs, forbidden, 125) == pytest.approx(best)


@pytest.mark.parametrize(
    ("addresses", "rules", "expected"),
    [
        (["2/ir0", "2/ir1", "2/ir6", "2/ir10", "2/ir12"], SLOW, ["2/ir0:13"]),
        (["2/ir0", "2/ir15"], SLOW, ["2/ir0:16"]),
        (["2/ir0", "2/ir16"], SLOW, ["2/ir0", "2/ir16"]),  # a hole of 15 is dearer than a request
        (["2/ir0", "2/ir16"], FAST, ["2/ir0:17"]),
        (["2/ir0", "2/ir124"], FAST, ["2/ir0:125"]),
        (["2/ir0", "2/ir125"], FAST, ["2/ir0", "2/ir125"]),
        (["2/ir0", "2/hr0", "9/ir1"], FAST, ["2/hr0", "2/ir0", "9/ir1"]),
        ([f"2/ir{address}" for address in range(0, 250, 10)], SLOW, ["2/ir0:121", "2/ir130:111"]),
        (["2/ir0", "2/ir9"], Rules(FAST.costs, max_registers=9), ["2/ir0", "2/ir9"]),
        (["2/ir0", "2/ir9"], Rules(FAST.costs, holes={"ir": [(4, 5)]}), ["2/ir0", "2/ir9"]),
        (["2/ir0", "2/ir9"], Rules(FAST.costs, holes={"hr": [(4, 5)]}), ["2/ir0:10"]),
        (["2/ir0", "2/ir4", "2/ir9"], Rules(FAST.costs, holes={"ir": [(4, 5)]}), ["2/ir4", "2/ir0", "2/ir9"]),
    ],
)
def test_what_is_read_along(addresses: list[str], rules: Rules, expected: list[str]) -> None:
    assert [str(block) for block in plan([Point(address) for address in addresses], lambda _unit: rules)] == expected


def test_a_block_that_is_read_whole_is_read_alone() -> None:
    points = [
        Point("2/hr2090:10+2", "f32"),
        Point("2/hr2090:10+4", "u32"),
        Point("2/hr2090:10+4.3", "bool"),
        Point("2/hr2089"),
        Point("2/hr2100"),
    ]
    found = plan(points, lambda _unit: FAST)
    assert [(str(block), len(block.parts), block.whole) for block in found] == [
        ("2/hr2090:10", 3, True),
        ("2/hr2089", 1, False),
        ("2/hr2100", 1, False),
    ]
    assert found[0].divided() is None


def test_a_point_wider_than_its_unit_gives_at_once_goes_alone() -> None:
    """The unit refuses it, and nothing else with it."""
    points = [Point("1/hr0:100", "block"), Point("1/hr0"), Point("1/hr20")]
    found = plan(points, lambda _unit: Rules(FAST.costs, max_registers=50))
    assert [(str(block), len(block.parts)) for block in found] == [("1/hr0:100", 1), ("1/hr0:21", 2)]


def test_coils_are_cheap_to_read_along() -> None:
    found = plan([Point("2/co0", "bool"), Point("2/co100", "bool"), Point("2/co3000:8", "block")], lambda _unit: SLOW)
    assert [str(block) for block in found] == ["2/co0:101", "2/co3000:8"]


@given(point_lists)
def test_a_divided_block_is_the_same_points_in_two(points: list[Point]) -> None:
    for block in plan(points, lambda _unit: FAST):
        halves = block.divided()
        if halves is None:
            assert block.whole or len({part.address.address for part in block.parts}) == 1
            continue
        low, high = halves
        assert low.parts
        assert high.parts
        assert {p.point for p in (*low.parts, *high.parts)} == {p.point for p in block.parts}
        assert {p.point for p in low.parts}.isdisjoint(p.point for p in high.parts)


def test_two_hundred_clustered_tags_take_eight_requests() -> None:
    draw = random.Random(1)
    points = [
        Point(f"1/hr{500 * cluster + register}") for cluster in range(8) for register in draw.sample(range(60), 25)
    ]
    assert len(plan(points, lambda _unit: FAST)) == 8


def test_the_greedy_plan_is_dearer_on_a_slow_line() -> None:
    """The control: filling holes of a fixed size up to 125 registers, as others do, costs more."""
    draw = random.Random(2)
    addresses = sorted(draw.sample(range(4000), 200))
    items = [(address, address + 1) for address in addresses]

    def greedy(fill: int) -> float:
        total, start, end = 0.0, items[0][0], items[0][1]
        for low, high in items[1:]:
            if low - end > fill or high - start > 125:
                total, start = total + SLOW.costs.of(end - start), low
            end = high
        return total + SLOW.costs.of(end - start)

    exact = planned(items, SLOW.costs, [], 125)
    assert exact * 1.2 < greedy(50)
    assert exact <= min(greedy(fill) for fill in range(0, 126, 5))
