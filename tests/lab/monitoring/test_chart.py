"""The chart of a glue: when it speaks and when it must not, in worlds that its limit was not made for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from linectl.lab.monitoring.chart import Chart, ChartState, Policy, chart_of, lots_until, lowest_stuck
from linectl.lab.monitoring.counts import Expected, LotCount
from linectl.lab.monitoring.limits import Scheme, lot_size, mean_lots
from linectl.model.washing import Inspector
from tests.lab.monitoring.worlds import ONE_IN_100, SPREAD, Draw, shares_of, washed

RHO = SPREAD.correlation(0.01)
CHARTS = 40
THOUSANDS = [1000] * 100


def beta_lots(stuck: float, rho: float) -> Draw:
    """Lots as another law spreads them: a beta distribution of the same correlation."""
    both = 1.0 / rho - 1.0
    return lambda rng: ONE_IN_100.rejected(float(rng.beta(stuck * both, (1 - stuck) * both)))


def dirty_camera(rng: np.random.Generator) -> float:
    """A glue of which a tenth of what is expected stays on; one lot in fifty meets a lens that nobody has wiped."""
    return 0.4 if rng.random() < 0.02 else ONE_IN_100.rejected(0.001)


def mixed_sizes(rng: np.random.Generator) -> Sequence[int]:
    sizes: list[int] = []
    while sum(sizes) < 100_000:
        sizes.append(int(rng.choice([150, 600, 1200, 3000])))
    return sizes


def disproved(draw: Draw, sizes: Callable[[np.random.Generator], Sequence[int]], charts: int = CHARTS) -> float:
    """Return the share of charts over 100,000 bottles that end in a disproof."""
    found = 0
    for seed in range(charts):
        rng = np.random.default_rng([7, seed])
        found += chart_of("g", washed(rng, draw, sizes(rng)), ONE_IN_100).disproof is not None
    return found / charts


@pytest.mark.parametrize(
    ("draw", "sizes"),
    [
        pytest.param(shares_of(0.01), lambda _: THOUSANDS, id="as expected at most"),
        pytest.param(shares_of(0.01), mixed_sizes, id="lots of all sizes"),
        pytest.param(beta_lots(0.01, RHO), lambda _: THOUSANDS, id="lots spread by another law"),
        pytest.param(dirty_camera, lambda _: THOUSANDS, id="a dirty camera now and then"),
        pytest.param(lambda _: ONE_IN_100.rejected(0.01), lambda _: THOUSANDS, id="lots all alike"),
        pytest.param(shares_of(0.002), mixed_sizes, id="a good glue"),
    ],
)
def test_a_glue_that_keeps_its_word_is_seldom_suspended(draw: Draw, sizes: Callable[..., Sequence[int]]) -> None:
    assert disproved(draw, sizes) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / CHARTS)


def test_rules_that_know_nothing_of_lots_suspend_nearly_every_one() -> None:
    """The negative control: a threshold on a lot, on all bottles so far, and a chart for bottles that are alike."""
    by_lot = by_sum = by_chart = 0
    limit = ONE_IN_100.rejected(0.01)
    unaware = replace(ONE_IN_100, spread=replace(SPREAD, bath_sd=0.0))
    for seed in range(20):
        lots = washed(np.random.default_rng([7, seed]), shares_of(0.01), THOUSANDS)
        bottles, rejects = np.cumsum([[lot.bottles, lot.rejects] for lot in lots], axis=0).T
        by_lot += any(binom.sf(lot.rejects - 1, lot.bottles, limit) < 0.05 / len(lots) for lot in lots)
        by_sum += bool((binom.sf(rejects - 1, bottles, limit) < 0.05).any())
        by_chart += chart_of("g", lots, unaware).disproof is not None
    assert by_lot >= 18
    assert by_sum >= 12
    assert by_chart >= 18


@pytest.mark.parametrize(("stuck", "most_lots"), [(0.10, 14), (0.30, 6), (0.60, 4)])
def test_a_bad_glue_is_suspended_after_about_as_many_lots_as_stated(stuck: float, most_lots: int) -> None:
    lots_until = []
    for seed in range(25):
        chart = chart_of("g", washed(np.random.default_rng([8, seed]), shares_of(stuck), [1000] * 60), ONE_IN_100)
        assert chart.disproof is not None
        lots_until.append(next(k for k, p in enumerate(chart.points, 1) if p.lot.ended_ns == chart.disproof.at_ns))
        assert chart.disproof.predicted <= chart.disproof.lower < chart.disproof.share
    limit = chart_of("g", washed(np.random.default_rng(1), shares_of(stuck), [1000]), ONE_IN_100).points[0].limit
    scheme = Scheme(lot_size(1000), ONE_IN_100, 0.05)
    told = mean_lots(scheme, limit, truth=replace(ONE_IN_100, stuck=stuck))
    assert np.mean(lots_until) == pytest.approx(told, rel=0.25)
    assert np.quantile(lots_until, 0.9) <= most_lots


def test_the_bound_is_seldom_above_the_truth() -> None:
    """Of charts that are watched as long as anyone likes, the share that stays on is below the bound in few."""
    above = 0
    for seed in range(30):
        lots = washed(np.random.default_rng([9, seed]), shares_of(0.05), [1000] * 20)
        above += max(lowest_stuck(lots[:k], ONE_IN_100) for k in (8, 20)) > 0.05
    assert above / 30 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 30)


def lots_of(*rejects: int, bottles: int = 1000) -> list[LotCount]:
    return [LotCount(f"L{k}", "g", bottles, count, 1000 * k) for k, count in enumerate(rejects, start=1)]


def test_a_bad_lot_disproves_nothing_and_good_ones_calm_the_chart() -> None:
    assert chart_of("g", lots_of(3, 4, 300), ONE_IN_100).state is ChartState.WATCH
    assert chart_of("g", lots_of(3, 4, 100, 100), ONE_IN_100).state is ChartState.WATCH
    assert chart_of("g", lots_of(3, 4, 30), ONE_IN_100).state is ChartState.IN_CONTROL
    assert chart_of("g", lots_of(3, 4, 300, *[2] * 6), ONE_IN_100).state is ChartState.IN_CONTROL


def test_a_disproof_tells_lots_bottles_rejects_bound_and_since_when() -> None:
    chart = chart_of("g", lots_of(3, 4, 2, 100, 105, 95, 101), ONE_IN_100)
    found = chart.disproof
    assert found is not None
    assert (found.lots, found.bottles, found.rejects) == (("L4", "L5", "L6"), 3000, 300)
    assert (found.since_ns, found.at_ns, found.predicted) == (4000, 6000, 0.01)
    assert 0.01 < found.lower < found.share == pytest.approx((0.1 - 0.003) / 0.992)
    assert (chart.state, chart.bottles, chart.rejects) == (ChartState.DISPROVED, 7000, 410)


def test_good_lots_do_not_bring_a_go_back_and_change_nothing_told_before() -> None:
    bad = lots_of(300, 310, 290, 305)
    good = [replace(lot, id=f"N{lot.id}", ended_ns=lot.ended_ns + 10**6) for lot in lots_of(*[0] * 30)]
    early = chart_of("g", bad, ONE_IN_100)
    late = chart_of("g", [*good, *bad], ONE_IN_100)  # in whatever order they are read
    assert late.points[-1].state is ChartState.IN_CONTROL
    assert (late.state, late.disproof) == (ChartState.DISPROVED, early.disproof)
    assert late.points[:4] == early.points


def test_what_the_camera_does_by_itself_is_taken_off() -> None:
    clean = lots_of(*[30] * 40)  # a camera that throws out 3 % of clean bottles
    assert chart_of("g", clean, replace(ONE_IN_100, inspector=Inspector(0.005, 0.03))).state is ChartState.IN_CONTROL
    assert chart_of("g", clean, ONE_IN_100).disproof is not None  # unless nobody told
    blind = chart_of("g", lots_of(*[30] * 40), replace(ONE_IN_100, inspector=Inspector(0.49, 0.003)))
    assert blind.points[0].stuck == pytest.approx(0.027 / 0.507)


def test_it_is_told_how_many_lots_a_bad_glue_takes() -> None:
    told = lots_until(chart_of("g", lots_of(3, 4, 2), ONE_IN_100))
    assert sorted(told) == [0.05, 0.1, 0.3]
    assert told[0.05] > told[0.1] > told[0.3] > 2
    assert lots_until(chart_of("g", [], ONE_IN_100)) == {}


def test_empty_lots_are_left_out_and_no_lot_is_no_proof() -> None:
    assert chart_of("g", [], ONE_IN_100) == Chart("g", ChartState.IN_CONTROL, ONE_IN_100, Policy(), ())
    chart = chart_of("g", lots_of(0, bottles=0), ONE_IN_100)
    assert (chart.points, chart.stuck) == ((), None)
    assert lowest_stuck([], ONE_IN_100) == 0.0


@pytest.mark.parametrize("stuck", [1e-5, 0.0396, 0.3, 0.6])
def test_any_prediction_can_be_charted(stuck: float) -> None:
    expected = Expected(stuck, SPREAD, Inspector(0.005, 0.003))
    assert chart_of("g", lots_of(*[1000] * 6), expected).state in {ChartState.DISPROVED, ChartState.WATCH}
    assert chart_of("g", lots_of(*[0] * 6), expected).state is ChartState.IN_CONTROL
