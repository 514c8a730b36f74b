"""How late a scaled plant runs: what was due, when it was done, and whether this computer can hold the speed.

A scaled clock never drifts: process time is the loop's time, times the speed. What a computer that is too slow gives
up is punctuality: the plant is brought to a moment that has passed already. That is measured here and told, so that
nobody takes a late answer for a slow plant.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from linectl.clock.wall import Clock

__all__ = ["Pace", "PaceMeter"]

_RECENT = 50  # ticks by which it is judged whether the speed is held
_OVERRUNS = 0.2  # of them at most; a busy computer is late now and then
_BUSY = 0.5  # of the time at most: wires and clients need the rest
_LEAST = 5  # ticks before anything is judged


@dataclass(frozen=True, slots=True)
class Pace:
    """What a `PaceMeter` has seen since it started.

    `late_s` is how long after its due moment the last tick was done, `worst_s` the longest such time, both in s of wire
    time; `behind_s` is the last one in s of process time. An overrun is a tick that was done later than the next one
    was due. `busy` is the share of the recent time that bringing the plant to the present took, and `recent` the share
    of overruns in it.
    """

    speed: float
    ticks: int
    overruns: int
    late_s: float
    worst_s: float
    busy: float
    recent: float

    @property
    def behind_s(self) -> float:
        """How far the plant was behind at the last tick, s of process time."""
        return self.late_s * self.speed

    @property
    def held(self) -> bool:
        """Whether the speed is held: at most half of the time for the plant, at most a fifth of the ticks late."""
        return self.ticks < _LEAST or (self.busy <= _BUSY and self.recent <= _OVERRUNS)

    @property
    def highest(self) -> float:
        """The speed that would be held by the plant's share of the time alone; infinite when that is nothing."""
        return self.speed * _BUSY / self.busy if self.busy > 0.0 else float("inf")


class PaceMeter:
    """Brings a plant to the present every `period_s` of wire time, and measures how late that is done.

    `work` brings it there (the rig's `advance`). Ticks that were missed are counted as overruns, and not made up for:
    one call of `work` does them all. Used as `async with PaceMeter(clock, rig.advance) as meter`, then `meter.pace()`.
    """

    def __init__(self, clock: Clock, work: Callable[[], None], *, period_s: float = 0.1) -> None:
        if not period_s > 0.0:
            msg = f"the period must be above 0 s, not {period_s}"
            raise ValueError(msg)
        self.period_s = period_s
        self._clock = clock
        self._work = work
        self._loop = asyncio.get_running_loop()
        self._ticks = self._overruns = 0
        self._late_s = self._worst_s = 0.0
        self._recent: deque[tuple[bool, float, float]] = deque(maxlen=_RECENT)  # overrun?, s of work, s until the next
        self._task: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        """Return the speed, the overruns and the worst lateness."""
        return (
            f"<PaceMeter x{self._clock.speed:g}, {self._overruns} of {self._ticks} late, {self._worst_s:.3f} s at most>"
        )

    async def __aenter__(self) -> Self:
        """Start."""
        self._task = asyncio.create_task(self._run(), name="pace of the plant")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop; a mistake in `work` is raised here."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait((task,))
            if not task.cancelled():
                task.result()

    def pace(self) -> Pace:
        """Return what was seen so far."""
        span_s = sum(span for _, _, span in self._recent)
        work_s = sum(work for _, work, _ in self._recent)
        late = sum(overrun for overrun, _, _ in self._recent)
        return Pace(
            self._clock.speed,
            self._ticks,
            self._overruns,
            self._late_s,
            self._worst_s,
            work_s / span_s if span_s > 0.0 else 0.0,
            late / len(self._recent) if self._recent else 0.0,
        )

    async def settled(self, within_s: float = 1.0) -> Pace:
        """Return what was seen after `within_s` of wire time more, to judge a speed before it is offered."""
        await asyncio.sleep(within_s)
        return self.pace()

    async def _run(self) -> None:
        origin_s, number = self._loop.time(), 0
        while True:
            due_s = origin_s + number * self.period_s
            await asyncio.sleep(max(0.0, due_s - self._loop.time()))
            began_s = self._loop.time()
            self._work()
            done_s = self._loop.time()
            number = self._noted(number, due_s, began_s, done_s)

    def _noted(self, number: int, due_s: float, began_s: float, done_s: float) -> int:
        """Note a tick, and those that it made up for; return the number of the next."""
        late_s = max(0.0, done_s - due_s)
        passed = 1 + int(late_s / self.period_s)
        self._ticks += passed
        self._overruns += passed - 1
        self._late_s, self._worst_s = late_s, max(self._worst_s, late_s)
        self._recent.append((passed > 1, done_s - began_s, passed * self.period_s))
        return number + passed
