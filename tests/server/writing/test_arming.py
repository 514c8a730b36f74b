"""Writing is armed by one person at one face, for five minutes."""

from __future__ import annotations

import pytest

from linectl.errors import Refused
from linectl.model.people import Who
from tests.server.writing.desks import ANA, BO, SETPOINT, Desk, at_the_desk


def test_nothing_is_written_unarmed_and_the_refusal_is_recorded() -> None:
    async def work(desk: Desk) -> None:
        report = await desk.writer.set("bath.setpoint", 55.0, ANA, "try")
        assert (report.outcome, report.refused_by) == ("refused", "arming")
        assert "linectl arm" in report.detail
        assert desk.sent == []
        ((refused, who),) = desk.book.refusals
        assert (refused.tag, refused.refused_by, who) == ("bath.setpoint", "arming", "anatry")
        assert desk.writer.armed_state() is None

    at_the_desk(work, armed=False)


def test_armed_one_writes_and_after_five_minutes_no_more() -> None:
    async def work(desk: Desk) -> None:
        assert (await desk.writer.set("bath.setpoint", 55.0, ANA)).outcome == "confirmed"
        await desk.bench.clock.sleep(299.0)
        assert (await desk.writer.set("bath.setpoint", 56.0, ANA)).outcome == "confirmed"
        await desk.bench.clock.sleep(1.5)
        assert desk.writer.armed is None
        assert (await desk.writer.set("bath.setpoint", 57.0, ANA)).refused_by == "arming"
        assert desk.sent == [550, 560]
        assert [(act.action, act.actor, act.reason) for act in desk.book.acts] == [
            ("armed", "ana", ""),
            ("disarmed", "ana", "expired"),
        ]

    at_the_desk(work)


def test_the_minutes_are_those_of_the_process() -> None:
    async def work(desk: Desk) -> None:
        await desk.bench.clock.sleep(299.0)
        assert desk.writer.armed is not None
        await desk.bench.clock.sleep(2.0)
        assert desk.writer.armed is None

    at_the_desk(work, speed=60.0)


def test_a_second_one_is_told_who_writes_since_when_and_the_three_ways_out() -> None:
    async def work(desk: Desk) -> None:
        await desk.bench.clock.sleep(60.0)
        with pytest.raises(Refused) as caught:
            desk.writer.arm(BO)
        assert caught.value.code == "E-ARM-002"
        assert caught.value.message == (
            "ana (cli) is armed to write, since 1:00 min ago, for 4:00 min more: one writes at a time"
        )
        assert caught.value.hint == (
            "wait 4:00 min; or ask ana to disarm (linectl disarm); or take over with a reason: "
            "linectl arm --take-over --reason TEXT"
        )
        report = await desk.writer.set("bath.setpoint", 55.0, BO)
        assert report.refused_by == "arming"
        assert "ana (cli) is armed" in report.detail
        with pytest.raises(Refused, match="ana"):
            desk.writer.disarm(BO)
        assert desk.sent == []

    at_the_desk(work)


def test_the_same_person_at_another_face_is_another_one() -> None:
    async def work(desk: Desk) -> None:
        with pytest.raises(Refused):
            desk.writer.arm(Who("ana", "watch"))

    at_the_desk(work)


def test_each_way_out_works() -> None:
    async def work(desk: Desk) -> None:
        with pytest.raises(Refused, match="needs a reason"):
            desk.writer.arm(BO, take_over=True, why=" ")
        desk.writer.arm(BO, take_over=True, why="ana is at lunch")
        act = desk.book.acts[-1]
        assert (act.action, act.actor, act.old, act.reason) == ("armed", "bo", "ana", "ana is at lunch")
        assert (await desk.writer.set("bath.setpoint", 55.0, ANA)).refused_by == "arming"
        assert (await desk.writer.set("bath.setpoint", 55.0, BO)).outcome == "confirmed"
        desk.writer.disarm(BO)
        desk.writer.disarm(BO)  # nobody is armed: nothing
        desk.writer.arm(ANA)
        await desk.bench.clock.sleep(301.0)
        desk.writer.arm(BO)

    at_the_desk(work)


def test_arming_again_begins_anew_and_no_longer_than_five_minutes() -> None:
    async def work(desk: Desk) -> None:
        await desk.bench.clock.sleep(200.0)
        desk.writer.arm(ANA, 4.0)
        await desk.bench.clock.sleep(200.0)
        state = desk.writer.armed_state()
        assert state is not None
        assert (state["who"], state["face"]) == ("ana", "cli")
        assert state["until"] == "2026-01-01T00:07:20.000+00:00"  # begun at 0 s, armed again at 200 s for 240 s
        for minutes in (0.0, -1.0, 5.1, float("nan")):
            with pytest.raises(Refused) as caught:
                desk.writer.arm(ANA, minutes)
            assert caught.value.code == "E-ARM-003"
        assert SETPOINT not in [where for _when, where, _value in desk.bench.plc.written]

    at_the_desk(work)
