"""How a run is asked to end early: a person's wish, kept until the work reaches a safe point."""

from __future__ import annotations

import asyncio

from linectl.clock import Clock

__all__ = ["Halt", "StopRequested"]


class StopRequested(Exception):
    """A person asked the run to stop, and its work has reached a safe point."""


class Halt:
    """A wish to stop; long waits end early for it, short works look at it when they are done."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wish = asyncio.Event()

    @property
    def asked(self) -> bool:
        """Whether a stop was asked for."""
        return self._wish.is_set()

    def ask(self) -> None:
        """Ask for a stop at the next safe point."""
        self._wish.set()

    def safe_point(self) -> None:
        """Say that stopping here leaves nothing half done.

        Raises:
            StopRequested: a stop was asked for.
        """
        if self.asked:
            raise StopRequested

    async def sleep(self, process_s: float) -> None:
        """Wait for `process_s` seconds of process time; the whole wait is a safe point.

        Raises:
            StopRequested: a stop was asked for.
        """
        try:
            async with asyncio.timeout(process_s / self._clock.speed):
                await self._wish.wait()
        except TimeoutError:
            return
        raise StopRequested
