"""What a fit says of a bath held at one temperature: the share off against time, and times of shares, with bands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linectl.lab.kinetics.distributions import family
from linectl.lab.kinetics.fit import ReleaseFit, caustic_covariate
from linectl.lab.kinetics.trace import inverse_u
from linectl.model.experiments import Glass

__all__ = ["TimeBand", "predicted_share", "share_time"]

Array = NDArray[np.float64]
_Z95 = 1.959963984540054
_STEPS = 2000
_FAR = 30.0  # e^30 s: no time that anybody waits


@dataclass(frozen=True, slots=True)
class TimeBand:
    """A time (s) and its two-sided 95 % interval (delta method on ln t)."""

    value: float
    lower: float
    upper: float


def predicted_share(
    fit: ReleaseFit, t_s: Array, temperature_c: float, naoh_pct: float, glass: Glass
) -> tuple[Array, Array, Array]:
    """Return the share of labels off at `t_s` (s from insertion) and its pointwise 95 % band (delta method on z)."""
    dist, sigma, pi = family(fit.family), _sigma(fit, temperature_c), fit.releasing_share
    log_dose, slope = _log_dose(fit.energy, t_s, temperature_c, glass)
    z = (log_dose - fit.location(naoh_pct)) / sigma
    gradient = _gradient(fit, len(t_s), naoh_pct) / sigma
    gradient[:, fit.names.index("E")] = slope / sigma
    gradient[:, -1] = -z
    half = _Z95 * np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", gradient, fit.cov, gradient), 0.0))
    return pi * dist.cdf(z), pi * dist.cdf(z - half), pi * dist.cdf(z + half)


def share_time(fit: ReleaseFit, share: float, temperature_c: float, naoh_pct: float, glass: Glass) -> TimeBand | None:
    """Return when `share` of the labels is off in a bath at `temperature_c`, through the glass; None: never."""
    score = fit.score_of(share)
    if score is None:
        return None
    sigma = _sigma(fit, temperature_c)
    wanted = fit.location(naoh_pct) + sigma * score
    rough = float(np.exp(min(_FAR, wanted - fit.energy * inverse_u(np.array([temperature_c]))[0])))
    t_s = np.linspace(0.0, rough + 12.0 * max(glass.tau_glass_s, 1.0), _STEPS)[1:]
    log_dose, slope = _log_dose(fit.energy, t_s, temperature_c, glass)
    at = min(int(np.searchsorted(log_dose, wanted)), len(t_s) - 1)
    value = float(np.interp(wanted, log_dose, t_s))
    low, high = max(at - 1, 0), min(at + 1, len(t_s) - 1)
    rate = (log_dose[high] - log_dose[low]) / (np.log(t_s[high]) - np.log(t_s[low]))
    gradient = -_gradient(fit, 1, naoh_pct)[0]
    gradient[fit.names.index("E")] = -slope[at]
    gradient[-1] = sigma * score
    half = _Z95 * float(np.sqrt(max(gradient @ fit.cov @ gradient, 0.0))) / float(rate)
    return TimeBand(value, value * np.exp(-half), value * np.exp(half))


def _sigma(fit: ReleaseFit, temperature_c: float) -> float:
    return fit.sigma_at(temperature_c) if fit.model.sigmas > 1 else fit.sigma


def _gradient(fit: ReleaseFit, rows: int, naoh_pct: float) -> Array:
    """Return minus the derivative of the location by each parameter, a line per row."""
    gradient = np.zeros((rows, len(fit.params)))
    gradient[:, fit.names.index("b0")] = -1.0
    if fit.has_caustic:
        gradient[:, fit.names.index("caustic")] = -float(caustic_covariate(naoh_pct))
    return gradient


def _log_dose(energy: float, t_s: Array, temperature_c: float, glass: Glass) -> tuple[Array, Array]:
    """Return ln of the dose (equivalent s at 60 °C) at `t_s` and its derivative by the energy, through the lag."""
    grid = np.linspace(0.0, float(t_s[-1]), _STEPS)
    lag = np.exp(-grid / glass.tau_glass_s) if glass.tau_glass_s > 0 else np.zeros_like(grid)
    u = inverse_u(temperature_c - (temperature_c - glass.bottle_in_c) * lag)
    rate = np.exp(energy * u)
    dose = np.interp(t_s, grid, _cumulative(rate, grid))
    return np.log(dose), np.interp(t_s, grid, _cumulative(rate * u, grid)) / dose


def _cumulative(values: Array, grid: Array) -> Array:
    return np.concatenate([[0.0], np.cumsum((values[1:] + values[:-1]) / 2 * np.diff(grid))])
