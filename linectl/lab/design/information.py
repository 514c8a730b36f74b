"""What a bottle tells before it is soaked: expected Fisher information of interval-censored release times.

    ln tau* = b0 + caustic ln((c + 0.1)/1.6) [+ agitation (a - a0)/100] + sigma W,  released when the dose reaches tau*

A label looked at on a grid falls into one of its check cells with probability p_j; with s_j = d ln p_j / d theta the
information of a bottle is sum_j p_j s_j s_j'. Parameters in the order of `Guess.names`: b0, caustic, agitation (each
only where it varies), E in units of 10 kJ/mol, ln sigma.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, log, pi

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from linectl.lab.kinetics.data import BathTrace
from linectl.lab.kinetics.distributions import Distribution, family
from linectl.lab.kinetics.fit import ReleaseFit, caustic_covariate
from linectl.lab.kinetics.formula import CAUSTIC_REF_PCT, CAUSTIC_ZERO_PCT
from linectl.lab.kinetics.likelihood import ENERGY_UNIT
from linectl.lab.kinetics.trace import LaggedBath, TraceDose, inverse_u
from linectl.model.experiments import Glass, Prior

__all__ = [
    "Condition",
    "Guess",
    "Target",
    "bath_information",
    "bottle_information",
    "check_times",
    "limit_variance",
    "release_time",
    "share_off",
    "soak_times",
    "target_of",
]

Array = NDArray[np.float64]
_FARTHEST = (-40.0, 30.0)  # z: below and above, a check cell has no probability left
_ENERGY_RANGE = (20.0, 200.0)  # kJ/mol: a pilot's estimate beyond is no ground for a plan
_LN_SIGMA_RANGE = (-2.0, 0.5)


@dataclass(frozen=True, slots=True)
class Condition:
    """What one bath would be: °C, % NaOH, stirrer in % relative to the usual one, soak (s; inf: the whole grid)."""

    temperature_c: float
    naoh_pct: float
    agitation_pct: float = 0.0
    soak_s: float = float("inf")


@dataclass(frozen=True, slots=True)
class Guess:
    """A glue's law as it is taken for planning; `names` are the parameters that a fit of the plan would have."""

    family: str
    b0: float
    caustic: float
    energy_kj_mol: float
    sigma: float
    names: tuple[str, ...] = ("b0", "E", "ln_sigma")

    @classmethod
    def of_prior(cls, prior: Prior, family_name: str = "lognormal") -> Guess:
        """Return the guess of an experiment's prior, whose median and sigma of ln t are kept in every family."""
        location = log(prior.t50_60_s) - prior.sigma * family(family_name).quantile(0.5)
        return cls(family_name, location, -prior.caustic_order, prior.energy_kj_mol, prior.sigma)

    @classmethod
    def of_fit(cls, fit: ReleaseFit) -> Guess:
        """Return the guess that a fit allows, its energy kept within 20 to 200 kJ/mol and ln sigma within -2 to 0.5."""
        caustic = fit.value("caustic") if fit.has_caustic else 0.0
        names = ("b0", "caustic", "E", "ln_sigma") if fit.has_caustic else ("b0", "E", "ln_sigma")
        energy = min(max(fit.energy, _ENERGY_RANGE[0]), _ENERGY_RANGE[1])
        log_sigma = min(max(log(fit.sigma), _LN_SIGMA_RANGE[0]), _LN_SIGMA_RANGE[1])
        return cls(fit.family, fit.location(CAUSTIC_REF_PCT - CAUSTIC_ZERO_PCT), caustic, energy, exp(log_sigma), names)

    def varying(self, *, naoh: bool, agitation: bool, temperature: bool = True) -> Guess:
        """Return this guess with the parameters of a plan that varies these factors."""
        chosen = (("b0", True), ("caustic", naoh), ("agitation", agitation), ("E", temperature), ("ln_sigma", True))
        return replace(self, names=tuple(name for name, kept in chosen if kept))

    @property
    def dist(self) -> Distribution:
        """The standard distribution of W."""
        return family(self.family)

    def location(self, naoh_pct: float) -> float:
        """Return x'b (ln s of dose) at `naoh_pct` % NaOH."""
        return self.b0 + self.caustic * float(caustic_covariate(naoh_pct))


