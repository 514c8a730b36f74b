from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks import fit_speed
from linectl.lab.kinetics.codes import Code
from linectl.lab.kinetics.data import BathTrace, ReleaseData, ReleaseRecord
from linectl.lab.kinetics.fit import NotFitted, ReleaseFit, caustic_covariate, fit_aft, fit_release
from linectl.lab.kinetics.intervals import ReleaseTimes, wald
from linectl.lab.kinetics.likelihood import Model
from linectl.lab.kinetics.trace import NO_LAG, inverse_u
from linectl.model.experiments import Glass

Screening = Callable[[int], ReleaseData]
GLASS = Glass(tau_glass_s=15.0, bottle_in_c=20.0)
BOTH = pytest.mark.parametrize("family", ["lognormal", "weibull"])
TRUTH = {"casein": (150.0, 45.0, 0.5), "starch": (120.0, 38.0, 0.25), "psa": (900.0, 60.0, 0.6)}


def fitted(data: ReleaseData, family: str = "lognormal", glass: Glass = GLASS) -> ReleaseFit:
    fit = fit_release(data, family, glass=glass)
    assert isinstance(fit, ReleaseFit), fit
    return fit


def checked(evaluate: Model, theta: NDArray[np.float64], h: float = 1e-5) -> tuple[float, float]:
    """Return how far score and Hessian are from central differences, relative to their size."""
    here = evaluate.evaluate(theta)
    steps = np.eye(theta.size) * h
    score = [(evaluate.evaluate(theta + s).value - evaluate.evaluate(theta - s).value) / (2 * h) for s in steps]
    hessian = [(evaluate.evaluate(theta + s).score - evaluate.evaluate(theta - s).score) / (2 * h) for s in steps]
    scale = float(np.abs(here.hessian).max())
    return (
        float(np.abs(here.score - score).max()) / scale,
        float(np.abs(here.hessian - np.array(hessian)).max()) / scale,
    )


@BOTH
def test_score_and_hessian_on_traces_are_those_of_the_likelihood(screening: Screening, family: str) -> None:
    fit = fitted(screening(1).of_glue("psa"), family)
    away = fit.theta + np.array([0.2, -0.1, 0.7, 0.15])
    assert max(checked(fit.model, away)) < 1e-7


@BOTH
def test_score_and_hessian_with_a_quantile_held_fixed(screening: Screening, family: str) -> None:
    fit = fitted(screening(1).of_glue("casein"), family)
    times = ReleaseTimes(fit)
    point = times._point(70.0, 1.5, 0.99)
    held = point.model.through(point.target(math.log(250.0)), point.design, point.shift)
    assert max(checked(held, fit.theta[1:] + np.array([-0.1, 0.5, 0.1]))) < 1e-7


def isothermal(seed: int = 5) -> ReleaseData:
    draw = np.random.default_rng(seed)
    records = []
    for number, temperature_c in enumerate((50.0, 60.0, 70.0, 80.0) * 2):
        naoh = 0.0 if number < 4 else 1.5
        middle = math.log(200.0) - 50.0 * inverse_u(np.array([temperature_c]))[0] - 0.4 * caustic_covariate(naoh)
        for bottle, time_s in enumerate(np.exp(middle + 0.3 * draw.standard_normal(12))):
            last = 15.0 * math.floor(time_s / 15.0)
            hi = last + 15.0 if last < 900 else math.inf
            records.append(
                ReleaseRecord(f"{number}-{bottle}", str(number), "g", min(last, 900.0), hi, naoh, temperature_c, naoh)
            )
    traces = {str(k): BathTrace.constant(t, 1000.0) for k, t in enumerate((50.0, 60.0, 70.0, 80.0) * 2)}
    return ReleaseData.from_records(records, traces)


@BOTH
def test_a_constant_trace_without_lag_is_the_plain_arrhenius_fit(family: str) -> None:
    data = isothermal()
    fit = fitted(data, family, NO_LAG)
    temperatures = np.array([row.temperature_c for row in data.records])
    design = np.column_stack([np.ones(len(data)), caustic_covariate(data.caustic_pct), -inverse_u(temperatures)])
    plain = fit_aft(data.lo_s, data.hi_s, design, ["b0", "caustic", "E"], family)
    np.testing.assert_allclose(fit.params, plain.params, rtol=1e-11)
    np.testing.assert_allclose(np.sqrt(np.diag(fit.cov)), plain.se, rtol=1e-9)
    assert fit.loglik == pytest.approx(plain.loglik, rel=1e-12)
    assert fit.n_rows < len(data), "identical rows are one row with a weight"


