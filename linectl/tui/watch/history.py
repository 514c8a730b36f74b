"""What each tag was over the last ten minutes, as this screen has heard it; and how old its value is now."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from linectl.tui.watch.feed import number, text
from linectl.tui.watch.sight import Point

__all__ = ["History"]

_KEPT_S = 605.0
_STEP_S = 1.0  # of one tag no more points are kept than this


class History:
    """Follows the values. All times are of the event loop, in s: what happens to the computer's clock is nothing."""

    def __init__(self) -> None:
        self._points: dict[str, deque[tuple[float, float | None]]] = {}
        self._heard: dict[str, tuple[object, float]] = {}  # the reading itself, and when it came
        self._silent = False

    def hear(self, values: Mapping[str, Any], now_s: float, speed: float = 1.0) -> None:
        """Take over the readings that are not those heard before; their ages are told in the line's own seconds."""
        self._silent = False
        for name, reading in values.items():
            key = (reading.get("sequence"), reading.get("received_time"), reading.get("quality"), reading.get("value"))
            known = self._heard.get(name)
            if known is not None and known[0] == key:
                continue
            age_s = (number(reading.get("age_s")) or 0.0) / speed
            self._heard[name] = key, now_s - age_s
            self._keep(name, reading, now_s)
        for name in self._heard.keys() - values.keys():
            del self._heard[name]

    def lose(self, now_s: float) -> None:
        """Note that nothing is heard any more: every curve has a gap here."""
        if not self._silent:
            self._silent = True
            for points in self._points.values():
                points.append((now_s, None))

    def ages(self, now_s: float) -> dict[str, float]:
        """Return how old each value is, in s."""
        return {name: max(0.0, now_s - since_s) for name, (_, since_s) in self._heard.items()}

    def trend(self, name: str, now_s: float) -> list[Point]:
        """Return the points of a tag, in s before now; the last value stands until now while it is trusted."""
        points = self._points.get(name)
        if not points:
            return []
        found = [(at_s - now_s, value) for at_s, value in points if now_s - at_s <= _KEPT_S]
        if found and found[-1][1] is not None and not self._silent:
            found.append((0.0, found[-1][1]))
        return found

    def _keep(self, name: str, reading: Mapping[str, Any], now_s: float) -> None:
        value = reading.get("value")
        known = float(value) if isinstance(value, bool) else number(value)
        if text(reading.get("quality")).upper() == "BAD":
            known = None
        points = self._points.setdefault(name, deque())
        if points and known is not None and points[-1][1] is not None and now_s - points[-1][0] < _STEP_S:
            return
        points.append((now_s, known))
        while now_s - points[0][0] > _KEPT_S:
            points.popleft()
