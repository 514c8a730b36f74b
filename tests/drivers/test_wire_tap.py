"""What a tap keeps: bounded, honest about what it knows of round trips, and quick enough for each transaction."""

from __future__ import annotations

import json
import math
import timeit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.wire_tap import BUCKETS_S, FRAME_LIMIT, FRAMES_KEPT, DeviceStats, Direction, Dump, Frame, WireTap

SENT, RECEIVED = Direction.SENT, Direction.RECEIVED


def noted(count: int, tap: WireTap | None = None) -> WireTap:
    tap = tap or WireTap()
    for number in range(count):
        tap.note(SENT, bytes((number % 256,)), number * 0.1, device="unit 2")
    return tap


def test_the_last_200_frames_and_the_first_32_are_kept() -> None:
    tap = noted(1000)
    assert len(tap.frames) == FRAMES_KEPT == 200
    assert [tap.frames[0].number, tap.frames[-1].number] == [801, 1000]
    assert [frame.number for frame in tap.opening] == list(range(1, 33))
    assert repr(tap) == "<WireTap 200 frames, 0 dumps, 0 devices>"


def test_frames_since_a_mark() -> None:
    tap = noted(5)
    mark = tap.mark()
    tap.note(RECEIVED, b"x", 9.0, device="unit 3", note="late")
    assert tap.since(mark) == (Frame(6, 9.0, RECEIVED, b"x", "unit 3", "late"),)
    assert tap.since(tap.mark()) == ()


def test_a_frame_does_not_change_after_it_was_noted() -> None:
    tap = WireTap()
    buffer = bytearray(b"abc")
    tap.note(RECEIVED, buffer, 0.0)  # type: ignore[arg-type]  # a driver may get it wrong
    buffer[0] = 0
    assert tap.frames[0].data == b"abc"


def test_of_a_huge_frame_only_the_front_is_kept() -> None:
    tap = WireTap()
    tap.note(RECEIVED, b"x" * 100_000, 0.0, note="oversize")
    assert len(tap.frames[0].data) == FRAME_LIMIT
    assert tap.frames[0].note == "oversize, cut from 100000 bytes"


def test_listeners_hear_until_they_end() -> None:
    tap, heard = WireTap(), list[Frame]()
    end = tap.listen(heard.append)
    noted(2, tap)
    end()
    end()
    noted(2, tap)
    assert len(heard) == 2


def test_a_listener_may_end_itself() -> None:
    tap, heard = WireTap(), list[int]()

    def once(frame: Frame) -> None:
        heard.append(frame.number)
        end()

    end = tap.listen(once)
    other = list[int]()
    tap.listen(lambda frame: other.append(frame.number))
    noted(2, tap)
    assert (heard, other) == ([1], [1, 2])


def test_a_fault_keeps_the_frames_that_led_to_it() -> None:
    tap, dumps = noted(300), list[Dump]()
    tap.on_fault(dumps.append)
    tap.fault("timeout", 30.0, device="unit 2")
    (dump,) = tap.dumps
    assert dumps == [dump]
    assert (dump.why, dump.device, dump.t_s) == ("timeout", "unit 2", 30.0)
    assert [dump.frames[0].number, dump.frames[-1].number] == [101, 300]
    assert [frame.number for frame in dump.opening] == list(range(1, 33))
    noted(100, tap)
    assert dump.frames[-1].number == 300


def test_the_opening_is_not_kept_twice() -> None:
    tap = noted(20)
    tap.fault("timeout", 2.0)
    assert tap.dumps[0].opening == ()
    assert len(tap.dumps[0].frames) == 20


def test_a_fault_that_goes_on_is_dumped_once_in_ten_seconds() -> None:
    tap = noted(3)
    for step in range(25):
        tap.fault("timeout", float(step), device="unit 2")
    assert [dump.t_s for dump in tap.dumps] == [0.0, 10.0, 20.0]
    assert tap.undumped == 22


def test_another_fault_or_device_is_told_at_once() -> None:
    tap = noted(3)
    for why, device in (("timeout", "unit 2"), ("crc", "unit 2"), ("timeout", "unit 3")):
        tap.fault(why, 1.0, device=device)
    assert len(tap.dumps) == 3


def test_a_storm_of_different_faults_is_bounded() -> None:
    tap = noted(250)
    for number in range(10_000):
        tap.fault(f"reply of {number} bytes", number * 0.001)
    assert len(tap.dumps) == 20
    assert tap.dumps[0].why == "reply of 0 bytes"  # how it began
    assert tap.undumped == 9_980
    assert len(tap._told) <= 200
    for number in range(1000):
        tap.fault(f"again {number}", 100.0 + number)
    assert len(tap._told) <= 200
    assert len(tap.dumps) == 20


def test_quantiles_are_bounds_that_hold_the_truth() -> None:
    stats = DeviceStats()
    assert stats.quantile_s(0.5) is None
    for _ in range(99):
        stats.answered(0.005)
    stats.answered(3.0)
    assert stats.quantile_s(0.5) == (0.0032, 0.0064)
    assert stats.quantile_s(0.99) == (0.0032, 0.0064)
    assert stats.quantile_s(1.0) == pytest.approx((1.6384, 3.2768))
    stats.answered(1000.0)
    assert stats.quantile_s(1.0) == (BUCKETS_S[-1], math.inf)


@given(
    trips_s=st.lists(st.floats(0.0, 50.0), min_size=1, max_size=60),
    share=st.floats(0.0, 1.0),
)
def test_the_exact_quantile_lies_between_the_bounds(trips_s: list[float], share: float) -> None:
    stats = DeviceStats()
    for trip_s in trips_s:
        stats.answered(trip_s)
    bounds = stats.quantile_s(share)
    assert bounds is not None
    exact_s = sorted(trips_s)[max(1, math.ceil(share * len(trips_s))) - 1]
    assert bounds[0] <= exact_s < bounds[1]
    assert stats.replies == sum(stats.buckets) == len(trips_s)


@pytest.mark.parametrize("round_trip_s", [0.0, 0.000_1, 0.000_099, 0.012_8, 13.107_2, 1e9])
def test_a_bucket_begins_at_its_lower_bound(round_trip_s: float) -> None:
    stats = DeviceStats()
    stats.answered(round_trip_s)
    bounds = stats.quantile_s(0.5)
    assert bounds is not None
    assert bounds[0] <= round_trip_s < bounds[1]


def test_counters_as_json() -> None:
    stats = DeviceStats(requests=3, timeouts=1)
    stats.answered(0.005)
    stats.answered(99.0)
    told = json.loads(json.dumps(stats.as_dict(), allow_nan=False))
    assert told["requests"] == 3
    assert told["replies"] == 2
    assert told["timeouts"] == 1
    assert told["p50_s"] == [0.0032, 0.0064]
    assert told["p99_s"] == [BUCKETS_S[-1], None]
    assert told["round_trips"] == [[0.0032, 0.0064, 1], [BUCKETS_S[-1], None, 1]]
    assert DeviceStats().as_dict()["p50_s"] is None


def test_a_frame_and_a_round_trip_cost_microseconds() -> None:
    tap, stats, data = WireTap(), DeviceStats(), b"x" * 12
    note_s = min(timeit.repeat(lambda: tap.note(SENT, data, 1.0, device="unit 2"), number=5000, repeat=5)) / 5000
    answered_s = min(timeit.repeat(lambda: stats.answered(0.005), number=5000, repeat=5)) / 5000
    assert note_s < 15e-6  # 0.7 µs and 0.2 µs as a rule; the machine may be busy
    assert answered_s < 15e-6
