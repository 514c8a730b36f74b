"""What time it is on the line: this computer's own time, but for a simulated line that goes faster than time does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from linectl.tui.watch.feed import moment, number, section

__all__ = ["LineClock"]


class LineClock:
    """Follows the line's time by its readings: when one came, and how old it was when it was told.

    `wall` is this computer's time, `loop_s` that of the event loop, s.
    """

    def __init__(self, wall: Callable[[], datetime], loop_s: Callable[[], float]) -> None:
        self._wall = wall
        self._loop_s = loop_s
        self._told: tuple[datetime, float] | None = None
        self.speed = 1.0
        """Seconds on the line in one of ours."""

    def hear(self, state: Mapping[str, Any]) -> None:
        """Take the line's time from its state."""
        self.speed = number(section(state, "line").get("speed")) or 1.0
        if self.speed == 1.0:
            return
        came = [_told_at(each) for each in section(state, "values").values()]
        known = [each for each in came if each is not None]
        if known:
            self._told = max(known), self._loop_s()

    def now(self) -> datetime:
        """Return the time on the line."""
        if self.speed == 1.0 or self._told is None:
            return self._wall()
        at, heard_s = self._told
        return (at + timedelta(seconds=(self._loop_s() - heard_s) * self.speed)).astimezone(self._wall().tzinfo)


def _told_at(reading: Mapping[str, Any]) -> datetime | None:
    received, age_s = moment(reading.get("received_time")), number(reading.get("age_s"))
    return None if received is None or age_s is None else received + timedelta(seconds=age_s)
