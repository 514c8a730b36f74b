"""How fast a tag may be changed, and what is asked about first."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.link import Outcome
from linectl.line.limits import Before, Pace, allowed_change, doubt, pace_of, refusal
from tests.line.benches import TEXT, Bench, definition, make, virtually

PACED = TEXT.replace("limit: temperature}", "limit: temperature, step: 20, per_min: 6, warn_low: 30}").replace(
    "temperature: {warn: 85, block: 88, hard: 92}", "temperature: {warn: 85, block: 88, hard: 92, step: 15}"
)


def test_the_narrower_of_tag_and_zone_counts() -> None:
    line = definition(PACED)
    assert pace_of(line.tags["bath.setpoint"], line.zones) == Pace(15, 6)
    assert not pace_of(line.tags["bath.stirrer"], line.zones)


@pytest.mark.parametrize(
    ("now", "since_s", "value", "word"),
    [
        (60.0, 3600.0, 66.0, None),
        (60.0, 3600.0, 66.1, "rate"),  # a minute's worth at most, however long it has stood
        (60.0, None, 66.0, None),
        (60.0, 30.0, 63.0, None),
        (60.0, 30.0, 56.9, "rate"),
        (60.0, 0.0, 60.0, None),
        (60.0, 3600.0, 80.0, "step"),
        (None, 3600.0, 60.0, "step"),  # nobody knows from where
        (60.0, 3600.0, 101.0, "range"),
        (85.0, 3600.0, 88.5, "limit"),
    ],
)
def test_a_change_that_is_too_large_or_too_fast(
    now: float | None, since_s: float | None, value: float, word: str | None
) -> None:
    line = definition(PACED)
    found = refusal(line.tags["bath.setpoint"], value, line.zones, Before(now, since_s))
    assert (found and found[0]) == word


@given(
    st.floats(0.01, 50),
    st.floats(0.01, 50),
    st.floats(0, 100),
    st.lists(st.tuples(st.floats(0, 300), st.floats(-20, 120, allow_subnormal=False)), max_size=40),
)
def test_no_sequence_of_writes_is_faster_than_the_rate(
    step: float, per_min: float, start: float, wishes: list[tuple[float, float]]
) -> None:
    pace, now_s = Pace(step, per_min), 0.0
    written = [(-1e9, start)]
    known_s: float | None = None
    for wait_s, value in wishes:
        now_s += wait_s
        since_s = None if known_s is None else now_s - known_s
        if abs(value - written[-1][1]) <= allowed_change(pace, since_s):
            written.append((now_s, value))
            known_s = now_s
    for (_, before), (_, after) in itertools.pairwise(written):
        assert abs(after - before) <= min(step, per_min) * (1 + 1e-9)
    for (early_s, early), (late_s, late) in itertools.combinations(written[1:], 2):
        assert abs(late - early) <= per_min * (late_s - early_s) / 60 * (1 + 1e-6) + 1e-6


def test_what_is_asked_about() -> None:
    line = definition(PACED)
    tag = line.tags["bath.setpoint"]
    assert doubt(tag, 85.0, line.zones) == doubt(tag, 30.0, line.zones) == ""
    assert doubt(tag, 85.1, line.zones) == "85.1 °C is above the warning limit of bath.setpoint, 85.0 °C"
    assert doubt(tag, 29.9, line.zones) == "29.9 °C is below the warning limit of bath.setpoint, 30.0 °C"
    assert doubt(line.tags["bath.heater_enable"], value=True, zones=line.zones) == ""


def test_a_line_holds_its_writes_to_the_pace_but_not_those_of_a_plan() -> None:
    async def work() -> Bench:
        bench = make(PACED)
        bench.plc.values["2/hr10"] = 600
        async with bench.line:
            outcomes = [await bench.line.write("bath.setpoint", value) for value in (64.0, 66.0)]
            await asyncio.sleep(20.0)
            outcomes += [await bench.line.write("bath.setpoint", value) for value in (66.0, 45.0)]
            planned = await bench.line.write("bath.setpoint", 45.0, planned=True)
            assert planned.outcome is Outcome.CONFIRMED
            assert [report.refused_by for report in outcomes] == ["", "rate", "", "step"]
        return bench

    assert virtually(work).plc.sent("2/hr10") == [640, 660, 450]
