"""Bottles followed by counting, against a chain that is played bottle by bottle."""

from __future__ import annotations

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from linectl.line.bottle_trace import BottleTrace

LENGTH = 12


def test_what_left_while_the_last_machine_length_passed() -> None:
    trace = BottleTrace(capacity=LENGTH, final=2)
    for moved in range(100):
        trace.note(moved, max(0, moved - LENGTH), 0)
    out = 99 - LENGTH
    assert trace.left_since_transit() == out - LENGTH, "with the one that left as the bottle at the exit went in"
    assert trace.in_final(99, out, 0) == 2


def test_a_chain_that_stands_takes_no_more_of_them() -> None:
    trace = BottleTrace(capacity=LENGTH, final=2)
    for moved in range(60):
        trace.note(moved, max(0, moved - LENGTH), 0)
    before = trace.left_since_transit()
    for _ in range(1000):
        trace.note(59, 59 - LENGTH, 0)
    assert trace.left_since_transit() == before


def test_counting_that_began_late_takes_as_many_as_the_machine_holds_or_all() -> None:
    late = BottleTrace(capacity=LENGTH)
    late.note(500, 500 - LENGTH, 0)
    assert late.left_since_transit() == 500 - LENGTH - LENGTH + 1
    blind = BottleTrace()
    blind.note(500, 488, 0)
    assert blind.left_since_transit() == 1
    assert blind.in_final(500, 488, 0) == 12
    assert BottleTrace().left_since_transit() == 1


@given(st.lists(st.booleans(), min_size=40, max_size=200), st.sets(st.integers(0, 60), max_size=3))
def test_every_bottle_in_doubt_is_taken_whatever_gaps_and_breakages_there_are(
    feeds: list[bool], breaks: set[int]
) -> None:
    """The bottles that left during the last machine length, told by a play of the pockets, are always among them."""
    trace = BottleTrace(capacity=LENGTH, final=2)
    chain: deque[int | None] = deque([None] * LENGTH, maxlen=LENGTH)
    went_in = came_out = lost = number = 0
    left_at: list[tuple[int, int]] = []  # (move, number by the outfeed's count)
    for move, feed in enumerate(feeds):
        leaving = chain[0]
        if leaving is not None:
            if leaving in breaks:
                lost += 1
            else:
                came_out += 1
                left_at.append((move, came_out))
        chain.append(number if feed else None)
        number, went_in = number + feed, went_in + feed
        trace.note(went_in, came_out, lost)
    in_doubt = [out for move, out in left_at if move > len(feeds) - 1 - LENGTH]
    if in_doubt:
        assert trace.left_since_transit() <= in_doubt[0]
