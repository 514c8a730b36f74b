"""A set: the order of its checks, its outcomes, values for a time, ramps, undo."""

from __future__ import annotations

import asyncio

import pytest

from drivers.link import Outcome
from linectl.errors import Refused
from linectl.line.line import Command
from tests.line.benches import HEATER, OWNER, TEXT
from tests.server.writing.desks import ANA, BO, PACED, SETPOINT, Desk, at_the_desk


@pytest.mark.parametrize(
    ("tag", "value", "by"),
    [
        ("bath.setpoint", 88.5, "limit"),
        ("bath.setpoint", 101.0, "range"),
        ("bath.setpoint", float("nan"), "range"),
        ("bath.setpoint", 86.0, "soft"),
        ("bath.no_such", 1.0, "unknown_tag"),
        ("bath.temperature", 1.0, "not_writable"),
        ("bath.heartbeat", 1.0, "not_writable"),
    ],
)
def test_what_is_refused_never_reaches_the_wire(tag: str, value: float, by: str) -> None:
    async def work(desk: Desk) -> None:
        for dry_run in (True, False):
            report = await desk.writer.set(tag, value, ANA, dry_run=dry_run)
            assert (report.outcome, report.refused_by) == ("refused", by)
        assert desk.sent == []
        assert len(desk.book.refusals) == 1  # a dry run asks, it does nothing

    at_the_desk(work)


def test_a_doubtful_value_is_written_when_it_is_meant_a_hard_limit_never() -> None:
    async def work(desk: Desk) -> None:
        sure = await desk.writer.set("bath.setpoint", 86.0, ANA, sure=True)
        assert (sure.outcome, sure.got) == ("clamped", 80.0)  # by the bench's PLC
        assert sure.doubt.startswith("86.0 °C is above the warning limit")
        assert (await desk.writer.set("bath.setpoint", 90.0, ANA, sure=True)).refused_by == "limit"
        assert desk.sent == [860]

    at_the_desk(work)


def test_limits_come_before_permissives_and_permissives_before_the_wire() -> None:
    async def work(desk: Desk) -> None:
        desk.forbid("bath.setpoint", "bath.heater_enable")
        assert (await desk.writer.set("bath.setpoint", 99.0, ANA)).refused_by == "limit"
        report = await desk.writer.set("bath.setpoint", 60.0, ANA)
        assert (report.refused_by, report.detail) == ("interlock", "the extraction does not run")
        assert (await desk.writer.set("bath.heater_enable", value=True, who=ANA)).refused_by == "interlock"
        off = await desk.writer.set("bath.heater_enable", value=False, who=ANA)
        assert off.outcome == "confirmed"  # to its safe value a tag may always go
        assert desk.bench.plc.sent(HEATER) == [False]

    at_the_desk(work)


def test_a_lost_lease_a_silent_wire_and_one_that_is_down_are_told_apart() -> None:
    async def work(desk: Desk) -> None:
        desk.bench.plc.values[OWNER] = 9
        assert (await desk.writer.set("bath.setpoint", 61.0, ANA)).refused_by == "lease"
        desk.bench.plc.values[OWNER] = 1
        desk.bench.links["plc"].silent = True
        assert (await desk.writer.set("bath.setpoint", 61.0, ANA)).refused_by == "lease"  # nobody can read it
        desk.bench.links["plc"].silent = False
        assert desk.sent == []

    at_the_desk(work)


def test_a_dry_run_checks_all_and_writes_nothing() -> None:
    async def work(desk: Desk) -> None:
        report = await desk.writer.set("bath.setpoint", 62.0, ANA, ramp_per_min=1.0, dry_run=True)
        assert (report.outcome, report.before, report.ends_in_s) == ("possible", 60.0, 120.0)
        report = await desk.writer.set("bath.setpoint", 62.0, ANA, for_s=600.0, dry_run=True)
        assert (report.outcome, report.back_to, report.ends_in_s) == ("possible", 60.0, 600.0)
        assert (await desk.writer.set("bath.setpoint", 62.0, BO, dry_run=True)).refused_by == "arming"
        await asyncio.sleep(1000.0)
        assert desk.sent == []
        assert desk.book.refusals == []

    at_the_desk(work)


def test_a_run_under_way_is_told_before_its_zone_is_written() -> None:
    async def work(desk: Desk) -> None:
        desk.book.worry = "a run is under way"
        report = await desk.writer.set("bath.setpoint", 61.0, ANA)
        assert (report.refused_by, report.detail) == ("soft", "a run is under way")
        assert (await desk.writer.set("bath.setpoint", 61.0, ANA, sure=True)).doubt == "a run is under way"
        assert (await desk.writer.set("bath.stirrer", 10.0, ANA)).outcome == "confirmed"

    at_the_desk(work)


