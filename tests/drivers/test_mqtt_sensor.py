"""A sensor's own period, told or learned, and what of it an outage or a burst changes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.frames.mqtt_forms import Said
from drivers.mqtt.sensor import FRESH_PERIODS, LEAST_FRESH_S, Rhythm, Sensor
from drivers.settings import MqttSource


def after(*intervals_s: float) -> float | None:
    rhythm, now_s = Rhythm(), 0.0
    rhythm.heard(now_s)
    for interval_s in intervals_s:
        now_s += interval_s
        rhythm.heard(now_s)
    return rhythm.fresh_s()


def test_a_period_that_is_told_is_not_learned() -> None:
    rhythm = Rhythm(300.0)
    assert rhythm.fresh_s() == 750.0
    for now_s in range(20):
        rhythm.heard(float(now_s))
    assert rhythm.fresh_s() == 750.0


@pytest.mark.parametrize(
    ("intervals_s", "fresh_s"),
    [
        ((), None),
        ((60.0,), None),  # might as well be a burst, or an outage
        ((60.0, 60.0), 150.0),
        ((60.0, 61.0, 60.0, 3600.0), 152.5),  # an hour away: not believed for hours from now on
        ((60.0, 60.0, 1.0, 1.0, 1.0, 1.0), 150.0),  # a burst: the sensor is no faster for it
        ((0.1,) * 8, LEAST_FRESH_S),
        ((600.0,) * 8 + (10.0,) * 8, 25.0),  # its period was changed
    ],
)
def test_a_period_is_learned(intervals_s: tuple[float, ...], fresh_s: float | None) -> None:
    assert after(*intervals_s) == fresh_s


def test_a_tasmota_is_believed_for_its_makers_period_until_its_own_is_known() -> None:
    sensor = Sensor("bath", MqttSource("bath", "tasmota"))
    believed = []
    for k in range(4):
        sensor.take("tele/bath/SENSOR", Said({"SENSOR": {"T": 1}}), 10.0 * k)
        believed.append(sensor.reading(("T",), "float", 10.0 * k).fresh_s)
    assert believed == [750.0, 750.0, 25.0, 25.0]


def test_the_time_in_which_the_broker_was_away_is_no_interval() -> None:
    sensor = Sensor("room", MqttSource("room"))
    for now_s in (0.0, 10.0, 20.0):
        sensor.take("room", Said({"": 20.0}), now_s)
    sensor.lost()
    assert sensor.reading((), "float", 21.0).reason == "waiting_for_initial_data"
    sensor.take("room", Said({"": 21.0}), 5000.0)
    assert sensor.reading((), "float", 5000.0).fresh_s == 25.0


@given(st.lists(st.floats(0.0, 1e5), min_size=2, max_size=20))
def test_a_learned_period_is_one_that_was_seen(intervals_s: list[float]) -> None:
    fresh_s = after(*intervals_s)
    if fresh_s is not None:
        assert LEAST_FRESH_S <= fresh_s <= max(LEAST_FRESH_S, FRESH_PERIODS * max(intervals_s[-8:]) * 1.000001)
