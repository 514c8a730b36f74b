"""What follows from a fit: the coolest temperature within a time, a soak in minutes at 60 °C, the share off on a trace.

Nothing is said beyond the tested temperatures by more than 5 K unless it is asked for by name; it is flagged then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import exp, log, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtri

from linectl.lab.kinetics.bath_effect import BathEffectFit
from linectl.lab.kinetics.codes import Code
from linectl.lab.kinetics.data import BathTrace
from linectl.lab.kinetics.fit import ReleaseFit
from linectl.lab.kinetics.trace import LaggedBath, LogDose, TraceDose
from linectl.lab.results import Estimate
from linectl.laws.arrhenius import GAS_CONSTANT_KJ_MOL_K, REFERENCE_C
from linectl.model.experiments import EXTRAPOLATION_K
from linectl.units import kelvin

__all__ = ["acceleration_factor", "equivalent_soak", "min_temperature", "released_fraction"]

Array = NDArray[np.float64]
_CLOSE_C = 0.1
_GAP_K = 10.0  # between temperatures at which the bound is looked at
_MINUTE_S = 60.0
_NODES = np.linspace(-5.0, 5.0, 201)
_WEIGHTS = np.exp(-0.5 * _NODES**2) / np.exp(-0.5 * _NODES**2).sum()


def min_temperature(
    bound: Callable[[float], Estimate], tested_c: Sequence[float], *, within_s: float, conf: float = 0.95
) -> Estimate:
    """Return the lowest temperature (°C) at which the upper bound of a release time is `within_s`, and so at all above.

    `bound` gives the release time (s) at a temperature. "Above" means up to the hottest of `tested_c`; nothing outside
    them is said: NOT_WITHIN where the hottest does not suffice, COOLEST_TESTED (with that temperature) where the
    coolest does. The answer is a bound already, at the confidence of `bound`: `value` and `upper` are the same.
    """
    beyond: Code | str = Code.NOT_WITHIN

    def excess(temp_c: float) -> float:
        nonlocal beyond
        found = bound(temp_c)
        if found.upper is None:
            beyond = found.reason or Code.UNBOUNDED
            return np.inf
        return log(found.upper / within_s)

    grid = _grid(tested_c)
    warm = grid[-1]
    if excess(warm) > 0:
        return Estimate(None, conf=conf, method="bound", unit="°C", reason=beyond)
    for cool in reversed(grid[:-1]):
        height = excess(cool)
        if height > 0:
            found = _root(excess, cool, warm) if np.isfinite(height) else warm
            return Estimate(found, None, found, conf, "bound", "°C")
        warm = cool
    return Estimate(warm, None, warm, conf, "bound", "°C", reason=Code.COOLEST_TESTED)


def _grid(tested_c: Sequence[float]) -> list[float]:
    """Return the tested temperatures and, where they are far apart, some between, coolest first."""
    tested = sorted(set(tested_c))
    between = [
        low + (high - low) * k / parts
        for low, high in pairwise(tested)
        for parts in [int(np.ceil((high - low) / _GAP_K))]
        for k in range(1, parts)
    ]
    return sorted([*tested, *between])


def _root(excess: Callable[[float], float], cool: float, warm: float) -> float:
    """Return where the bound crosses, from the safe side: the bound there is within the time."""
    found = float(brentq(excess, cool, warm, xtol=_CLOSE_C))
    return min(found + _CLOSE_C, warm)


def equivalent_soak(
    fit: ReleaseFit,
    trace: BathTrace,
    until_s: float,
    *,
    inserted_at_s: float = 0.0,
    conf: float = 0.95,
    extrapolate: bool = False,
) -> Estimate:
    """Return a soak on `trace`, from insertion to `until_s` after it, as minutes at 60 °C, glass lag counted.

    Two-sided by the delta method on ln dose: only E is uncertain, and a bath at 60 °C does not depend on it.
    """
    dose = _dose(fit, trace, until_s, inserted_at_s)
    beyond = _is_beyond(fit, dose)
    if beyond and not extrapolate:
        return Estimate(None, conf=conf, method="delta", unit="min", reason=Code.EXTRAPOLATED)
    value = exp(float(dose.value[0])) / _MINUTE_S
    reach = exp(float(ndtri(0.5 + conf / 2)) * abs(float(dose.first[0])) * fit.se("E"))
    return Estimate(value, value / reach, value * reach, conf, "delta", "min", extrapolated=beyond)


def released_fraction(
    fit: ReleaseFit,
    trace: BathTrace,
    at_s: float,
    *,
    naoh_pct: float,
    bath_effect: BathEffectFit | None = None,
    inserted_at_s: float = 0.0,
    conf: float = 0.95,
    extrapolate: bool = False,
) -> Estimate:
    """Return the share of labels off `at_s` after insertion into a bath that goes through `trace`.

    One-sided bounds at `conf` each, by the delta method on z. With `bath_effect` the share is that of a bath drawn at
    random, else of a typical one.
    """
    population = "conditional" if bath_effect is None else "marginal"
    dose = _dose(fit, trace, at_s, inserted_at_s)
    beyond = _is_beyond(fit, dose)
    if beyond and not extrapolate:
        return Estimate(None, conf=conf, method="delta", reason=Code.EXTRAPOLATED, population=population)
    params = fit.params if bath_effect is None else bath_effect.params
    cov = fit.cov if bath_effect is None else bath_effect.cov[:-1, :-1]
    sigma = exp(float(params[-1]))
    x = fit.point(naoh_pct)
    z = (float(dose.value[0]) - float(x @ params[: x.size])) / sigma
    gradient = np.zeros(params.size)
    gradient[: x.size] = -x / sigma
    gradient[fit.names.index("E")] = float(dose.first[0]) / sigma
    gradient[-1] = -z
    reach = float(ndtri(conf)) * sqrt(float(gradient @ cov @ gradient))
    omega = 0.0 if bath_effect is None else bath_effect.omega / sigma
    value, lower, upper = (_share(fit, at, omega) for at in (z, z - reach, z + reach))
    return Estimate(value, lower, upper, conf, "delta", extrapolated=beyond, population=population)


def acceleration_factor(
    fit: ReleaseFit, slow_c: float, fast_c: float, *, conf: float = 0.95, extrapolate: bool = False
) -> Estimate:
    """Return how many times longer release takes at `slow_c` than at `fast_c` (°C), two-sided; it rests on E alone."""
    coolest, hottest = fit.temperatures_c
    beyond = not all(coolest - EXTRAPOLATION_K <= t <= hottest + EXTRAPOLATION_K for t in (slow_c, fast_c))
    if beyond and not extrapolate:
        return Estimate(None, conf=conf, method="delta", reason=Code.EXTRAPOLATED)
    steepness = (1 / kelvin(slow_c) - 1 / kelvin(fast_c)) / GAS_CONSTANT_KJ_MOL_K
    reach = float(ndtri(0.5 + conf / 2)) * fit.se("E") * abs(steepness)
    best = fit.energy * steepness
    return Estimate(exp(best), exp(best - reach), exp(best + reach), conf, "delta", extrapolated=beyond)


def _dose(fit: ReleaseFit, trace: BathTrace, until_s: float, inserted_at_s: float) -> LogDose:
    dose = TraceDose()
    dose.add(LaggedBath(trace, fit.glass), inserted_at_s, np.array([until_s]))
    return dose.log(fit.energy)


def _is_beyond(fit: ReleaseFit, dose: LogDose) -> bool:
    """Tell whether the dose was had outside what `fit` rests on: its mean u, weighted by dose, is a temperature."""
    temp_c = 1.0 / (1.0 / kelvin(REFERENCE_C) - GAS_CONSTANT_KJ_MOL_K * float(dose.first[0])) - kelvin(0.0)
    coolest, hottest = fit.temperatures_c
    return not coolest - EXTRAPOLATION_K <= temp_c <= hottest + EXTRAPOLATION_K


def _share(fit: ReleaseFit, z: float, omega: float) -> float:
    """Return the share off at `z` with baths that differ by `omega` (in sigmas)."""
    return float(_WEIGHTS @ fit.model.dist.cdf(z - omega * _NODES)) if omega else float(fit.model.dist.cdf(np.array(z)))
