"""Figures of a plan, recomputed from expected information: shape 1.8, E 80 kJ/mol, a look every 15 s, 10 % bound."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import ndtri

from linectl.lab.design.information import (
    Condition,
    Guess,
    Target,
    bath_information,
    bottle_information,
    check_times,
    limit_variance,
    release_time,
    share_off,
    soak_times,
    target_of,
)
from linectl.lab.design.optimal import c_optimal, quantile_variance, sensitivities, whole_baths
from linectl.lab.kinetics.aft import fit_aft
from linectl.lab.kinetics.data import BathTrace, ReleaseData, ReleaseRecord
from linectl.lab.kinetics.fit import ReleaseFit, fit_release
from linectl.lab.kinetics.trace import NO_LAG, inverse_u
from linectl.model.experiments import Glass, Prior

Array = NDArray[np.float64]
VARIANCE = (log(1.1) / float(ndtri(0.95))) ** 2  # of ln t99 whose 95 % bound is 10 % above the estimate
SIGMA = 1 / 1.8
FAMILIES = ("weibull", "lognormal", "loglogistic")


def law(t99_s: float, family: str = "weibull") -> Guess:
    start = Guess(family, 0.0, 0.0, 80.0, SIGMA)
    return Guess(family, log(t99_s) - SIGMA * start.dist.quantile(0.99), 0.0, 80.0, SIGMA)


def asked(guess: Guess) -> Target:
    return target_of(guess, Condition(60.0, 1.5), 0.99, NO_LAG)


def cells(guess: Guess, temperatures_c: list[float], cap_s: float, check_s: float = 15.0) -> Array:
    conditions = [Condition(temperature, 1.5) for temperature in temperatures_c]
    return bottle_information(guess, conditions, check_times(cap_s, check_s), NO_LAG)


def needed(matrix: Array, target: Target) -> float:
    return quantile_variance(matrix, target.gradient) / VARIANCE


def test_interpolation_the_limit_the_best_the_compromise_and_the_factorial() -> None:
    guess = law(561.0)
    target = asked(guess)
    assert target.time_s == pytest.approx(561.0)
    assert limit_variance(guess, target, 0.99) / VARIANCE == pytest.approx(160.1, abs=0.05)
    assert needed(cells(guess, [60.0], 4000.0, 0.05)[0], target) == pytest.approx(160.1, abs=0.05)
    candidates = cells(guess, [45.0 + 2.5 * k for k in range(13)], 1200.0)
    best = c_optimal(candidates, target.gradient, gap=2e-4)
    assert best.variance / VARIANCE == pytest.approx(160.8, abs=0.1)
    wide = cells(guess, [45.0, 52.5, 60.0, 67.5, 75.0], 1200.0)
    assert needed(wide.mean(axis=0), target) == pytest.approx(181.0, abs=0.1)
    mixed = 0.8 * np.einsum("k,kpq->pq", best.weights, candidates) + 0.2 * wide.mean(axis=0)
    assert needed(mixed, target) == pytest.approx(164.5, abs=0.1)


def test_extrapolation_the_best_baths_lie_where_the_tail_is_seen() -> None:
    guess = law(3504.0)
    target = asked(guess)
    temperatures = [60.0 + 2.5 * k for k in range(11)]
    candidates = cells(guess, temperatures, 600.0)
    best = c_optimal(candidates, target.gradient)
    assert best.variance / VARIANCE == pytest.approx(1386, abs=2)
    share = dict(zip(temperatures, best.weights, strict=True))
    assert share[70.0] + share[67.5] == pytest.approx(0.68, abs=0.01)
    assert share[85.0] == pytest.approx(0.32, abs=0.01)
    six = cells(guess, [60.0, 65.0, 70.0, 75.0, 80.0, 85.0], 600.0).mean(axis=0)
    assert needed(six, target) == pytest.approx(1667, abs=1)
    mixed = 0.8 * np.einsum("k,kpq->pq", best.weights, candidates) + 0.2 * six
    assert needed(mixed, target) == pytest.approx(1434, abs=1)


@pytest.mark.parametrize(("check_s", "bottles"), [(1.0, 160.1), (30.0, 162.4), (60.0, 167.8), (120.0, 188.2)])
def test_how_often_one_looks_hardly_matters(check_s: float, bottles: float) -> None:
    guess = law(561.0)
    assert needed(cells(guess, [60.0], 1200.0, check_s)[0], asked(guess)) == pytest.approx(bottles, abs=0.1)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("t99_s", [561.0, 3504.0])
def test_no_returned_plan_can_be_beaten_by_more_than_a_thousandth(family: str, t99_s: float) -> None:
    guess = law(t99_s, family)
    candidates = cells(guess, [50.0 + 5.0 * k for k in range(8)], 900.0)
    target = asked(guess).gradient
    best = c_optimal(candidates, target)
    assert best.gap < 1e-3
    gain, variance = sensitivities(candidates, target, best.weights)
    assert gain.max() <= variance * (1 + 1e-3)
    even, now = sensitivities(candidates, target, np.full(8, 1 / 8))
    assert even.max() > 1.05 * now  # the negative control: equal shares can be beaten


@pytest.mark.parametrize("family", FAMILIES)
def test_fine_looks_reach_the_cramer_rao_limit_in_every_family(family: str) -> None:
    guess = law(561.0, family)
    target = asked(guess)
    fine = quantile_variance(cells(guess, [60.0], 40000.0, 1.0)[0], target.gradient)
    assert fine == pytest.approx(limit_variance(guess, target, 0.99), rel=2e-3)


@pytest.mark.parametrize("family", FAMILIES)
def test_expected_information_is_what_a_large_sample_shows(family: str) -> None:
    guess, checks = law(561.0, family), check_times(600.0, 30.0)
    temperatures = [55.0, 65.0]
    u = inverse_u(np.array(temperatures))
    edges = np.concatenate([[0.0], checks, [np.inf]])
    lo, hi, x, weights = [], [], [], []
    for rate in u:
        with np.errstate(divide="ignore"):
            z = (np.log(edges) + guess.energy_kj_mol * rate - guess.b0) / guess.sigma
        share = np.diff(guess.dist.cdf(z))
        kept = share > 1e-15
        lo.append(edges[:-1][kept])
        hi.append(edges[1:][kept])
        x.append(np.column_stack([np.ones(kept.sum()), np.full(kept.sum(), -rate * 10.0)]))
        weights.append(5e5 * share[kept])
    low, high, counts = map(np.concatenate, (lo, hi, weights))
    fit = fit_aft(low, high, np.concatenate(x), ("b0", "E"), family, counts)
    expected = 5e5 * cells(guess, temperatures, 600.0, 30.0).sum(axis=0)
    assert np.allclose(np.linalg.inv(fit.cov), expected, rtol=1e-6, atol=1e-6 * expected.max())


def test_baths_that_differ_add_what_only_more_baths_take_away() -> None:
    guess = law(561.0)
    target, one = asked(guess), cells(guess, [60.0], 1200.0)[0]
    plain = quantile_variance(one, target.gradient)
    assert plain == pytest.approx(0.54, abs=0.003)
    for omega, bottles in ((0.1, 220), (0.3, 696)):  # baths of 20
        baths = bottles / 20
        variance = quantile_variance(baths * bath_information(one, 20.0, omega), target.gradient)
        assert variance == pytest.approx(plain / bottles + omega**2 / baths, rel=1e-6)
        assert variance == pytest.approx(VARIANCE, rel=0.01)
    assert np.array_equal(bath_information(one, 20.0, 0.0), 20.0 * one)


def test_a_soak_cut_short_tells_what_a_shorter_cap_tells() -> None:
    guess = law(561.0)
    short = bottle_information(guess, [Condition(60.0, 1.5, soak_s=300.0)], check_times(1200.0, 15.0), NO_LAG)
    assert np.allclose(short, cells(guess, [60.0], 300.0), rtol=1e-12)


def test_glass_that_must_warm_delays_and_the_gradient_is_that_of_the_asked_time() -> None:
    glass = Glass(tau_glass_s=15.0, bottle_in_c=20.0)
    guess = Guess.of_prior(Prior()).varying(naoh=True, agitation=False)
    point = Condition(70.0, 0.5)
    time_s = release_time(guess, 70.0, 0.5, 0.99, glass)
    assert time_s > release_time(guess, 70.0, 0.5, 0.99, NO_LAG) + 10.0
    assert share_off(guess, point, time_s, glass) == pytest.approx(0.99, abs=1e-9)
    reached = float(soak_times(guess, [point], check_times(1200.0, 15.0), 0.99, glass)[0])
    assert time_s <= reached < time_s + 15.0
    gradient = target_of(guess, point, 0.99, glass).gradient
    step = 1e-4
    moved = [
        Guess(guess.family, guess.b0 + step, guess.caustic, guess.energy_kj_mol, guess.sigma, guess.names),
        Guess(guess.family, guess.b0, guess.caustic + step, guess.energy_kj_mol, guess.sigma, guess.names),
        Guess(guess.family, guess.b0, guess.caustic, guess.energy_kj_mol + 10 * step, guess.sigma, guess.names),
        Guess(guess.family, guess.b0, guess.caustic, guess.energy_kj_mol, guess.sigma * np.exp(step), guess.names),
    ]
    by_step = [(log(release_time(other, 70.0, 0.5, 0.99, glass)) - log(time_s)) / step for other in moved]
    assert np.allclose(gradient, by_step, rtol=1e-3, atol=1e-4)


def test_whole_baths_follow_the_shares_and_hold_every_level() -> None:
    levels = [(50.0, 0.0), (60.0, 0.0), (70.0, 0.0)]
    assert whole_baths(np.array([0.0, 0.33, 0.67]), 9, [("x",)] * 3) == [0, 3, 6]
    assert whole_baths(np.array([0.0, 0.33, 0.67]), 9, levels) == [1, 2, 6]
    with pytest.raises(ValueError, match="2 baths cannot hold"):
        whole_baths(np.array([0.2, 0.3, 0.5]), 2, levels)


def test_a_parameter_that_no_bath_tells_is_refused() -> None:
    guess = law(561.0)
    blind = cells(guess, [60.0], 1200.0)  # at 60 °C, E does not touch the dose
    with pytest.raises(ValueError, match="not told"):
        c_optimal(blind, asked(guess).gradient)
    elsewhere = target_of(guess, Condition(80.0, 1.5), 0.99, NO_LAG)
    assert quantile_variance(blind[0], elsewhere.gradient) == np.inf


def test_a_pilots_wild_figures_are_kept_within_reason_for_planning() -> None:
    rows = [
        (15.0, 30.0),
        (30.0, 45.0),
        (60.0, 75.0),
        (15.0, 30.0),
        (15.0, 30.0),
        (30.0, 45.0),
        (15.0, 30.0),
        (0.0, 15.0),
    ]
    records = [
        ReleaseRecord(str(number), f"{number // 4}", "glue", lo, hi, 1.5, 60.0 + 2.0 * (number // 4), 1.5)
        for number, (lo, hi) in enumerate(rows)
    ]
    traces = {"0": BathTrace.constant(60.0, 100.0), "1": BathTrace.constant(62.0, 100.0)}
    fit = fit_release(ReleaseData.from_records(records, traces), "lognormal", glass=NO_LAG)
    assert isinstance(fit, ReleaseFit)
    assert fit.energy > 200.0  # two temperatures so near each other say nothing of E
    guess = Guess.of_fit(fit)
    assert guess.energy_kj_mol == 200.0
    assert np.exp(-2.0) <= guess.sigma <= np.exp(0.5)
    assert guess.names == ("b0", "E", "ln_sigma")
