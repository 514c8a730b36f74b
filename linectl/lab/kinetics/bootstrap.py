"""Bounds of release times by the parametric bootstrap-t, with or without a bath effect (Efron & Tibshirani 1993, 12.5).

Every bottle is simulated on its own checks from the fit, each bath with its own intercept, and fitted again in the
same way; t* = (q* - q)/se*, and the upper bound is q_hat - se_hat * quantile(t*, 1 - conf), q = ln t_p. As few baths
hardly tell omega, each replicate is simulated with an omega drawn from its weight given the data (`bath_posterior`),
and q_hat and se_hat are mean and standard deviation over that weight: the bound pays for not knowing omega. With a
bath effect a bound is at least as far from q_hat as the normal quantile, and the upper one not below the quantile of
q over that weight, whose upper tail is long: t* alone takes back the caution of the prior.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from linectl.lab.kinetics.bath_effect import BathEffectFit
from linectl.lab.kinetics.bath_posterior import NO_BATH_EFFECT, OMEGAS, Mixture, log_prior, mixture, spread_modes
from linectl.lab.kinetics.codes import Code
from linectl.lab.kinetics.data import ReleaseData
from linectl.lab.kinetics.fit import ReleaseFit
from linectl.lab.kinetics.intervals import outside_tested
from linectl.lab.kinetics.likelihood import ENERGY_UNIT
from linectl.lab.kinetics.marginal import SpreadTable, asked_bath, log_dose_quantile, log_time, spread_quantile
from linectl.lab.kinetics.replicas import refit
from linectl.lab.kinetics.soak_plan import SoakPlan, can_simulate, chebyshev_table
from linectl.lab.kinetics.trace import LaggedBath, TraceDose
from linectl.lab.results import Estimate
from linectl.model.experiments import Prior

__all__ = ["BOOTSTRAP_T", "FLOORED", "UPPER_FLOORED", "MarginalTimes"]

Array = NDArray[np.float64]
Index = NDArray[np.intp]
BOOTSTRAP_T = "bootstrap-t"
FLOORED = {
    (False, False): BOOTSTRAP_T,
    (False, True): "bootstrap-t, upper floored",
    (True, False): "bootstrap-t, lower floored",
    (True, True): "bootstrap-t, floored",
}
"""The method, by whether the floor decided the lower and the upper bound: t* alone would come nearer."""
UPPER_FLOORED = frozenset(FLOORED[lower, True] for lower in (False, True))
_MOST_FAILED = 0.05
_PRIOR_SCALE = 2.0  # the most probable omega before any data, in units of the prior's bath_sd: a cautious one
_LEAST_REACH, _MOST_REACH = 10.0, 90.0  # kJ/mol
_FARTHEST = 12.0  # e^12 times the estimate: beyond that a bound says nothing


@dataclass(frozen=True, slots=True, eq=False)
class _Worlds:
    """What replicates are drawn from, and what all of them showed.

    `theta` and `omega` have a line per world, `world` numbers that of each replicate that was fitted.
    """

    theta: Array
    omega: Array
    world: Index
    observed: Mixture
    refitted: Mixture
    omegas: Array
    failed: int

    def reach(self, energy: float) -> float:
        """Return how far from `energy` (kJ/mol) the energies of all worlds and replicates lie."""
        column = self.theta.shape[1] - 2
        every = (each[..., column].ravel() for each in (self.theta, self.observed.theta, self.refitted.theta))
        far = np.abs(ENERGY_UNIT * np.concatenate(list(every)) - energy).max()
        return float(np.clip(far, _LEAST_REACH, _MOST_REACH))


class MarginalTimes:
    """Bounds of release times of one fit; all asked points share one set of replicates, drawn once from `seed`.

    `data` are the rows of the fit. Without `bath_effect` baths are taken as equal. `bath_sd` is what the planner
    guesses of omega (`Prior.bath_sd`): it matters when baths are few.
    """

    def __init__(
        self,
        fit: ReleaseFit,
        data: ReleaseData,
        *,
        bath_effect: BathEffectFit | None,
        seed: int,
        replicates: int = 499,
        bath_sd: float = Prior().bath_sd,
    ) -> None:
        self.fit, self.bath_effect, self.seed, self.replicates = fit, bath_effect, seed, replicates
        self._worlds = _drawn(fit, data, bath_effect, seed, replicates, bath_sd) if can_simulate(fit) else None

    @property
    def omega_weights(self) -> tuple[Array, Array]:
        """The omegas that replicates are drawn from, and their weights given the data."""
        if self._worlds is None:
            return NO_BATH_EFFECT, np.ones(1)
        return self._worlds.omegas, self._worlds.observed.weight[0]

    def bound(
        self, *, temp_c: float, naoh_pct: float, p: float = 0.99, conf: float = 0.95, population: str = "marginal"
    ) -> Estimate:
        """Return t_p (s) in a constant bath of `temp_c` °C and `naoh_pct` %, with one-sided bounds at `conf` each.

        The value is the maximum-likelihood one; `method` says which bounds the floor decided and not t*. Bounds are
        None with a reason: PLATEAU when more than 1 - p of the labels never come off (no value either), NOT_SIMULATED
        for fits that `can_simulate` refuses, NOT_CONVERGED when over 5 % of the replicates failed, UNBOUNDED when a
        bound is no usable number.

        Raises:
            ValueError: another population than marginal or conditional.
        """
        found = self._bound(temp_c, naoh_pct, (p, conf, population))
        return replace(found, extrapolated=outside_tested(self.fit, temp_c, naoh_pct))

    def _bound(self, temp_c: float, naoh_pct: float, asked: tuple[float, float, str]) -> Estimate:
        p, conf, population = asked
        wanted = log_dose_quantile(self.fit, self.bath_effect, naoh_pct=naoh_pct, p=p, population=population)
        if wanted is None:
            return self._estimate(None, None, None, conf, population, Code.PLATEAU)
        energy = self.fit.energy if self.bath_effect is None else self.bath_effect.value("E")
        bath = asked_bath(self.fit, temp_c)
        log_t = log_time(bath, energy, wanted)
        value = float(np.exp(log_t))
        if self._worlds is None:
            return self._estimate(value, None, None, conf, population, Code.NOT_SIMULATED)
        if self._worlds.failed > _MOST_FAILED * self.replicates:
            return self._estimate(value, None, None, conf, population, Code.NOT_CONVERGED)
        beyond, floored = self._beyond(bath, log_t, naoh_pct, (p, conf, population == "marginal"))
        usable = [bool(np.isfinite(more)) and abs(more) < _FARTHEST for more in beyond]
        ends = [
            float(np.exp(log_time(bath, energy, wanted + more))) if ok else None
            for more, ok in zip(beyond, usable, strict=True)
        ]
        reason = "" if all(usable) else Code.UNBOUNDED
        return replace(self._estimate(value, ends[0], ends[1], conf, population, reason), method=FLOORED[floored])

    def _estimate(
        self, value: float | None, lower: float | None, upper: float | None, conf: float, population: str, reason: str
    ) -> Estimate:
        terms = {"sampling": float(np.log(upper / value))} if upper is not None and value is not None else {}
        return Estimate(
            value=value,
            lower=lower,
            upper=upper,
            conf=conf,
            method=BOOTSTRAP_T,
            unit="s",
            reason=reason,
            population=population,
            replicates=0 if self._worlds is None else self.replicates,
            failed=0 if self._worlds is None else self._worlds.failed,
            terms=terms,
        )

    def _beyond(
        self, bath: LaggedBath, log_t: float, naoh_pct: float, asked: tuple[float, float, bool]
    ) -> tuple[tuple[float, float], tuple[bool, bool]]:
        """Return how far the lower and upper bound lie from the estimate at `log_t`, in ln dose.

        And whether the floor decided each of them.
        """
        p, conf, marginal = asked
        worlds, dist = self._worlds, self.fit.model.dist
        assert worlds is not None
        table = SpreadTable.of(dist, p)
        point = _Point(self.fit, bath, log_t, self.fit.point(naoh_pct), worlds.reach(self.fit.energy))
        used = worlds.omegas if marginal else np.zeros_like(worlds.omegas)
        spread = spread_quantile(dist, p, np.exp(worlds.theta[:, -1]), worlds.omega * marginal)
        truth = (point.excess(worlds.theta)[0] + spread)[worlds.world]
        value, variance = _quantiles(worlds.observed, point, table, used)
        mean, error = _summary(worlds.observed.weight, value, variance)
        means, errors = _summary(worlds.refitted.weight, *_quantiles(worlds.refitted, point, table, used))
        t = (means - truth) / errors
        low, high = np.quantile(t, [1 - conf, conf])
        floored = False, False
        if self.bath_effect is not None:
            floor = float(ndtri(conf))
            far = max(floor, _upper_tail(worlds.observed.weight[0], value[0] - mean[0], variance[0], conf) / error[0])
            floored = bool(high < floor), bool(low > -far)
            low, high = min(low, -far), max(high, floor)
        return (float(mean[0] - error[0] * high), float(mean[0] - error[0] * low)), floored


class _Point:
    """One asked point: how far x'b lies above the ln dose that a label has had by a fixed time there."""

    def __init__(self, fit: ReleaseFit, bath: LaggedBath, log_t: float, x: Array, width: float) -> None:
        dose = TraceDose()
        dose.add(bath, 0.0, np.array([np.exp(log_t)]))
        self.x, self.columns = x, x.size
        self._table = chebyshev_table(dose, fit.energy, width)

    def excess(self, theta: Array) -> tuple[Array, Array]:
        """Return x'b - ln dose at each theta (worlds, p), and its gradient by theta."""
        series = self._table.series(ENERGY_UNIT * theta[:, self.columns])
        log = np.tensordot(self._table.coefficients[0], series[:, :2], 1)
        gradient = np.zeros_like(theta)
        gradient[:, : self.columns] = self.x
        gradient[:, self.columns] = -ENERGY_UNIT * log[1]
        return np.asarray(theta[:, : self.columns] @ self.x - log[0]), gradient


