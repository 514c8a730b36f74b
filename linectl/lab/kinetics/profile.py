"""Two-sided profile-likelihood intervals of single parameters, and standard errors by resampling whole baths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from linectl.lab.kinetics.codes import Code
from linectl.lab.kinetics.fit import ReleaseFit
from linectl.lab.kinetics.likelihood import Curvature, Model
from linectl.lab.kinetics.sandwich import parameter_units
from linectl.lab.kinetics.solver import maximise
from linectl.lab.kinetics.trace import Dose, InterpolatedDose
from linectl.lab.results import Estimate

__all__ = ["BathBootstrap", "bootstrap_baths", "profile"]

Array = NDArray[np.float64]
_FARTHEST_SE = 60.0  # beyond so many standard errors the likelihood is taken never to fall
_CLOSE = 1e-6  # of the signed root of the likelihood ratio
_MAX_ROUNDS = 60
_PERFECT = -1e-4  # a log-likelihood so near 0: every interval is certain, and sigma has gone to 0


def profile(fit: ReleaseFit, name: str, conf: float = 0.95) -> Estimate:
    """Return the parameter called `name` with its two-sided profile interval.

    The ends are where twice the log-likelihood, all other parameters free, has fallen by the squared normal quantile.
    None with the reason SINGLE_CAUSTIC when the fit has no such parameter, UNBOUNDED for a side that never falls.
    """
    if name not in fit.names:
        return Estimate(None, conf=conf, method="profile", reason=Code.SINGLE_CAUSTIC)
    k = fit.names.index(name)
    unit = float(parameter_units(fit.model)[k])
    root = _root(replace(fit.model, dose=_dose(fit)), fit, k)
    drop, se = float(ndtri(0.5 + conf / 2)), fit.se(name) / unit
    ends = [_end(root, side, se, drop) for side in (-1.0, 1.0)]
    lower, upper = (None if end is None else (float(fit.theta[k]) + end) * unit for end in ends)
    reason = Code.UNBOUNDED if None in ends else ""
    return Estimate(float(fit.params[k]), lower, upper, conf, "profile", fit.units[k], reason)


def _root(model: Model, fit: ReleaseFit, k: int) -> Callable[[float], float]:
    """Return the root of the likelihood ratio at a distance (solver's units) from the estimate of parameter `k`."""
    others = np.delete(np.arange(fit.theta.size), k)
    slope = fit.cov[:, k] / fit.cov[k, k] * parameter_units(fit.model)[k] / parameter_units(fit.model)
    limited = max(1, int((others >= fit.theta.size - model.sigmas - int(model.has_cure)).sum()))

    def root(distance: float) -> float:
        theta = fit.theta.copy()
        theta[k] += distance

        def held(free: Array) -> Curvature:
            theta[others] = free
            at = model.evaluate(theta)
            return Curvature(at.value, at.score[others], at.hessian[np.ix_(others, others)])

        best = maximise(held, fit.theta[others] + slope[others] * distance, limited=limited)
        return float(np.sqrt(max(0.0, 2 * (fit.loglik - best.at.value)))) if best.converged else np.nan

    return root


def _end(root: Callable[[float], float], side: float, se: float, drop: float) -> float | None:
    """Return the distance at which the root reaches `drop`; the root is nearly straight, a bracket keeps it safe."""
    inside, low, outside, high = 0.0, 0.0, np.inf, np.inf
    step = drop * se
    for _ in range(_MAX_ROUNDS):
        height = root(side * step)
        if not np.isfinite(height) or step > _FARTHEST_SE * se:
            return None
        if abs(height - drop) < _CLOSE:
            return side * step
        if height < drop:
            inside, low = step, height
        else:
            outside, high = step, height
        if not np.isfinite(outside):
            step *= 1.6
            continue
        step = inside + (outside - inside) * (drop - low) / (high - low)
        margin = 0.02 * (outside - inside)
        step = min(max(step, inside + margin), outside - margin)
    return None


@dataclass(frozen=True, slots=True, eq=False)
class BathBootstrap:
    """Fits to resampled baths: `params` (replicate, parameter) of those that converged, in the order of `names`."""

    names: tuple[str, ...]
    params: Array
    failed: int
    seed: int

    def se(self, name: str) -> float:
        """Return the standard error of the parameter called `name`."""
        return float(self.params[:, self.names.index(name)].std(ddof=1))


def bootstrap_baths(fit: ReleaseFit, n: int = 1000, *, seed: int, unit: str = "bath") -> BathBootstrap:
    """Fit `n` times to baths drawn with replacement: for standard errors of E and of contrasts, not for bounds.

    A draw in which a parameter cannot be told (all of one temperature) has failed, and is counted.

    Raises:
        ValueError: another unit than the bath; bottles of one bath are no replicates.
    """
    if unit != "bath":
        msg = f"unit {unit!r}: only whole baths are resampled"
        raise ValueError(msg)
    draw = np.random.default_rng(seed)
    model, units = replace(fit.model, dose=_dose(fit)), parameter_units(fit.model)
    limited = model.sigmas + int(model.has_cure)
    found = []
    for counts in draw.multinomial(fit.n_baths, np.full(fit.n_baths, 1 / fit.n_baths), size=n):
        drawn = replace(model, weights=model.weights * counts[fit.row_bath])
        best = maximise(drawn.evaluate, fit.theta, limited=limited)
        if best.converged and best.at.value < _PERFECT:
            found.append(best.theta * units)
    return BathBootstrap(fit.names, np.array(found).reshape(-1, fit.theta.size), n - len(found), seed)


def _dose(fit: ReleaseFit) -> Dose:
    """Return the fit's dose, interpolated in E where there is one E and no curvature."""
    if fit.model.energies != 1 or fit.model.has_curvature:
        return fit.model.dose
    return InterpolatedDose(fit.dose, fit.energy, float(np.clip(8 * fit.se("E"), 10.0, 40.0)))
