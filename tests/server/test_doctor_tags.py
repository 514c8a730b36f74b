"""The doctor's judgement of what tags said, on words of our own."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from drivers.link import Point, RawReading
from linectl.model.devices import Device, DeviceDefinition, Expectation
from linectl.model.lines import Tag
from linectl.model.readings import GOOD, Quality, Reading, Value, bad
from linectl.server.doctor.finding import Finding, Level
from linectl.server.doctor.tags import Said, deaf_units, judge_deaf_unit, judge_expectation, judge_tag

DEVICE = Device("meter", "bus", 4, DeviceDefinition("lth_mxd70", {}))


def said(
    value: Value | None = None, reason: str = "", address: str = "4/ir1", detail: str = "", **more: object
) -> Said:
    tag = Tag("bath.level", "%", link="bus", point=Point(address), low=0.0, high=110.0)
    quality: Quality = bad(reason) if reason else GOOD
    reading = Reading(tag.name, value, quality, 0, 0, 1, detail)
    return Said(tag, reading, RawReading(value, reason, detail), file="line.yaml:9", **more)  # type: ignore[arg-type]  # what a test says


def told(findings: Iterable[Finding]) -> list[tuple[Level, str, str]]:
    return [(each.level, each.code, str(each.place)) for each in findings]


@pytest.mark.parametrize(
    ("what", "level", "code"),
    [
        (said(None, "out_of_service"), Level.ERROR, "wrong_register"),
        (said(None, "out_of_range"), Level.WARNING, "implausible"),
        (said(None, "sensor_failure"), Level.WARNING, "sensor_failure"),
        (said(None, "bad_reply"), Level.ERROR, "bad_reply"),
        (said(None, "stale", waited_s=5.0, patience_s=2.5), Level.WARNING, "silent_topic"),
        (said(None, "waiting_for_initial_data", waited_s=5.0, patience_s=75.0), Level.NOTE, "not_heard_yet"),
        (said(None, "stale", waited_s=5.0, patience_s=75.0, only_retained=True), Level.WARNING, "retained_only"),
    ],
)
def test_what_a_tag_said_is_told_with_its_place(what: Said, level: Level, code: str) -> None:
    assert told(judge_tag(what)) == [(level, code, "bath.level, bus 4/ir1, line.yaml:9")]


def test_what_is_right_is_not_told() -> None:
    assert told(judge_tag(said(50.0))) == []
    block = Said(said().tag, said(None, "bad_reply").reading, RawReading((1, 2, 3)))
    assert told(judge_tag(block)) == [], "a block has no value of its own"


def test_a_unit_is_deaf_when_none_of_its_tags_is_answered() -> None:
    silent, lost = said(None, "timeout", "5/ir1"), said(None, "not_connected", "5/ir2")
    assert list(deaf_units([silent, lost, said(1.0, address="4/ir1")])) == [("bus", 5)]
    assert deaf_units([silent, said(1.0, address="5/ir3")]) == {}
    assert deaf_units([silent, said(None, "out_of_service", "5/ir3")]) == {}, "an exception is an answer"
    assert deaf_units([said(None, "timeout", "room/climate#t")]) == {}, "no Modbus unit"


def test_a_deaf_unit_is_told_with_those_that_answer() -> None:
    tags = [said(None, "timeout", f"5/ir{k}", "no reply within 0.5 s") for k in range(4)]
    finding = judge_deaf_unit("bus", 5, tags, [5, *range(7, 20)], "line.yaml:3")
    assert (finding.level, finding.code, finding.exit_code) == (Level.ERROR, "unit_silent", 4)
    assert finding.what.endswith("no reply within 0.5 s")
    assert "7, 8, 9, 10, 11, 12, 13, 14 ..." in finding.do
    assert "5," not in finding.do
    alone = judge_deaf_unit("bus", 5, tags, [5], "line.yaml:3")
    assert alone.do != finding.do


@pytest.mark.parametrize(
    ("wanted", "value", "sound"),
    [
        (Expectation("unit", constant=1029), 1029, True),
        (Expectation("unit", constant=1029), 1030, False),
        (Expectation("unit", constant="Arc pH"), "Arc pH", True),
        (Expectation("unit", constant="Arc pH"), "Arc EC", False),
        (Expectation("naoh", low=0.0, high=20.0), 20.0, True),
        (Expectation("naoh", low=0.0, high=20.0), 20.1, False),
        (Expectation("naoh", low=0.0, high=20.0), -0.1, False),
        (Expectation("naoh", high=20.0), -5.0, True),
        (Expectation("naoh", low=0.0), 1e6, True),
        (Expectation("naoh", low=0.0, high=20.0), True, False),
        (Expectation("naoh", low=0.0, high=20.0), None, False),
        (Expectation("unit", constant=0), None, False),
    ],
)
def test_an_instrument_says_what_a_sound_one_does(wanted: Expectation, value: Value | str | None, sound: bool) -> None:
    tag = said().tag
    number = value if not isinstance(value, str) else None
    heard = Said(tag, Reading(tag.name, number, GOOD, 0, 0, 1), RawReading(value))
    assert [each.code for each in judge_expectation(DEVICE, wanted, heard)] == ([] if sound else ["unexpected"])
