"""The one clock: wall time for records, process time for soaks. Nothing else in linectl asks for the time.

Waits and deadlines of wires go through the event loop (`loop.time()`), unscaled. The duration of a soak, a fill or
a stabilisation is *process time*: the loop's time, times the speed of a simulated plant (1 on a real line).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from linectl.units import NS_PER_S

__all__ = ["VIRTUAL_START_NS", "Clock", "asleep_s", "wall_ns"]

_BOOTTIME = getattr(time, "CLOCK_BOOTTIME", None)  # Linux
_SLEEP_S = 0.5  # a shorter sleep is none: the two clocks are not read in one instant
_CHUNK_S = 1.0  # a wait looks so often whether the computer slept meanwhile

VIRTUAL_START_NS = 1_767_225_600 * NS_PER_S  # 2026-01-01T00:00:00Z: where every run in virtual time begins


def wall_ns() -> int:
    """Return the computer's wall time in ns since 1970, UTC, for records made outside any run."""
    return time.time_ns()


def asleep_s() -> float:
    """Return for how long this computer has slept since it started, s; 0 where the system does not tell."""
    if _BOOTTIME is None:
        return 0.0
    return time.clock_gettime(_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)


class Clock:
    """Wall time in ns UTC and process time in s of one running event loop.

    Wall time is read once, at creation, and advances with process time from there: stamps never step, so that the
    difference of two is the time that passed, whatever is done to the computer's clock meanwhile (`step_s` tells).
    `start_ns` fixes the wall time at creation (virtual runs); `wall_ns` is where it is read, else the computer's
    clock. `speed` is process seconds per loop second.

    The loop's clock stands while a computer sleeps, the plant does not: at the first `wake` after that, the time that
    was slept has passed in process time too. `asleep_s` tells how long that was in all.
    """

    def __init__(
        self,
        *,
        start_ns: int | None = None,
        speed: float = 1.0,
        wall_ns: Callable[[], int] = time.time_ns,
        asleep_s: Callable[[], float] = asleep_s,
    ) -> None:
        if not speed > 0:
            msg = f"speed must be above 0, not {speed}"
            raise ValueError(msg)
        self.speed = speed
        self._loop = asyncio.get_running_loop()
        self._origin_s = self._told_s = self._loop.time()
        self._process_s = 0.0
        self._wall_ns = wall_ns
        self._asleep_s = asleep_s
        self._slept_s = asleep_s()
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
        if not self._follows:
            return 0.0
        return (self._wall_ns() - self.now_ns()) / NS_PER_S - self._unnoticed_s()

    def set_by_wall(self) -> float:
        """Take over the computer's clock as it is now, between two runs; return the step in s that stamps make."""
        step_s = self.step_s()
        self._start_ns += round(step_s * NS_PER_S)
        return step_s

    def wake(self) -> float:
        """Let the time pass for which the computer slept since the last look; return it in s, 0 when it did not."""
        slept_s = self._unnoticed_s()
        if slept_s:
            self._slept_s += slept_s
            self._origin_s -= slept_s / self.speed
            self._told_s = float("-inf")
        return slept_s

    def _unnoticed_s(self) -> float:
        slept_s = self._asleep_s() - self._slept_s if self._follows else 0.0
        return slept_s if slept_s > _SLEEP_S else 0.0

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
        if self._follows and process_s > _CHUNK_S:
            await self.sleep_until(self.process_s() + process_s)
        else:
            await asyncio.sleep(process_s / self.speed)

    async def sleep_until(self, process_s: float) -> None:
        """Wait until the process time is `process_s`; return at once when it has passed."""
        while self._follows and self.loop_s(process_s) - self._loop.time() > _CHUNK_S:  # noqa: ASYNC110  # of time alone
            await asyncio.sleep(_CHUNK_S)
        await asyncio.sleep(max(0.0, self.loop_s(process_s) - self._loop.time()))
