from __future__ import annotations

from dataclasses import replace
from math import exp, inf, log, sqrt

import pytest

from linectl.lab.design.baths import trials
from linectl.lab.design.precision import expected_precision
from linectl.model.experiments import Decision, Design, DesignKind, Experiment, Glass, Prior, Soak

SIGMA = 1 / 1.8
MEDIAN_S = 561.0 * (log(2) / log(100)) ** SIGMA  # of a Weibull whose 99 % are off after 561 s
PRIOR = Prior(t50_60_s=MEDIAN_S, energy_kj_mol=80.0, caustic_order=0.0, sigma=SIGMA, bath_sd=0.0)
EXPERIMENT = Experiment(
    name="screening",
    question="?",
    temperatures_c=(45.0, 52.5, 60.0, 67.5, 75.0),
    naoh_pct=(1.5,),
    glues=("casein", "psa"),
    replicates=2,
    bottles_per_glue=10,
    seed=7,
    soak=Soak(cap_s=1200.0, check_s=15.0),
    decision=Decision(0.99, 0.95, 600.0, (60.0,), (1.5,)),
    design=Design(prior=PRIOR),
    glass=Glass(tau_glass_s=0.001, bottle_in_c=60.0),
)


def test_the_factorial_of_five_temperatures_needs_an_eighth_more_than_the_limit() -> None:
    found = expected_precision(EXPERIMENT, trials(EXPERIMENT), family="weibull")
    assert (found.bottles, found.baths) == (200, 10)
    casein = found.by_glue["casein"]
    assert (casein.bottles, casein.baths) == (100, 10)
    assert casein.efficiency == pytest.approx(160.1 / 181.0, abs=1e-3)
    assert casein.bound_ratio == pytest.approx(exp(1.645 * casein.se_ln_t), rel=1e-4)
    assert casein.se_baths == 0.0
    assert found.by_glue["psa"] == casein


def test_a_c_optimal_plan_is_near_the_limit_and_a_compromise_between() -> None:
    by_kind = {}
    for kind in (DesignKind.FACTORIAL, DesignKind.COMPROMISE, DesignKind.C_OPTIMAL):
        planned = replace(EXPERIMENT, replicates=8, design=replace(EXPERIMENT.design, kind=kind))
        by_kind[kind] = expected_precision(planned, trials(planned)).by_glue["casein"].efficiency
    # five levels are kept, one bath of forty each
    assert 0.95 < by_kind[DesignKind.C_OPTIMAL] <= 1.0
    assert by_kind[DesignKind.FACTORIAL] < by_kind[DesignKind.COMPROMISE] < by_kind[DesignKind.C_OPTIMAL]


def test_the_bath_effect_is_stated_and_is_no_matter_of_bottles() -> None:
    baths = trials(EXPERIMENT)
    rough = replace(PRIOR, bath_sd=0.2)
    plain = expected_precision(EXPERIMENT, baths).by_glue["psa"]
    spread = expected_precision(EXPERIMENT, baths, prior=rough).by_glue["psa"]
    assert spread.efficiency == pytest.approx(plain.efficiency)
    assert spread.se_ln_t == pytest.approx(sqrt(plain.se_ln_t**2 + spread.se_baths**2))
    assert spread.se_baths > 0.2 / sqrt(10)
    more = replace(EXPERIMENT, bottles_per_glue=12)
    again = expected_precision(more, trials(more), prior=rough).by_glue["psa"]
    assert again.se_baths == pytest.approx(spread.se_baths, rel=0.02)


def test_a_glue_that_stands_in_fewer_baths_is_known_less_well() -> None:
    turned = replace(EXPERIMENT, glues=("a", "b", "c", "d", "e"), glues_per_bath=2, reference="a", bottles_per_glue=10)
    found = expected_precision(turned, trials(turned))
    assert found.by_glue["a"].baths == 10
    assert sum(bound.bottles for bound in found.by_glue.values()) == found.bottles
    assert found.by_glue["a"].se_ln_t < min(found.by_glue[glue].se_ln_t for glue in "bcde")


def test_a_plan_that_cannot_tell_the_target_says_so() -> None:
    single = replace(EXPERIMENT, temperatures_c=(75.0,), glass=Glass())
    found = expected_precision(single, trials(single)).by_glue["casein"]
    assert found.se_ln_t == inf
    assert found.efficiency == 0.0
    there = replace(EXPERIMENT, temperatures_c=(60.0,), glass=Glass())
    assert expected_precision(there, trials(there)).by_glue["casein"].efficiency > 0.95


def test_agitation_and_naoh_are_parameters_where_they_vary() -> None:
    wide = replace(EXPERIMENT, naoh_pct=(0.0, 1.5), agitation_pct=(20.0, 80.0), replicates=1)
    found = expected_precision(wide, trials(wide)).by_glue["casein"]
    plain = replace(EXPERIMENT, replicates=4)
    assert found.se_ln_t > expected_precision(plain, trials(plain)).by_glue["casein"].se_ln_t
