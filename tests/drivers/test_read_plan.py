"""Which requests a set of points takes: every point once, no request too long, none fewer than possible."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.addresses import modbus_address
from drivers.link import Point
from drivers.read_plan import Block, plan

registers = st.builds(
    lambda unit, table, address, kind: Point(f"{unit}/{table}{address}", kind),
    st.integers(1, 2),
    st.sampled_from(["hr", "ir"]),
    st.integers(0, 400),
    st.sampled_from(["u16", "i16", "u32", "f32"]),
)
bits = st.builds(lambda address: Point(f"1/di{address}", "bool"), st.integers(0, 6000))
blocks = st.builds(
    lambda address, count: Point(f"1/hr{address}:{count}", "block"), st.integers(0, 300), st.integers(1, 123)
)
point_lists = st.lists(st.one_of(registers, bits, blocks), unique=True, max_size=40)


def longest(block: Block) -> int:
    return 2000 if block.table in {"co", "di"} else 125


def check(points: list[Point], found: tuple[Block, ...]) -> None:
    assert sorted(part.point.address for block in found for part in block.parts) == sorted(p.address for p in points)
    for block in found:
        assert 1 <= block.count <= longest(block)
        for part in block.parts:
            address = modbus_address(part.point)
            assert (address.unit, address.table) == (block.unit, block.table)
            assert block.address + part.start == address.address
            assert part.end - part.start == address.count
            assert part.end <= block.count


@given(point_lists)
def test_every_point_is_read_once_within_the_limits(points: list[Point]) -> None:
    found = plan(points)
    check(points, found)
    assert plan(list(reversed(points))) == found or len({modbus_address(p).address for p in points}) < len(points)


@given(st.lists(st.integers(0, 300), unique=True, min_size=1, max_size=8))
def test_no_division_of_the_same_kind_needs_fewer_requests(addresses: list[int]) -> None:
    ordered = sorted(addresses)
    cuts = range(len(ordered))
    fewest = min(
        len(chosen) + 1
        for count in cuts
        for chosen in itertools.combinations(range(1, len(ordered)), count)
        if all(allowed(part) for part in pieces(ordered, chosen))
    )
    assert len(plan([Point(f"1/ir{address}") for address in addresses])) == fewest


def pieces(ordered: list[int], cuts: tuple[int, ...]) -> list[list[int]]:
    edges = [0, *cuts, len(ordered)]
    return [ordered[start:end] for start, end in itertools.pairwise(edges)]


def allowed(part: list[int]) -> bool:
    holes = (after - before - 1 for before, after in itertools.pairwise(part))
    return part[-1] - part[0] < 125 and all(hole <= 16 for hole in holes)


@pytest.mark.parametrize(
    ("addresses", "blocks_"),
    [
        (["2/ir0", "2/ir1", "2/ir6", "2/ir10", "2/ir12"], ["2/ir0:13"]),
        (["2/ir0", "2/ir17"], ["2/ir0:18"]),
        (["2/ir0", "2/ir18"], ["2/ir0", "2/ir18"]),
        (["2/ir0", "2/hr0", "9/ir1"], ["2/hr0", "2/ir0", "9/ir1"]),
        ([f"2/ir{address}" for address in range(0, 250, 10)], ["2/ir0:121", "2/ir130:111"]),
    ],
)
def test_small_holes_are_read_along(addresses: list[str], blocks_: list[str]) -> None:
    assert [str(block) for block in plan([Point(address) for address in addresses])] == blocks_


def test_a_block_inside_another_point_stays_whole() -> None:
    (block,) = plan([Point("2/hr0:10", "block"), Point("2/hr2"), Point("2/hr12")])
    assert (block.address, block.count) == (0, 13)


@given(point_lists)
def test_refused_blocks_are_asked_in_halves_down_to_single_points(points: list[Point]) -> None:
    refused: set[Block] = set()
    for _ in range(10):
        found = plan(points, refused)
        check(points, found)
        refused |= set(found)
    assert all(len(block.parts) == 1 for block in plan(points, refused))