def _quantiles(found: Mixture, point: _Point, table: SpreadTable, omegas: Array) -> tuple[Array, Array]:
    """Return the quantile (ln dose beyond the point's) and its variance for each replicate and omega."""
    count, worlds, size = found.theta.shape
    theta = found.theta.reshape(-1, size)
    spread, by_log_sigma = table.at(np.exp(theta[:, -1]), np.tile(omegas, count))
    excess, slope = point.excess(theta)
    slope[:, -1] = by_log_sigma
    value, gradient = (excess + spread).reshape(count, worlds), slope.reshape(count, worlds, size)
    return value, ((found.cov @ gradient[..., None])[..., 0] * gradient).sum(axis=2)


def _summary(weight: Array, value: Array, variance: Array) -> tuple[Array, Array]:
    """Return mean and standard deviation over each replicate's mixture."""
    mean = (weight * value).sum(axis=1)
    spread_of_worlds = (value - mean[:, None]) ** 2
    return mean, np.sqrt((weight * (variance + spread_of_worlds)).sum(axis=1))


def _upper_tail(weight: Array, value: Array, variance: Array, conf: float) -> float:
    """Return the quantile `conf` of a mixture of normal distributions: large omegas make its upper tail long."""
    error = np.sqrt(variance)
    reach = 10.0 * error.max() + 1.0
    return float(brentq(lambda x: weight @ ndtr((x - value) / error) - conf, value.min() - reach, value.max() + reach))


