"""The share of labels off at the washer's exit, from a lab fit: dose zone after zone, with a lower bound.

In each zone the label takes up dose at the rate exp(E u(T_glass)) ((c + 0.1)/1.6)^n mech^m, against its own resistance
exp(b0 + sigma W), all by the fit; T_glass follows the zone through the glass lag. Both the estimate and its bound are
of the sum over all zones, and of a washer that differs from the lab's mean bath as its baths differ from each other:
the bound is the (1 - confidence) quantile over draws of the parameters from their covariance, seeded. A dose taken up
in a zone that was never tested is extrapolated: such zones are named with their share of it.

Agitation: either the fit has it (from half to full speed of the lab's stirrer, which stands for a gentle flow), or the
exponent m is an assumption, or it is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray

from linectl.lab.kinetics.bath_effect import fit_bath_effect
from linectl.lab.kinetics.distributions import Distribution
from linectl.lab.kinetics.fit import ReleaseFit, caustic_covariate
from linectl.lab.kinetics.trace import inverse_u
from linectl.lab.results import Estimate
from linectl.lab.transfer.passage import entry_temperatures
from linectl.model.washing import Agitation, Stay

__all__ = ["DRAWS", "SEED", "Knowledge", "Outside", "Passage", "ZoneDose", "released", "zone_doses"]

Array = NDArray[np.float64]
DRAWS = 2000
SEED = 20260101
NAOH_NOT_TESTED = "naoh_not_tested"
_MARGIN_C = 5.0
_MARGIN_PCT = 0.1
_TELLING = 0.005  # a zone with less of the dose than this need not be named
_GAUSS = np.array([-np.sqrt(0.6), 0.0, np.sqrt(0.6)])
_WEIGHT = np.array([5.0, 8.0, 5.0]) / 18.0
_CUTS = np.concatenate([np.arange(0.0, 4.0, 0.5), np.arange(4.0, 9.0)])  # in units of the glass lag
_POINTS, _WEIGHTS = hermegauss(15)  # of the bath effect, for families that do not add up in closed form
_CHUNK = 500  # draws at once


@dataclass(frozen=True, slots=True, eq=False)
class Knowledge:
    """What a fit knows: its parameters by name, omega (the sd of ln t between baths), and the covariance of all.

    The last line of `cov` belongs to omega. `population` is "marginal" when baths were found to differ or not to, and
    "conditional" when they are taken to be equal.
    """

    fit: ReleaseFit
    params: Array
    omega: float
    cov: Array
    population: str = "marginal"

    @classmethod
    def of(cls, fit: ReleaseFit) -> Knowledge:
        """Return what `fit` knows when its baths are let differ; as `plain` where that fit does not converge."""
        found = fit_bath_effect(fit)
        if not found.converged or not np.isfinite(found.cov).all():
            return cls.plain(fit)
        return cls(fit, found.params, found.omega, found.cov)

    @classmethod
    def plain(cls, fit: ReleaseFit) -> Knowledge:
        """Return what `fit` knows when all baths are taken to be equal."""
        cov = np.zeros((fit.params.size + 1, fit.params.size + 1))
        cov[:-1, :-1] = fit.cov
        return cls(fit, fit.params, 0.0, cov, "conditional")

    def draw(self, count: int, seed: int) -> Array:
        """Return `count` draws (lines) of the parameters and, last, omega."""
        centre = np.append(self.params, self.omega)
        drawn = np.random.default_rng(seed).multivariate_normal(centre, self.cov, size=count, method="eigh")
        drawn[:, -1] = np.abs(drawn[:, -1])
        return np.asarray(drawn)

    def best(self) -> Array:
        """Return the estimate as one line of `draw`."""
        return np.append(self.params, self.omega)[None, :]


@dataclass(frozen=True, slots=True)
class Outside:
    """In what a zone lies outside what was tested: machine words, "" for nothing."""

    temperature: str = ""  # colder | hotter
    naoh: str = ""  # weaker | stronger


@dataclass(frozen=True, slots=True)
class ZoneDose:
    """A zone's share of the dose at the estimate. `counted` is False where the fit cannot say what its NaOH does."""

    zone: str
    temperature_c: float
    naoh_pct: float
    share: float
    outside: Outside
    counted: bool = True

    @property
    def extrapolated(self) -> bool:
        """Whether a share worth naming was taken up outside what was tested."""
        return self.share >= _TELLING and bool(self.outside.temperature or self.outside.naoh)


