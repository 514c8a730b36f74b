"""What a fault is told when it begins, and what it gives back: the way to end it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from linectl.clock.wall import Clock
from linectl.sim.rig import Rig

__all__ = ["Act", "Begin", "Undo", "Work"]

Work = Callable[[], Awaitable[None]]
Undo = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Act:
    """One fault on its rig: its target and all its figures, defaults included.

    `struck` is to be called for each strike of what an order can count; it tells whether that was the last one. It may
    end the fault at once, but for a sensor's, which strikes while the plant takes a step: that must cease by itself.
    `later` takes what must be waited for (a server that stops): such works are done one after the other.
    """

    rig: Rig
    clock: Clock
    number: int
    target: str
    values: Mapping[str, float]
    struck: Callable[[], bool]
    later: Callable[[Work], None]

    @property
    def process_s(self) -> float:
        """The process time in s that the plant has reached."""
        return self.rig.twin.plant.time_s


Begin = Callable[[Act], Undo]
"""What a kind of fault does to a rig; what it returns puts everything back as it was."""
