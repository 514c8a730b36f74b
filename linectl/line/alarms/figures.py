"""Figures of an alarm system, by which ISA-18.2 judges it: how many, how often, which, and what stands for too long."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from linectl.line.alarms.flood import WINDOW_S

__all__ = ["Figures", "figures"]

CHATTERS = 3  # announcements of one alarm
CHATTER_S = 60.0  # within so long
STANDS_S = 24 * 3600.0
_MOST_FREQUENT = 10


@dataclass(frozen=True, slots=True)
class Figures:
    """What a stretch of time came to.

    `announced` in `hours`, `per_10_min` on the average and `peak_10_min` at the worst. `chattering` alarms were
    announced at least three times within a minute, `most_frequent` are alarms with their announcements, `standing`
    those that are active now, with for how long (s), and `stale` those of them that have been for more than 24 h.
    """

    hours: float
    announced: int
    per_10_min: float
    peak_10_min: int
    chattering: tuple[str, ...]
    most_frequent: tuple[tuple[str, int], ...]
    standing: tuple[tuple[str, float], ...]
    stale: tuple[str, ...]


def figures(
    announced: Iterable[tuple[float, str]], standing: Iterable[tuple[str, float]], from_s: float, to_s: float
) -> Figures:
    """Return the figures of `from_s` to `to_s`, out of announcements (time in s, alarm) and what stands (since, s)."""
    told = sorted((at_s, name) for at_s, name in announced if from_s <= at_s <= to_s)
    times = [at_s for at_s, _ in told]
    span_s = max(to_s - from_s, 0.0)
    stands = tuple(sorted(((name, max(0.0, to_s - since_s)) for name, since_s in standing), key=lambda each: -each[1]))
    by_name: dict[str, list[float]] = {}
    for at_s, name in told:
        by_name.setdefault(name, []).append(at_s)
    return Figures(
        hours=span_s / 3600.0,
        announced=len(told),
        per_10_min=len(told) * WINDOW_S / span_s if span_s else 0.0,
        peak_10_min=max(
            (number + 1 - bisect_left(times, at_s - WINDOW_S) for number, at_s in enumerate(times)), default=0
        ),
        chattering=tuple(name for name, each in by_name.items() if _chatters(each)),
        most_frequent=tuple(Counter(name for _, name in told).most_common(_MOST_FREQUENT)),
        standing=stands,
        stale=tuple(name for name, seconds in stands if seconds > STANDS_S),
    )


def _chatters(times: Sequence[float]) -> bool:
    return any(late - early <= CHATTER_S for early, late in zip(times, times[CHATTERS - 1 :], strict=False))
