"""What a formula asks comes out of worlds in which it is known, and is refused where they cannot tell it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import numpy as np
import pytest

from linectl.errors import ConfigError
from linectl.lab.kinetics import formula as formula_module
from linectl.lab.kinetics import trace as trace_module
from linectl.lab.kinetics.codes import Code
from linectl.lab.kinetics.data import ReleaseData, ReleaseRecord
from linectl.lab.kinetics.distributions import FAMILIES
from linectl.lab.kinetics.fit import NotFitted, ReleaseFit, fit_aft, fit_families, fit_release
from linectl.lab.kinetics.formula import Formula
from linectl.lab.kinetics.intervals import ReleaseTimes
from linectl.lab.kinetics.trace import NO_LAG, inverse_u
from linectl.model.experiments import Glass

GLASS = Glass(tau_glass_s=15.0, bottle_in_c=20.0)
Screening = Callable[[int], ReleaseData]


class Soaked(Protocol):
    def soaked(self, seed: int) -> ReleaseData: ...


World = Callable[..., Soaked]


def fitted(
    data: ReleaseData, formula: Formula | None = None, family: str = "lognormal", glass: Glass = NO_LAG
) -> ReleaseFit:
    fit = fit_release(data, family, glass=glass, formula=formula or Formula())
    assert isinstance(fit, ReleaseFit), fit
    return fit


def refused(data: ReleaseData, formula: Formula) -> Code:
    fit = fit_release(data, glass=NO_LAG, formula=formula)
    assert isinstance(fit, NotFitted)
    return fit.code


def near(fit: ReleaseFit, **truth: float) -> bool:
    """Tell whether each parameter (`_` for `:`) is within three standard errors of the truth."""
    named = {name.replace(":", "_"): name for name in fit.names}
    return all(abs(fit.value(named[name]) - value) < 3 * fit.se(named[name]) for name, value in truth.items())


def test_an_energy_and_a_time_ratio_per_glue_are_recovered(world: World) -> None:
    data = world(energies=(60.0, 80.0), naoh_pct=(0.5, 1.5)).soaked(1)
    fit = fitted(data, Formula(glue=True, glue_energy=True))
    assert fit.names == ("b0", "caustic", "glue:b", "E", "E:b", "ln_sigma")
    assert fit.units == ("ln s", "", "", "kJ/mol", "kJ/mol", "")
    assert near(fit, b0=math.log(200.0), caustic=-0.4, glue_b=0.3, E=60.0, E_b=20.0)
    assert fit.energy_of("b") == fit.energy + fit.value("E:b")
    assert fit.value("E:b") > 3 * fit.se("E:b"), "a single energy would be told apart"
    assert fit.location(1.5, glue="b") - fit.location(1.5) == pytest.approx(fit.value("glue:b"))


def test_glues_with_everything_of_their_own_are_fits_of_each(world: World) -> None:
    # with sigma in common only, and that held equal by weights, the joint fit is the two fits side by side
    data = world(energies=(60.0, 80.0), naoh_pct=(0.5, 1.5), exact=True, stuck=0.0, sigma=0.2).soaked(2)
    joint = fitted(data, Formula(glue=True, glue_energy=True, glue_caustic=True))
    apart = fitted(data.of_glue("b"))
    assert joint.location(0.5, glue="b") == pytest.approx(apart.location(0.5), abs=2e-2)
    assert joint.energy_of("b") == pytest.approx(apart.energy, rel=2e-2)


def test_another_reference_says_the_same(screening: Screening) -> None:
    data = screening(1)
    rows = [row for row in data.records if row.glue in {"casein", "starch"}]
    both = ReleaseData.from_records(rows, dict(zip(data.baths, data.traces, strict=True)))
    first = fitted(both, Formula(glue=True, glue_energy=True), glass=GLASS)
    other = fitted(both, Formula(glue=True, glue_energy=True, reference_glue="starch"), glass=GLASS)
    assert (first.glues, other.glues) == (("casein", "starch"), ("starch", "casein"))
    assert other.loglik == pytest.approx(first.loglik, abs=1e-8)
    for glue in first.glues:
        assert other.location(0.5, glue=glue) == pytest.approx(first.location(0.5, glue=glue), rel=1e-8)
        assert other.energy_of(glue) == pytest.approx(first.energy_of(glue), rel=1e-8)


def test_stirring_is_recovered_and_must_be_known(world: World) -> None:
    data = world(stirred_pct=(0.0, 50.0, 100.0, 50.0), agitation=-0.25).soaked(3)
    fit = fitted(data, Formula(agitation=True))
    assert near(fit, agitation=-0.25, E=60.0)
    assert fit.value("agitation") < -3 * fit.se("agitation")
    assert fit.location(1.5, agitation_pct=100.0) - fit.location(1.5) == pytest.approx(fit.value("agitation"))
    with pytest.raises(ConfigError, match="without an agitation: 00-0"):
        fitted(world().soaked(1), Formula(agitation=True))


def test_a_bent_arrhenius_line_is_recovered_and_a_straight_one_stays_straight(world: World) -> None:
    bent = fitted(world(curvature=2000.0).soaked(1), Formula(curvature=True))
    straight = fitted(world().soaked(1), Formula(curvature=True))
    assert near(bent, curvature=2000.0, E=60.0)
    assert bent.curvature > 3 * bent.se("curvature")
    assert near(straight, curvature=0.0)


def test_a_sigma_per_temperature_is_recovered(world: World) -> None:
    truth = {50.0: 0.25, 60.0: 0.4, 70.0: 0.6}
    fit = fitted(world(temps_c=tuple(truth), sigma=truth).soaked(4), Formula(sigma_by_temperature=True))
    assert fit.names[-3:] == ("ln_sigma:50", "ln_sigma:60", "ln_sigma:70")
    assert all(
        abs(math.log(fit.sigma_at(warm) / sigma)) < 3 * fit.se(f"ln_sigma:{warm:g}") for warm, sigma in truth.items()
    )
    with pytest.raises(ValueError, match="sigma_at"):
        _ = fit.sigma


@pytest.mark.parametrize("family", FAMILIES)
def test_a_share_that_never_comes_off_is_recovered(world: World, family: str) -> None:
    data = world(stuck=0.1, family=family if family == "weibull" else "lognormal").soaked(1)
    fit = fitted(data, Formula(cure=True), family)
    on = float(np.isinf(data.hi_s).mean())
    assert fit.releasing_share == pytest.approx(1 - on, abs=0.02)
    assert near(fit, E=60.0)
    assert fit.score_of(0.99) is None
    score = fit.score_of(0.5)
    assert score is not None
    assert score == pytest.approx(FAMILIES[family].quantile(0.5 / fit.releasing_share))
    assert fitted(data, None, family).sigma > 1.5 * fit.sigma, "without it, stuck labels pass for slow ones"


def test_without_stuck_labels_there_is_no_plateau_to_fit(world: World) -> None:
    assert refused(world().soaked(5), Formula(cure=True)) is Code.NO_PLATEAU


@pytest.mark.parametrize("family", FAMILIES)
def test_a_label_watched_all_the_time_gives_the_same_as_one_looked_at_often(world: World, family: str) -> None:
    watched = fitted(world(exact=True).soaked(6), None, family)
    looked = fitted(world().soaked(6), None, family)
    for name in watched.names:
        assert watched.value(name) == pytest.approx(looked.value(name), abs=0.3 * looked.se(name))


def test_exact_times_on_a_drifting_bath_need_the_rate_in_their_density(world: World) -> None:
    # constant traces with a lag: the rate at which the dose grows differs from bottle to bottle and with E
    data = world(exact=True, temps_c=(55.0, 60.0, 65.0, 70.0)).soaked(7)
    fit = fitted(data, glass=GLASS)
    at = fit.model.evaluate(fit.theta)
    assert np.abs(at.score).max() < 1e-5
    steps = [fit.model.evaluate(fit.theta + step).value for step in np.diag([0, 1e-3, 0])[1:2] * np.array([[1], [-1]])]
    assert max(steps) < at.value


@pytest.mark.parametrize(
    ("formula", "world_of", "code"),
    [
        (Formula(curvature=True), {"temps_c": (50.0, 60.0)}, Code.SINGLE_TEMPERATURE),
        (Formula(caustic=True), {}, Code.SINGLE_CAUSTIC),
        (Formula(agitation=True), {"stirred_pct": (30.0,)}, Code.SINGLE_LEVEL),
        (
            Formula(agitation=True),
            {"stirred_pct": (0.0, 100.0), "naoh_pct": (0.0, 1.5), "temps_c": (50.0, 60.0)},
            Code.CONFOUNDED,
        ),
    ],
)
def test_what_the_baths_cannot_tell_is_refused(
    world: World, formula: Formula, world_of: dict[str, object], code: Code
) -> None:
    assert refused(world(**world_of).soaked(1), formula) is code


def _changed(data: ReleaseData, glue: str, change: Callable[[ReleaseRecord], ReleaseRecord]) -> ReleaseData:
    rows = [change(row) if row.glue == glue else row for row in data.records]
    return ReleaseData.from_records(rows, dict(zip(data.baths, data.traces, strict=True)))


def test_a_glue_without_two_ends_has_no_ratio(world: World) -> None:
    data = world(energies=(60.0, 60.0)).soaked(1)
    stuck = _changed(data, "b", lambda row: replace(row, lo_s=1200.0, hi_s=math.inf))
    assert refused(stuck, Formula(glue=True)) is Code.ALL_CENSORED
    gone = _changed(data, "b", lambda row: replace(row, lo_s=0.0, hi_s=15.0))
    assert refused(gone, Formula(glue=True)) is Code.SEPARATION
    once = _changed(
        data,
        "b",
        lambda row: row if row.temperature_c == 60.0 else replace(row, lo_s=1200.0, hi_s=math.inf),
    )
    assert refused(once, Formula(glue=True, glue_energy=True)) is Code.SINGLE_TEMPERATURE


def test_a_formula_that_makes_no_sense_is_refused(world: World) -> None:
    with pytest.raises(ConfigError, match="needs glue=True"):
        Formula(glue_energy=True)
    with pytest.raises(ConfigError, match="needs the NaOH"):
        Formula(glue=True, glue_caustic=True, caustic=False)
    with pytest.raises(ConfigError, match="reference glue zinc"):
        fitted(world(energies=(60.0, 60.0)).soaked(1), Formula(glue=True, reference_glue="zinc"))
    with pytest.raises(ValueError, match="glue 'zinc'"):
        fitted(world().soaked(1)).point(1.5, glue="zinc")


def test_rows_know_their_baths_and_equal_rows_count(world: World) -> None:
    data = world().soaked(1)
    fit = fitted(data)
    assert fit.row_bath.shape == fit.model.weights.shape == (fit.n_rows,)
    per_bath = np.bincount(fit.row_bath, fit.model.weights, minlength=fit.n_baths)
    np.testing.assert_array_equal(per_bath, np.bincount(data.bath))
    traces = dict(zip(data.baths, data.traces, strict=True))
    thrice = fitted(ReleaseData.from_records([row for row in data.records for _ in range(3)], traces))
    assert thrice.n_rows == fit.n_rows
    assert thrice.loglik == pytest.approx(3 * fit.loglik, rel=1e-12)
    np.testing.assert_allclose(thrice.params, fit.params, rtol=1e-9)


def test_no_bottles_are_no_fit(world: World) -> None:
    data = world().soaked(1)
    empty = data.of_glue("none")
    assert fit_families(empty, ("weibull",), glass=NO_LAG) == {"weibull": NotFitted(Code.NO_BOTTLES)}


def test_another_reference_temperature_or_naoh_changes_no_time(
    screening: Screening, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = screening(1).of_glue("casein")

    def told() -> tuple[float, float | None, float | None]:
        fit = fitted(replace(data), glass=GLASS)  # the dose of the same data is kept
        bound = ReleaseTimes(fit).bound(temp_c=65.0, naoh_pct=0.7)
        return fit.loglik, bound.value, bound.upper

    before = told()
    monkeypatch.setattr(trace_module, "REFERENCE_C", 72.0)
    monkeypatch.setattr(formula_module, "CAUSTIC_REF_PCT", 0.9)
    assert told() == pytest.approx(before, rel=1e-7)
    monkeypatch.setattr(formula_module, "CAUSTIC_ZERO_PCT", 0.3)
    assert told()[1] != pytest.approx(before[1], rel=1e-3), "with another c0 the law between two NaOH is another"


def test_hours_for_seconds_and_degrees_for_kelvin_change_no_likelihood() -> None:
    draw = np.random.default_rng(3)
    x = draw.normal(60.0, 8.0, 300)
    times = np.exp(5.0 - 0.03 * x + 0.4 * draw.standard_normal(300))
    lo = 15.0 * np.floor(times / 15.0)
    seconds = fit_aft(lo, lo + 15.0, np.column_stack([np.ones(300), x]), ["b0", "x"], "loglogistic")
    hours = fit_aft(
        lo / 3600, (lo + 15) / 3600, np.column_stack([np.ones(300), x + 273.15]), ["b0", "x"], "loglogistic"
    )
    assert hours.loglik == pytest.approx(seconds.loglik, abs=1e-9)
    ln_t, se = seconds.log_quantile([1.0, 60.0], 0.99)
    assert hours.log_quantile([1.0, 333.15], 0.99) == pytest.approx((ln_t - math.log(3600), se), rel=1e-8)


def test_many_equal_rows_are_fitted_as_one_with_a_weight() -> None:
    draw = np.random.default_rng(8)
    warm = draw.choice([50.0, 60.0, 70.0], 6000)
    times = np.exp(5.3 - 60.0 * inverse_u(warm) + 0.4 * draw.standard_normal(6000))
    lo = 15.0 * np.floor(np.minimum(times, 1200.0) / 15.0)
    hi = np.where(lo < 1200.0, lo + 15.0, np.inf)
    design = np.column_stack([np.ones(6000), -inverse_u(warm)])
    rows, counts = np.unique(np.column_stack([lo, hi, design]), axis=0, return_counts=True)
    whole = fit_aft(lo, hi, design, ["b0", "E"], "weibull")
    weighted = fit_aft(rows[:, 0], rows[:, 1], rows[:, 2:], ["b0", "E"], "weibull", counts)
    apart = design.copy()
    apart[:, 0] += 1e-13 * draw.standard_normal(6000)  # no two rows are equal any more
    each = fit_aft(lo, hi, apart, ["b0", "E"], "weibull")
    for other in (weighted, each):
        np.testing.assert_allclose(other.params, whole.params, rtol=1e-9)
        assert other.loglik == pytest.approx(whole.loglik, rel=1e-11)
