"""Bottles of one bath are alike: what a confirmation rule is worth when baths differ.

ln t of a bath is shifted by u ~ N(0, bath_sd²), so the stuck share of one bath is p(u), and the count of stuck labels
in it is a mixture of binomials. The chance to pass is then exact by convolution over baths. A rule drawn up for
independent labels errs more often than it says; the honest one has more bottles.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import gammaln, ndtr

from linectl.lab.confirmation.rules import Rule, Stage, chain_chance

__all__ = ["BathSpread", "clustered_chance", "honest_rule"]

Array = NDArray[np.float64]
_GRID = np.linspace(-8.0, 8.0, 1601)  # a bath's shift in units of bath_sd; a fine grid, for shares may be steep in it
_LARGEST = 40  # times the bottles of the plain rule: beyond that no rule is of use


@dataclass(frozen=True, slots=True)
class BathSpread:
    """How labels spread: `sigma` of ln t within a bath, `bath_sd` of ln t between baths, `per_bath` bottles each."""

    sigma: float
    bath_sd: float
    per_bath: int

    def shares(self, stuck_share: float) -> tuple[Array, Array]:
        """Return the stuck share of each kind of bath and its weight, `stuck_share` on average (lognormal times)."""
        weights = np.exp(-0.5 * _GRID**2)
        weights /= weights.sum()
        if self.bath_sd <= 0:
            return np.array([stuck_share]), np.array([1.0])

        def share(margin: float) -> Array:
            return np.asarray(ndtr((self.bath_sd * _GRID - margin) / self.sigma))

        margin = float(brentq(lambda m: float(weights @ share(m)) - stuck_share, -20.0, 20.0))
        return share(margin), weights

    def correlation(self, stuck_share: float) -> float:
        """Return the correlation of two labels of one bath, stuck or not."""
        shares, weights = self.shares(stuck_share)
        return float(weights @ (shares - stuck_share) ** 2 / (stuck_share * (1.0 - stuck_share)))


def clustered_chance(rule: Rule, stuck_share: float, spread: BathSpread) -> float:
    """Return the chance to pass `rule` when `stuck_share` of all labels stick on average over baths."""
    shares, weights = spread.shares(stuck_share)
    most = rule.stages[-1].stuck_allowed

    def stuck_in(bottles: int) -> Array:
        whole, rest = divmod(bottles, spread.per_bath)
        one = _mixture(spread.per_bath, shares, weights, most)
        counts = np.array([1.0])
        for _ in range(whole):
            counts = np.convolve(counts, one)[: most + 1]
        return np.convolve(counts, _mixture(rest, shares, weights, most))[: most + 1] if rest else counts

    return chain_chance(rule, stuck_in)


def honest_rule(rule: Rule, spread: BathSpread, *, removal: float, confidence: float) -> Rule:
    """Return `rule` with its bottles multiplied until it errs in no more than 1 - `confidence` although baths differ.

    Stages stay in proportion and are rounded up to whole baths.

    Raises:
        ValueError: no multiple of the rule keeps its word: the baths differ too much.
    """

    def scaled(factor: float) -> Rule:
        def bottles(stage: Stage) -> int:
            return int(np.ceil(round(stage.bottles * factor / spread.per_bath, 9))) * spread.per_bath

        return Rule(tuple(replace(stage, bottles=bottles(stage)) for stage in rule.stages))

    low, high = 1.0, 1.0
    while clustered_chance(scaled(high), 1.0 - removal, spread) > 1.0 - confidence:
        low, high = high, high * 1.25
        if high > _LARGEST:
            msg = "baths differ too much: no number of bottles proves the removal"
            raise ValueError(msg)
    while scaled(low) != scaled(high) and high - low > 1e-3:
        middle = 0.5 * (low + high)
        wrong = clustered_chance(scaled(middle), 1.0 - removal, spread) > 1.0 - confidence
        low, high = (middle, high) if wrong else (low, middle)
    return scaled(high)


def _mixture(bottles: int, shares: Array, weights: Array, up_to: int) -> Array:
    counts = np.arange(min(bottles, up_to) + 1, dtype=np.float64)[:, None]
    choose = gammaln(bottles + 1) - gammaln(counts + 1) - gammaln(bottles - counts + 1)
    inside = np.clip(shares, 1e-300, 1.0 - 1e-16)
    chances = np.exp(choose + counts * np.log(inside) + (bottles - counts) * np.log1p(-inside))
    return np.asarray(chances @ weights)
