"""Quantiles of the release time in a typical bath (conditional) and in a bath drawn at random (marginal).

ln t* = x'b + u + sigma W with u ~ N(0, omega^2): for a lognormal time u + sigma W is normal with sqrt(sigma^2 +
omega^2); for other families its distribution is summed by Gauss-Hermite quadrature and its quantile found by bisection.
With a share 1 - pi of labels that never come off, the quantile p of all labels is that of p/pi of those that can;
there is none for p >= pi. A quantile of ln dose becomes a time by the dose of a constant bath, the warming of the
glass included.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from linectl.lab.kinetics.bath_effect import BathEffectFit
from linectl.lab.kinetics.data import BathTrace
from linectl.lab.kinetics.distributions import Distribution, family
from linectl.lab.kinetics.fit import ReleaseFit
from linectl.lab.kinetics.trace import LaggedBath, TraceDose

__all__ = ["SpreadTable", "asked_bath", "log_dose_quantile", "log_time", "release_time", "spread_quantile"]

Array = NDArray[np.float64]
_NODES = 61
_HALVINGS = 55
_WIDEST = 8.0  # omega/sigma of a table; beyond, sigma no longer matters


def spread_quantile(dist: Distribution, p: float, sigma: ArrayLike, omega: ArrayLike) -> Array:
    """Return the quantile `p` of omega V + sigma W, V standard normal; sigma > 0 and omega >= 0 broadcast."""
    wide, more = np.broadcast_arrays(np.asarray(sigma, dtype=np.float64), np.asarray(omega, dtype=np.float64))
    w = dist.quantile(p)
    if dist.name == "lognormal":
        return np.asarray(w * np.hypot(wide, more))
    points, weights = hermegauss(_NODES)
    weights = weights / weights.sum()
    low = w * wide - 9.0 * more - 1e-9
    high = w * wide + 9.0 * more + 1e-9
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        share = dist.cdf((middle[..., None] - more[..., None] * points) / wide[..., None]) @ weights
        low, high = np.where(share < p, middle, low), np.where(share < p, high, middle)
    return np.asarray(0.5 * (low + high))


@dataclass(frozen=True, slots=True, eq=False)
class SpreadTable:
    """h(r), the quantile of r V + W, over r = omega/sigma: that of omega V + sigma W is sigma h(omega/sigma)."""

    ratio: Array
    value: Array
    slope: Array

    @classmethod
    def of(cls, dist: Distribution, p: float) -> SpreadTable:
        """Return the table of the quantile `p`."""
        return _spread_table(dist.name, p)

    def at(self, sigma: Array, omega: Array) -> tuple[Array, Array]:
        """Return the quantile of omega V + sigma W and its derivative by ln sigma."""
        ratio = np.minimum(omega / sigma, _WIDEST)
        value, slope = np.interp(ratio, self.ratio, self.value), np.interp(ratio, self.ratio, self.slope)
        return sigma * value, sigma * (value - ratio * slope)


@lru_cache(maxsize=32)  # every glue and point asks for the same few
def _spread_table(name: str, p: float) -> SpreadTable:
    ratio = np.linspace(0.0, _WIDEST, 321)
    value = spread_quantile(family(name), p, np.ones_like(ratio), ratio)
    return SpreadTable(ratio, value, np.gradient(value, ratio))


def log_dose_quantile(
    fit: ReleaseFit, bath_effect: BathEffectFit | None, *, naoh_pct: float, p: float, population: str = "marginal"
) -> float | None:
    """Return the ln dose (s at 60 °C) at which the share `p` of labels is off; None where so many never come off.

    `population` "conditional" is a typical bath, "marginal" one drawn at random. Without `bath_effect` both are the
    same.

    Raises:
        ValueError: another population.
    """
    if population not in ("conditional", "marginal"):
        msg = f"population {population!r}: expected conditional or marginal"
        raise ValueError(msg)
    theta = fit.theta if bath_effect is None else bath_effect.theta
    share = fit.model.released_share(theta)
    if p >= share:
        return None
    omega = bath_effect.omega if bath_effect is not None and population == "marginal" else 0.0
    location = float(fit.point(naoh_pct) @ theta[: fit.model.columns])
    return location + float(spread_quantile(fit.model.dist, p / share, np.exp(theta[-1]), omega))


def asked_bath(fit: ReleaseFit, temp_c: float) -> LaggedBath:
    """Return a bath at a constant `temp_c` °C as the glass of `fit` sees it."""
    return LaggedBath(BathTrace.constant(temp_c, 1.0), fit.glass)


def log_time(bath: LaggedBath, energy: float, log_dose: float) -> float:
    """Return ln of the time (s from insertion) at which a label in `bath` has had `log_dose`, at `energy` kJ/mol."""

    def excess(log_t: float) -> float:
        dose = TraceDose()
        dose.add(bath, 0.0, np.array([np.exp(log_t)]))
        return float(dose.values(energy)[0]) - log_dose

    low, high = log_dose - 1.0, log_dose + 1.0
    while excess(low) > 0:
        low -= 2.0
    while excess(high) < 0:
        high += 2.0
    return float(brentq(excess, low, high, xtol=1e-10))


def release_time(
    fit: ReleaseFit,
    bath_effect: BathEffectFit | None = None,
    *,
    temp_c: float,
    naoh_pct: float,
    p: float = 0.99,
    population: str = "marginal",
) -> float | None:
    """Return the time (s) in which the share `p` is off in a constant bath of `temp_c` °C and `naoh_pct` %.

    None where more than 1 - p never come off. See `log_dose_quantile` for `population`.

    Raises:
        ValueError: another population.
    """
    wanted = log_dose_quantile(fit, bath_effect, naoh_pct=naoh_pct, p=p, population=population)
    if wanted is None:
        return None
    energy = fit.energy if bath_effect is None else bath_effect.value("E")
    return float(np.exp(log_time(asked_bath(fit, temp_c), energy, wanted)))
