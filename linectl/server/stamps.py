"""The computer's clock while a line is served: what steps it makes is told, and when stamps follow it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from linectl.clock import Clock

__all__ = ["Stamps"]

_STEP_S = 0.5  # a clock that moves by more against the loop was set, not steered


class Stamps:
    """Looks at `clock` and tells `note` of each step (`clock_step`), once.

    Between two runs stamps follow a clock that was set forward, as one is that had no time when it started. They never
    go back while the line is served, so that what comes later has a later stamp; the start of a run sets them anew.
    Within a run they follow nothing: the run's own journal tells.
    """

    def __init__(self, clock: Clock, note: Callable[[str, Mapping[str, object]], None]) -> None:
        self._clock = clock
        self._note = note
        self._known_s = clock.step_s()

    def see(self, *, running: bool) -> None:
        """Look at the clock; `running` is whether a run is under way."""
        step_s = self._clock.step_s()
        moved_s = step_s - self._known_s
        if abs(moved_s) > _STEP_S:
            self._known_s = step_s
            if not running:
                self._note("clock_step", {"step_s": round(moved_s, 3), "against_line_s": round(step_s, 3)})
        if not running and self._known_s > _STEP_S:
            self._clock.set_by_wall()
            self._known_s = self._clock.step_s()
