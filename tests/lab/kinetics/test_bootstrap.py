"""Bootstrap-t bounds: what they are made of, that they cover, and when there are none."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks import study_coverage
from linectl.lab.kinetics.bath_effect import fit_bath_effect
from linectl.lab.kinetics.bath_posterior import OMEGAS
from linectl.lab.kinetics.bootstrap import BOOTSTRAP_T, FLOORED, UPPER_FLOORED, MarginalTimes
from linectl.lab.kinetics.codes import Code
from linectl.lab.kinetics.data import ReleaseData
from linectl.lab.kinetics.fit import ReleaseFit, fit_release
from linectl.lab.kinetics.intervals import wald
from linectl.lab.kinetics.profile import bootstrap_baths, profile
from linectl.lab.kinetics.replicas import Batch, Evaluator, Refits, Terms, refit
from linectl.lab.kinetics.sandwich import cluster_covariance, parameter_units
from linectl.lab.kinetics.soak_plan import SoakPlan, check_grids
from linectl.lab.kinetics.trace import NO_LAG
from linectl.model.experiments import Glass

Array = NDArray[np.float64]
Screening = Callable[[int], ReleaseData]
Soaked = Callable[[int, int, float], ReleaseData]
GLASS = Glass(tau_glass_s=15.0, bottle_in_c=20.0)


def fitted(data: ReleaseData, family: str = "lognormal", glass: Glass = NO_LAG) -> ReleaseFit:
    fit = fit_release(data, family, glass=glass)
    assert isinstance(fit, ReleaseFit), fit
    return fit


@pytest.mark.parametrize("family", ["lognormal", "weibull"])
def test_refitting_the_data_themselves_gives_the_fit(screening: Screening, family: str) -> None:
    data = screening(1).of_glue("pvoh")
    fit = fitted(data, family, GLASS)
    plan = SoakPlan.of(fit, data)
    again = refit(plan.observed(np.array([np.inf])), fit.theta + 0.1, np.zeros(plan.baths))
    assert again.good[0]
    units = parameter_units(fit.model)
    errors = np.sqrt(np.diag(fit.cov)) / units
    assert (np.abs(again.theta[0] - fit.theta) < 0.05 * errors).all(), "but for the thinned traces"
    found = np.sqrt(np.diag(np.linalg.inv(again.terms.information[0])))
    np.testing.assert_allclose(found, errors, rtol=0.02)


def test_simulated_bottles_lie_on_their_own_checks_and_are_like_the_fit(soaked: Soaked) -> None:
    data = soaked(3, 6, 0.2)
    fit = fitted(data)
    plan = SoakPlan.of(fit, data)
    world = np.zeros(400, dtype=np.intp)
    batch = plan.simulate(np.random.default_rng(1), fit.theta[None], np.zeros(1), world, np.inf)
    assert isinstance(batch, Batch)
    first, last = plan.first[plan.group], plan.first[plan.group + 1]
    assert ((batch.lower < 0) | ((batch.lower >= first) & (batch.lower < last))).all()
    assert ((batch.upper - batch.lower == 1) | (batch.lower < 0) | (batch.upper < 0)).all()
    refitted = refit(batch, fit.theta, np.zeros(plan.baths))
    assert refitted.good.mean() > 0.99
    spread = refitted.theta[refitted.good].std(axis=0)
    units = np.array([1.0, 10.0, 1.0])
    np.testing.assert_allclose(spread * units, np.sqrt(np.diag(fit.cov)), rtol=0.15)


def test_without_stored_checks_a_regular_grid_is_taken(soaked: Soaked) -> None:
    data = soaked(3, 6, 0.2)
    bare = ReleaseData.from_records(
        [replace(row, checks_s=()) for row in data.records], dict(zip(data.baths, data.traces, strict=True))
    )
    last = max(float(row.lo_s) for row in data.records)
    for known, found in zip(check_grids(data), check_grids(bare), strict=True):
        np.testing.assert_allclose(found, known[: found.size])
        assert found[-1] >= last - 15.0


def test_the_bound_is_seeded_and_says_what_it_is(soaked: Soaked) -> None:
    data = soaked(4, 6, 0.25)
    fit = fitted(data)
    effect = fit_bath_effect(fit)
    first, again = (MarginalTimes(fit, data, bath_effect=effect, seed=1, replicates=199) for _ in range(2))
    bounds = [times.bound(temp_c=60.0, naoh_pct=1.5) for times in (first, again)]
    assert bounds[0] == bounds[1]
    estimate = bounds[0]
    assert estimate.value is not None
    assert estimate.lower is not None
    assert estimate.upper is not None
    assert estimate.lower < estimate.value < estimate.upper
    assert (estimate.population, estimate.unit) == ("marginal", "s")
    assert (estimate.replicates, estimate.failed) == (199, estimate.failed)
    assert estimate.terms["sampling"] == pytest.approx(math.log(estimate.upper / estimate.value))
    assert estimate.method in FLOORED.values()
    typical = first.bound(temp_c=60.0, naoh_pct=1.5, population="conditional")
    assert typical.upper is not None
    assert typical.upper < estimate.upper
    plain, other = (
        MarginalTimes(fit, data, bath_effect=None, seed=seed, replicates=199).bound(temp_c=60.0, naoh_pct=1.5)
        for seed in (1, 2)
    )
    assert plain.upper is not None
    assert plain.method == BOOTSTRAP_T, "without a bath effect there is no floor"
    assert plain.upper != other.upper
    assert plain.upper < estimate.upper
    assert first.bound(temp_c=80.0, naoh_pct=1.5).extrapolated
    tighter = first.bound(temp_c=60.0, naoh_pct=1.5, conf=0.8)
    assert tighter.upper is not None
    assert tighter.upper < estimate.upper


def test_the_bound_says_whether_its_floor_decided_it(soaked: Soaked, monkeypatch: pytest.MonkeyPatch) -> None:
    data = soaked(4, 6, 0.25)
    fit = fitted(data)
    times = MarginalTimes(fit, data, bath_effect=fit_bath_effect(fit), seed=1, replicates=199)
    with_floor = times.bound(temp_c=60.0, naoh_pct=1.5)
    assert with_floor.method in UPPER_FLOORED
    monkeypatch.setattr("linectl.lab.kinetics.bootstrap.ndtri", lambda _: 0.0)  # floors that never decide
    monkeypatch.setattr("linectl.lab.kinetics.bootstrap._upper_tail", lambda *_: 0.0)
    without = times.bound(temp_c=60.0, naoh_pct=1.5)
    assert without.method == BOOTSTRAP_T
    assert without.upper is not None
    assert with_floor.upper is not None
    assert without.upper < with_floor.upper
    assert without.lower is not None
    assert with_floor.lower is not None
    assert without.lower >= with_floor.lower


def test_replicates_walk_alike_in_few_or_many(soaked: Soaked, monkeypatch: pytest.MonkeyPatch) -> None:
    data = soaked(3, 6, 0.2)
    fit = fitted(data)
    plan = SoakPlan.of(fit, data)
    world = np.zeros(7, dtype=np.intp)
    batch = plan.simulate(np.random.default_rng(1), fit.theta[None], np.full(1, 0.2), world, 25.0)
    still = np.zeros(plan.baths)
    whole = refit(batch, fit.theta, still)
    monkeypatch.setattr("linectl.lab.kinetics.replicas._AT_ONCE", 2 * len(data))
    parts = refit(batch, fit.theta, still)
    assert whole.good.all()
    assert parts.good.all()
    np.testing.assert_allclose(parts.theta, whole.theta, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(parts.shift, whole.shift, rtol=1e-9, atol=1e-9)
    for part, all_at_once in zip(parts.terms, whole.terms, strict=True):
        np.testing.assert_allclose(part, all_at_once, rtol=1e-6, atol=1e-6)


def test_derivatives_of_the_penalised_likelihood_are_those_of_its_value(soaked: Soaked) -> None:
    data = soaked(3, 6, 0.2)
    fit = fitted(data)
    plan = SoakPlan.of(fit, data)
    batch = plan.observed(np.array([25.0]))
    draw = np.random.default_rng(1)
    theta, shift = fit.theta + 0.05 * draw.standard_normal(fit.theta.size), 0.1 * draw.standard_normal(plan.baths)
    at = refitted_terms(batch, theta, shift)
    for k in range(theta.size):
        step = 1e-5 * np.eye(theta.size)[k]
        above, below = (refitted_terms(batch, theta + side * step, shift) for side in (1.0, -1.0))
        np.testing.assert_allclose((above.value - below.value) / 2e-5, at.score[:, k], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose((above.score - below.score) / 2e-5, -at.information[:, k], rtol=1e-5, atol=1e-4)
        by_bath = (above.bath_score - below.bath_score) / 2e-5
        np.testing.assert_allclose(by_bath, at.cross[:, :, k], rtol=1e-5, atol=1e-4)
    for b in range(plan.baths):
        step = 1e-5 * np.eye(plan.baths)[b]
        above, below = (refitted_terms(batch, theta, shift + side * step) for side in (1.0, -1.0))
        np.testing.assert_allclose((above.value - below.value) / 2e-5, at.bath_score[:, b], rtol=1e-5, atol=1e-5)
        bend = -(above.bath_score - below.bath_score)[:, b] / 2e-5
        np.testing.assert_allclose(bend, at.bath_information[:, b], rtol=1e-5, atol=1e-4)


def refitted_terms(batch: Batch, theta: Array, shift: Array) -> Terms:
    """Return the terms at (theta, shift) themselves."""
    return Evaluator(batch)(theta[None], shift[None])


def test_few_baths_lean_on_what_was_guessed_and_many_do_not(soaked: Soaked) -> None:
    few, many = soaked(5, 3, 0.2), soaked(5, 24, 0.2)
    ratios = []
    for data in (few, many):
        fit = fitted(data)
        effect = fit_bath_effect(fit)
        uppers = [
            MarginalTimes(fit, data, bath_effect=effect, seed=1, replicates=199, bath_sd=sd)
            .bound(temp_c=60.0, naoh_pct=1.5)
            .upper
            for sd in (0.08, 0.25)
        ]
        assert None not in uppers
        ratios.append(uppers[1] / uppers[0])  # type: ignore[operator]  # both are numbers
    assert ratios[0] > 1.3
    assert ratios[1] < 1.12
    omegas, weights = MarginalTimes(fit, many, bath_effect=effect, seed=1, replicates=9).omega_weights
    assert omegas is OMEGAS
    assert weights.sum() == pytest.approx(1.0)
    assert float(omegas @ weights) == pytest.approx(0.2, abs=0.1)


def test_a_fit_that_cannot_be_simulated_has_a_value_and_no_bound(soaked: Soaked) -> None:
    data = soaked(6, 6, 0.1)
    exact = [
        replace(row, lo_s=row.lo_s + 7.5, hi_s=row.lo_s + 7.5, checks_s=()) if math.isfinite(row.hi_s) else row
        for row in data.records
    ]
    seen = ReleaseData.from_records(exact, dict(zip(data.baths, data.traces, strict=True)))
    fit = fitted(seen)
    estimate = MarginalTimes(fit, seen, bath_effect=None, seed=1).bound(temp_c=60.0, naoh_pct=1.5)
    assert estimate.value is not None
    assert (estimate.upper, estimate.reason) == (None, Code.NOT_SIMULATED)


def test_too_many_failed_replicates_give_no_bound(soaked: Soaked, monkeypatch: pytest.MonkeyPatch) -> None:
    data = soaked(7, 6, 0.1)
    fit = fitted(data)

    def half(batch: Batch, theta: Array, shift: Array) -> Refits:
        found = refit(batch, theta, shift)
        found.good[1::2] = False
        return found

    monkeypatch.setattr("linectl.lab.kinetics.bootstrap.refit", half)
    estimate = MarginalTimes(fit, data, bath_effect=None, seed=1, replicates=60).bound(temp_c=60.0, naoh_pct=1.5)
    assert (estimate.upper, estimate.reason, estimate.failed) == (None, Code.NOT_CONVERGED, 30)


def test_the_bound_covers_where_the_usual_one_does_not() -> None:
    # 60 repeats of 30 bottles in 3 baths, seeds 1 to 60; simulation error 0.03
    case = study_coverage.Case("lognormal", 30, 0.3)
    found = [outcome for seed in range(1, 61) if (outcome := study_coverage.study_one(case, seed, 199)) is not None]
    share, _, _ = study_coverage.covered([outcome.bootstrap for outcome in found])
    assert share >= 0.93
    usual, _, _ = study_coverage.covered([outcome.wald for outcome in found])
    assert usual < 0.9, "the check must be able to fail"


def test_the_study_draws_the_world_that_it_names() -> None:
    world = study_coverage.WORLDS["lag"]
    case = study_coverage.Case("lognormal", 1200, 0.05, world)
    fit = fitted(study_coverage.simulate(case, np.random.default_rng(1)), "lognormal", world.glass)
    assert fit.energy == pytest.approx(world.energy_kj_mol, abs=4.0)
    assert fit.sigma == pytest.approx(world.sigma, abs=0.04)
    assert fit.location(1.5) == pytest.approx(math.log(world.t50_60_s), abs=0.06)
    blind = fitted(study_coverage.simulate(case, np.random.default_rng(1)), "lognormal", NO_LAG)
    assert abs(blind.energy - world.energy_kj_mol) > abs(fit.energy - world.energy_kj_mol), "the glass does lag"


@pytest.mark.parametrize(
    ("short", "usual_short", "passes"), [(4, 20, True), (8, 20, True), (16, 20, False), (4, 5, False)]
)
def test_the_study_fails_when_a_cell_does_not_cover_or_its_control_does(
    short: int, usual_short: int, passes: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    outcomes = [
        study_coverage.Outcome(0.9 if k < short else 1.2, k % 2 == 0, None, 0.8 if k < usual_short else 1.1)
        for k in range(100)
    ]
    found = study_coverage.report("lab", study_coverage.Case("weibull", 30, 0.3), outcomes, profile=False)
    assert found is passes
    assert f"{1 - short / 100:.3f} ±0.0" in capsys.readouterr().out


def test_profile_of_a_parameter_is_near_wald_and_no_copy_of_it(soaked: Soaked) -> None:
    fit = fitted(soaked(8, 6, 0.1))
    for name in fit.names:
        found, usual = profile(fit, name), wald(fit, name)
        for end, plain in ((found.lower, usual.lower), (found.upper, usual.upper)):
            assert end is not None
            assert plain is not None
            assert end == pytest.approx(plain, abs=0.2 * fit.se(name))
    spread = profile(fit, "ln_sigma")
    assert spread.upper is not None
    assert spread.lower is not None
    assert spread.value is not None
    assert spread.upper - spread.value > spread.value - spread.lower, "ln sigma leans to the right"
    assert profile(fit, "caustic").reason == Code.SINGLE_CAUSTIC


def test_resampled_baths_know_what_bottles_do_not(soaked: Soaked) -> None:
    fit = fitted(soaked(9, 24, 0.35))
    found = bootstrap_baths(fit, 100, seed=1)
    assert found.failed == 0
    robust = math.sqrt(cluster_covariance(fit)[1, 1])
    assert found.se("E") == pytest.approx(robust, rel=0.3)
    assert found.se("E") > 1.2 * fit.se("E")
    np.testing.assert_array_equal(found.params, bootstrap_baths(fit, 100, seed=1).params)
    with pytest.raises(ValueError, match="whole baths"):
        bootstrap_baths(fit, 10, seed=1, unit="bottle")
