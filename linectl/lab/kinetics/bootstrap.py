"""Bounds of release times by the parametric bootstrap-t, with or without a bath effect (Efron & Tibshirani 1993, 12.5).

Every bottle is simulated on its own checks from the fit, each bath with its own intercept, and fitted again in the
same way; t* = (q* - q)/se*, and the upper bound is q_hat - se_hat * quantile(t*, 1 - conf), q = ln t_p. As few baths
hardly tell omega, each replicate is simulated with an omega drawn from its weight given the data (`bath_posterior`),
and q_hat and se_hat are mean and standard deviation over that weight: the bound pays for not knowing omega. With a
bath effect it is at least as far from q_hat as the normal quantile: t* alone takes back the caution of the prior.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

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

__all__ = ["BOOTSTRAP_T", "FLOORED", "MarginalTimes"]

Array = NDArray[np.float64]
Index = NDArray[np.intp]
BOOTSTRAP_T = "bootstrap-t"
FLOORED = "bootstrap-t, floored"
"""The method where the normal quantile decided a bound, as t* alone would have brought it nearer to the estimate."""
_MOST_FAILED = 0.05
_PRIOR_SCALE = 2.0  # the most probable omega before any data, in units of the prior's bath_sd: a cautious one
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
        self._tables: dict[tuple[float, bool], SpreadTable] = {}
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

        The value is the maximum-likelihood one; `method` is FLOORED where the normal quantile decided a bound. Bounds
        are None with a reason: PLATEAU when more than 1 - p of the labels never come off (no value either),
        NOT_SIMULATED for fits that `can_simulate` refuses, NOT_CONVERGED when over 5 % of the replicates failed,
        UNBOUNDED when a bound is no usable number.

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
        found = self._estimate(value, ends[0], ends[1], conf, population, reason)
        return replace(found, method=FLOORED) if floored else found

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
    ) -> tuple[tuple[float, float], bool]:
        """Return how far the lower and upper bound lie from the estimate at `log_t`, in ln dose.

        And whether the floor decided one of them.
        """
        p, conf, marginal = asked
        worlds, dist = self._worlds, self.fit.model.dist
        assert worlds is not None
        key = (p, marginal)
        if key not in self._tables:
            self._tables[key] = SpreadTable.of(dist, p)
        point = _Point(self.fit, bath, log_t, self.fit.point(naoh_pct))
        used = worlds.omegas if marginal else np.zeros_like(worlds.omegas)
        spread = spread_quantile(dist, p, np.exp(worlds.theta[:, -1]), worlds.omega * marginal)
        truth = (point.excess(worlds.theta) + spread)[worlds.world]
        mean, error = _summary(worlds.observed, point, self._tables[key], used)
        means, errors = _summary(worlds.refitted, point, self._tables[key], used)
        t = (means - truth) / errors
        low, high = np.quantile(t, [1 - conf, conf])
        floored = False
        if self.bath_effect is not None:
            floor = float(ndtri(conf))
            floored = bool(low > -floor or high < floor)
            low, high = min(low, -floor), max(high, floor)
        return (float(mean[0] - error[0] * high), float(mean[0] - error[0] * low)), floored


class _Point:
    """One asked point: how far x'b lies above the ln dose that a label has had by a fixed time there."""

    def __init__(self, fit: ReleaseFit, bath: LaggedBath, log_t: float, x: Array) -> None:
        dose = TraceDose()
        dose.add(bath, 0.0, np.array([np.exp(log_t)]))
        width = 90.0  # kJ/mol: as wide as any replicate may stray
        self.x, self.columns = x, x.size
        self._table = chebyshev_table(dose, fit.energy, width)

    def excess(self, theta: Array) -> Array:
        """Return x'b - ln dose at each theta (worlds, p)."""
        return np.asarray(theta[:, : self.columns] @ self.x - self._log(theta)[:, 0])

    def gradient(self, theta: Array, by_log_sigma: Array) -> Array:
        """Return the gradient by theta of the excess plus a spread whose derivative by ln sigma is given."""
        found = np.empty_like(theta)
        found[:, : self.columns] = self.x
        found[:, self.columns] = -ENERGY_UNIT * self._log(theta)[:, 1]
        found[:, -1] = by_log_sigma
        return found

    def _log(self, theta: Array) -> Array:
        return np.asarray(
            (self._table.coefficients[0] @ self._table.basis(ENERGY_UNIT * theta[:, self.columns]))[:, :2]
        )


def _summary(found: Mixture, point: _Point, table: SpreadTable, omegas: Array) -> tuple[Array, Array]:
    """Return mean and standard deviation of the quantile (ln dose beyond the point's) over each mixture."""
    count, worlds, size = found.theta.shape
    theta = found.theta.reshape(-1, size)
    spread, by_log_sigma = table.at(np.exp(theta[:, -1]), np.tile(omegas, count))
    value = (point.excess(theta) + spread).reshape(count, worlds)
    gradient = point.gradient(theta, by_log_sigma).reshape(count, worlds, size)
    variance = ((found.cov @ gradient[..., None])[..., 0] * gradient).sum(axis=2)
    mean = (found.weight * value).sum(axis=1)
    spread_of_worlds = (value - mean[:, None]) ** 2
    return mean, np.sqrt((found.weight * (variance + spread_of_worlds)).sum(axis=1))


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
