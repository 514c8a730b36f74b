"""The control loop: grid, readings, staleness, losses."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import pytest

from drivers.link import Link, Point, Priority, RawReading
from linectl.clock import VirtualTimeLoop
from linectl.laws.naoh import naoh_pct
from linectl.model.readings import GOOD, bad
from linectl.units import NS_PER_S
from linectl.words import with_comma
from tests.line.benches import HEARTBEAT, TEXT, AtOnce, Bench, HalfOpen, make, virtually


def hold_up(seconds: float) -> None:
    """Make the loop's clock pass without the loop running, as a blocking call does."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    loop._jumping.now_s += seconds


async def until(seconds: float) -> None:
    """Sleep until `seconds` of loop time."""
    await asyncio.sleep(seconds - asyncio.get_running_loop().time())


def test_scans_come_on_a_fixed_grid_with_everything_in_them() -> None:
    async def work() -> Bench:
        bench = make()
        async with bench.line:
            assert {scan.layout.group for scan in bench.scans} == {"bath", "slow"}  # open waits for the first of each
            await until(60.2)
        return bench

    bench = virtually(work)
    scans = bench.of("bath")
    assert [scan.sequence for scan in scans] == list(range(61))
    assert [scan.loop_ns for scan in scans] == [k * NS_PER_S for k in range(61)]
    assert {scan.t_ns % NS_PER_S for scan in scans} == {0}
    assert [scan.sequence for scan in bench.of("slow")] == [0, 1, 2]
    last = {reading.tag: reading for reading in scans[-1].readings}
    assert last["bath.temperature"].value == 60.0
    assert last["bath.controller_temperature"].value == 60.0
    assert last["bath.conductivity"].value == pytest.approx(124.4)
    assert last["bath.naoh"].value == pytest.approx(1.5, abs=0.01)
    assert last["bath.lid_closed"].value is True
    assert {reading.quality for reading in scans[-1].readings} == {GOOD}
    assert {reading.sequence for reading in scans[-1].readings} == {60}
    assert bench.told("missed_ticks") == []


def test_the_heartbeat_counts_up_every_half_second_from_the_loop_itself() -> None:
    async def work() -> Bench:
        bench = make()
        async with bench.line:
            await until(10.2)
        return bench

    bench = virtually(work)
    beats = bench.plc.at(HEARTBEAT)
    assert bench.plc.sent(HEARTBEAT) == list(range(1, 22))
    assert beats == pytest.approx([0.5 * k for k in range(21)])


def test_a_stuck_loop_misses_ticks_and_says_so_once() -> None:
    async def work() -> Bench:
        bench = make()
        async with bench.line:
            await until(5.1)
            hold_up(4.6)  # to 9.7: ticks 6 to 9 are over, the heartbeat stood still
            await until(12.2)
        return bench

    bench = virtually(work)
    assert [scan.sequence for scan in bench.of("bath")] == [0, 1, 2, 3, 4, 5, 10, 11, 12]
    missed = {data["group"]: data for data in bench.told("missed_ticks")}
    assert missed["bath"] == {"group": "bath", "missed": 4, "first": 6, "last": 9}
    assert "heartbeat" in missed
    assert "slow" not in missed
    beats = bench.plc.at(HEARTBEAT)
    assert max(b - a for a, b in pairwise(beats)) > 4.0  # the loop's own silence is the PLC's signal
    assert all(b - a > 0.2 for a, b in pairwise(beats))  # and no burst makes up for it


def test_a_loop_that_really_blocks_misses_ticks_too() -> None:
    async def work() -> Bench:
        bench = make(TEXT.replace("bath: 1.0", "bath: 0.1"))
        async with bench.line:
            await asyncio.sleep(0.25)
            time.sleep(0.55)  # noqa: ASYNC251  # the fault itself
            await asyncio.sleep(0.3)
        return bench

    bench = asyncio.run(work())
    numbers = [scan.sequence for scan in bench.of("bath")]
    missed = sum(data["missed"] for data in bench.told("missed_ticks") if data["group"] == "bath")
    assert missed >= 3
    assert numbers[-1] + 1 == len(numbers) + missed