@dataclass(frozen=True, slots=True, eq=False)
class Passage:
    """The nodes of a way for numerical integration: u(T_glass) in mol/kJ and the weight (s) of each, by zone."""

    stays: tuple[Stay, ...]
    u: Array
    weight_s: Array
    starts: NDArray[np.intp]

    @classmethod
    def of(cls, stays: Sequence[Stay], bottle_in_c: float) -> Passage:
        """Return the nodes of `stays` for a bottle that comes in at `bottle_in_c` °C."""
        entries = entry_temperatures(stays, bottle_in_c)
        nodes = [_nodes(stay, entry) for stay, entry in zip(stays, entries, strict=False)]
        sizes = np.array([weight.size for _, weight in nodes], dtype=np.intp)
        return cls(
            stays=tuple(stays),
            u=inverse_u(np.concatenate([temp_c for temp_c, _ in nodes])),
            weight_s=np.concatenate([weight for _, weight in nodes]),
            starts=np.cumsum(sizes) - sizes,
        )

    def doses(self, energies: Array, curvature: Array | None = None) -> Array:
        """Return the dose (s at 60 °C, 1.5 % NaOH, still) of each zone for each of `energies` (kJ/mol).

        `curvature` bends the Arrhenius line: ln rate = E u + q u^2.
        """
        bend = np.zeros_like(energies) if curvature is None else curvature
        parts = []
        for first in range(0, energies.size, _CHUNK):
            some = slice(first, first + _CHUNK)
            rate = np.exp(np.outer(energies[some], self.u) + np.outer(bend[some], self.u**2))
            rate *= self.weight_s
            parts.append(np.add.reduceat(rate, self.starts, axis=1))
        return np.concatenate(parts)


def _nodes(stay: Stay, entry_c: float) -> tuple[Array, Array]:
    cuts = _CUTS * stay.tau_s
    ends = np.append(cuts[cuts < stay.seconds], stay.seconds)
    width, middle = np.diff(ends), 0.5 * (ends[1:] + ends[:-1])
    at_s = (middle[:, None] + 0.5 * width[:, None] * _GAUSS).ravel()
    behind = np.exp(-at_s / stay.tau_s) if stay.tau_s > 0 else np.zeros_like(at_s)
    return stay.temperature_c + (entry_c - stay.temperature_c) * behind, (width[:, None] * _WEIGHT).ravel()


def released(
    known: Knowledge,
    passage: Passage,
    *,
    agitation_order: float | None,
    conf: float = 0.95,
    draws: int = DRAWS,
    seed: int = SEED,
) -> Estimate:
    """Return the share of labels off at the end of `passage`, with its one-sided lower bound at `conf`.

    `agitation_order` is m of the assumption rate ~ mech^m against a lab bath stirred at half speed; 0 leaves agitation
    out, None takes the fit's own effect. Where the fit can say nothing of any zone's NaOH there is neither (reason
    "naoh_not_tested"): a share of 0 would be a claim.
    """
    if not any(_counted(known.fit, stay) for stay in passage.stays):
        return Estimate(None, conf=conf, unit="1", reason=NAOH_NOT_TESTED, population=known.population)
    best = float(_share(known.fit, known.best(), passage, agitation_order)[0])
    shares = _share(known.fit, known.draw(draws, seed), passage, agitation_order)
    usable = shares[np.isfinite(shares)]
    lower = float(np.quantile(usable, 1.0 - conf)) if usable.size else None
    return Estimate(
        value=best,
        lower=None if lower is None else min(lower, best),
        conf=conf,
        method="draws",
        unit="1",
        extrapolated=any(zone.extrapolated for zone in zone_doses(known, passage, agitation_order=agitation_order)),
        population=known.population,
        replicates=int(usable.size),
        failed=draws - int(usable.size),
    )