def _drawn(
    fit: ReleaseFit,
    data: ReleaseData,
    bath_effect: BathEffectFit | None,
    seed: int,
    replicates: int,
    bath_sd: float,
) -> _Worlds:
    plan = SoakPlan.of(fit, data)
    draw = np.random.default_rng(seed)
    still = np.zeros(plan.baths)
    if bath_effect is None:
        theta, omega, weight = fit.theta[None], NO_BATH_EFFECT, np.ones(1)
        start, precision, prior = fit.theta, np.inf, None
    else:
        prior = log_prior(_PRIOR_SCALE * bath_sd)
        modes = refit(plan.observed(OMEGAS**-2), fit.theta, still)
        spread = spread_modes(modes, prior)
        theta, omega, weight = spread.theta[0], OMEGAS, spread.weight[0]
        middle = int(np.abs(np.log(OMEGAS) - weight @ np.log(OMEGAS)).argmin())
        start, precision = modes.theta[middle], float(OMEGAS[middle] ** -2)
    world = np.searchsorted(np.cumsum(weight), (np.arange(replicates) + 0.5) / replicates)
    world = np.minimum(world, omega.size - 1).astype(np.intp)
    observed = refit(plan.observed(np.array([precision])), start, still)
    again = refit(plan.simulate(draw, theta, omega, world, precision), start, still)
    shown = mixture(again, precision, prior)
    good = again.good & np.isfinite(shown.theta).all(axis=(1, 2)) & (shown.weight.sum(axis=1) > 0)
    if not observed.good[0]:
        good[:] = False
    return _Worlds(
        theta=theta,
        omega=omega,
        world=world[good],
        observed=mixture(observed, precision, prior),
        refitted=Mixture(*(part[good] for part in shown)),
        omegas=omega,
        failed=int(replicates - good.sum()),
    )
