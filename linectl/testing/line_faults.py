"""The handle of a test on what breaks its simulated line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from linectl.config.scenario_file import find_scenario, load_scenario
from linectl.model.faults import FaultOrder, Scenario
from linectl.sim.faults.engine import FaultEngine
from linectl.sim.faults.events import FaultEvent, StandingFault
from linectl.testing.loop_thread import LoopThread

__all__ = ["LineFaults", "playing", "scenario_of"]


class LineFaults:
    """Adds faults to a line by their names and clears them, from the test or from a coroutine on the line."""

    def __init__(self, engine: FaultEngine, loop_thread: LoopThread) -> None:
        self.engine = engine
        self._loop_thread = loop_thread

    def __repr__(self) -> str:
        """Return how many faults stand."""
        return f"<LineFaults {len(self.standing)} standing, {len(self.log)} in the log>"

    @property
    def log(self) -> tuple[FaultEvent, ...]:
        """What began and ended so far, in order."""
        return self.engine.log

    @property
    def standing(self) -> tuple[StandingFault, ...]:
        """What is broken now, or waits for its moment."""
        return self.engine.standing()

    def add(
        self,
        kind: str,
        target: str = "",
        *,
        for_s: float | None = None,
        count: int | None = None,
        when: str = "",
        **figures: float,
    ) -> int:
        """Begin a fault now and return its number.

        It lasts `for_s` s of process time or `count` times, else until it is cleared; `when` lets it wait for a
        condition such as `bath.temperature > 60`. `figures` are those of its kind
        (`power`, `by`...; `linectl sim fault kinds KIND` tells them).

        Raises:
            ConfigError: no such kind or target, a figure that the kind does not take, or out of its range.
        """
        order = FaultOrder(kind, target, for_s=for_s, count=count, when=when, values=figures)
        if self._loop_thread.is_here:
            return self.engine.add(order)
        return self._loop_thread.do(self._settled(order))

    def clear(self, number: int) -> None:
        """End the fault that `add` numbered so.

        Raises:
            ConfigError: there is none of that number.
        """
        self._loop_thread.call(lambda: self.engine.clear(number))

    def clear_all(self) -> None:
        """End all that stand."""
        self._loop_thread.call(self.engine.clear_all)

    async def _settled(self, order: FaultOrder) -> int:
        number = self.engine.add(order)
        await self.engine.settled()
        return number


def scenario_of(name: str, beside: Path) -> Scenario:
    """Return the scenario in the file `name`: beside the test, else where scenarios are.

    Raises:
        ConfigError: there is none, or it is wrong.
    """
    near = beside.parent / name
    return load_scenario(near if near.is_file() else find_scenario(name))


@asynccontextmanager
async def playing(engine: FaultEngine, scenario: Scenario | None) -> AsyncIterator[None]:
    """Let faults come and go for the time of the block, and the timeline of `scenario` go on."""
    async with engine:
        if scenario is None:
            yield
            return
        task = asyncio.create_task(engine.run(scenario), name="scenario")
        await asyncio.sleep(0)  # what begins at once has begun
        if task.done():
            await task  # it cannot be carried out on this rig
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])
