"""A fixed grid of ticks on the loop's clock: late ticks are skipped, never made up for."""

from __future__ import annotations

from math import floor
from typing import NamedTuple

__all__ = ["Due", "Grid"]

_EARLY_S = 1e-4  # a timer may fire by its resolution too early


class Due(NamedTuple):
    """What is due: the tick `number` (None: too late for it) at `at_s` on the grid, and the ticks missed before it."""

    number: int | None
    at_s: float
    first_missed: int
    missed: int


class Grid:
    """Ticks number 0, 1, ... at `origin_s + number * period_s` (loop time).

    A tick may be made late by the share `late` of its period; after that it is missed. What follows a hold-up is on
    the grid again, without a burst.
    """

    def __init__(self, origin_s: float, period_s: float, *, late: float = 0.5) -> None:
        self.period_s = period_s
        self.due_s = origin_s
        self._origin_s = origin_s
        self._late_s = late * period_s
        self._next = 0

    def __repr__(self) -> str:
        """Return the next tick and its time."""
        return f"<Grid of {self.period_s:g} s, tick {self._next} at {self.due_s:.3f} s>"

    def take(self, now_s: float) -> Due | None:
        """Return what is due at `now_s` (loop time), None when nothing is; it is taken with this call."""
        if now_s < self.due_s - _EARLY_S:
            return None
        latest = floor((now_s - self._origin_s + _EARLY_S) / self.period_s)
        at_s = self._origin_s + latest * self.period_s
        on_time = now_s - at_s <= self._late_s
        first, self._next = self._next, latest + 1
        self.due_s = self._origin_s + self._next * self.period_s
        return Due(latest if on_time else None, at_s, first, latest - first + (not on_time))
