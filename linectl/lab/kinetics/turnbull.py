"""Turnbull's estimate: the release curve that the intervals alone support, without any family."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Turnbull", "turnbull"]

Array = NDArray[np.float64]
_KKT = 1e-10  # R's survfit stops about 3e-4 short of this optimum
_MAX_ROUNDS = 5000


@dataclass(frozen=True, slots=True, eq=False)
class Turnbull:
    """Innermost intervals (left, right] with their probability, the log-likelihood, and how far from the optimum."""

    left: Array
    right: Array
    mass: Array
    loglik: float
    kkt: float

    @property
    def converged(self) -> bool:
        """Whether no shift of probability would raise the log-likelihood."""
        return self.kkt < _KKT


def turnbull(lo: ArrayLike, hi: ArrayLike, weights: ArrayLike | None = None, *, enough: float = _KKT) -> Turnbull:
    """Return the non-parametric maximum-likelihood estimate for rows (lo, hi], lo = hi exact, hi = inf still on.

    EM accelerated by SQUAREM (Varadhan & Roland 2008), stopped on the Kuhn-Tucker conditions, not on small steps, when
    they are met to `enough`.

    Raises:
        ValueError: no rows.
    """
    low, high = np.asarray(lo, dtype=np.float64), np.asarray(hi, dtype=np.float64)
    if not low.size:
        msg = "no rows: there is no release curve"
        raise ValueError(msg)
    counts = np.ones_like(low) if weights is None else np.asarray(weights, dtype=np.float64)
    left, right = _innermost(low, high)
    exact = low == high
    inside = (left >= low[:, None]) & (right <= high[:, None])
    at = (left == right) & (left == low[:, None])
    covers = np.where(exact[:, None], at, inside & ~((left == right) & (left == low[:, None]))).astype(np.float64)
    mass = _maximise(covers, counts / counts.sum(), enough)
    kept = mass > 1e-8
    loglik = float(counts @ np.log(covers @ mass))
    return Turnbull(left[kept], right[kept], mass[kept], loglik, _excess(covers, counts / counts.sum(), mass))


def _innermost(low: Array, high: Array) -> tuple[Array, Array]:
    """Return the intervals from a left end to the next right end; right ends come before left ones at ties."""
    exact = low == high
    times = np.concatenate([low, high])
    is_left = np.repeat([True, False], low.size)
    rank = np.concatenate([np.where(exact, -1, 1), np.zeros(low.size, dtype=np.int64)])  # an exact row opens first
    order = np.lexsort((rank, times))
    opens = is_left[order]
    starts = np.flatnonzero(opens[:-1] & ~opens[1:])
    return times[order][starts], times[order][starts + 1]


def _maximise(covers: Array, share: Array, enough: float) -> Array:
    mass = np.full(covers.shape[1], 1.0 / covers.shape[1])
    for _ in range(_MAX_ROUNDS):
        if _excess(covers, share, mass) < enough:
            break
        mass = _accelerated(covers, share, mass)
    return mass


def _accelerated(covers: Array, share: Array, mass: Array) -> Array:
    """Return the mass after two EM steps, the leap that they suggest (if it does not fall), and one more EM step."""
    once = _em(covers, share, mass)
    twice = _em(covers, share, once)
    first, second = once - mass, twice - 2 * once + mass
    bend = float(np.linalg.norm(second))
    if bend == 0:
        return twice
    length = max(1.0, float(np.linalg.norm(first)) / bend)
    leap = np.maximum(mass + 2 * length * first + length**2 * second, 0.0)
    leap /= leap.sum()
    if _loglik(covers, share, leap) < _loglik(covers, share, twice):
        leap = twice
    return _em(covers, share, leap)


def _em(covers: Array, share: Array, mass: Array) -> Array:
    moved = mass * (covers.T @ (share / (covers @ mass)))
    return np.asarray(moved / moved.sum())


def _loglik(covers: Array, share: Array, mass: Array) -> float:
    chance = covers @ mass
    return float(share @ np.log(chance)) if chance.min() > 0 else -np.inf


def _excess(covers: Array, share: Array, mass: Array) -> float:
    return float((covers.T @ (share / (covers @ mass))).max() - 1.0)
