"""What a plan's baths will tell of the wanted quantile before one is soaked, and how that compares with the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, inf, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from linectl.lab.design.baths import PlannedBath
from linectl.lab.design.information import Target, bath_information, limit_variance
from linectl.lab.design.optimal import quantile_variance
from linectl.lab.design.shares import informations, planned_law, reaches
from linectl.lab.design.target import target_treatment
from linectl.model.experiments import Experiment, Prior
from linectl.model.records import Treatment

__all__ = ["ExpectedBound", "Precision", "expected_precision"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ExpectedBound:
    """What the plan is worth for one glue, if it behaves as the prior says.

    `se_ln_t` is the standard error of ln t_p at the target, of which `se_baths` comes from baths that differ (it
    falls with baths, not with bottles); `bound_ratio` is the one-sided Wald bound over the estimate. `efficiency` =
    bottles at the Cramér-Rao limit / bottles of this plan for the same precision, the bath effect left out of both.
    """

    se_ln_t: float
    bound_ratio: float
    efficiency: float
    se_baths: float
    bottles: int
    baths: int


@dataclass(frozen=True, slots=True)
class Precision:
    """The plan's size and what it is worth per glue, for the time t_p in which `removal` is off at the target."""

    bottles: int
    baths: int
    by_glue: Mapping[str, ExpectedBound]
    target: Treatment
    time_s: float
    removal: float
    confidence: float
    bath_sd: float


def expected_precision(
    experiment: Experiment, baths: Sequence[PlannedBath], *, prior: Prior | None = None, family: str = "lognormal"
) -> Precision:
    """Return the expected precision of `baths` for the experiment's removal at its target, by the prior.

    Expected Fisher information of the check cells through the glass lag; per glue, its bottle factors pooled. The
    quantile is that of a typical bath. Where the plan cannot tell the target (one temperature, another asked) the
    standard error is infinite and the efficiency 0.
    """
    prior = experiment.design.prior if prior is None else prior
    treatments = list(dict.fromkeys(bath.treatment for bath in baths))
    guess, target = planned_law(experiment, treatments, prior, family)
    information = dict(zip(treatments, informations(guess, experiment, treatments), strict=True))
    limit = limit_variance(guess, target, experiment.decision.removal)
    by_glue = {}
    for glue in experiment.glues:
        counts = [(bath.treatment, sum(bottle.glue == glue for bottle in bath.bottles)) for bath in baths]
        counts = [(treatment, count) for treatment, count in counts if count]
        told = [(information[treatment], count) for treatment, count in counts]
        reached = reaches([treatment for treatment, _ in counts], target_treatment(experiment))
        found = _bound(told, target, limit, prior.bath_sd, experiment.decision.confidence)
        by_glue[glue] = found if reached else replace(found, se_ln_t=inf, bound_ratio=inf, efficiency=0.0, se_baths=0.0)
    return Precision(
        bottles=sum(len(bath.bottles) for bath in baths),
        baths=len(baths),
        by_glue=by_glue,
        target=target_treatment(experiment),
        time_s=target.time_s,
        removal=experiment.decision.removal,
        confidence=experiment.decision.confidence,
        bath_sd=prior.bath_sd,
    )


def _bound(
    told: Sequence[tuple[Array, int]], target: Target, limit: float, bath_sd: float, confidence: float
) -> ExpectedBound:
    bottles = sum(count for _, count in told)
    if not told:
        return ExpectedBound(inf, inf, 0.0, 0.0, 0, 0)
    plain = quantile_variance(sum((count * one for one, count in told), np.zeros(1)), target.gradient)
    whole = sum((bath_information(one, count, bath_sd) for one, count in told), np.zeros(1))
    variance = quantile_variance(whole, target.gradient)
    if not variance < inf:
        return ExpectedBound(inf, inf, 0.0, 0.0, bottles, len(told))
    se = sqrt(variance)
    ratio = exp(min(NormalDist().inv_cdf(confidence) * se, 700.0))
    between = sqrt(max(0.0, variance - plain))
    return ExpectedBound(se, ratio, limit / bottles / plain, between, bottles, len(told))