def zone_doses(known: Knowledge, passage: Passage, *, agitation_order: float | None) -> tuple[ZoneDose, ...]:
    """Return each zone's share of the dose at the fit's estimate, and where it lies outside what was tested."""
    fit = known.fit
    doses = _weighted(fit, known.best(), passage, agitation_order)[0]
    total = float(doses.sum())
    return tuple(
        ZoneDose(
            zone=stay.zone,
            temperature_c=stay.temperature_c,
            naoh_pct=stay.naoh_pct,
            share=float(dose) / total if total > 0 else 0.0,
            outside=_outside(fit, stay),
            counted=_counted(fit, stay),
        )
        for stay, dose in zip(passage.stays, doses, strict=True)
    )


def _share(fit: ReleaseFit, params: Array, passage: Passage, order: float | None) -> Array:
    """Return P(released) for each row of `params`, omega last."""
    with np.errstate(over="ignore", divide="ignore"):
        log_dose = np.log(_weighted(fit, params, passage, order).sum(axis=1))
    b0, ln_sigma = _column(fit, params, "b0"), _column(fit, params, "ln_sigma")
    share = _spread_cdf(fit.model.dist, log_dose - b0, np.exp(ln_sigma), params[:, -1])
    if "logit_pi" in fit.names:  # some labels never come off
        share = share / (1.0 + np.exp(-_column(fit, params, "logit_pi")))
    return np.asarray(share)


def _spread_cdf(dist: Distribution, distance: Array, sigma: Array, omega: Array) -> Array:
    """Return P(omega V + sigma W <= distance), V standard normal."""
    if dist.name == "lognormal":
        return dist.cdf(distance / np.hypot(sigma, omega))
    inside = (distance[:, None] - omega[:, None] * _POINTS) / sigma[:, None]
    return np.asarray(dist.cdf(inside) @ (_WEIGHTS / _WEIGHTS.sum()))


def _weighted(fit: ReleaseFit, params: Array, passage: Passage, order: float | None) -> Array:
    """Return the dose of each zone (columns) for each row of `params`, NaOH and agitation counted in."""
    bend = _column(fit, params, "curvature") if "curvature" in fit.names else None
    doses = passage.doses(_column(fit, params, "E"), bend)
    if fit.has_caustic:  # NaOH beyond what was tested earns no credit, and is charged what it costs
        naoh_pct = np.array([stay.naoh_pct for stay in passage.stays])
        slope = _column(fit, params, "caustic")
        own, tested = (
            np.exp(-np.outer(slope, caustic_covariate(pct))) for pct in (naoh_pct, np.clip(naoh_pct, *fit.naoh_pct))
        )
        doses = doses * np.minimum(own, tested)
    counted = np.array([_counted(fit, stay) for stay in passage.stays], dtype=np.float64)
    log_mech = np.log([stay.mech for stay in passage.stays])
    if order is None:  # the coefficient is the change of ln t from half to full speed, still to gentle
        exponents = -_column(fit, params, "agitation") / np.log(Agitation.GENTLE.factor)
        return np.asarray(doses * counted * np.exp(np.outer(exponents, log_mech)))
    return np.asarray(doses * counted * np.exp(order * log_mech))


def _column(fit: ReleaseFit, params: Array, name: str) -> Array:
    return np.asarray(params[:, fit.names.index(name)])


def _counted(fit: ReleaseFit, stay: Stay) -> bool:
    """Tell whether the fit can say anything of a zone's NaOH: without a caustic order, only of what was tested."""
    return fit.has_caustic or stay.naoh_pct >= fit.naoh_pct[0] - _MARGIN_PCT


def _outside(fit: ReleaseFit, stay: Stay) -> Outside:
    (coolest, hottest), (least, most) = fit.temperatures_c, fit.naoh_pct
    colder, hotter = stay.temperature_c < coolest - _MARGIN_C, stay.temperature_c > hottest + _MARGIN_C
    weaker, stronger = stay.naoh_pct < least - _MARGIN_PCT, stay.naoh_pct > most + _MARGIN_PCT
    return Outside(
        "colder" if colder else "hotter" if hotter else "", "weaker" if weaker else "stronger" if stronger else ""
    )
