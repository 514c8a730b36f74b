"""Opening, the lease, writes, commands, and the way to safety."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from drivers.link import Link, Outcome
from drivers.memory import MemoryDevice, MemoryLink
from drivers.settings import EzoSettings
from linectl.clock import VIRTUAL_START_NS, Clock
from linectl.errors import ConfigError, DeviceError, Refused, Unreachable
from linectl.line.line import Command, Line
from linectl.line.links import build_link
from tests.line.benches import COMMAND, HEATER, OWNER, TEXT, Bench, definition, make, virtually


def test_opening_claims_the_line_and_closing_gives_it_back_with_the_heater_off() -> None:
    async def work() -> Bench:
        bench = make()
        bench.plc.values[HEATER] = True
        async with bench.line:
            assert bench.plc.values[OWNER] == 1
            assert repr(bench.line) == "<Line bench open>"
        return bench

    bench = virtually(work)
    assert bench.plc.values[HEATER] is False
    assert bench.plc.sent(OWNER) == [1, 0]
    assert [value[0] for value in bench.plc.sent(COMMAND) if isinstance(value, tuple)] == [Command.STOP]
    assert not any(wire.is_open() for wire in bench.wires.values())


def test_a_line_that_another_holds_is_refused_and_left_alone() -> None:
    async def work() -> Bench:
        bench = make()
        bench.plc.values[OWNER] = 9
        with pytest.raises(Refused, match="token 9") as caught:
            await bench.line.open()
        assert caught.value.exit_code == 6
        return bench

    bench = virtually(work)
    assert bench.plc.written == []
    assert not any(wire.is_open() for wire in bench.wires.values())


def test_our_own_lease_of_a_killed_run_is_taken_over() -> None:
    async def work() -> None:
        bench = make()
        bench.plc.values[OWNER] = 1
        async with bench.line:
            pass

    virtually(work)


def test_a_line_that_another_program_of_ours_keeps_alive_is_refused_and_left_alone() -> None:
    async def work() -> None:
        bench = make()
        async with bench.line:
            second = Line(definition(), bench.clock, links=_wires_to(bench), boot="other")
            before = len(bench.plc.sent(OWNER))
            with pytest.raises(Refused, match="its heart beats") as caught:
                await second.open()
            assert caught.value.exit_code == 6
            assert len(bench.plc.sent(OWNER)) == before
        third = Line(definition(), bench.clock, links=_wires_to(bench), boot="third")
        bench.plc.values[OWNER] = 1  # as a killed program leaves it: the token stands, no heart beats
        async with third:
            pass

    virtually(work)


def _wires_to(bench: Bench) -> dict[str, Link]:
    devices: dict[str, MemoryDevice] = {"plc": bench.plc, "rtd": bench.rtd, "ec": bench.ec, "sensors": bench.sensors}
    return {name: MemoryLink(device, name) for name, device in devices.items()}


def test_an_unknown_register_map_is_refused() -> None:
    async def work() -> Bench:
        bench = make()
        bench.plc.values["2/ir3"] = 2
        with pytest.raises(Refused, match="version 2, linectl knows version 1"):
            await bench.line.open()
        return bench

    assert virtually(work).plc.written == []


def test_links_that_do_not_open_are_all_named() -> None:
    async def work() -> Bench:
        bench = make()
        bench.wires["plc"].fail()
        bench.wires["rtd"].fail()
        with pytest.raises(Unreachable) as caught:
            await bench.line.open()
        assert "plc (127.0.0.1:5020)" in caught.value.message
        assert "rtd (/dev/rtd)" in caught.value.message
        assert "sim up" in caught.value.hint
        assert "dialout" in caught.value.hint
        return bench

    assert not any(wire.is_open() for wire in virtually(work).wires.values())


def test_a_write_is_confirmed_or_clamped_by_its_read_back() -> None:
    async def work() -> Bench:
        bench = make()
        async with bench.line:
            confirmed = await bench.line.write("bath.setpoint", 60.5)
            clamped = await bench.line.write("bath.setpoint", 85.0)
            assert (confirmed.outcome, confirmed.got) == (Outcome.CONFIRMED, 60.5)
            assert (clamped.outcome, clamped.asked, clamped.got) == (Outcome.CLAMPED, 85.0, 80.0)
        return bench

    bench = virtually(work)
    assert bench.plc.sent("2/hr10") == [605, 850]
    audit = [data for data in bench.told("write") if data["tag"] == "bath.setpoint"]
    assert [(data["outcome"], data["asked"], data["got"]) for data in audit] == [
        ("confirmed", 60.5, 60.5),
        ("clamped", 85.0, 80.0),
    ]


@pytest.mark.parametrize(
    ("tag", "value", "why"),
    [
        ("bath.setpoint", 88.5, "limit"),
        ("bath.setpoint", 101.0, "range"),
        ("bath.setpoint", -5.0, "range"),
        ("bath.setpoint", float("nan"), "range"),
        ("bath.setpoint", True, "range"),
        ("bath.naoh_setpoint", 3.5, "limit"),
        ("bath.naoh_setpoint", 1e6, "range"),
        ("bath.heater_enable", 1, "range"),
        ("bath.temperature", 50.0, "not_writable"),
        ("bath.heartbeat", 5, "not_writable"),
        ("bath.owner", 0, "not_writable"),
        ("bath.command", 3, "not_writable"),
        ("bath.no_such", 5, "unknown_tag"),
    ],
)
def test_a_refused_write_never_reaches_the_wire(tag: str, value: float, why: str) -> None:
    async def work() -> Bench:
        bench = make()
        await bench.line.open()
        before = len([each for each in bench.plc.written if each[1] != "2/hr30"])
        report = await bench.line.write(tag, value)
        after = len([each for each in bench.plc.written if each[1] != "2/hr30"])
        assert (report.outcome, report.refused_by) == (Outcome.REFUSED, why)
        assert after == before
        allowed = await bench.line.write("bath.stirrer", 50)  # the control: a good write does arrive
        assert allowed.outcome is Outcome.CONFIRMED
        assert len([each for each in bench.plc.written if each[1] != "2/hr30"]) == before + 1
        await bench.line.close()
        return bench

    assert virtually(work).told("write")[-4]["refused_by"] == why


@pytest.mark.parametrize(("owner", "said"), [(9, "token 9"), (0, "no owner")])
def test_a_write_without_the_lease_is_refused(owner: int, said: str) -> None:
    async def work() -> Bench:
        bench = make()
        async with bench.line:
            bench.plc.values[OWNER] = owner
            report = await bench.line.write("bath.setpoint", 60.0)
            assert (report.outcome, report.refused_by) == (Outcome.REFUSED, "lease")
            assert said in report.detail
            bench.plc.values[OWNER] = 1
        return bench

    assert virtually(work).plc.sent("2/hr10") == []


def test_a_write_that_is_not_answered_is_unknown() -> None:
    async def work() -> None:
        bench = make()
        async with bench.line:
            plc = bench.links["plc"]
            write = asyncio.create_task(bench.line._wire.write(bench.line.definition.tags["bath.setpoint"], 60.0))
            plc.silent = True
            assert (await write).outcome is Outcome.UNKNOWN
            plc.silent = False
            await asyncio.sleep(2.0)

    virtually(work)


def test_a_command_is_done_when_the_plc_says_so() -> None:
    async def work() -> Bench:
        bench = make()
        async with bench.line:
            assert (await bench.line.command(Command.RESET, within_s=5.0)).outcome is Outcome.CONFIRMED
            bench.plc.busy_s = 240.0
            started_s = bench.clock.process_s()
            filled = await bench.line.command(Command.FILL, within_s=600.0)
            assert filled.outcome is Outcome.CONFIRMED
            assert 240.0 <= bench.clock.process_s() - started_s <= 242.0
            bench.plc.busy_s = 0.0
        return bench

    bench = virtually(work)
    told = bench.told("command")
    assert [data["code"] for data in told] == ["reset", "fill", "stop"]
    assert [data["seq"] for data in told] == [1, 2, 3]


@pytest.mark.parametrize(("result", "word"), [(2, "state"), (3, "interlock"), (6, "does not know"), (77, "77")])
def test_a_refused_command_says_by_what(result: int, word: str) -> None:
    async def work() -> None:
        bench = make()
        async with bench.line:
            bench.plc.results[int(Command.DOSE)] = result
            report = await bench.line.command(Command.DOSE, within_s=5.0)
            assert (report.outcome, report.result) == (Outcome.REFUSED, result)
            assert word in report.detail

    virtually(work)


def test_a_command_without_an_end_in_time_is_unknown() -> None:
    async def work() -> None:
        bench = make()
        async with bench.line:
            bench.plc.busy_s = 100.0
            report = await bench.line.command(Command.FILL, within_s=20.0)
            assert report.outcome is Outcome.UNKNOWN
            assert "still under way after 20 s" in report.detail
            bench.plc.busy_s = 0.0

    virtually(work)


def test_a_command_that_was_not_heard_is_sent_again_with_the_same_number() -> None:
    async def work() -> Bench:
        bench = make()
        async with bench.line:
            bench.plc.deaf = 1
            report = await bench.line.command(Command.DRAIN, within_s=30.0)
            assert report.outcome is Outcome.CONFIRMED
        return bench

    sent = virtually(work).plc.sent(COMMAND)
    assert sent[:2] == [(111, 1, 1), (111, 1, 1)]
    assert len(sent) == 3  # and the stop of the close


def test_a_deaf_plc_gives_unknown_never_done() -> None:
    async def work() -> None:
        bench = make()
        async with bench.line:
            bench.plc.deaf = 1000
            report = await bench.line.command(Command.DRAIN, within_s=10.0)
            assert (report.outcome, report.result) == (Outcome.UNKNOWN, 0)
            assert "no answer within 10 s" in report.detail
            bench.plc.deaf = 0

    virtually(work)


def test_command_time_is_process_time() -> None:
    async def work() -> None:
        bench = make(speed=10.0)
        async with bench.line:
            bench.plc.busy_s = 100.0
            loop = asyncio.get_running_loop()
            started_s = loop.time()
            report = await bench.line.command(Command.FILL, within_s=50.0)
            assert report.outcome is Outcome.UNKNOWN
            assert loop.time() - started_s == pytest.approx(5.0, abs=0.2)
            bench.plc.busy_s = 0.0

    virtually(work)


def test_a_stop_goes_out_while_a_fill_is_waited_for() -> None:
    async def work() -> None:
        bench = make()
        async with bench.line:
            bench.plc.busy_s = 300.0
            fill = asyncio.create_task(bench.line.command(Command.FILL, within_s=600.0))
            await asyncio.sleep(10.0)
            stop = await bench.line.command(Command.STOP, within_s=5.0)
            assert stop.outcome is Outcome.CONFIRMED
            assert (await fill).outcome is Outcome.UNKNOWN
            bench.plc.busy_s = 0.0

    virtually(work)


def test_a_reboot_is_told_the_line_taken_again_and_no_setpoint_rewritten() -> None:
    async def work() -> Bench:
        bench = make()
        async with bench.line:
            await bench.line.write("bath.setpoint", 60.0)
            await asyncio.sleep(2.0)
            bench.plc.values.update({"2/ir4": 8, OWNER: 0, "2/hr10": 0, HEATER: False, "2/ir2": 1 << 14})
            await asyncio.sleep(3.0)
            assert bench.plc.values[OWNER] == 1
        return bench

    bench = virtually(work)
    assert bench.told("plc_reboot") == [{"before": 7, "now": 8}]
    assert bench.told("plc_alarm") == [{"before": 0, "now": 1 << 14}]
    assert bench.plc.sent("2/hr10") == [600]
    assert bench.plc.values["2/hr10"] == 0


def test_after_a_reboot_into_another_map_nothing_is_written() -> None:
    async def work() -> None:
        bench = make()
        await bench.line.open()
        bench.plc.values.update({"2/ir4": 8, "2/ir3": 5, OWNER: 0})
        await asyncio.sleep(3.0)
        assert bench.plc.values[OWNER] == 0
        report = await bench.line.write("bath.setpoint", 60.0)
        assert (report.outcome, report.refused_by) == (Outcome.REFUSED, "lease")
        assert "version 5" in report.detail
        assert (await bench.line.command(Command.FILL, within_s=5.0)).outcome is Outcome.REFUSED
        assert bench.plc.sent(COMMAND) == []
        with pytest.raises(DeviceError):
            await bench.line.close()

    virtually(work)


def test_a_heater_that_stays_on_is_an_error_of_the_close_and_the_links_close_all_the_same() -> None:
    async def work() -> Bench:
        bench = make()
        await bench.line.open()
        bench.wires["plc"].fail()
        with pytest.raises(DeviceError, match="could not be proved"):
            await bench.line.safe()
        with pytest.raises(DeviceError, match="heater_enable = false: unknown"):
            await bench.line.close()
        return bench

    assert not any(wire._open for wire in virtually(work).wires.values())


def test_what_went_wrong_first_is_what_is_raised() -> None:
    async def work() -> None:
        bench = make()
        async with bench.line:
            bench.wires["plc"].fail()
            raise ValueError("the first mistake")

    with pytest.raises(ValueError, match="first mistake"):
        virtually(work)


def test_safe_takes_a_free_line_to_stop_it() -> None:
    async def work() -> Bench:
        bench = make()
        async with bench.line:
            bench.plc.values.update({OWNER: 0, HEATER: True})
            await bench.line.safe()
            assert bench.plc.values[HEATER] is False
        return bench

    assert (3, 1, 1) in virtually(work).plc.sent(COMMAND)


def test_an_unknown_tag_names_the_nearest() -> None:
    async def work() -> None:
        bench = make()
        with pytest.raises(ConfigError) as caught:
            bench.line.reading("bath.temprature")
        assert caught.value.hint == "did you mean `bath.temperature`?"

    virtually(work)


def test_a_line_without_a_plc_only_reads() -> None:
    text = TEXT[: TEXT.index("control:")] + TEXT[TEXT.index("zones:") :]

    async def work() -> Bench:
        bench = make(text)
        async with bench.line:
            await asyncio.sleep(2.2)
            with pytest.raises(DeviceError):
                await bench.line.command(Command.FILL, within_s=1.0)
            await bench.line.safe()
        return bench

    bench = virtually(work)
    assert bench.plc.written == []
    assert len(bench.of("bath")) == 3


async def test_a_link_in_memory_is_built_by_nobody() -> None:
    from drivers.settings import MemorySettings

    with pytest.raises(ConfigError, match="only inside the program"):
        build_link(MemorySettings("x"))


async def test_a_missing_port_names_its_path_and_what_to_try() -> None:
    line = definition()
    only = {name: tag for name, tag in line.tags.items() if tag.link == "rtd"}
    gone = replace(line, tags=only, control=None, links={"rtd": EzoSettings("/dev/no-such-port", "RTD")})
    with pytest.raises(Unreachable, match="/dev/no-such-port"):
        await Line(gone, Clock(start_ns=VIRTUAL_START_NS), boot="b").open()