def test_one_write_may_arm_for_itself_alone_but_not_against_another() -> None:
    async def work(desk: Desk) -> None:
        assert (await desk.writer.set("bath.setpoint", 61.0, BO, once=True)).refused_by == "arming"
        desk.writer.disarm(ANA)
        assert (await desk.writer.set("bath.setpoint", 61.0, BO, once=True)).outcome == "confirmed"
        assert desk.writer.armed is None
        assert (await desk.writer.set("bath.setpoint", 62.0, BO)).refused_by == "arming"
        assert (await desk.writer.undo(BO, once=True)).got == 60.0

    at_the_desk(work)


# for a time


def test_a_value_for_ten_minutes_goes_back_after_them_though_the_arming_is_over() -> None:
    async def work(desk: Desk) -> None:
        report = await desk.writer.set("bath.setpoint", 65.0, ANA, for_s=600.0)
        assert (report.outcome, report.back_to, report.ends_in_s) == ("confirmed", 60.0, 600.0)
        await asyncio.sleep(599.0)
        assert desk.writer.armed is None
        assert desk.sent == [650]
        await asyncio.sleep(2.0)
        assert desk.sent == [650, 600]
        assert desk.book.ends("put_back") == ["done"]
        assert not desk.writer.under_way

    at_the_desk(work)


def test_it_does_not_go_back_when_somebody_changed_it_and_says_so() -> None:
    async def work(desk: Desk) -> None:
        await desk.writer.set("bath.setpoint", 65.0, ANA, for_s=60.0)
        desk.bench.plc.values[SETPOINT] = 700  # at the panel of the PLC
        await asyncio.sleep(61.0)
        assert desk.sent == [650]
        assert desk.book.ends("not_put_back") == ["changed"]

    at_the_desk(work)


def test_a_later_set_for_a_time_goes_back_to_where_the_first_began_a_plain_one_stays() -> None:
    async def work(desk: Desk) -> None:
        await desk.writer.set("bath.setpoint", 65.0, ANA, for_s=60.0)
        report = await desk.writer.set("bath.setpoint", 66.0, ANA, for_s=60.0)
        assert report.back_to == 60.0
        await asyncio.sleep(61.0)
        assert desk.sent == [650, 660, 600]
        await desk.writer.set("bath.setpoint", 65.0, ANA, for_s=60.0)
        await desk.writer.set("bath.setpoint", 66.0, ANA)
        await asyncio.sleep(61.0)
        assert desk.sent == [650, 660, 600, 650, 660]

    at_the_desk(work)


def test_what_was_set_for_a_time_goes_back_when_the_line_is_closed() -> None:
    async def work(desk: Desk) -> Desk:
        await desk.writer.set("bath.setpoint", 65.0, ANA, for_s=600.0)
        await desk.writer.set("bath.heater_enable", value=True, who=ANA, for_s=600.0)
        return desk

    desk = at_the_desk(work)
    assert desk.sent == [650, 600]
    assert desk.bench.plc.sent(HEATER) == [True, False]  # by the safe state, once
    assert desk.book.ends("put_back") == ["done"]
    assert desk.book.ends("not_put_back") == ["safe"]


def test_nothing_leaves_its_safe_value_by_itself() -> None:
    async def work(desk: Desk) -> None:
        await desk.writer.set("bath.heater_enable", value=True, who=ANA)
        with pytest.raises(Refused, match="leave its safe value by itself"):
            await desk.writer.set("bath.heater_enable", value=False, who=ANA, for_s=60.0)
        await desk.writer.set("bath.setpoint", 65.0, ANA, for_s=60.0)
        await desk.bench.line.safe()
        await asyncio.sleep(70.0)
        assert desk.sent == [650]
        assert desk.book.ends("not_put_back") == ["safe"]
        assert desk.bench.plc.values[HEATER] is False

    at_the_desk(work)


def test_a_wire_that_is_down_at_the_end_is_waited_for() -> None:
    async def work(desk: Desk) -> None:
        await desk.writer.set("bath.setpoint", 65.0, ANA, for_s=60.0)
        await asyncio.sleep(58.0)
        desk.bench.links["plc"].silent = True
        await asyncio.sleep(20.0)
        assert desk.sent == [650]
        desk.bench.links["plc"].silent = False
        await asyncio.sleep(20.0)
        assert desk.sent == [650, 600]

    at_the_desk(work)


@pytest.mark.parametrize("for_s", [0.0, -1.0, 86_401.0, float("nan")])
def test_no_time_and_too_long_a_time_are_refused(for_s: float) -> None:
    async def work(desk: Desk) -> None:
        with pytest.raises(Refused):
            await desk.writer.set("bath.setpoint", 65.0, ANA, for_s=for_s)
        with pytest.raises(Refused, match="not both"):
            await desk.writer.set("bath.setpoint", 65.0, ANA, for_s=60.0, ramp_per_min=1.0)
        assert desk.sent == []

    at_the_desk(work)


