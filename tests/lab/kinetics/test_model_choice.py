"""Tests between nested fits: they find what is there, and let be what is not."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import pytest

from linectl.lab.kinetics.codes import Code
from linectl.lab.kinetics.data import ReleaseData
from linectl.lab.kinetics.fit import NotFitted, ReleaseFit, fit_release
from linectl.lab.kinetics.formula import Formula
from linectl.lab.kinetics.model_choice import (
    LikelihoodRatio,
    compare,
    curvature_test,
    glue_caustic_test,
    glue_energy_test,
    mixed_chi2,
    plateau_test,
    select_model,
    sigma_by_temperature_test,
)
from linectl.lab.kinetics.trace import NO_LAG

Test = Callable[..., LikelihoodRatio | NotFitted]


class Soaked(Protocol):
    def soaked(self, seed: int) -> ReleaseData: ...


World = Callable[..., Soaked]
STEEP = {50.0: 0.3, 55.0: 0.3, 60.0: 0.4, 65.0: 0.5, 70.0: 0.5}


def ratio_of(found: LikelihoodRatio | NotFitted) -> LikelihoodRatio:
    assert isinstance(found, LikelihoodRatio), found
    return found


def fitted(data: ReleaseData, formula: Formula) -> ReleaseFit:
    fit = fit_release(data, glass=NO_LAG, formula=formula)
    assert isinstance(fit, ReleaseFit), fit
    return fit


@pytest.mark.parametrize(
    ("test", "df", "with_it", "without"),
    [
        (curvature_test, 1, {"curvature": 2500.0}, {}),
        (sigma_by_temperature_test, 4, {"sigma": STEEP}, {}),
        (glue_energy_test, 1, {"energies": (60.0, 80.0)}, {"energies": (60.0, 60.0)}),
        (plateau_test, 1, {"stuck": 0.02}, {}),
    ],
)
def test_a_deviation_is_found_where_it_is_and_not_where_it_is_not(
    world: World, test: Test, df: int, with_it: dict[str, object], without: dict[str, object]
) -> None:
    there = ratio_of(test(world(**with_it).soaked(1), "lognormal", NO_LAG))
    absent = [ratio_of(test(world(**without).soaked(seed), "lognormal", NO_LAG)).p for seed in range(1, 9)]
    assert there.df == df
    assert there.p < 1e-3
    assert sum(p < 0.05 for p in absent) <= 2
    assert max(absent) > 0.3


@pytest.mark.parametrize("family", ["weibull", "lognormal", "loglogistic"])
def test_two_percent_stuck_raise_the_test_and_leave_no_time_for_99_percent(world: World, family: str) -> None:
    data = world(stuck=0.02, family="weibull" if family == "weibull" else "lognormal").soaked(2)
    assert ratio_of(plateau_test(data, family, NO_LAG)).p < 0.01
    fit = fit_release(data, family, glass=NO_LAG, formula=Formula(cure=True))
    assert isinstance(fit, ReleaseFit)
    assert fit.score_of(0.99) is None
    assert fit.score_of(0.95) is not None


def test_the_edge_halves_the_chance() -> None:
    assert mixed_chi2(2.705543454095404, 1) == pytest.approx(0.1, rel=1e-12)
    assert mixed_chi2(2.705543454095404, 1, boundary=1) == pytest.approx(0.05, rel=1e-12)
    assert mixed_chi2(0.0, 1, boundary=1) == pytest.approx(1.0)
    two = mixed_chi2(3.0, 2, boundary=1)
    assert two == pytest.approx(0.5 * mixed_chi2(3.0, 1) + 0.5 * math.exp(-1.5), rel=1e-12)


def test_nested_fits_compare_in_either_order_and_others_not_at_all(world: World) -> None:
    data = world(energies=(60.0, 80.0), stuck=0.05).soaked(3)
    narrow = fitted(data, Formula(glue=True))
    wide = fitted(data, Formula(glue=True, glue_energy=True, cure=True))
    found = compare(wide, narrow)
    assert found == compare(narrow, wide)
    assert (found.df, found.boundary) == (2, 1)
    assert found.statistic == pytest.approx(2 * (wide.loglik - narrow.loglik))
    one_energy = fitted(data, Formula(glue=True, cure=True))
    bent = fitted(data, Formula(glue=True, curvature=True))
    weibull = fit_release(data, "weibull", glass=NO_LAG, formula=Formula(glue=True, cure=True))
    assert isinstance(weibull, ReleaseFit)
    for other in (one_energy, fitted(data.of_glue("a"), Formula()), weibull):
        with pytest.raises(ValueError, match="not nested"):
            compare(bent, other)


def test_a_sigma_for_each_temperature_is_nested_over_one(world: World) -> None:
    data = world(sigma=STEEP).soaked(1)
    found = compare(fitted(data, Formula()), fitted(data, Formula(sigma_by_temperature=True)))
    assert found == ratio_of(sigma_by_temperature_test(data, "lognormal", NO_LAG))


def test_the_ranking_puts_the_truth_first_and_says_what_could_not_be_fitted(world: World) -> None:
    data = world(energies=(60.0, 80.0)).soaked(4)
    formulas = (Formula(glue=True), Formula(glue=True, glue_energy=True), Formula(glue=True, caustic=True))
    ranking = select_model(data, ("weibull", "lognormal", "loglogistic"), formulas, NO_LAG)
    assert (ranking.fits[0].family, ranking.fits[0].formula) == ("lognormal", formulas[1])
    assert ranking.deltas[0] == 0.0
    assert list(ranking.deltas) == sorted(ranking.deltas)
    assert {(dist, found.code) for dist, _, found in ranking.refused} == {
        (family, Code.SINGLE_CAUSTIC) for family in ("weibull", "lognormal", "loglogistic")
    }


def test_what_cannot_be_tested_has_a_reason(world: World) -> None:
    data = world(energies=(60.0, 80.0)).soaked(1)
    found = glue_caustic_test(data, "lognormal", NO_LAG)
    assert isinstance(found, NotFitted)
    assert found.code is Code.SINGLE_LEVEL
    two = world(temps_c=(50.0, 60.0)).soaked(1)
    bent = curvature_test(two, "lognormal", NO_LAG)
    assert isinstance(bent, NotFitted)
    assert bent.code is Code.SINGLE_TEMPERATURE