@pytest.mark.parametrize("endless", [False, True])
def test_a_dead_device_stalls_no_other_and_not_the_heartbeat(endless: bool) -> None:
    async def work() -> Bench:
        bench = make()
        async with bench.line:
            await until(3.2)
            bench.links["rtd"].silent, bench.links["rtd"].endless = True, endless
            await until(20.97)  # after the deadline of tick 20
        return bench

    bench = virtually(work)
    assert [scan.sequence for scan in bench.of("bath")] == list(range(21))
    assert {reading.quality for reading in bench.series("bath.temperature")[4:]} == {bad("timeout")}
    assert {reading.quality for reading in bench.series("bath.conductivity")} == {GOOD}
    assert {reading.quality for reading in bench.series("bath.naoh")[4:]} == {bad("timeout")}
    assert {reading.quality for reading in bench.series("bath.controller_temperature")} == {GOOD}
    assert bench.plc.at(HEARTBEAT)[:41] == pytest.approx([0.5 * k for k in range(41)])


def test_a_silent_plc_stalls_no_sensor_and_shows_within_a_second_of_its_tick() -> None:
    async def work() -> tuple[Bench, float]:
        bench = make()
        await bench.line.open()
        await until(3.05)
        bench.links["plc"].silent = True
        while bench.line.reading("bath.controller_temperature").value is not None:  # as a reader sees it
            await asyncio.sleep(0.01)
        seen_s = asyncio.get_running_loop().time()
        await until(10.2)
        bench.links["plc"].silent = False
        await until(13.2)
        await bench.line.close()
        return bench, seen_s

    bench, seen_s = virtually(work)
    assert seen_s <= 5.0
    assert [scan.sequence for scan in bench.of("bath")] == list(range(14))
    assert {reading.quality for reading in bench.series("bath.temperature")} == {GOOD}
    assert bench.told("link_lost") == [{"link": "plc", "reason": "timeout", "detail": ""}]
    assert bench.told("link_back") == [{"link": "plc", "reason": "timeout"}]


def test_a_lost_link_is_bad_at_once_told_once_and_comes_back() -> None:
    async def work() -> Bench:
        bench = make()
        async with bench.line:
            await until(3.2)
            for wire in bench.wires.values():
                wire.fail()
            assert bench.line.reading("bath.temperature").quality == bad("not_connected")  # before any scan
            assert bench.line.reading("bath.temperature").value is None
            assert bench.line.reading("label.p01").quality == bad("not_connected")
            await until(8.2)
            for wire in bench.wires.values():
                wire.restore()
            await until(9.6)
            assert bench.line.reading("label.p01").quality == GOOD  # long before the next scan of its group
            await until(12.2)
        return bench

    bench = virtually(work)
    lost = sorted(data["link"] for data in bench.told("link_lost"))
    assert lost == sorted(data["link"] for data in bench.told("link_back")) == ["ec", "plc", "rtd", "sensors"]
    assert bench.told("sensor_bad") == []  # one loss is one event, not one for each tag
    assert {reading.quality for reading in bench.series("bath.temperature")[4:9]} == {bad("not_connected")}
    assert bench.series("bath.temperature")[-1].quality == GOOD


def test_a_bad_sensor_is_told_once_and_once_when_it_is_back() -> None:
    async def work() -> Bench:
        bench = make()
        async with bench.line:
            await until(2.2)
            bench.plc.values["2/ir10"] = -32768
            bench.rtd.value = math.nan
            await until(5.2)
            bench.rtd.value = 500.0  # still no temperature, for another reason
            await until(8.2)
            bench.plc.values["2/ir10"], bench.rtd.value = 610, 61.0
            await until(10.2)
        return bench

    bench = virtually(work)
    assert sorted(str(data["tag"]) for data in bench.told("sensor_bad")) == [
        "bath.controller_temperature",
        "bath.temperature",
    ]
    assert len(bench.told("sensor_back")) == 2
    assert [reading.value for reading in bench.series("bath.temperature")[2:9]] == [60.0, *[None] * 6]
    assert bench.series("bath.temperature")[7].quality == bad("out_of_range")


