"""When a run is to start, by the local clock: the next occurrence, dates, the two nights on which clocks change."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from linectl.errors import Refused, WrongUse
from linectl.server.start_times import must_be_a_time, must_be_in_time, next_start
from linectl.units import NS_PER_S


@pytest.fixture(autouse=True)
def paris(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def ns(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp()) * NS_PER_S


def start(text: str, now: str) -> str:
    return datetime.fromtimestamp(next_start(text, ns(now)) / NS_PER_S, UTC).strftime("%Y-%m-%d %H:%M:%S")


EVENING = "2026-11-23T22:00:00+01:00"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("06:30", "2026-11-24 05:30:00"),
        ("6h30", "2026-11-24 05:30:00"),
        ("6h", "2026-11-24 05:00:00"),
        ("22:30", "2026-11-23 21:30:00"),
        ("22:00", "2026-11-24 21:00:00"),  # now is not to come
        ("06:30:15", "2026-11-24 05:30:15"),
        ("2026-11-25 06:30", "2026-11-25 05:30:00"),
        ("2026-11-25T06:30", "2026-11-25 05:30:00"),
        ("25/11/2026 6h30", "2026-11-25 05:30:00"),
        ("2026-11-25 06:30+00:00", "2026-11-25 06:30:00"),
        ("2026-11-25 06:30Z", "2026-11-25 06:30:00"),
    ],
)
def test_a_time_is_the_next_of_its_name_by_the_local_clock(text: str, expected: str) -> None:
    assert start(text, EVENING) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "soon", "25:00", "6", "06:60", "6h3", "2026-11-25", "2026-13-01 06:30", "31/02/2026 06:30"),
        *("06:30+01:00", "2026-11-24 06:30+25:00", "2026-11-24 06:30-99:99"),
    ],
)
def test_what_says_no_time_is_wrong_use(text: str) -> None:
    with pytest.raises(WrongUse, match="no time") as caught:
        must_be_a_time(text)
    assert "06:30" in caught.value.hint


def test_what_has_passed_or_is_far_ahead_is_refused_with_the_present_time() -> None:
    for text, why in {"2026-11-23 21:59": "has passed", "2026-12-01 06:30": "more than 7 days"}.items():
        with pytest.raises(Refused, match=why) as caught:
            start(text, EVENING)
        assert caught.value.code == "E-RUN-009"
        assert "23/11/2026 22:00" in caught.value.hint
    assert start("2026-11-30 21:59", EVENING)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("9999-12-31 23:59", "more than 7 days"),
        ("9999-12-31 23:59-14:00", "more than 7 days"),
        ("0001-01-01 00:00", "has passed"),
        ("0001-01-01 00:00+14:00", "has passed"),
    ],
)
def test_the_ends_of_the_calendar_are_refused_as_any_day(text: str, why: str) -> None:
    with pytest.raises(Refused, match=why) as caught:
        start(text, EVENING)
    assert caught.value.code == "E-RUN-009"


def test_the_turn_of_the_year_is_near() -> None:
    assert start("2027-01-02 06:30", "2026-12-31T22:00:00+01:00") == "2027-01-02 05:30:00"


def test_a_time_that_the_spring_night_leaves_out_is_refused() -> None:
    evening = "2026-03-28T22:00:00+01:00"
    for text in ("02:30", "2026-03-29 02:30"):
        with pytest.raises(Refused, match="there is no 02:30 on 29/03/2026") as caught:
            start(text, evening)
        assert caught.value.code == "E-RUN-009"
    assert start("03:00", evening) == "2026-03-29 01:00:00"
    assert start("06:30", evening) == "2026-03-29 04:30:00"  # eight hours and a half later, not nine and a half


def test_of_a_time_that_the_autumn_night_has_twice_the_first_to_come_is_meant() -> None:
    assert start("02:30", "2026-10-24T22:00:00+02:00") == "2026-10-25 00:30:00"
    assert start("02:30", "2026-10-25T02:40:00+02:00") == "2026-10-25 01:30:00"
    assert start("2026-10-25 02:30", "2026-10-25T02:40:00+02:00") == "2026-10-25 01:30:00"
    assert start("06:30", "2026-10-24T22:00:00+02:00") == "2026-10-25 05:30:00"


def test_five_minutes_late_is_too_late() -> None:
    must_be_in_time(299.0)
    with pytest.raises(Refused, match="slept"):
        must_be_in_time(301.0)
    must_be_in_time(301.0, speed=20.0)  # of a simulated line that goes faster