@dataclass(frozen=True, slots=True)
class Target:
    """The wanted time t_p (s) at one point; `gradient` is d ln t_p / d theta, `stretch` is d ln dose / d ln t there."""

    time_s: float
    gradient: Array
    stretch: float


def check_times(cap_s: float, check_s: float) -> Array:
    """Return the times (s from insertion) at which a bottle is looked at."""
    return check_s * np.arange(1.0, int(cap_s / check_s + 1e-9) + 1)


def bottle_information(guess: Guess, conditions: Sequence[Condition], checks_s: Array, glass: Glass) -> Array:
    """Return the expected information of one bottle at each of `conditions`: K matrices P x P, P = len(guess.names)."""
    log_dose, by_energy = _doses(guess, conditions, checks_s, glass)
    location = np.array([guess.location(condition.naoh_pct) for condition in conditions])
    z = np.clip((log_dose - location[:, None]) / guess.sigma, *_FARTHEST)
    slope = _jacobian(guess, conditions, z, by_energy)
    last = [int(np.searchsorted(checks_s, condition.soak_s, side="right")) - 1 for condition in conditions]
    number = np.minimum(np.arange(checks_s.size)[None, :], np.maximum(last, 0)[:, None])
    rows = np.arange(len(conditions))[:, None]
    return _information(guess.dist, z[rows, number], slope[rows, number])


def bath_information(bottle: Array, bottles: float, omega: float) -> Array:
    """Return the information of a bath of `bottles` bottles whose own effect on ln t has standard deviation `omega`.

    The bath's effect moves b0 (parameter 0) for all its bottles; integrated out of the quadratic log-likelihood,
    J = m I becomes J - J e e'J omega^2/(1 + omega^2 e'Je). At one temperature the variance is then v/n + omega^2/baths.
    """
    total = bottles * bottle
    shared = total[..., 0]
    share = omega**2 / (1.0 + omega**2 * total[..., 0, 0])
    return np.asarray(total - share[..., None, None] * shared[..., :, None] * shared[..., None, :])


def release_time(guess: Guess, temperature_c: float, naoh_pct: float, p: float, glass: Glass) -> float:
    """Return the time (s) in which the share `p` of labels is off at a constant bath, the glass's warming included."""
    wanted = guess.location(naoh_pct) + guess.sigma * guess.dist.quantile(p)
    bath = LaggedBath(BathTrace.constant(temperature_c, 1.0), glass)
    energy = guess.energy_kj_mol

    def excess(log_t: float) -> float:
        dose = TraceDose()
        dose.add(bath, 0.0, np.array([np.exp(log_t)]))
        return float(dose.values(energy)[0]) - wanted

    start = wanted - energy * float(inverse_u(np.array([temperature_c]))[0])
    if glass.tau_glass_s <= 0:
        return exp(start)
    high = start + 0.5
    while excess(high) < 0:
        high += 2.0
    return exp(float(brentq(excess, start - 0.5, high, xtol=1e-10)))


def share_off(guess: Guess, condition: Condition, after_s: float, glass: Glass) -> float:
    """Return the share of labels off `after_s` (s) after the bottle goes into a constant bath at `condition`."""
    log_dose, _ = _doses(guess, [condition], np.array([after_s]), glass)
    z = (log_dose[0] - guess.location(condition.naoh_pct)) / guess.sigma
    return float(guess.dist.cdf(z)[0])


def soak_times(guess: Guess, conditions: Sequence[Condition], checks_s: Array, share: float, glass: Glass) -> Array:
    """Return for each of `conditions` the first check (s) at which `share` of the labels are off, else the last."""
    log_dose, _ = _doses(guess, conditions, checks_s, glass)
    wanted = np.array([guess.location(condition.naoh_pct) for condition in conditions])
    wanted += guess.sigma * guess.dist.quantile(share)
    reached = np.minimum((log_dose < wanted[:, None]).sum(axis=1), checks_s.size - 1)
    return np.asarray(checks_s[reached])


