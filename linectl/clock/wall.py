"""The one clock: wall time for records, process time for soaks. Nothing else in linectl asks for the time.

Waits and deadlines of wires go through the event loop (`loop.time()`), unscaled. The duration of a soak, a fill or
a stabilisation is *process time*: the loop's time, times the speed of a simulated plant (1 on a real line).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from linectl.units import NS_PER_S

__all__ = ["VIRTUAL_START_NS", "Clock", "wall_ns"]

VIRTUAL_START_NS = 1_767_225_600 * NS_PER_S  # 2026-01-01T00:00:00Z: where every run in virtual time begins


def wall_ns() -> int:
    """Return the computer's wall time in ns since 1970, UTC, for records made outside any run."""
    return time.time_ns()


class Clock:
    """Wall time in ns UTC and process time in s of one running event loop.

    Wall time is read once, at creation, and advances with process time from there: stamps never step, so that the
    difference of two is the time that passed, whatever is done to the computer's clock meanwhile (`step_s` tells).
    `start_ns` fixes the wall time at creation (virtual runs); `wall_ns` is where it is read, else the computer's
    clock. `speed` is process seconds per loop second.
    """

    def __init__(
        self, *, start_ns: int | None = None, speed: float = 1.0, wall_ns: Callable[[], int] = time.time_ns
    ) -> None:
        if not speed > 0:
            msg = f"speed must be above 0, not {speed}"
            raise ValueError(msg)
        self.speed = speed
        self._loop = asyncio.get_running_loop()
        self._origin_s = self._told_s = self._loop.time()
        self._process_s = 0.0
        self._wall_ns = wall_ns
        self._follows = start_ns is None and speed == 1.0
        self._start_ns = wall_ns() if start_ns is None else start_ns

    def __repr__(self) -> str:
        """Return the speed and the process time."""
        return f"<Clock x{self.speed:g} at {self.process_s():.1f} s>"

    def now_ns(self) -> int:
        """Return the wall time in ns since 1970, UTC, as it was at creation plus the process time since."""
        return self._start_ns + round(self.process_s() * NS_PER_S)

    def step_s(self) -> float:
        """Return by how many seconds the computer's clock was set since (0 where wall time is made up)."""
        return (self._wall_ns() - self.now_ns()) / NS_PER_S if self._follows else 0.0

    def set_by_wall(self) -> float:
        """Take over the computer's clock as it is now, between two runs; return the step in s that stamps make."""
        step_s = self.step_s()
        self._start_ns += round(step_s * NS_PER_S)
        return step_s

    def process_s(self) -> float:
        """Return the process time in s since this clock was made, to the nanosecond; it never steps.

        Rounded, because a timer set for 12 s must find 12 s when it fires, and not an ulp less, for ever.
        """
        now_s = self._loop.time()
        if now_s != self._told_s:  # a jumping clock is asked many times in one instant
            self._told_s = now_s
            self._process_s = round((now_s - self._origin_s) * self.speed, 9)
        return self._process_s

    def loop_s(self, process_s: float) -> float:
        """Return the loop time in s at which the process time will be `process_s`."""
        return self._origin_s + process_s / self.speed

    async def sleep(self, process_s: float) -> None:
        """Wait for `process_s` seconds of process time."""
        await asyncio.sleep(process_s / self.speed)

    async def sleep_until(self, process_s: float) -> None:
        """Wait until the process time is `process_s`; return at once when it has passed."""
        await asyncio.sleep(max(0.0, self.loop_s(process_s) - self._loop.time()))