# ramps


def test_a_ramp_goes_in_steps_along_its_line_and_ends_at_its_target() -> None:
    async def work(desk: Desk) -> None:
        report = await desk.writer.set("bath.setpoint", 62.0, ANA, "slowly", ramp_per_min=1.0)
        assert (report.outcome, report.ends_in_s) == ("ramping", 120.0)
        began_s = desk.bench.plc.loop.time()
        await asyncio.sleep(130.0)
        for when, value in desk.paces():
            assert value == pytest.approx(60.0 + (when - began_s) / 60.0, abs=0.05)
        assert desk.sent[-1] == 620
        assert len(desk.sent) == 20  # 0.1 K each, the least that the register can hold
        assert desk.book.ends("ramp_ended") == ["done"]
        assert desk.writer.armed is not None
        (act,) = [each for each in desk.book.acts if each.action == "ramp"]
        assert (act.actor, act.target, act.old, act.reason) == ("ana", "bath.setpoint", 60.0, "slowly")

    at_the_desk(work)


async def _other_write(desk: Desk) -> None:
    await desk.bench.line.write("bath.setpoint", 50.0)


async def _set(desk: Desk) -> None:
    await desk.writer.set("bath.setpoint", 50.0, ANA)


async def _hold(desk: Desk) -> None:
    await desk.bench.line.command(Command.HOLD, within_s=5.0)


async def _abort(desk: Desk) -> None:
    await desk.bench.line.command(Command.ABORT, within_s=5.0)


async def _trip(desk: Desk) -> None:
    desk.bench.plc.values["2/ir2"] = 1
    await asyncio.sleep(2.0)


async def _reboot(desk: Desk) -> None:
    desk.bench.plc.values["2/ir4"] = 8
    await asyncio.sleep(2.0)


async def _safe(desk: Desk) -> None:
    await desk.bench.line.safe()


async def _panel(desk: Desk) -> None:
    desk.bench.plc.values[SETPOINT] = 550


async def _forbid(desk: Desk) -> None:
    desk.forbid("bath.setpoint")


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (_other_write, "written"),
        (_set, "written"),
        (_hold, "hold"),
        (_abort, "abort"),
        (_trip, "plc_alarm"),
        (_reboot, "plc_reboot"),
        (_safe, "safe"),
        (_panel, "changed"),
        (_forbid, "interlock"),
    ],
)
def test_a_ramp_is_ended_by(event: object, why: str) -> None:
    async def work(desk: Desk) -> None:
        await desk.writer.set("bath.setpoint", 70.0, ANA, ramp_per_min=6.0)
        await asyncio.sleep(35.0)
        assert desk.sent == [610, 620, 630]
        await event(desk)  # type: ignore[operator]  # one of the functions above
        sent = list(desk.sent)
        await asyncio.sleep(200.0)
        assert desk.sent == sent
        assert desk.book.ends("ramp_ended") == [why]
        assert not desk.writer.under_way

    at_the_desk(work)


def test_a_write_that_is_refused_does_not_end_a_ramp() -> None:
    async def work(desk: Desk) -> None:
        await desk.writer.set("bath.setpoint", 63.0, ANA, ramp_per_min=6.0)
        await asyncio.sleep(12.0)
        assert (await desk.writer.set("bath.setpoint", 99.0, ANA)).outcome == "refused"
        assert (await desk.writer.set("bath.stirrer", 30.0, ANA)).outcome == "confirmed"
        await asyncio.sleep(30.0)
        assert desk.sent == [610, 620, 630]

    at_the_desk(work)


def test_a_ramp_that_the_device_clamps_ends_there() -> None:
    async def work(desk: Desk) -> None:
        desk.bench.plc.values[SETPOINT] = 790
        await desk.writer.set("bath.setpoint", 84.0, ANA, ramp_per_min=6.0)
        await asyncio.sleep(200.0)
        assert desk.sent == [800, 810]
        assert desk.book.ends("ramp_ended") == ["clamped"]

    at_the_desk(work)


def test_a_ramp_that_cannot_be_is_refused() -> None:
    async def work(desk: Desk) -> None:
        for rate in (0.0, -1.0, float("nan")):
            with pytest.raises(Refused, match="above 0"):
                await desk.writer.set("bath.setpoint", 65.0, ANA, ramp_per_min=rate)
        with pytest.raises(Refused, match="no values in between"):
            await desk.writer.set("bath.heater_enable", value=True, who=ANA, ramp_per_min=1.0)
        assert (await desk.writer.set("bath.setpoint", 95.0, ANA, ramp_per_min=1.0)).refused_by == "limit"
        assert not desk.writer.under_way

    at_the_desk(work)


