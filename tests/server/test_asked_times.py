"""Times as people say them, here and over a change of the clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from linectl.server.asked_times import local, since_ns, until_ns

S = 1_000_000_000


@pytest.fixture(autouse=True)
def paris(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Paris")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def ns(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp()) * S


NOW = ns("2026-11-23T08:00:00+01:00")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("10m", "2026-11-23T07:50:00+01:00"),
        ("2h", "2026-11-23T06:00:00+01:00"),
        ("3d", "2026-11-20T08:00:00+01:00"),
        ("3j", "2026-11-20T08:00:00+01:00"),
        ("1h30m", "2026-11-23T06:30:00+01:00"),
        ("1 h 30 min", "2026-11-23T06:30:00+01:00"),
        ("0,5h", "2026-11-23T07:30:00+01:00"),
        ("90s", "2026-11-23T07:58:30+01:00"),
        ("06:30", "2026-11-23T06:30:00+01:00"),
        ("6:30", "2026-11-23T06:30:00+01:00"),
        ("22:00", "2026-11-22T22:00:00+01:00"),
        ("08:00", "2026-11-23T08:00:00+01:00"),
        ("06:30:15", "2026-11-23T06:30:15+01:00"),
        ("6h30", "2026-11-23T06:30:00+01:00"),
        ("22H15", "2026-11-22T22:15:00+01:00"),
        ("6h", "2026-11-23T02:00:00+01:00"),
        ("22/11/2026", "2026-11-22T00:00:00+01:00"),
        ("1/7/2026 6h30", "2026-07-01T06:30:00+02:00"),
        ("22/11/2026 06:30", "2026-11-22T06:30:00+01:00"),
        ("2026-11-22", "2026-11-22T00:00:00+01:00"),
        ("2026-11-22 06:30", "2026-11-22T06:30:00+01:00"),
        ("2026-07-01T06:30", "2026-07-01T06:30:00+02:00"),
        ("2026-11-22T06:30Z", "2026-11-22T06:30:00+00:00"),
    ],
)
def test_a_time_is_what_people_mean_by_it(text: str, wanted: str) -> None:
    assert since_ns(text, NOW) == ns(wanted)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "tomorrow",
        "10",
        "h",
        "25h30",
        "6h3",
        "6h30:15",
        "30/02/2026",
        "24/11",
        "24/11/2026 25:00",
        "25:00",
        "06:60",
        "-5m",
        "nan",
        "1e9h",
        "2026-13-01",
        "10m x",
        "٣h",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # the verbs say which word
        since_ns(text, NOW)


def test_what_no_store_can_hold_ends_where_it_can() -> None:
    assert since_ns("999999999d", NOW) == 0
    assert since_ns("0001-01-02T00:00+00:00", NOW) == 0
    assert 0 < since_ns("9999-12-30T00:00+00:00", NOW) < 2**63


def test_an_end_by_the_clock_is_the_first_after_the_beginning() -> None:
    assert until_ns("6h00", ns("2026-11-22T22:00:00+01:00"), NOW) == ns("2026-11-23T06:00:00+01:00")
    evening = ns("2026-11-22T22:00:00+01:00")
    assert until_ns("06:00", evening, NOW) == ns("2026-11-23T06:00:00+01:00")
    assert until_ns("23:00", evening, NOW) == ns("2026-11-22T23:00:00+01:00")
    assert until_ns("1h", evening, NOW) == ns("2026-11-23T07:00:00+01:00")


def test_a_time_of_day_is_that_of_its_own_date_when_the_clock_changes() -> None:
    after_change = ns("2026-10-25T12:00:00+01:00")
    assert since_ns("01:30", after_change) == ns("2026-10-25T01:30:00+02:00")
    assert local(after_change).isoformat() == "2026-10-25T12:00:00+01:00"
    assert datetime.fromtimestamp(since_ns("1d", after_change) / S, UTC).hour == 11