def test_the_order_of_rows_does_not_matter(screening: Screening) -> None:
    data = screening(1).of_glue("starch")
    shuffled = [data.records[i] for i in np.random.default_rng(2).permutation(len(data))]
    again = ReleaseData.from_records(shuffled, dict(zip(data.baths, data.traces, strict=True)))
    np.testing.assert_allclose(fitted(again).params, fitted(data).params, rtol=1e-9)


@pytest.mark.parametrize("glue", TRUTH)
def test_the_simulators_truth_lies_within_three_standard_errors(screening: Screening, glue: str) -> None:
    fit = fitted(screening(1).of_glue(glue))
    t60_s, energy, order = TRUTH[glue]
    wanted = {"b0": math.log(t60_s), "E": energy, "caustic": -order}
    for name, truth in wanted.items():
        assert abs(fit.value(name) - truth) < 3 * fit.se(name), name


def test_without_the_glass_lag_the_energy_of_a_fast_glue_comes_out_too_low(screening: Screening) -> None:
    # the negative control: the same bottles, the bath's temperature taken for the label's
    below = inside = 0
    for seed in range(1, 5):
        data = screening(seed).of_glue("casein")
        lagged, plain = wald(fitted(data), "E"), wald(fitted(data, glass=NO_LAG), "E")
        assert lagged.lower is not None
        assert lagged.upper is not None
        assert plain.upper is not None
        inside += lagged.lower <= 45.0 <= lagged.upper
        below += plain.upper < 45.0
    assert inside >= 3
    assert below >= 3


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda row: replace(row, lo_s=1200.0, hi_s=math.inf), Code.ALL_CENSORED),
        (lambda row: row if row.bath in {"0", "4"} else None, Code.SINGLE_TEMPERATURE),
        (
            lambda row: row if row.bottle in {"3-0", "3-1", "6-0"} else replace(row, lo_s=900.0, hi_s=math.inf),
            Code.FEW_RELEASED,
        ),
    ],
)
def test_what_is_not_identifiable_has_a_reason_and_no_number(
    change: Callable[[ReleaseRecord], ReleaseRecord | None], code: Code
) -> None:
    data = isothermal()
    rows = [row for row in map(change, data.records) if row is not None]
    found = fit_release(ReleaseData.from_records(rows, dict(zip(data.baths, data.traces, strict=True))), glass=NO_LAG)
    assert isinstance(found, NotFitted)
    assert found.code is code


def test_on_drifting_baths_the_trace_gives_the_energy_and_the_set_point_does_not() -> None:
    # 20,000 bottles in 100 baths that fall by 4 K when loaded, drift by up to 3 K and ripple; the truth is 80 kJ/mol
    data = fit_speed.drifting_baths(20_000, 200, seed=7)
    levels = {row.bath: row.temperature_c for row in data.records}
    held = replace(data, traces=tuple(BathTrace.constant(levels[bath], 1300.0) for bath in data.baths))
    traced, plain = fitted(data, "weibull", NO_LAG), fitted(held, "weibull", NO_LAG)
    assert abs(traced.energy - 80.0) < 3 * traced.se("E") < 2.0
    assert abs(plain.energy - 80.0) > 5 * plain.se("E")
    assert traced.n_rows < 0.6 * len(data)


def test_no_spread_at_all_is_separation() -> None:
    traces = {str(t): BathTrace.constant(t, 1000.0) for t in (50.0, 60.0, 70.0, 80.0)}
    records = [
        ReleaseRecord(f"{t}-{k}", str(t), "g", 600.0 - 6 * t, 900.0 - 6 * t, 1.5, t, 1.5)
        for t in (50.0, 60.0, 70.0, 80.0)
        for k in range(6)
    ]
    found = fit_release(ReleaseData.from_records(records, traces), glass=NO_LAG)
    assert isinstance(found, NotFitted)
    assert found.code is Code.SEPARATION


def test_one_naoh_only_leaves_its_order_out() -> None:
    data = isothermal()
    rows = [row for row in data.records if row.naoh_pct == 1.5]
    fit = fitted(ReleaseData.from_records(rows, dict(zip(data.baths, data.traces, strict=True))), glass=NO_LAG)
    assert fit.names == ("b0", "E", "ln_sigma")
    assert wald(fit, "caustic").value is None
    assert wald(fit, "caustic").reason == Code.SINGLE_CAUSTIC


def test_several_glues_are_refused(screening: Screening) -> None:
    with pytest.raises(ValueError, match="one glue at a time"):
        fit_release(screening(1), glass=GLASS)
