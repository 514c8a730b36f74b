"""Has a reading settled? By its slope and its scatter over a window of time.

A straight line is laid through the readings of the window. They are stable when the window is full, when there are
enough of them, when the line changes over the window by no more than `drift`, and when the readings scatter about it
(standard deviation) by no more than `scatter`. A reading that is not good begins the window anew.

The mean of readings that resemble their neighbours is worth fewer than their number: with the correlation r of
neighbours, n readings are worth n (1 - r) / (1 + r) independent ones (Zhang, Metrologia 43 (2006) S276-S281).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt

from linectl.model.lines import Tag

__all__ = ["LEAST", "Criterion", "Settled", "Settling", "criterion_for"]

LEAST = 10  # readings
_LIMITS = {"°C": (0.1, 0.3), "pH": (0.02, 0.05)}  # drift over the window, scatter
_SHARES = (0.005, 0.015)  # the same of other quantities, as shares of the reading
_OF_SPAN = 0.0005  # ... and at least this share of the instrument's range
_MOST_CORRELATED = 0.98


@dataclass(frozen=True, slots=True)
class Criterion:
    """When a reading is stable: limits in the tag's unit, and as a share of the reading where that is more.

    The window is in s of process time; a sensor that speaks seldom has a longer one, of `least` readings.
    """

    drift: float
    scatter: float
    drift_share: float = 0.0
    scatter_share: float = 0.0
    window_s: float = 60.0
    within_s: float = 600.0
    least: int = LEAST

    def limits(self, mean: float) -> tuple[float, float]:
        """Return the limits of drift and scatter at a reading of about `mean`."""
        size = abs(mean)
        return max(self.drift, self.drift_share * size), max(self.scatter, self.scatter_share * size)


def criterion_for(
    tag: Tag,
    *,
    drift: float | None = None,
    scatter: float | None = None,
    window_s: float = 60.0,
    within_s: float = 600.0,
) -> Criterion:
    """Return the criterion of `tag`, by its unit; `drift` and `scatter` given are taken as they are."""
    usual = _LIMITS.get(tag.unit)
    span = (tag.high - tag.low) * _OF_SPAN if tag.low is not None and tag.high is not None else 0.0
    by_unit = usual if usual is not None else (span, 3.0 * span)
    shares = (0.0, 0.0) if usual is not None else _SHARES
    return Criterion(
        drift=by_unit[0] if drift is None else drift,
        scatter=by_unit[1] if scatter is None else scatter,
        drift_share=shares[0] if drift is None else 0.0,
        scatter_share=shares[1] if scatter is None else 0.0,
        window_s=window_s,
        within_s=within_s,
    )


@dataclass(frozen=True, slots=True)
class Settled:
    """What the window says: its mean, drift and scatter, and whether it is `stable`; `resolution` is the least step."""

    stable: bool
    count: int
    span_s: float
    mean: float
    drift: float
    scatter: float
    effective: float
    resolution: float


class Settling:
    """Follows a reading until it is stable."""

    def __init__(self, criterion: Criterion) -> None:
        self.criterion = criterion
        self._readings: deque[tuple[float, float]] = deque()

    def add(self, t_s: float, value: float) -> None:
        """Take a new reading; `t_s` is process time."""
        kept = self._readings
        if kept and t_s <= kept[-1][0]:
            return
        kept.append((t_s, value))
        while len(kept) > self.criterion.least and t_s - kept[1][0] >= self.criterion.window_s:
            kept.popleft()

    def begin_anew(self) -> None:
        """Forget what came: a reading was not good."""
        self._readings.clear()

    def settled(self) -> Settled | None:
        """Return what the window says; None before there are two readings."""
        kept = self._readings
        if len(kept) < 2:  # no line through one
            return None
        times, values = zip(*kept, strict=True)
        mean_t, mean = sum(times) / len(times), sum(values) / len(values)
        slope = sum((t - mean_t) * (v - mean) for t, v in kept) / sum((t - mean_t) ** 2 for t in times)
        off = [v - mean - slope * (t - mean_t) for t, v in kept]
        scatter = sqrt(sum(each * each for each in off) / max(1, len(off) - 2))
        span_s = times[-1] - times[0]
        drift = slope * span_s
        most_drift, most_scatter = self.criterion.limits(mean)
        full = span_s >= self.criterion.window_s and len(kept) >= self.criterion.least
        stable = full and abs(drift) <= most_drift and scatter <= most_scatter
        return Settled(stable, len(kept), span_s, mean, drift, scatter, _effective(off), _resolution(values))


def _effective(off: list[float]) -> float:
    """Return how many independent readings these deviations are worth."""
    square = sum(each * each for each in off)
    if square == 0.0:
        return float(len(off))
    together = sum(a * b for a, b in pairwise(off)) / square
    correlated = min(max(together, 0.0), _MOST_CORRELATED)
    return max(1.0, len(off) * (1.0 - correlated) / (1.0 + correlated))


def _resolution(values: tuple[float, ...]) -> float:
    """Return the least step between readings; 0 where they are all the same."""
    steps = [b - a for a, b in pairwise(sorted(set(values)))]
    return min(steps, default=0.0)
