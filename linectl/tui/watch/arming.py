"""How long this screen may write. Times are of the event loop, in s: a clock that is set changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Arming"]


@dataclass(slots=True)
class Arming:
    """Not armed until the server has said so; ends by itself, and as soon as the server says that nobody is armed."""

    until_s: float | None = None
    told: bool = False  # the server's state has shown it, so that its absence means the end

    def begin(self, now_s: float, for_s: float) -> None:
        """Count from now."""
        self.until_s, self.told = now_s + for_s, False

    def end(self) -> None:
        """Stop at once."""
        self.until_s = None

    def left_s(self, now_s: float) -> float | None:
        """Return the seconds left, None when this screen may not write."""
        if self.until_s is not None and now_s >= self.until_s:
            self.until_s = None
        return None if self.until_s is None else self.until_s - now_s

    def hear(self, armed: Mapping[str, Any]) -> None:
        """Take the server's own word: who is armed (an empty mapping: nobody)."""
        if self.until_s is None:
            return
        if armed:
            self.told = True
        elif self.told:
            self.until_s = None
