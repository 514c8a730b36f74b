"""How high a chart may climb before it speaks: by the chance that it speaks although all is well.

The chart is a cumulative sum of log likelihood ratios with a floor at 0 (Page 1954). While all is well its value is a
Markov chain from lot to lot; on a grid its chance to have passed the limit within so many lots is a product of matrices
(Brook & Evans 1972, Biometrika 59, 539-549), and the mean number of lots until then solves one linear system. Values
are rounded up to the grid, so the chance told is never below the true one. The limit is that of lots of one size: a
smaller lot says less, but there are more of them.

What a lot adds is the log of how much likelier its count is under the share to be found than under the nearest glue
that keeps the promise. Lots may be alike, or differ as much as they may: the limit is the highest that any needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, exp, floor, log

import numpy as np
from numpy.typing import NDArray

from linectl.lab.monitoring.counts import Expected, chances

__all__ = ["Scheme", "alarm_chance", "decision_limit", "lot_size", "mean_lots"]

Array = NDArray[np.float64]
_STATES = 200
_UNLIKELY = 1e-13  # counts that are rarer are left out: they count as alarms
_STEP = 1.25  # lot sizes are rounded down to powers of this
_LARGEST = 2000  # larger lots take the limit of lots of so many bottles, which is higher
_MOST = 500.0  # of what a lot adds: more is as good as that
_FINE = 0.01  # of the limit and of what a lot adds


@dataclass(frozen=True, slots=True)
class Scheme:
    """What a chart is drawn for: lots of `bottles`, and `ill`, the share of labels on that it is to find."""

    bottles: int
    expected: Expected
    ill: float


def lot_size(bottles: float) -> int:
    """Return `bottles` rounded down to a coarse grid, so that lots of about one size share a limit."""
    return max(1, min(_LARGEST, floor(_STEP ** floor(log(max(1.0, bottles), _STEP) + 1e-9))))


@lru_cache(maxsize=256)
def decision_limit(scheme: Scheme, *, alarm: float, per_bottles: int) -> float:
    """Return the limit that a chart of lots as in `scheme` passes within `per_bottles` with the chance `alarm` at most.

    That is when just the expected share of labels stays on, in lots alike or as different as they may be; with a
    smaller share it passes less often.
    """
    lots = max(1, ceil(per_bottles / scheme.bottles))
    limit = 0.0
    for kept in scheme.expected.kept_by():
        if limit == 0.0 or alarm_chance(scheme, limit, lots, truth=kept) > alarm:
            limit = max(limit, _limit_for(scheme, kept, lots, alarm))
    return limit


def _limit_for(scheme: Scheme, kept: Expected, lots: int, alarm: float) -> float:
    low, high = 0.0, log(lots / alarm)  # Ville's inequality, once for each lot at which the sum may begin
    while high - low > _FINE:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if alarm_chance(scheme, middle, lots, truth=kept) > alarm else (low, middle)
    return high


def alarm_chance(scheme: Scheme, limit: float, lots: int, *, truth: Expected | None = None) -> float:
    """Return the chance that the chart reaches `limit` within `lots` of a glue as `truth` says, else as expected."""
    chain = _chain(scheme, limit, truth or scheme.expected)
    going = np.zeros(_STATES)
    going[0] = 1.0
    for _ in range(lots):
        going = going @ chain
    return max(0.0, 1.0 - float(going.sum()))


def mean_lots(scheme: Scheme, limit: float, *, truth: Expected | None = None) -> float:
    """Return the mean number of lots until the chart, from 0, reaches `limit` of a glue that is as `truth`.

    Infinite where that is beyond what numbers can tell.
    """
    chain = _chain(scheme, limit, truth or scheme.expected)
    try:
        found = float(np.linalg.solve(np.eye(_STATES) - chain, np.ones(_STATES))[0])
    except np.linalg.LinAlgError:
        return float("inf")
    return found if 1.0 - 1e-9 <= found < 1e9 else float("inf")


def _chain(scheme: Scheme, limit: float, truth: Expected) -> Array:
    """Return the chances to go from one value below `limit` to another with the next lot."""
    step, often = _steps(scheme, truth)
    width = max(limit, exp(-30.0)) / _STATES
    values = np.arange(_STATES) * width
    to = np.ceil((values[:, None] + step[None, :]) / width - 1e-9).clip(0, _STATES).astype(np.intp)
    flat = (np.arange(_STATES)[:, None] * (_STATES + 1) + to).ravel()
    found = np.bincount(flat, weights=np.tile(often, _STATES), minlength=_STATES * (_STATES + 1))
    return np.asarray(found.reshape(_STATES, _STATES + 1)[:, :_STATES])


@lru_cache(maxsize=64)
def _steps(scheme: Scheme, truth: Expected) -> tuple[Array, Array]:
    """Return what a lot can add to the chart, rounded up, and the chance of each of a glue that is as `truth`."""
    found = chances(scheme.bottles, truth.stuck, truth)
    likely = found > _UNLIKELY
    step, where = np.unique(np.ceil(_scores(scheme)[likely] / _FINE) * _FINE, return_inverse=True)
    return step, np.asarray(np.bincount(where, weights=found[likely]), dtype=np.float64)


@lru_cache(maxsize=64)
def _scores(scheme: Scheme) -> Array:
    """Return what each count of rejects in a lot adds to the chart."""
    expected = scheme.expected
    nearest = np.max([chances(scheme.bottles, kept.stuck, kept) for kept in expected.kept_by()], axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(chances(scheme.bottles, scheme.ill, expected)) - np.log(nearest)
    return np.asarray(np.nan_to_num(ratio, nan=0.0).clip(-_MOST, _MOST))