def test_an_empty_position_and_plain_water_are_no_sensor_faults() -> None:
    async def work() -> Bench:
        bench = make()
        bench.sensors.named["label/1#attached"] = RawReading(None, "out_of_service")
        bench.ec.value = 500.0
        async with bench.line:
            await until(2.2)
            assert bench.line.reading("label.p01").quality == bad("out_of_service")
            naoh = bench.line.reading("bath.naoh")
            assert naoh.quality == bad("out_of_range")
            assert naoh.detail.startswith("bath.conductivity 0")
            assert with_comma("(0.01-4 % NaOH, 5-90 °C)") in naoh.detail
        return bench

    assert virtually(work).told("sensor_bad") == []


def test_a_value_that_stays_away_goes_stale_after_two_and_a_half_periods() -> None:
    async def work() -> Bench:
        bench = make()
        bench.sensors.value = RawReading(20.0, t_request_s=0.0, t_reply_s=0.0)  # published once, never again
        async with bench.line:
            await until(74.0)
            assert bench.line.reading("room.temperature").value == 20.0
            await until(75.5)
            assert bench.line.reading("room.temperature").quality == bad("stale")
            assert bench.line.reading("room.temperature").value is None
            await until(90.2)
            assert (await bench.line.read("room.temperature")).quality == bad("stale")
        return bench

    bench = virtually(work)
    series = bench.series("room.temperature")
    assert [reading.value for reading in series] == [20.0, 20.0, 20.0, None]
    assert series[2].received_time_ns == series[0].received_time_ns  # when it came, not when it was looked at


def test_a_reading_judged_late_is_stale_even_if_the_loop_was_stuck() -> None:
    async def work() -> Bench:
        bench = make()
        async with bench.line:
            await until(5.1)
            assert bench.line.reading("bath.temperature").quality == GOOD
            hold_up(2.6)
            assert bench.line.reading("bath.temperature").quality == bad("stale")
        return bench

    virtually(work)


def test_a_plc_whose_counter_stands_still_is_not_believed() -> None:
    async def work() -> Bench:
        bench = make()
        async with bench.line:
            await until(4.2)
            bench.plc.counter_runs = False
            await until(10.2)
            assert bench.line.reading("bath.controller_temperature").quality == bad("stale")
            assert bench.line.reading("bath.temperature").quality == GOOD
            bench.plc.counter_runs = True
            await until(12.2)
            assert bench.line.reading("bath.controller_temperature").quality == GOOD
        return bench

    bench = virtually(work)
    when = [at for at, kind, _data in bench.events if kind == "link_lost"]
    assert when == pytest.approx([9.0])  # the counter was 1234 from tick 5 on: 3 s, and the tick after
    assert bench.told("link_lost")[0]["reason"] == "plc_counter"
    assert bench.told("link_back") == [{"link": "plc", "reason": "plc_counter"}]
    assert bench.told("sensor_bad") == []


def test_a_tag_that_no_scan_reads_waits_until_it_is_read() -> None:
    async def work() -> None:
        bench = make()
        async with bench.line:
            assert bench.line.reading("bath.setpoint").quality == bad("waiting_for_initial_data")
            bench.plc.values["2/hr10"] = 555
            assert (await bench.line.read("bath.setpoint")).value == 55.5
            assert bench.line.reading("bath.setpoint").value == 55.5

    virtually(work)


def test_a_derived_tag_is_read_fresh_from_fresh_inputs() -> None:
    async def work() -> None:
        bench = make()
        async with bench.line:
            bench.ec.value, bench.rtd.value = 150_300.0, 80.0
            assert (await bench.line.read("bath.naoh")).value == pytest.approx(1.5, abs=0.01)
            bench.rtd.value = math.nan
            assert (await bench.line.read("bath.naoh")).quality == bad("sensor_failure")

    virtually(work)


