"""Counters of devices: totals over full registers and restarts."""

from __future__ import annotations

from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.link import Point
from linectl.line.convert import decoder
from linectl.line.counters import Total
from linectl.model.lines import Scaling, Tag
from linectl.model.readings import GOOD, bad


@pytest.mark.parametrize(
    ("bits", "raws", "totals"),
    [
        (32, [4294967290, 4294967295, 3, 10], [4294967290, 4294967295, 4294967299, 4294967306]),
        (16, [65000, 65535, 0, 1, 500], [65000, 65535, 65536, 65537, 66036]),
        (64, [2**64 - 2, 1], [2**64 - 2, 2**64 + 1]),
        (32, [500, 600, 0, 5], [500, 600, 600, 605]),  # restarted: never 2^32 more
        (32, [3_000_000_000, 40], [3_000_000_000, 3_000_000_040]),
        (16, [40_000, 12], [40_000, 40_012]),  # 25,548 through the top: no wrap
        (32, [1000, 950, 960], [1000, 1000, 1010]),  # took back what it had not saved
        (32, [7, 7, 7], [7, 7, 7]),
    ],
)
def test_totals(bits: int, raws: list[int], totals: list[int]) -> None:
    total = Total(bits)
    assert [total.add(raw) for raw in raws] == totals


@given(st.sampled_from([16, 32, 64]), st.data())
def test_wraps_are_never_lost_nor_invented(bits: int, data: st.DataObject) -> None:
    size = 1 << bits
    first = data.draw(st.integers(0, size - 1))
    steps = data.draw(st.lists(st.integers(0, size // 8), max_size=40))
    truth = list(accumulate(steps, initial=first))
    total = Total(bits)
    assert [total.add(each % size) for each in truth] == truth
    assert total.restarts == 0


@given(st.sampled_from([16, 32]), st.data())
def test_a_total_never_falls_and_gains_no_range_by_a_restart(bits: int, data: st.DataObject) -> None:
    raws = data.draw(st.lists(st.integers(0, (1 << bits) - 1), min_size=1, max_size=40))
    total = Total(bits)
    for before, after in pairwise([total.add(raw) for raw in raws]):
        assert 0 <= after - before < 1 << bits


def test_the_control_a_plain_difference_loses_a_wrap_and_invents_one() -> None:
    wrapped, restarted = (4294967290, 3), (600, 0)
    assert wrapped[1] - wrapped[0] < 0
    assert (restarted[1] - restarted[0]) % 2**32 > 4e9
    assert Total(32).add(600) == 600


def counter(kind: str = "u32", dtype: str = "int", **fields: object) -> Tag:
    return Tag("bath.bottles", "", link="plc", point=Point("2/ir50", kind), dtype=dtype, counter=True, **fields)  # type: ignore[arg-type]


def test_a_counter_tag_counts_on_over_wraps_faults_and_what_is_no_number() -> None:
    decode = decoder(counter(scaling=Scaling(bad_raw=(2**32 - 1,))))
    assert decode(4294967290) == (4294967290, GOOD, "")
    assert decode(2**32 - 1)[1] == bad("sensor_failure")  # the device's code for a fault, not a count
    assert decode("many")[1] == bad("bad_reply")
    assert decode(True)[1] == bad("bad_reply")
    assert decode(4) == (2**32 + 4, GOOD, "")
    assert decoder(counter())(4) == (4, GOOD, "")  # another decoder has counted nothing


def test_a_counter_with_a_gain_is_in_its_unit() -> None:
    decode = decoder(counter("u16", "float", scaling=Scaling(gain=0.1)))
    assert [decode(raw)[0] for raw in (65530, 4)] == [6553.0, 6554.0]


def test_what_the_store_cannot_keep_exactly_is_no_value() -> None:
    plain = Tag("bath.x", "", link="plc", point=Point("2/ir50", "u64"), dtype="int")
    assert decoder(plain)(2**53) == (2**53, GOOD, "")
    assert decoder(plain)(2**53 - 1) == (2**53 - 1, GOOD, "")
    assert decoder(plain)(2**53 + 1)[1] == bad("out_of_range")
