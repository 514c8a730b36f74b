"""Whatever is asked, in whatever order: nothing beyond the hard limits, nothing faster than the rate."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linectl.errors import Refused
from linectl.server.writing.ramps import ramp
from tests.server.writing.desks import ANA, PACED, Desk, at_the_desk

PER_MIN, STEP = 6.0, 20.0

VALUES = st.one_of(
    st.floats(-10, 120), st.floats(allow_nan=True, allow_infinity=True), st.sampled_from([88.0, 88.1, 92.0])
)
ACTS = st.one_of(
    st.tuples(st.just("set"), VALUES),
    st.tuples(st.just("ramp"), VALUES, st.floats(0.1, 12)),
    st.tuples(st.just("for"), VALUES, st.floats(0.1, 120)),
    st.tuples(st.just("undo")),
    st.tuples(st.just("wait"), st.floats(0, 120)),
)


async def carry_out(desk: Desk, act: tuple[object, ...]) -> None:
    match act:
        case ("set", float(value)):
            await desk.writer.set("bath.setpoint", value, ANA, sure=True)
        case ("ramp", float(value), float(rate)):
            await desk.writer.set("bath.setpoint", value, ANA, ramp_per_min=rate, sure=True)
        case ("for", float(value), float(for_s)):
            await desk.writer.set("bath.setpoint", value, ANA, for_s=for_s, sure=True)
        case ("undo",):
            await desk.writer.undo(ANA, sure=True)
        case (_, float(wait_s)):
            await desk.bench.clock.sleep(wait_s)
            desk.writer.arm(ANA)
        case _:
            raise AssertionError(act)


@settings(max_examples=100, deadline=None)
@given(st.lists(ACTS, max_size=15))
def test_no_sequence_of_sets_goes_too_far_or_too_fast(acts: list[tuple[object, ...]]) -> None:
    async def work(desk: Desk) -> Desk:
        for act in acts:
            try:
                await carry_out(desk, act)
            except Refused:
                continue
        return desk

    paces = at_the_desk(work, PACED).paces()
    assert all(0.0 <= value <= 88.0 for _when, value in paces)
    for (_, before), (_, after) in itertools.pairwise([(0.0, 60.0), *paces]):
        assert abs(min(after, 80.0) - min(before, 80.0)) <= min(STEP, PER_MIN) + 1e-6
    for (early_s, early), (late_s, late) in itertools.combinations(paces, 2):  # the PLC keeps 80 °C at most
        assert abs(min(late, 80.0) - min(early, 80.0)) <= PER_MIN * (late_s - early_s) / 60.0 + 1e-6


def test_the_property_can_fail() -> None:
    async def work(desk: Desk) -> Desk:
        await desk.bench.line.write("bath.setpoint", 88.0, planned=True)  # what a plan may do
        return desk

    ((_, value),) = at_the_desk(work, PACED).paces()
    assert value - 60.0 > STEP


@given(st.floats(-100, 100), st.floats(-100, 100), st.floats(0.01, 60), st.sampled_from([0.0, 0.01, 0.1, 1.0, 5.0]))
def test_a_ramp_keeps_to_its_line(start: float, target: float, per_min: float, resolution: float) -> None:
    way = ramp(start, target, per_min, resolution)
    steps = list(itertools.islice(way.steps(), 2000))
    now_s, at = 0.0, start
    for wait_s, value in steps:
        now_s += wait_s
        assert wait_s > 0.0
        assert abs(value - at) <= per_min * wait_s / 60.0 + 1e-9
        assert min(start, target) - 1e-9 <= value <= max(start, target) + 1e-9
        assert abs(value - start) <= per_min * now_s / 60.0 + 1e-9
        at = value
    if len(steps) < 2000:
        assert at == pytest.approx(target)
        assert now_s == pytest.approx(way.lasts_s, abs=1e-6)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_a_ramp_without_a_rate_is_none(rate: float) -> None:
    with pytest.raises(ValueError, match="a rate above 0"):
        ramp(0.0, 1.0, rate)


def test_no_way_is_no_step() -> None:
    assert list(ramp(5.0, 5.0, 1.0, 0.1).steps()) == []
