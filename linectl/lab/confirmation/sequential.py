"""Two glues compared in looks: stop early when the new one is faster, or when it hardly can be shown to be.

z_k = -beta/se of the new glue's ln time ratio at look k, all data so far. Upper bounds c/sqrt(t_k) (O'Brien & Fleming
1979) keep the one-sided error whether or not futility is obeyed; with looks at unequal information they come from the
spending function of that shape (Lan & DeMets 1983). Futility: under the planned effect the chance to cross the last
bound has fallen below 20 %. Error, power and expected size are integrals over the path of z, by recursion on a grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

__all__ = ["Comparison", "Look", "LookWord", "bottles_per_arm", "judge", "plan_comparison"]

Array = NDArray[np.float64]
_GRID = 801
_REACH = 8.0  # standard deviations of the score beyond which nothing is left
_FUTILE = 0.20  # conditional power under the planned effect
_EQUAL = 0.02  # information fractions nearer to k/K than this count as equal looks


class LookWord(StrEnum):
    """What a look says."""

    FASTER = "faster"
    FUTILE = "futile"
    GO_ON = "go_on"
    NOT_SHOWN = "not_shown"  # the last look, bound not crossed


@dataclass(frozen=True, slots=True)
class Comparison:
    """A plan of `looks` at the information fractions `fractions`, ending at 1.

    `upper` and `futility` are bounds of z (no futility at the last look); `inflation` is the information at the last
    look over that of a plan without looks; `expected` is the expected size over that plan's when the glues are alike,
    at half the planned effect, at the effect, and at 1.5 times it; `error` and `power` are exact.
    """

    alpha: float
    fractions: tuple[float, ...]
    upper: tuple[float, ...]
    futility: tuple[float, ...]
    inflation: float
    expected: tuple[float, float, float, float]
    error: float
    power: float


@dataclass(frozen=True, slots=True)
class Look:
    """One look: its number from 1, z, its bounds (no futility bound at the last), and what it says."""

    number: int
    z: float
    upper: float
    futility: float | None
    word: LookWord


def bottles_per_arm(ratio: float, sigma: float, *, alpha: float = 0.05, power: float = 0.9) -> int:
    """Return the bottles per glue of a plan without looks that shows a time ratio (1/1.3: 30 % faster)."""
    wanted = float(ndtri(1 - alpha) + ndtri(power))
    return int(np.ceil(2 * (sigma * wanted / np.log(ratio)) ** 2))


def plan_comparison(
    looks: int = 5, *, fractions: Sequence[float] = (), alpha: float = 0.05, power: float = 0.9, futility: bool = True
) -> Comparison:
    """Return the bounds for `looks` equal looks, or for looks at the information `fractions`.

    Raises:
        ValueError: fractions that do not grow to 1.
    """
    times = np.array(fractions or [k / looks for k in range(1, looks + 1)], dtype=np.float64)
    if times[0] <= 0 or (np.diff(times) <= 0).any() or abs(times[-1] - 1) > 1e-9:
        msg = "information fractions must grow to 1"
        raise ValueError(msg)
    equal = np.abs(times - np.arange(1, times.size + 1) / times.size).max() < _EQUAL
    upper = _obrien_fleming(times, alpha) if equal else _spent(times, alpha)
    base = float(ndtri(1 - alpha) + ndtri(power))

    def bounds(inflation: float) -> Array:
        return _futile(times, upper, base * sqrt(inflation)) if futility else np.full(times.size - 1, -np.inf)

    def lack(inflation: float) -> float:
        return float(_path(times, upper, bounds(inflation), base * sqrt(inflation))[0].sum()) - power

    inflation = float(brentq(lack, 0.9, 3.0, xtol=1e-6))
    lower = bounds(inflation)
    drift = base * sqrt(inflation)
    expected = [_expected(times, upper, lower, drift * share) * inflation for share in (0.0, 0.5, 1.0, 1.5)]
    return Comparison(
        alpha=alpha,
        fractions=tuple(map(float, times)),
        upper=tuple(map(float, upper)),
        futility=tuple(map(float, lower)),
        inflation=inflation,
        expected=(expected[0], expected[1], expected[2], expected[3]),
        error=float(_path(times, upper, np.full(times.size - 1, -np.inf), 0.0)[0].sum()),
        power=float(_path(times, upper, lower, drift)[0].sum()),
    )


def judge(plan: Comparison, z: Sequence[float]) -> list[Look]:
    """Return what each look at `z` says; looks after one that ends the comparison are not made."""
    found: list[Look] = []
    last = len(plan.upper)
    for number, value in enumerate(z[:last], start=1):
        upper = plan.upper[number - 1]
        futile = plan.futility[number - 1] if number < last else None
        word = LookWord.NOT_SHOWN if number == last else LookWord.GO_ON
        if value >= upper:
            word = LookWord.FASTER
        elif futile is not None and value < futile:
            word = LookWord.FUTILE
        found.append(Look(number, float(value), upper, futile, word))
        if word in {LookWord.FASTER, LookWord.FUTILE}:
            break
    return found


def _obrien_fleming(times: Array, alpha: float) -> Array:
    none = np.full(times.size - 1, -np.inf)

    def excess(c: float) -> float:
        return float(_path(times, c / np.sqrt(times), none, 0.0)[0].sum()) - alpha

    return np.asarray(float(brentq(excess, 1.0, 4.0, xtol=1e-7)) / np.sqrt(times))


def _spent(times: Array, alpha: float) -> Array:
    """Return bounds that spend alpha(t) = 2 - 2 Phi(z_(alpha/2) / sqrt(t))."""
    spend = 2.0 - 2.0 * ndtr(ndtri(1 - alpha / 2) / np.sqrt(times))
    upper = np.full(times.size, np.inf)
    for k in range(times.size):
        part = times[: k + 1]

        def excess(bound: float, k: int = k, part: Array = part) -> float:
            trial = np.append(upper[:k], bound)
            return float(_path(part, trial, np.full(k, -np.inf), 0.0)[0].sum() - spend[k])

        upper[k] = float(brentq(excess, 0.5, 9.0, xtol=1e-7))
    return upper


def _futile(times: Array, upper: Array, drift: float) -> Array:
    left = 1.0 - times[:-1]
    return np.asarray((upper[-1] - drift * left + ndtri(_FUTILE) * np.sqrt(left)) / np.sqrt(times[:-1]))


def _path(times: Array, upper: Array, lower: Array, drift: float) -> tuple[Array, Array]:
    """Return the chance to cross the upper and the lower bound at each look, under z_k ~ N(drift sqrt(t), 1).

    On the scale of the score s = z sqrt(t), whose steps are independent: mean drift (t_k - t_(k-1)), variance the same
    difference. The density of paths still going is kept on a grid between the bounds (Simpson's rule).
    """
    crossed, given_up = np.zeros(times.size), np.zeros(times.size)
    points, mass = np.array([0.0]), np.array([1.0])
    before = 0.0
    for k, now in enumerate(times):
        step, spread = drift * (now - before), sqrt(now - before)
        top = upper[k] * sqrt(now)
        floor = lower[k] * sqrt(now) if k < times.size - 1 else -np.inf
        crossed[k] = mass @ ndtr((points + step - top) / spread)
        given_up[k] = mass @ ndtr((floor - points - step) / spread)
        low = max(floor, drift * now - _REACH * sqrt(now))
        if k == times.size - 1 or low >= top:
            break
        grid = np.linspace(low, top, _GRID)
        density = np.exp(-0.5 * ((grid[:, None] - points - step) / spread) ** 2) @ mass / (spread * sqrt(2 * np.pi))
        points, mass, before = grid, density * _simpson(_GRID, (top - low) / (_GRID - 1)), now
    return crossed, given_up


def _simpson(count: int, width: float) -> Array:
    weights = np.full(count, 2.0)
    weights[1::2] = 4.0
    weights[0] = weights[-1] = 1.0
    return weights * width / 3.0


def _expected(times: Array, upper: Array, lower: Array, drift: float) -> float:
    ended = np.sum(_path(times, upper, lower, drift), axis=0)[:-1]
    return float(ended @ times[:-1] + (1.0 - ended.sum()) * times[-1])
