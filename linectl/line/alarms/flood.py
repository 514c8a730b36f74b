"""Floods: more announcements than a person can read. Above 10 in 10 minutes one begins, below 5 it is over."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["FLOOD_ABOVE", "FLOOD_OVER_BELOW", "WINDOW_S", "after_announcements", "over_s"]

WINDOW_S = 600.0
FLOOD_ABOVE = 10
FLOOD_OVER_BELOW = 5


def after_announcements(
    before: Sequence[float], new: Sequence[float], now_s: float, *, flood: bool
) -> tuple[tuple[float, ...], bool]:
    """Return the times (s) of the announcements of the last 10 min, and whether there is a flood at `now_s`."""
    recent = tuple(at_s for at_s in (*before, *new) if now_s - at_s < WINDOW_S)
    most = FLOOD_OVER_BELOW - 1 if flood else FLOOD_ABOVE
    return recent, len(recent) > most


def over_s(announced: Sequence[float], *, flood: bool) -> float:
    """Return when a flood is over if nothing more is announced, in s; infinity: there is none."""
    if not flood:
        return math.inf
    return announced[-FLOOD_OVER_BELOW] + WINDOW_S if len(announced) >= FLOOD_OVER_BELOW else -math.inf
