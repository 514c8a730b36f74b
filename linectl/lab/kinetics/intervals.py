"""Intervals: Wald for parameters, profile-likelihood bounds for the time in which a share of labels is off.

The asked time includes the warming of the glass: a bottle goes at `bottle_in_c` into a bath at a constant temperature,
and t_p is when its label has had the dose exp(x'b + sigma w_p). As the dose rises with t, holding t fixed is holding
that quantile fixed: the likelihood is profiled over t itself, with E free, so the bound is one of the asked time and
not of its isothermal equivalent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtri

from linectl.lab.kinetics.codes import Code
from linectl.lab.kinetics.data import BathTrace
from linectl.lab.kinetics.fit import ReleaseFit
from linectl.lab.kinetics.likelihood import Model
from linectl.lab.kinetics.solver import maximise
from linectl.lab.kinetics.trace import InterpolatedDose, LaggedBath, TraceDose
from linectl.lab.results import Estimate

__all__ = ["ReleaseTimes", "outside_tested", "share_off", "wald"]

Array = NDArray[np.float64]
_FAR = 12.0  # e^12 times the estimate: beyond that a bound says nothing
_MARGIN_C = 5.0  # asked temperatures further than this from every tested one are extrapolated
_MARGIN_PCT = 0.1  # the same for NaOH, which scatters from bath to bath
_CLOSE = 1e-6  # of the signed root of the likelihood ratio
_MAX_ROUNDS = 60


def wald(fit: ReleaseFit, name: str, conf: float = 0.95) -> Estimate:
    """Return the parameter called `name` with its two-sided Wald interval, or None with a reason if it is not in it."""
    if name not in fit.names:
        return Estimate(None, conf=conf, method="wald", reason=Code.SINGLE_CAUSTIC)
    value, reach = fit.value(name), float(ndtri(0.5 + conf / 2)) * fit.se(name)
    unit = fit.units[fit.names.index(name)]
    return Estimate(value, value - reach, value + reach, conf, "wald", unit)


def share_off(fit: ReleaseFit, temp_c: float, naoh_pct: float, after_s: Array) -> Array:
    """Return the share of labels off `after_s` (s, increasing, above 0) after the bottle goes into a constant bath."""
    dose = TraceDose()
    dose.add(_bath(fit, temp_c), 0.0, np.asarray(after_s, dtype=np.float64))
    z = (dose.values(fit.energy) - fit.location(naoh_pct)) / fit.sigma
    return fit.model.dist.cdf(z)


@dataclass(frozen=True, slots=True)
class _Point:
    """A likelihood to be held at one asked (temperature, NaOH, share)."""

    model: Model
    bath: LaggedBath
    design: Array
    shift: float

    def target(self, log_t: float) -> TraceDose:
        dose = TraceDose()
        dose.add(self.bath, 0.0, np.array([np.exp(log_t)]))
        return dose


class ReleaseTimes:
    """Bounds of release times from one fit; the dose is interpolated in E once for all of them."""

    def __init__(self, fit: ReleaseFit) -> None:
        self.fit = fit
        width = float(np.clip(8 * fit.se("E"), 10.0, 40.0))
        self._dose = InterpolatedDose(fit.dose, fit.energy, width)

    def bound(self, *, temp_c: float, naoh_pct: float, p: float = 0.99, conf: float = 0.95) -> Estimate:
        """Return t_p (s) at a constant bath of `temp_c` °C and `naoh_pct` %, with one-sided bounds at `conf` each.

        `lower` and `upper` are two separate one-sided bounds, by profile likelihood. A side is None with the reason
        UNBOUNDED where the likelihood never falls far enough.
        """
        point = self._point(temp_c, naoh_pct, p)
        best = self._estimate(point, naoh_pct, p)
        drop = float(ndtri(conf))
        root = self._root(point)
        ends = [_crossing(root, self.fit.theta[1:], best, side, drop) for side in (-1.0, 1.0)]
        lower, upper = (None if end is None else float(np.exp(end)) for end in ends)
        return Estimate(
            value=float(np.exp(best)),
            lower=lower,
            upper=upper,
            conf=conf,
            method="profile",
            unit="s",
            reason=Code.UNBOUNDED if None in ends else "",
            extrapolated=outside_tested(self.fit, temp_c, naoh_pct),
        )

    def _point(self, temp_c: float, naoh_pct: float, p: float) -> _Point:
        fit = self.fit
        design = fit.point(naoh_pct)
        shift = fit.model.dist.quantile(p)
        return _Point(replace(fit.model, dose=self._dose), _bath(fit, temp_c), design, shift)

    def _estimate(self, point: _Point, naoh_pct: float, p: float) -> float:
        wanted = self.fit.location(naoh_pct) + self.fit.sigma * self.fit.model.dist.quantile(p)

        def excess(log_t: float) -> float:
            return float(point.target(log_t).values(self.fit.energy)[0]) - wanted

        low, high = wanted - 1.0, wanted + 1.0
        while excess(low) > 0:
            low -= 2.0
        while excess(high) < 0:
            high += 2.0
        return float(brentq(excess, low, high, xtol=1e-12))

    def _root(self, point: _Point) -> Callable[[float, Array], tuple[float, Array]]:
        def root(log_t: float, start: Array) -> tuple[float, Array]:
            held = point.model.through(point.target(log_t), point.design, point.shift)
            best = maximise(held.evaluate, start)
            if not best.converged:
                return np.nan, start
            return float(np.sqrt(max(0.0, 2 * (self.fit.loglik - best.at.value)))), best.theta

        return root


def outside_tested(fit: ReleaseFit, temp_c: float, naoh_pct: float) -> bool:
    """Return whether a point lies more than 5 K, or 0.1 % NaOH, outside all that `fit` rests on."""
    coolest, hottest = fit.temperatures_c
    least, most = fit.naoh_pct
    temperature = coolest - _MARGIN_C <= temp_c <= hottest + _MARGIN_C
    return not (temperature and least - _MARGIN_PCT <= naoh_pct <= most + _MARGIN_PCT)


def _bath(fit: ReleaseFit, temp_c: float) -> LaggedBath:
    return LaggedBath(BathTrace.constant(temp_c, 1.0), fit.glass)


def _crossing(
    root: Callable[[float, Array], tuple[float, Array]], theta: Array, best: float, side: float, drop: float
) -> float | None:
    """Return where the root of the likelihood ratio reaches `drop` on one side of `best`, None when it does not.

    That root is nearly straight in ln t, so each guess is drawn from the estimate through the last point; a bracket
    keeps it safe.
    """
    inside, outside, step = 0.0, np.inf, 0.1
    for _ in range(_MAX_ROUNDS):
        height, theta = root(best + side * step, theta)
        if not np.isfinite(height) or (height < drop and step >= _FAR):
            return None
        if abs(height - drop) < _CLOSE or outside - inside < _CLOSE**2:
            return best + side * step
        inside, outside = (step, outside) if height < drop else (inside, step)
        guess = step * drop / max(height, 0.1 * drop)
        if not np.isfinite(outside):
            step = min(max(guess, 1.05 * step), 4 * step, _FAR)
        else:
            step = guess if inside < guess < outside else 0.5 * (inside + outside)
    return None
