"""What a fit says of a bath held at one temperature: the share off against time, with its band."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from linectl.lab.kinetics.distributions import family
from linectl.lab.kinetics.fit import ReleaseFit, caustic_covariate
from linectl.lab.kinetics.trace import inverse_u
from linectl.model.experiments import Glass

__all__ = ["predicted_share", "time_of_share"]

Array = NDArray[np.float64]
_Z95 = 1.959963984540054
_STEPS = 2000


def predicted_share(
    fit: ReleaseFit, t_s: Array, temperature_c: float, naoh_pct: float, glass: Glass
) -> tuple[Array, Array, Array]:
    """Return the share of labels off at `t_s` (s from insertion) and its pointwise 95 % band (delta method on z)."""
    dist = family(fit.family)
    log_dose, slope = _log_dose(fit.energy, t_s, temperature_c, glass)
    z = (log_dose - fit.location(naoh_pct)) / fit.sigma
    gradient = np.zeros((len(t_s), len(fit.params)))
    gradient[:, fit.names.index("b0")] = -1 / fit.sigma
    if fit.has_caustic:
        gradient[:, fit.names.index("caustic")] = -float(caustic_covariate(naoh_pct)) / fit.sigma
    gradient[:, fit.names.index("E")] = slope / fit.sigma
    gradient[:, -1] = -z
    half = _Z95 * np.sqrt(np.einsum("ij,jk,ik->i", gradient, fit.cov, gradient))
    return dist.cdf(z), dist.cdf(z - half), dist.cdf(z + half)


def time_of_share(fit: ReleaseFit, share: float, temperature_c: float, naoh_pct: float) -> float:
    """Return the time (s) in which `share` of labels is off when glue and bath have one temperature (no lag)."""
    log_dose = fit.location(naoh_pct) + fit.sigma * family(fit.family).quantile(share)
    return float(np.exp(log_dose - fit.energy * inverse_u(np.array([temperature_c]))[0]))


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
