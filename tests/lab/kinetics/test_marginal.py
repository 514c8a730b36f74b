"""Quantiles of a typical bath and of a bath drawn at random."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from linectl.lab.kinetics.bath_effect import fit_bath_effect
from linectl.lab.kinetics.data import ReleaseData
from linectl.lab.kinetics.distributions import family
from linectl.lab.kinetics.fit import ReleaseFit, fit_release
from linectl.lab.kinetics.intervals import share_off
from linectl.lab.kinetics.marginal import SpreadTable, log_dose_quantile, release_time, spread_quantile
from linectl.lab.kinetics.trace import NO_LAG
from linectl.model.experiments import Glass

Soaked = Callable[[int, int, float], ReleaseData]
GLASS = Glass(tau_glass_s=15.0, bottle_in_c=20.0)


def fitted(data: ReleaseData, dist: str = "lognormal", glass: Glass = NO_LAG) -> ReleaseFit:
    fit = fit_release(data, dist, glass=glass)
    assert isinstance(fit, ReleaseFit), fit
    return fit


def test_a_lognormal_time_adds_the_variances() -> None:
    found = spread_quantile(family("lognormal"), 0.99, np.array([0.4]), np.array([0.3]))
    assert found[0] == pytest.approx(2.3263478740 * 0.5, rel=1e-9)


@pytest.mark.parametrize("name", ["weibull", "loglogistic"])
@pytest.mark.parametrize("omega", [0.3, 0.6])
def test_the_quantile_is_exceeded_by_so_many_of_a_large_sample(name: str, omega: float) -> None:
    draw = np.random.default_rng(5)
    count = 400_000
    w = np.log(draw.standard_exponential(count)) if name == "weibull" else draw.logistic(size=count)
    sample = omega * draw.standard_normal(count) + 0.4 * w
    quantile = float(spread_quantile(family(name), 0.99, 0.4, omega))
    assert float(np.mean(sample > quantile)) == pytest.approx(0.01, abs=6e-4)
    without = float(spread_quantile(family(name), 0.99, 0.4, 0.0))
    assert without == pytest.approx(0.4 * family(name).quantile(0.99), rel=1e-9)
    assert float(np.mean(sample > without)) > 0.0115, "the typical bath's quantile must not pass for a drawn one's"


def test_the_table_gives_the_quantile_and_its_slope() -> None:
    dist = family("weibull")
    table = SpreadTable.of(dist, 0.95)
    sigma, omega = np.array([0.3, 0.5]), np.array([0.31, 0.12])
    value, slope = table.at(sigma, omega)
    np.testing.assert_allclose(value, spread_quantile(dist, 0.95, sigma, omega), rtol=3e-4)
    step = 1e-3
    above, below = (spread_quantile(dist, 0.95, sigma * math.exp(side * step), omega) for side in (1, -1))
    np.testing.assert_allclose(slope, (above - below) / (2 * step), rtol=2e-2)


def test_a_time_holds_the_warming_of_the_glass(soaked: Soaked) -> None:
    fit = fitted(soaked(2, 6, 0.2), glass=GLASS)
    time_s = release_time(fit, temp_c=60.0, naoh_pct=1.5, p=0.9)
    assert time_s is not None
    assert share_off(fit, 60.0, 1.5, np.array([time_s]))[0] == pytest.approx(0.9, abs=1e-8)


def test_a_drawn_bath_is_slower_at_the_tail_than_a_typical_one(soaked: Soaked) -> None:
    fit = fitted(soaked(2, 12, 0.3))
    effect = fit_bath_effect(fit)
    assert effect.omega > 0
    times = {
        population: release_time(fit, effect, temp_c=60.0, naoh_pct=1.5, population=population)
        for population in ("conditional", "marginal")
    }
    assert times["marginal"] is not None
    assert times["conditional"] is not None
    assert times["marginal"] > 1.03 * times["conditional"]
    with pytest.raises(ValueError, match="expected conditional or marginal"):
        log_dose_quantile(fit, effect, naoh_pct=1.5, p=0.99, population="all")


def test_with_stuck_labels_the_quantile_moves_or_is_none(soaked: Soaked) -> None:
    fit = fitted(soaked(2, 6, 0.2))
    share = 0.97
    cured = replace(
        fit,
        model=replace(fit.model, has_cure=True),
        theta=np.insert(fit.theta, fit.theta.size - 1, math.log(share / (1 - share))),
    )
    plain = log_dose_quantile(fit, None, naoh_pct=1.5, p=0.9)
    found = log_dose_quantile(cured, None, naoh_pct=1.5, p=0.9)
    assert plain is not None
    assert found is not None
    wanted = fit.location(1.5) + fit.sigma * fit.model.dist.quantile(0.9 / share)
    assert found == pytest.approx(wanted, rel=1e-9)
    assert found > plain
    assert log_dose_quantile(cured, None, naoh_pct=1.5, p=0.99) is None
