"""The decision limit: exact on a lattice of its own, as simulation has it, and above what theory allows at least."""

from __future__ import annotations

from dataclasses import replace
from math import exp, log

import numpy as np
import pytest

from linectl.lab.confirmation.clusters import BathSpread
from linectl.lab.monitoring.counts import Expected, chances
from linectl.lab.monitoring.limits import Scheme, alarm_chance, decision_limit, lot_size, mean_lots
from linectl.model.washing import Inspector
from tests.lab.monitoring.worlds import ONE_IN_100

ALIKE = Expected(0.01, BathSpread(0.35, 0.0, 1), Inspector())
LOTS = Scheme(1000, ONE_IN_100, 0.05)


def of(stuck: float, bath_sd: float = 0.3) -> Expected:
    return replace(ONE_IN_100, stuck=stuck, spread=replace(ONE_IN_100.spread, bath_sd=bath_sd))


def bernoulli(ratio: int) -> tuple[Scheme, float]:
    """Return single bottles of which one in five is bad, and the step of a chart on which a bad one counts `ratio`."""
    low, high = 0.2000001, 0.9
    for _ in range(200):  # the share at which log(p1/p0) is `ratio` times log((1-p0)/(1-p1))
        middle = 0.5 * (low + high)
        low, high = (middle, high) if log(middle / 0.2) > ratio * log(0.8 / (1 - middle)) else (low, middle)
    return Scheme(1, replace(ALIKE, stuck=0.2), low), log(0.8 / (1 - low))


def exact_run(ratio: int, height: int, share: float) -> float:
    """Return the mean run length of the chart that goes up `ratio` for a bad bottle, else 1 down, until `height`."""
    chain = np.zeros((height, height))
    for value in range(height):
        chain[value, max(0, value - 1)] += 1 - share
        if value + ratio < height:
            chain[value, value + ratio] += share
    return float(np.linalg.solve(np.eye(height) - chain, np.ones(height))[0])


@pytest.mark.parametrize("share", [0.2, 0.35, 0.5])
def test_single_bottles_run_as_long_as_an_exact_lattice_says_and_never_longer(share: float) -> None:
    scheme, step = bernoulli(2)
    told, exact = mean_lots(scheme, step * 10, truth=replace(scheme.expected, stuck=share)), exact_run(2, 10, share)
    assert 0.85 * exact <= told <= exact * (1 + 1e-9)  # rounded up: alarms are never told too late


def test_the_limit_gives_the_alarms_that_were_asked_for() -> None:
    limit = decision_limit(LOTS, alarm=0.05, per_bottles=100_000)
    well, ill = (chances(1000, share, ONE_IN_100) for share in (0.01, 0.05))
    step = np.log(ill) - np.log(np.max([chances(1000, 0.01, kept) for kept in ONE_IN_100.kept_by()], axis=0))
    rng, alarms, charts = np.random.default_rng(5), 0, 4000
    for _ in range(charts):
        value = 0.0
        for add in step[rng.choice(1001, size=100, p=well / well.sum())]:
            value = max(0.0, value + add)
            if value >= limit:
                alarms += 1
                break
    assert 0.035 < alarms / charts <= 0.05 + 3 * 0.0035
    assert alarm_chance(LOTS, limit, 100) == pytest.approx(0.05, abs=0.002)


def test_a_smaller_share_alarms_less_and_a_larger_one_soon() -> None:
    limit = decision_limit(LOTS, alarm=0.05, per_bottles=100_000)
    alarms = [alarm_chance(LOTS, limit, 100, truth=of(share)) for share in (0.001, 0.005, 0.01, 0.03)]
    assert alarms == sorted(alarms)
    assert alarms[0] < 1e-3
    runs = [mean_lots(LOTS, limit, truth=of(share)) for share in (0.01, 0.05, 0.1, 0.3)]
    assert runs[0] > exp(limit)  # Lorden 1971: never sooner on average
    assert runs == sorted(runs, reverse=True)
    assert runs[-1] < 4


@pytest.mark.parametrize("stuck", [0.01, 0.005, 0.002])
@pytest.mark.parametrize("bath_sd", [0.3, 0.25, 0.15, 0.08, 0.02, 0.0])
@pytest.mark.parametrize("bottles", [100, 1000])
def test_no_glue_that_keeps_its_promise_alarms_more_often_whatever_its_lots_are_like(
    bottles: int, bath_sd: float, stuck: float
) -> None:
    scheme = Scheme(bottles, ONE_IN_100, 0.05)
    limit = decision_limit(scheme, alarm=0.05, per_bottles=100_000)
    assert alarm_chance(scheme, limit, 100_000 // bottles, truth=of(stuck, bath_sd)) <= 0.0501


def test_the_limit_grows_with_what_is_asked_of_it() -> None:
    strict, usual = (decision_limit(LOTS, alarm=alarm, per_bottles=100_000) for alarm in (0.01, 0.05))
    assert strict > usual > decision_limit(LOTS, alarm=0.5, per_bottles=100_000) > 0
    assert decision_limit(LOTS, alarm=0.05, per_bottles=1_000_000) > usual
    assert usual < log(100 / 0.05)  # Ville's inequality alone would ask for more


@pytest.mark.parametrize(("bottles", "grid"), [(0.2, 1), (1, 1), (999, 807), (1300, 1262), (1e9, 2000)])
def test_lots_of_about_one_size_share_a_limit(bottles: float, grid: int) -> None:
    assert lot_size(bottles) == grid