def target_of(guess: Guess, condition: Condition, p: float, glass: Glass) -> Target:
    """Return the time in which `p` is off at `condition`, and its gradient: the dose at t_p stays that quantile."""
    time_s = release_time(guess, condition.temperature_c, condition.naoh_pct, p, glass)
    bath = LaggedBath(BathTrace.constant(condition.temperature_c, 1.0), glass)
    dose = TraceDose()
    dose.add(bath, 0.0, np.array([time_s]))
    at = dose.log(guess.energy_kj_mol)
    rate = guess.energy_kj_mol * float(inverse_u(bath.label(0.0, np.array([time_s])))[0])
    stretch = exp(log(time_s) + rate - float(at.value[0]))
    by_name = _covariates(condition)
    by_name |= {"E": -float(at.first[0]) * ENERGY_UNIT, "ln_sigma": guess.sigma * guess.dist.quantile(p)}
    return Target(time_s, np.array([by_name[name] for name in guess.names]) / stretch, stretch)


def limit_variance(guess: Guess, target: Target, p: float) -> float:
    """Return the Cramér-Rao limit of the variance of ln t_p, times bottles: every release timed exactly, at the target.

    Weibull: sigma^2 (1 + 6/pi^2 (w_p - 1 + gamma)^2); lognormal: sigma^2 (1 + w_p^2/2); loglogistic: sigma^2 (3 +
    9 w_p^2/(3 + pi^2)), the inverse information of location and scale.
    """
    w = guess.dist.quantile(p)
    factor = {
        "weibull": 1.0 + 6.0 / pi**2 * (w - 1.0 + float(np.euler_gamma)) ** 2,
        "lognormal": 1.0 + 0.5 * w**2,
        "loglogistic": 3.0 + 9.0 * w**2 / (3.0 + pi**2),
    }[guess.family]
    return guess.sigma**2 * factor / target.stretch**2


def _covariates(condition: Condition) -> dict[str, float]:
    return {
        "b0": 1.0,
        "caustic": float(caustic_covariate(condition.naoh_pct)),
        "agitation": condition.agitation_pct / 100.0,
    }


def _doses(guess: Guess, conditions: Sequence[Condition], checks_s: Array, glass: Glass) -> tuple[Array, Array]:
    """Return ln dose and its derivative by E (mol/kJ) at each check, one line per condition."""
    temperatures = sorted({condition.temperature_c for condition in conditions})
    dose = TraceDose()
    for temperature_c in temperatures:
        dose.add(LaggedBath(BathTrace.constant(temperature_c, 1.0), glass), 0.0, checks_s)
    found = dose.log(guess.energy_kj_mol)
    line = [temperatures.index(condition.temperature_c) for condition in conditions]
    rows = len(temperatures)
    return found.value.reshape(rows, -1)[line], found.first.reshape(rows, -1)[line]


def _jacobian(guess: Guess, conditions: Sequence[Condition], z: Array, by_energy: Array) -> Array:
    """Return dz/d theta at each check: K x J x P."""
    columns = []
    values = [_covariates(condition) for condition in conditions]
    for name in guess.names:
        if name == "E":
            columns.append(by_energy * (ENERGY_UNIT / guess.sigma))
        elif name == "ln_sigma":
            columns.append(-z)
        else:
            level = np.array([value[name] for value in values])
            columns.append(np.broadcast_to(-level[:, None] / guess.sigma, z.shape))
    return np.stack(columns, axis=-1)


def _information(dist: Distribution, z: Array, slope: Array) -> Array:
    """Return sum_j p_j s_j s_j' over the check cells between `z` (K x J, never falling)."""
    first, last = dist.left(z[:, 0]), dist.right(z[:, -1])
    scores = [(np.exp(first.value), first.first[:, None] * slope[:, 0])]
    scores.append((np.exp(last.value), last.first[:, None] * slope[:, -1]))
    total = sum(np.einsum("k,kp,kq->kpq", p, s, s) for p, s in scores)
    if z.shape[1] == 1:
        return np.asarray(total)
    lower, upper = z[:, :-1], z[:, 1:]
    empty = upper - lower <= 0
    between = dist.interval(lower, np.where(empty, lower + 1.0, upper))
    p = np.where(empty, 0.0, np.exp(between.value))
    s = between.lower[..., None] * slope[:, :-1] + between.upper[..., None] * slope[:, 1:]
    return np.asarray(total + np.einsum("kj,kjp,kjq->kpq", p, s, s, optimize=True))
