"""Sensors that publish at a period of their own: believed for as long as that says, whatever the scan's period."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from drivers.link import Point, RawReading, RawValue
from linectl.model.readings import GOOD, Quality, bad
from tests.line.benches import TEXT, Bench, make, virtually

ROOM = "room.temperature"
MIXED = TEXT + (
    "  room.naoh: {derived: {law: naoh_conductivity, inputs: [bath.conductivity, room.temperature]}, "
    'unit: "%", low: 0.01, high: 4, scan: bath}\n'
)


class Publishing:
    """A sensor that says something every `period_s` until `ends_s` (loop time), and how long that is to be believed."""

    def __init__(self, period_s: float, ends_s: float, fresh_s: float | None) -> None:
        self._period_s = period_s
        self._ends_s = ends_s
        self._fresh_s = fresh_s
        self._loop = asyncio.get_running_loop()

    def read(self, _point: Point) -> RawReading | RawValue | None:
        said_s = min(self._loop.time(), self._ends_s) // self._period_s * self._period_s
        return RawReading(20.0, t_request_s=said_s, t_reply_s=said_s, fresh_s=self._fresh_s)

    def write(self, point: Point, value: RawValue) -> RawValue:
        raise AssertionError(f"{point} was written: {value}")


def watched(sensor: Callable[[], Publishing], seconds: int, text: str = TEXT, tag: str = ROOM) -> dict[int, Quality]:
    """Return what the line thinks of `tag` in each second of a run."""

    async def work() -> dict[int, Quality]:
        bench: Bench = make(text)
        bench.wires["sensors"].device = sensor()
        thought = {}
        async with bench.line:
            for second in range(seconds):
                await asyncio.sleep(max(0.0, second + 0.5 - asyncio.get_running_loop().time()))
                thought[second] = bench.line.reading(tag).quality
        return thought

    return virtually(work)


def test_a_sensor_of_300_s_on_a_scan_of_30_s_is_good_between_its_messages_and_stale_after_750_s() -> None:
    thought = watched(lambda: Publishing(300.0, 600.0, 750.0), 1500)
    assert {quality for second, quality in thought.items() if second < 1350} == {GOOD}
    assert {quality for second, quality in thought.items() if second >= 1350} == {bad("stale")}


def test_without_its_own_period_the_same_sensor_flaps() -> None:
    thought = watched(lambda: Publishing(300.0, 600.0, None), 700)
    assert thought[60] == GOOD
    assert thought[200] == bad("stale")
    assert thought[340] == GOOD
    assert thought[500] == bad("stale")


def test_a_fast_sensor_that_died_between_two_slow_scans_is_stale_at_the_next() -> None:
    thought = watched(lambda: Publishing(1.0, 50.0, 5.0), 130)
    assert {quality for second, quality in thought.items() if second < 60} == {GOOD}  # nobody has looked since 30 s
    assert thought[61] == bad("stale")


def test_what_is_derived_from_a_slow_sensor_is_believed_as_long() -> None:
    thought = watched(lambda: Publishing(300.0, 600.0, 750.0), 1400, MIXED, "room.naoh")
    assert {quality for second, quality in thought.items() if 35 < second < 1350} == {GOOD}
    assert thought[1399] == bad("stale")
