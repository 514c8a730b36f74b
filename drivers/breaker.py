"""A circuit breaker per device, so that a dead one costs the others on its wire next to nothing."""

from __future__ import annotations

__all__ = ["Breaker"]

_SILENCES_TO_OPEN = 3
_FIRST_PAUSE_S, _FIRST_SHARE = 0.5, 4
_ALONE_S = 1.0  # the longest pause when there is nobody whom a probe could delay
_SHARE = 25  # a probe that finds nobody may cost the others one part in 25 of the wire's time: 4 %
_LONGEST_S = 20.0


class Breaker:
    """Closed while a device answers; open after three silences in a row, with one probe after each growing pause.

    `cost_s` is what a request without an answer costs the wire (timeout and quarantine). The pauses double from 4 to
    25 times that (from 0.5 s at least; to 1 s at least, 20 s at most), or to 1 s while no other device is alive.

    A probe goes out when nothing more urgent waits, one at a time. So a stop or a write to another device waits for one
    probe at most, and no longer than its timeout; on Modbus RTU for the quarantine too, as after any silence.
    """

    __slots__ = ("_pause_s", "_silences", "cost_s", "next_try_s", "why")

    def __init__(self, cost_s: float) -> None:
        self.cost_s = cost_s
        self.next_try_s = float("-inf")  # loop time
        self.why = ""
        self._silences = 0
        self._pause_s = 0.0

    def __repr__(self) -> str:
        """Return the state."""
        state = f"open until {self.next_try_s:.3f} s" if self.is_open else "closed"
        return f"<Breaker {state}, {self._silences} silences>"

    @property
    def silences(self) -> int:
        """How many requests in a row were not answered."""
        return self._silences

    @property
    def is_open(self) -> bool:
        """Whether the device is given up for now."""
        return self._silences >= _SILENCES_TO_OPEN

    def refuses(self, now_s: float) -> bool:
        """Return whether a request at `now_s` would only wait for nobody; False lets one through, as a probe."""
        return self.is_open and now_s < self.next_try_s

    def answered(self) -> None:
        """Note that the device lives."""
        self._silences, self._pause_s, self.why = 0, 0.0, ""

    def silent(self, now_s: float, why: str, *, alone: bool = False) -> bool:
        """Note that the device did not answer; return whether that opened the breaker just now.

        `alone` says that no other device on the wire is alive, so that a probe delays nobody.
        """
        was_open = self.is_open
        self._silences += 1
        self.why = why
        if self.is_open:
            longest_s = _ALONE_S if alone else min(max(_SHARE * self.cost_s, _ALONE_S), _LONGEST_S)
            first_s = max(_FIRST_SHARE * self.cost_s, _FIRST_PAUSE_S)
            self._pause_s = min(2 * self._pause_s or first_s, longest_s)
            self.next_try_s = now_s + self._pause_s
        return self.is_open and not was_open

    def try_now(self) -> None:
        """Let the next request through: the wire was connected anew."""
        self.next_try_s, self._pause_s = float("-inf"), 0.0
