"""When a run is to start: a time of day or a date with a time, by the local clock of the line's computer.

A time of day is its next occurrence. Where clocks are put forward, a time that is left out does not exist and is
refused; where they are put back, a time that comes twice is the first of the two that is still to come.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from linectl.errors import Refused, WrongUse
from linectl.units import NS_PER_S
from linectl.words import tr
from linectl.words.durations import duration_text

__all__ = ["AHEAD_DAYS", "local_time", "must_be_a_time", "must_be_in_time", "next_start"]

AHEAD_DAYS = 7
"""How far ahead a run may be handed in: for longer nobody knows what the line will be used for."""

_LATE_S = 300.0
_DAY = r"(?:(?P<iso>\d{4}-\d{2}-\d{2})|(?P<d>\d{1,2})/(?P<m>\d{1,2})/(?P<y>\d{4}))"
_TIME = r"(?P<hour>\d{1,2})(?:[hH](?P<after_h>\d{2})?|:(?P<minute>\d{2})(?::(?P<second>\d{2}))?)"
_OFFSET = r"(?P<offset>Z|[+-]\d{2}:?\d{2})?"
_FORM = re.compile(rf"(?:{_DAY}[ T]+)?{_TIME}{_OFFSET}")
_FORMS = "06:30, 6h30, 2026-11-24 06:30, 24/11/2026 06:30"


def must_be_a_time(text: str) -> None:
    """Look whether `text` says a time, whichever day it is.

    Raises:
        WrongUse: it does not.
    """
    _read(text)


def next_start(text: str, now_ns: int) -> int:
    """Return the moment (ns UTC) that `text` means at `now_ns` (UTC): one to come, 7 days ahead at most.

    Raises:
        WrongUse: it says no time.
        Refused: it has passed, is too far ahead, or does not exist as clocks are put forward then (E-RUN-009).
    """
    day, clock, offset = _read(text)
    if day is None:
        return _next_of(clock, now_ns)
    _must_be_near(day, clock, now_ns)
    if offset is not None:
        at_ns = _ns(datetime.combine(day, clock, offset))
    else:
        found = _moments(datetime.combine(day, clock))
        if not found:
            raise _left_out(day, clock)
        at_ns = next((each for each in found if each > now_ns), found[-1])
    if at_ns <= now_ns:
        raise Refused(
            tr("{time} has passed").format(time=local_time(at_ns)), hint=_by_the_clock(now_ns), code="E-RUN-009"
        )
    if at_ns - now_ns > AHEAD_DAYS * 86_400 * NS_PER_S:
        words = tr("{time} is more than {days} days ahead").format(time=local_time(at_ns), days=AHEAD_DAYS)
        raise Refused(words, hint=_by_the_clock(now_ns), code="E-RUN-009")
    return at_ns


def _must_be_near(day: date, clock: time, now_ns: int) -> None:
    """Look whether a day is of about this year: at both ends of the calendar no other clock can say it."""
    away = day.year - _local(now_ns).year
    if abs(away) <= 1:
        return
    told = f"{day:%d/%m/%Y} {clock:%H:%M}"
    if away < 0:
        words = tr("{time} has passed").format(time=told)
    else:
        words = tr("{time} is more than {days} days ahead").format(time=told, days=AHEAD_DAYS)
    raise Refused(words, hint=_by_the_clock(now_ns), code="E-RUN-009")


def must_be_in_time(late_s: float, *, speed: float = 1.0) -> None:
    """Look whether it is not too late to start: hours after its time a run is not what was asked for.

    Raises:
        Refused: the computer slept, or its clock was set past the time (E-RUN-011).
    """
    if late_s > _LATE_S * max(1.0, speed):
        text = tr("the computer's clock went past its time by {late}: it slept, or its clock was set")
        raise Refused(text.format(late=duration_text(late_s)), hint=tr("hand it in again"), code="E-RUN-011")


def local_time(at_ns: int) -> str:
    """Return a moment by the local clock, as people read it."""
    return f"{_local(at_ns):%d/%m/%Y %H:%M}"


def _read(text: str) -> tuple[date | None, time, tzinfo | None]:
    """Return the day (None: whichever comes next), the time of day and the offset that `text` says."""
    found = _FORM.fullmatch(text.strip())
    try:
        if found is None or (found["offset"] and not (found["iso"] or found["y"])):
            raise ValueError
        day = None
        if found["iso"]:
            day = date.fromisoformat(found["iso"])
        elif found["y"]:
            day = date(int(found["y"]), int(found["m"]), int(found["d"]))
        minute = int(found["minute"] or found["after_h"] or 0)
        offset = datetime.fromisoformat(f"2000-01-01T00:00{found['offset']}").tzinfo if found["offset"] else None
        return day, time(int(found["hour"]), minute, int(found["second"] or 0)), offset
    except ValueError:
        raise WrongUse(
            tr("--at {text}: no time").format(text=text[:40]), hint=tr("such as {forms}").format(forms=_FORMS)
        ) from None


def _next_of(clock: time, now_ns: int) -> int:
    today = _local(now_ns).date()
    for day in (today, today + timedelta(days=1)):
        moments = _moments(datetime.combine(day, clock))
        coming = [each for each in moments if each > now_ns]
        if coming:
            return coming[0]
        if not moments and _ns(datetime.combine(day, clock).astimezone()) > now_ns:
            raise _left_out(day, clock)
    raise _left_out(today, clock)


def _moments(naive: datetime) -> list[int]:
    """Return the moments (ns UTC) at which the local clock says `naive`: one, two as it is put back, none left out."""
    both = [naive.replace(fold=fold).astimezone(UTC) for fold in (0, 1)]
    return sorted({_ns(each) for each in both if each.astimezone().replace(tzinfo=None) == naive})


def _left_out(day: date, clock: time) -> Refused:
    text = tr("there is no {time} on {day}: clocks are put forward over it")
    words = text.format(time=f"{clock:%H:%M}", day=f"{day:%d/%m/%Y}")
    return Refused(words, hint=tr("name a time an hour earlier or later"), code="E-RUN-009")


def _by_the_clock(now_ns: int) -> str:
    return tr("by the clock of this line it is {time} now").format(time=local_time(now_ns))


def _local(at_ns: int) -> datetime:
    return datetime.fromtimestamp(at_ns / NS_PER_S, UTC).astimezone()


def _ns(moment: datetime) -> int:
    return round(moment.timestamp()) * NS_PER_S
