"""The law that an experiment is planned by, what a bottle tells at each treatment, and the best shares of baths."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf

import numpy as np
from numpy.typing import NDArray

from linectl.errors import Refused
from linectl.lab.design.information import (
    Condition,
    Guess,
    Target,
    bath_information,
    bottle_information,
    check_times,
    target_of,
)
from linectl.lab.design.optimal import c_optimal, quantile_variance
from linectl.lab.design.target import target_treatment
from linectl.model.experiments import Experiment, Prior
from linectl.model.records import Treatment
from linectl.words import tr

__all__ = ["informations", "optimal_shares", "planned_law", "reaches"]

Array = NDArray[np.float64]


def optimal_shares(experiment: Experiment, cells: Sequence[Treatment]) -> Array:
    """Return the share of the baths that each of `cells` has in the c-optimal design of the experiment's prior.

    Raises:
        Refused: the cells cannot tell the quantile at the target, however many baths there are.
    """
    prior = experiment.design.prior
    guess, target = planned_law(experiment, cells, prior, "lognormal")
    bottles = experiment.bottles_per_bath / len(experiment.glues)
    told = bath_information(informations(guess, experiment, cells), bottles, prior.bath_sd)
    point = target_treatment(experiment)
    if not reaches(cells, point) or quantile_variance(told.sum(axis=0), target.gradient) == inf:
        raise Refused(
            tr("baths at these levels do not tell the release time at {point}").format(point=point),
            hint=tr("vary temperature (and NaOH) around the target, or lengthen the soak"),
        )
    return c_optimal(told, target.gradient).weights


def reaches(treatments: Iterable[Treatment], point: Treatment) -> bool:
    """Return whether baths at `treatments` can tell `point`: each factor varies, or stands at what is asked.

    The warming of the glass lets a single temperature tell a trace of the activation energy; no plan rests on that.
    """
    temperatures = {treatment.temperature_c for treatment in treatments}
    naoh = {treatment.naoh_pct for treatment in treatments}
    return (len(temperatures) > 1 or temperatures == {point.temperature_c}) and (
        len(naoh) > 1 or naoh == {point.naoh_pct}
    )


def planned_law(
    experiment: Experiment, treatments: Iterable[Treatment], prior: Prior, family: str
) -> tuple[Guess, Target]:
    """Return the law with the parameters that a fit of these treatments would have, and the wanted quantile."""
    point = target_treatment(experiment)
    temperatures = {treatment.temperature_c for treatment in treatments} | {point.temperature_c}
    naoh = {treatment.naoh_pct for treatment in treatments} | {point.naoh_pct}
    stirrer = {treatment.agitation_pct for treatment in treatments}
    guess = Guess.of_prior(prior, family).varying(
        temperature=len(temperatures) > 1, naoh=len(naoh) > 1, agitation=len(stirrer) > 1
    )
    condition = Condition(point.temperature_c, point.naoh_pct)
    return guess, target_of(guess, condition, experiment.decision.removal, experiment.glass)


def informations(guess: Guess, experiment: Experiment, treatments: Sequence[Treatment]) -> Array:
    """Return the expected information of one bottle at each of `treatments` (K x P x P), looked at as planned."""
    usual = experiment.stirrer_pct
    conditions = [
        Condition(
            cell.temperature_c, cell.naoh_pct, (usual if cell.agitation_pct is None else cell.agitation_pct) - usual
        )
        for cell in treatments
    ]
    checks = check_times(experiment.soak.cap_s, experiment.soak.check_s)
    return bottle_information(guess, conditions, checks, experiment.glass)
