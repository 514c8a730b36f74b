"""Times as people say them: so long ago, at a time of day, on a date."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from linectl.clock import wall_ns
from linectl.units import NS_PER_S

__all__ = ["local", "since_ns", "until_ns"]

_PART = re.compile(r"(\d{1,9}(?:[.,]\d{1,6})?)\s*(min|s|m|h|d|j)\s*", re.ASCII)
_UNITS_S = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0, "j": 86_400.0}
_OF_DAY = re.compile(r"([01]?\d|2[0-3])(?:h(?=\d\d$)|:)([0-5]\d)(?::([0-5]\d))?", re.ASCII)
_FRENCH_DAY = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?:[ t]+(\S+))?", re.ASCII)
_DAY = timedelta(days=1)
_LATEST_NS = 1 << 62  # the year 2116: a store's times are whole numbers of 64 bits


def since_ns(text: str, now_ns: int | None = None) -> int:
    """Return the time (ns UTC) that `text` names.

    So long before `now_ns` (the computer's time unless it is given): `30m`, `2h`, `7d`, `1h30m`; the last time that it
    was `06:30` (or `6h30`) here; ISO 8601 (`2026-11-23`, `2026-11-23 06:30`), without offset in local time; or
    `23/11/2026`, `23/11/2026 6h30`.

    Raises:
        ValueError: it is none of them.
    """
    now_ns = wall_ns() if now_ns is None else now_ns
    word = text.strip().lower()
    ago_s = _duration_s(word)
    if ago_s is not None:
        return max(0, now_ns - round(ago_s * NS_PER_S))
    if _OF_DAY.fullmatch(word):
        now = local(now_ns)
        today = _of_day(word, now)
        return _ns(today if today <= now else _of_day(word, now - _DAY))
    return _ns(_on_date(word) or datetime.fromisoformat(text.strip()))


def until_ns(text: str, from_ns: int, now_ns: int | None = None) -> int:
    """Return the time (ns UTC) that `text` names as an end: a time of day is the first one after `from_ns`.

    Raises:
        ValueError: it is no time (see `since_ns`).
    """
    word = text.strip().lower()
    if not _OF_DAY.fullmatch(word):
        return since_ns(text, now_ns)
    begin = local(from_ns)
    same_day = _of_day(word, begin)
    return _ns(same_day if same_day > begin else _of_day(word, begin + _DAY))


def local(time_ns: int) -> datetime:
    """Return a wall time (ns UTC) as it is here, with its offset."""
    return datetime.fromtimestamp(time_ns / NS_PER_S, UTC).astimezone()


def _duration_s(word: str) -> float | None:
    """Return the seconds of a duration such as `90m` or `1h30min`, None for anything else."""
    total_s, at = 0.0, 0
    while at < len(word):
        found = _PART.match(word, at)
        if found is None:
            return None
        total_s += float(found[1].replace(",", ".")) * _UNITS_S[found[2]]
        at = found.end()
    return total_s if word else None


def _on_date(word: str) -> datetime | None:
    """Return the time of `23/11/2026 6h30`, midnight without a time of day; None for anything else.

    Raises:
        ValueError: there is no such day.
    """
    found = _FRENCH_DAY.fullmatch(word)
    if found is None or not (found[4] is None or _OF_DAY.fullmatch(found[4])):
        return None
    return _of_day(found[4] or "00:00", datetime(int(found[3]), int(found[2]), int(found[1])))  # noqa: DTZ001  # a date


def _of_day(word: str, day: datetime) -> datetime:
    """Return the time `word` on the date of `day`, with the offset that is in force here then."""
    found = _OF_DAY.fullmatch(word)
    assert found is not None, word
    hour, minute, second = (int(part or 0) for part in found.groups())
    return datetime(day.year, day.month, day.day, hour, minute, second).astimezone()


def _ns(time: datetime) -> int:
    """Return a time as ns UTC.

    Raises:
        ValueError: no calendar of this computer holds it.
    """
    try:
        return min(max(0, round(time.timestamp() * 1_000_000) * 1000), _LATEST_NS)
    except (OverflowError, OSError) as error:
        raise ValueError(str(error)) from error
