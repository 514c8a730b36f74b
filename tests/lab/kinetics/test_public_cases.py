"""The plain core against public data sets and R's survreg."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from linectl.lab.kinetics.fit import AftFit, fit_aft
from linectl.lab.kinetics.turnbull import turnbull

DATA = Path(__file__).parents[2] / "data" / "kinetics"
Columns = dict[str, NDArray[np.float64]]


def load(case: str) -> tuple[Columns, dict[str, Any]]:
    with (DATA / f"{case}.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    columns = {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}
    return columns, json.loads((DATA / f"{case}.expected.json").read_text(encoding="utf-8"))


def design(case: str, columns: Columns, model: str) -> NDArray[np.float64]:
    covariates = {
        "device_a": lambda c: [11605 / (c["celsius"] + 273.15)],
        "class_b": lambda c: [c["celsius"] if model == "weibull_linear_temp" else 1000 / (c["celsius"] + 273.15)],
        "breast_cosmesis": lambda c: [c["treat"] == 2],
        "insulating_fluid": lambda c: [np.log(c["kv"])],
        "capacitors": lambda c: [c["celsius"], c["volts"], *([c["celsius"] * c["volts"]] * (model == "interaction"))],
    }
    return np.column_stack([np.ones(columns["lo"].size), *covariates[case](columns)])


CASES = [
    ("device_a", "lognormal"),
    ("device_a", "weibull"),
    ("class_b", "lognormal"),
    ("class_b", "weibull_linear_temp"),
    ("breast_cosmesis", "weibull"),
    ("breast_cosmesis", "lognormal"),
    ("breast_cosmesis", "loglogistic"),
    ("insulating_fluid", "weibull"),
    ("capacitors", "interaction"),
    ("capacitors", "main"),
]


def fitted(case: str, model: str) -> tuple[AftFit, dict[str, Any]]:
    columns, expected = load(case)
    reference = expected["reference"][model]
    names = list(reference["coef"])
    fit = fit_aft(
        columns["lo"],
        columns["hi"],
        design(case, columns, model),
        names,
        reference["dist"],
        columns["count"],
    )
    return fit, reference


@pytest.mark.parametrize(("case", "model"), CASES)
def test_agrees_with_survreg(case: str, model: str) -> None:
    fit, reference = fitted(case, model)
    assert fit.converged
    np.testing.assert_allclose(fit.params[:-1], list(reference["coef"].values()), rtol=1e-6)
    assert fit.sigma == pytest.approx(reference["scale"], rel=1e-6)
    np.testing.assert_allclose(fit.se, list(reference["se"].values()), rtol=1e-5)
    assert fit.loglik == pytest.approx(reference["loglik"], abs=1e-6)


def test_the_case_of_one_family_does_not_pass_for_the_other() -> None:
    fit, _ = fitted("device_a", "lognormal")
    _, other = fitted("device_a", "weibull")
    assert abs(fit.loglik - other["loglik"]) > 1


def test_quantiles_with_their_errors_at_a_use_temperature() -> None:
    fit, reference = fitted("device_a", "lognormal")
    quantiles = reference["uquantile_10C"]
    for p, log_t, se in zip(quantiles["p"], quantiles["log_t"], quantiles["se"], strict=True):
        found = fit.log_quantile([1.0, 11605 / 283.15], p)
        assert found == pytest.approx((log_t, se), rel=1e-6)


def test_turnbull_reaches_the_optimum_that_survfit_misses() -> None:
    columns, expected = load("breast_cosmesis")
    arm = columns["treat"] == 1
    estimate = turnbull(columns["lo"][arm], columns["hi"][arm])
    wanted = expected["turnbull_treat1"]
    assert estimate.converged
    assert estimate.loglik == pytest.approx(-58.06002195, abs=1e-7)
    assert [list(pair) for pair in zip(estimate.left, estimate.right, strict=True)] == wanted["intervals"]
    np.testing.assert_allclose(estimate.mass, wanted["mass"], atol=1e-8)


def test_lifelines_finds_the_same_weibull() -> None:
    columns, _ = load("class_b")
    x = design("class_b", columns, "lognormal")
    fit = fit_aft(columns["lo"], columns["hi"], x, ["b0", "x"], "weibull")
    oracle = _lifelines_weibull(columns, x[:, 1])
    np.testing.assert_allclose(fit.params, oracle, rtol=2e-5)


def _lifelines_weibull(columns: Columns, x: NDArray[np.float64]) -> list[float]:
    import warnings

    with warnings.catch_warnings():  # the oracle's own dependencies complain of each other
        warnings.simplefilter("ignore")
        import pandas as pd
        from lifelines import WeibullAFTFitter

        rows = pd.DataFrame({"lo": columns["lo"], "hi": columns["hi"], "x": x})
        oracle = WeibullAFTFitter()
        oracle.fit_interval_censoring(rows, lower_bound_col="lo", upper_bound_col="hi")
    params = oracle.params_
    return [
        float(params["lambda_", "Intercept"]),
        float(params["lambda_", "x"]),
        -float(params["rho_", "Intercept"]),
    ]


def test_half_weights_and_another_order_change_nothing() -> None:
    columns, _ = load("breast_cosmesis")
    x = design("breast_cosmesis", columns, "weibull")
    whole = fit_aft(columns["lo"], columns["hi"], x, ["b0", "x"], "lognormal", columns["count"])
    order = np.random.default_rng(3).permutation(2 * len(x))
    lo, hi = (np.tile(columns[end], 2)[order] for end in ("lo", "hi"))
    split = fit_aft(
        lo, hi, np.tile(x, (2, 1))[order], ["b0", "x"], "lognormal", np.tile(columns["count"] / 2, 2)[order]
    )
    np.testing.assert_allclose(split.params, whole.params, rtol=1e-9)
    assert split.loglik == pytest.approx(whole.loglik, abs=1e-9)


@pytest.mark.parametrize("family", ["weibull", "lognormal", "loglogistic"])
def test_a_bottle_of_which_nothing_is_known_changes_nothing(family: str) -> None:
    columns, _ = load("breast_cosmesis")
    x = design("breast_cosmesis", columns, "weibull")
    lo, hi = np.append(columns["lo"], 0.0), np.append(columns["hi"], math.inf)
    whole = fit_aft(columns["lo"], columns["hi"], x, ["b0", "x"], family)
    more = fit_aft(lo, hi, np.vstack([x, [1.0, 0.3]]), ["b0", "x"], family)
    assert more.loglik == pytest.approx(whole.loglik, abs=1e-11)
    np.testing.assert_allclose(more.params, whole.params, rtol=1e-9)


def test_rows_that_cannot_be_used_are_named() -> None:
    with pytest.raises(Exception, match="rows 2, 3"):
        fit_aft([1.0, 5.0, math.nan], [2.0, 4.0, 3.0], [[1.0]] * 3, ["b0"], "weibull")
    with pytest.raises(Exception, match="column x depends"):
        fit_aft([1.0, 2.0], [2.0, 3.0], [[1.0, 2.0]] * 2, ["b0", "x"], "weibull")
    with pytest.raises(ValueError, match="expected one of weibull, lognormal, loglogistic"):
        fit_aft([1.0], [2.0], [[1.0]], ["b0"], "gamma")