def test_a_change_too_large_for_one_write_goes_as_a_ramp_no_faster_than_the_rate() -> None:
    async def work(desk: Desk) -> None:
        assert (await desk.writer.set("bath.setpoint", 81.0, ANA)).refused_by == "step"
        assert (await desk.writer.set("bath.setpoint", 70.0, ANA)).refused_by == "rate"
        assert (await desk.writer.set("bath.setpoint", 70.0, ANA, ramp_per_min=6.5)).refused_by == "rate"
        await desk.writer.set("bath.setpoint", 64.0, ANA, ramp_per_min=6.0)
        await asyncio.sleep(50.0)
        assert desk.sent == [610, 620, 630, 640]

    at_the_desk(work, PACED)


def test_a_value_for_a_time_stands_as_long_as_the_rate_asks_before_it_goes_back() -> None:
    async def work(desk: Desk) -> None:
        report = await desk.writer.set("bath.setpoint", 64.0, ANA, for_s=10.0)
        assert report.ends_in_s == pytest.approx(40.0)
        await asyncio.sleep(41.0)
        assert desk.sent == [640, 600]

    at_the_desk(work, PACED)


# undo


def test_undo_takes_back_the_last_set_once() -> None:
    async def work(desk: Desk) -> None:
        await desk.writer.set("bath.setpoint", 65.0, ANA)
        await desk.writer.set("bath.stirrer", 30.0, ANA)
        report = await desk.writer.undo(ANA, "too fast")
        assert (report.tag, report.outcome, report.got) == ("bath.stirrer", "confirmed", 0.0)
        with pytest.raises(Refused) as caught:
            await desk.writer.undo(ANA)
        assert caught.value.code == "E-WRT-UNDO"
        assert desk.sent == [650]

    at_the_desk(work)


def test_undo_of_a_ramp_takes_back_all_of_it_and_stops_it() -> None:
    async def work(desk: Desk) -> None:
        await desk.writer.set("bath.setpoint", 70.0, ANA, ramp_per_min=6.0)
        await asyncio.sleep(25.0)
        assert (await desk.writer.undo(ANA)).got == 60.0
        await asyncio.sleep(100.0)
        assert desk.sent == [610, 620, 600]

    at_the_desk(work)


def test_undo_of_a_value_for_a_time_needs_no_second_way_back() -> None:
    async def work(desk: Desk) -> None:
        await desk.writer.set("bath.setpoint", 65.0, ANA, for_s=60.0)
        await desk.writer.undo(ANA)
        await asyncio.sleep(100.0)
        assert desk.sent == [650, 600]

    at_the_desk(work)


def test_undo_is_refused_when_old_changed_unarmed_or_of_nothing() -> None:
    async def work(desk: Desk) -> None:
        with pytest.raises(Refused, match="nothing to undo"):
            await desk.writer.undo(ANA)
        await desk.writer.set("bath.setpoint", 65.0, ANA)
        assert (await desk.writer.undo(BO)).refused_by == "arming"
        desk.bench.plc.values[SETPOINT] = 655
        with pytest.raises(Refused, match=r"was changed since: it holds 65\.5"):
            await desk.writer.undo(ANA)
        desk.bench.plc.values[SETPOINT] = 650
        assert (await desk.writer.undo(ANA, dry_run=True)).outcome == "possible"
        await asyncio.sleep(601.0)
        desk.writer.arm(ANA)
        with pytest.raises(Refused, match="more than 10 minutes old"):
            await desk.writer.undo(ANA)
        assert desk.sent == [650]

    at_the_desk(work)


def test_undo_goes_through_the_same_checks() -> None:
    async def work(desk: Desk) -> None:
        desk.bench.plc.values[SETPOINT] = 860
        assert (await desk.writer.set("bath.setpoint", 70.0, ANA)).outcome == "confirmed"
        assert (await desk.writer.undo(ANA)).refused_by == "soft"
        desk.forbid("bath.setpoint")
        assert (await desk.writer.undo(ANA, sure=True)).refused_by == "interlock"
        assert desk.sent == [700]

    at_the_desk(work)


def test_two_sets_at_once_go_one_after_the_other() -> None:
    async def work(desk: Desk) -> None:
        reports = await asyncio.gather(*(desk.writer.set("bath.setpoint", 60.0 + n, ANA) for n in range(1, 6)))
        assert [report.before for report in reports] == [60.0, 61.0, 62.0, 63.0, 64.0]
        assert {report.outcome for report in reports} == {str(Outcome.CONFIRMED)}

    at_the_desk(work, TEXT)
