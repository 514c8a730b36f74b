"""What is to be drawn: the line's state as last heard, and what this screen knows beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from linectl.tui.styled import Mood
from linectl.tui.watch.feed import moment

__all__ = ["Body", "Page", "Plot", "Point", "Sight", "clock_text", "hours", "short", "since_text"]

Point = tuple[float, float | None]  # seconds before now (0 or less), value; None where nothing was known


class Page(StrEnum):
    """What the screen is for; all but ALL show one part alone, for a slow line or a small window."""

    ALL = "all"
    VALUES = "values"
    TREND = "trend"
    ALARMS = "alarms"
    RUN = "run"
    JOURNAL = "journal"


class Body(StrEnum):
    """What stands in the middle of the screen."""

    VALUES = "values"
    ALARMS = "alarms"
    HELP = "help"


class Plot(StrEnum):
    """How much of the middle the trend takes."""

    BESIDE = "beside"
    ALONE = "alone"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Sight:
    """One look at the line.

    `now` is the line's own time, `speed` its seconds in one of ours (a simulated line may be fast). `ages` are those of
    the values now, in s of ours; `trend` is that of the chosen tag. `silent_s` is for how long the server has not been
    heard (None while it speaks), `before` when it was heard last, `why` what is wrong. `armed_s` is how long this
    screen may still write. `asking` is the text of an open input line, `typed` what stands in it; `said` is the last
    thing the screen has to tell.
    """

    state: Mapping[str, Any]
    now: datetime
    ages: Mapping[str, float] = field(default_factory=dict)
    trend: Sequence[Point] = ()
    silent_s: float | None = None
    speed: float = 1.0
    before: str = ""
    why: str = ""
    armed_s: float | None = None
    asking: str | None = None
    typed: str = ""
    said: str = ""
    said_mood: Mood = Mood.NORMAL
    chosen: str = ""
    filter: str = ""
    page: Page = Page.ALL
    body: Body = Body.VALUES
    plot: Plot = Plot.BESIDE
    alarm: str = ""  # the id of the alarm under the cursor
    scroll: int = 0  # of the help
    braille: bool = True

    @property
    def then(self) -> datetime:
        """When what is shown was so: now, while the server speaks."""
        return self.now - timedelta(seconds=(self.silent_s or 0.0) * self.speed)

    @property
    def dead(self) -> bool:
        """Whether nothing on the screen is of now."""
        return self.silent_s is not None


def clock_text(value: object, now: datetime) -> str:
    """Return a time as `14:18:02`, with the date before it on another day; `–` where there is none."""
    at = moment(value)
    if at is None:
        return "–"
    at = at.astimezone(now.tzinfo)
    return f"{at:%H:%M:%S}" if at.date() == now.date() else f"{at:%d/%m %H:%M}"


def since_text(value: object, now: datetime) -> str:
    """Return for how long something stands: `4 s`, `3:12`, `2:05:00`."""
    at = moment(value)
    return "–" if at is None else short((now - at).total_seconds())


def short(seconds: float) -> str:
    """Return a duration in seconds below a minute, else as on a clock."""
    return f"{max(0, int(seconds))} s" if seconds < 60 else hours(seconds)


def hours(seconds: float) -> str:
    """Return a duration as on a clock: `0:12`, `9:12`, `1:05:00`."""
    minutes, second = divmod(max(0, int(seconds)), 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour}:{minute:02d}:{second:02d}" if hour else f"{minute}:{second:02d}"