def test_the_same_line_gives_the_same_scans() -> None:
    async def work() -> list[object]:
        bench = make()
        async with bench.line:
            await until(30.2)
        return list(bench.scans)

    first, second = virtually(work), virtually(work)
    assert first == second
    assert len(first) == 33


class Reversed:
    """A link that answers the last question first, with points of its own making."""

    def __init__(self, inner: Link) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    async def read(
        self, points: Sequence[Point], *, deadline: float, priority: Priority = Priority.READ
    ) -> Mapping[Point, RawReading]:
        found = await self._inner.read(points, deadline=deadline, priority=priority)
        return {replace(point): raw for point, raw in reversed(list(found.items()))}


def test_answers_are_told_apart_by_their_points_not_their_order() -> None:
    async def work(turned: bool) -> Bench:
        bench = make(
            TEXT.replace(
                "  bath.ack_result:",
                "  bath.again: {link: plc, point: 2/ir3, dtype: int, scan: bath}\n  bath.ack_result:",
            )
        )
        if turned:
            links = bench.line._scanner._links
            assert isinstance(links, dict)
            links["plc"] = Reversed(links["plc"])
            bench.line._scanner._ready.pop("plc", None)
        async with bench.line:
            await until(5.2)
        return bench

    straight, turned = virtually(lambda: work(turned=False)), virtually(lambda: work(turned=True))
    for tag in ("bath.schema_version", "bath.again", "bath.boot_counter", "bath.controller_temperature"):
        assert [each.value for each in turned.series(tag)] == [each.value for each in straight.series(tag)], tag
    assert {each.value for each in turned.series("bath.again")} == {1}
    assert {each.value for each in turned.series("bath.boot_counter")} == {7}


def test_a_computed_value_that_is_remembered_is_the_law_s_and_the_tag_s_own() -> None:
    """The second tag has narrower limits: what is remembered of the first is not its own."""

    async def work() -> Bench:
        narrow = (
            "  bath.little: {derived: {law: naoh_conductivity, inputs: [bath.conductivity, bath.temperature]}, "
            'unit: "%", low: 0.01, high: 1, scan: bath}\n'
        )
        bench = make(TEXT + narrow)
        async with bench.line:
            for k in range(8):
                bench.ec.value = 124_400.0 + 100.0 * (k % 3)
                await until(k + 1.2)
        return bench

    bench = virtually(work)
    values = [each.value for each in bench.series("bath.naoh")]
    given = [each.value for each in bench.series("bath.conductivity")]
    assert len(set(values)) == 3
    assert values == [naoh_pct(float(ms_cm or 0.0), 60.0) for ms_cm in given]
    assert {each.quality for each in bench.series("bath.little")} == {bad("out_of_range")}


def _told_over(link: Callable[[Link], HalfOpen]) -> tuple[object, ...]:
    """Return all that a line says of two minutes with a failing probe, a late sensor and a PLC that stands still."""

    async def main() -> tuple[object, ...]:
        bench = make(link=link)
        async with bench.line as line:
            await asyncio.sleep(3.5)
            bench.rtd.value, bench.ec.value = None, math.nan
            await asyncio.sleep(2.0)
            loop = asyncio.get_running_loop()
            bench.rtd.value = RawReading(61.0, "", "", loop.time() - 1.0, loop.time() - 1.0, None, 4.0)
            await asyncio.sleep(6.0)
            bench.rtd.value, bench.plc.counter_runs = 62.0, False
            await asyncio.sleep(10.0)
            bench.plc.counter_runs = True
            await asyncio.sleep(100.0)
            tags = line.definition.tags
            return bench.scans, bench.events, [(line.reading(tag), line.raw(tag)) for tag in tags]

    return virtually(main)


def test_bare_values_make_the_readings_that_replies_with_times_make() -> None:
    assert _told_over(AtOnce) == _told_over(HalfOpen)
