"""When a reading is stable: a full window, little slope, little scatter; and what is not is not."""

from __future__ import annotations

import math
import random

import pytest

from linectl.line.stability import Criterion, Settling, criterion_for
from linectl.model.lines import Tag

DEGREES = Criterion(drift=0.1, scatter=0.3)


def fed(criterion: Criterion, values: list[float], period_s: float = 1.0) -> Settling:
    settling = Settling(criterion)
    for k, value in enumerate(values):
        settling.add(k * period_s, value)
    return settling


def stable(settling: Settling) -> bool:
    found = settling.settled()
    return found is not None and found.stable


def test_a_steady_reading_is_stable_once_the_window_is_full() -> None:
    assert not stable(fed(DEGREES, [60.0] * 60))
    assert stable(fed(DEGREES, [60.0] * 61))


def test_a_slope_or_a_scatter_that_is_too_much_is_not_stable() -> None:
    assert not stable(fed(DEGREES, [60.0 + 0.002 * k for k in range(120)]))
    assert stable(fed(DEGREES, [60.0 + 0.0015 * k for k in range(120)]))
    assert not stable(fed(DEGREES, [60.0 + 0.5 * (-1) ** k for k in range(120)]))


def test_a_probe_that_follows_its_bath_is_waited_for() -> None:
    settling, when = Settling(DEGREES), 0
    for k in range(600):
        settling.add(float(k), 60.0 - 40.0 * math.exp(-k / 15.0))
        if stable(settling):
            when = k
            break
    found = settling.settled()
    assert found is not None
    assert 100 < when < 200
    assert found.mean == pytest.approx(60.0, abs=0.05)


def test_a_bad_reading_begins_the_window_anew() -> None:
    settling = fed(DEGREES, [60.0] * 61)
    settling.begin_anew()
    assert settling.settled() is None


def test_the_same_reading_twice_is_one_and_a_slow_sensor_has_a_longer_window() -> None:
    settling = fed(DEGREES, [20.0] * 9, period_s=30.0)
    for _ in range(100):
        settling.add(240.0, 20.0)
    assert not stable(settling)
    settling.add(270.0, 20.0)
    found = settling.settled()
    assert found is not None
    assert (found.stable, found.count, found.span_s) == (True, 10, 270.0)


def test_what_resembles_its_neighbours_is_worth_less() -> None:
    rng = random.Random(5)
    white = fed(DEGREES, [rng.gauss(60.0, 0.1) for _ in range(61)]).settled()
    values, last = [], 0.0
    for _ in range(61):
        last = 0.9 * last + rng.gauss(0.0, 0.03)
        values.append(60.0 + last)
    slow = fed(DEGREES, values).settled()
    assert white is not None
    assert slow is not None
    assert white.effective > 30
    assert slow.effective < 15


def test_the_criterion_goes_by_the_unit_and_what_is_given_is_taken() -> None:
    assert criterion_for(Tag("a.b", "°C", low=-20, high=120)).limits(60.0) == (0.1, 0.3)
    conductivity = Tag("a.b", "mS/cm", low=0, high=500)
    assert criterion_for(conductivity).limits(100.0) == pytest.approx((0.5, 1.5))
    assert criterion_for(conductivity).limits(0.0) == pytest.approx((0.25, 0.75))
    assert criterion_for(conductivity, drift=0.2, scatter=2.0).limits(100.0) == (0.2, 2.0)


def test_the_least_step_is_the_resolution() -> None:
    found = fed(DEGREES, [60.0, 60.1, 60.0, 60.3] * 20).settled()
    assert found is not None
    assert found.resolution == pytest.approx(0.1)
