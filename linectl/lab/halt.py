"""How the work of a run is asked to wait or to end: wishes, kept until the work reaches a place where they can act."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from linectl.clock import Clock

__all__ = ["Halt", "StopRequested"]


class StopRequested(Exception):
    """A person asked the run to stop, and its work has reached a safe point."""


async def _untold() -> None:
    """Tell nobody that the work stands still."""


class Halt:
    """Wishes to stop, to pause and to hold, and the places in the work where they act.

    A stop or a pause acts at the next `boundary`, a stop in a `sleep` too. A hold (its heat is off already) keeps the
    work from leaving either of them. `waited_s` is the process time for which the work stood still.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._stop = asyncio.Event()
        self._changed = asyncio.Event()
        self._pause = False
        self.held = False
        self.waited_s = 0.0
        self.on_standstill: Callable[[], Awaitable[None]] = _untold

    @property
    def asked(self) -> bool:
        """Whether a stop was asked for."""
        return self._stop.is_set()

    def ask(self) -> None:
        """Ask for a stop at the next safe point."""
        self._stop.set()
        self._changed.set()

    def pause(self) -> None:
        """Ask the work to stand still at the next boundary."""
        self._pause = True

    def hold(self) -> None:
        """Let the work stand still in its next sleep or at its next boundary, whichever comes first."""
        self.held = True

    def go_on(self) -> None:
        """Let the work go on."""
        self._pause = self.held = False
        self._changed.set()

    async def boundary(self) -> None:
        """Say that stopping or waiting here leaves nothing half done; stand still while that is wished.

        Raises:
            StopRequested: a stop was asked for.
        """
        if (self._pause or self.held) and not self.asked:
            await self.on_standstill()
            await self._stand_still(lambda: self._pause or self.held)
        if self.asked:
            raise StopRequested

    async def sleep(self, process_s: float) -> None:
        """Wait for `process_s` seconds of process time, and then as long as the run is held; a stop ends it early.

        Raises:
            StopRequested: a stop was asked for.
        """
        try:
            async with asyncio.timeout(process_s / self._clock.speed):
                await self._stop.wait()
        except TimeoutError:
            await self._stand_still(lambda: self.held)
        if self.asked:
            raise StopRequested

    async def _stand_still(self, wished: Callable[[], bool]) -> None:
        if not wished():
            return  # not a microsecond: who waits for `waited_s` to grow would see a standstill that was none
        began_s = self._clock.process_s()
        try:
            while wished() and not self.asked:
                self._changed.clear()
                await self._changed.wait()
        finally:
            self.waited_s += self._clock.process_s() - began_s
