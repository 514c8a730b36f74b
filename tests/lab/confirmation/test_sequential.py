"""Glues compared in looks: published constants, error and power by simulation, futility."""

from __future__ import annotations

import numpy as np
import pytest

from linectl.lab.confirmation.sequential import LookWord, bottles_per_arm, judge, plan_comparison


@pytest.mark.parametrize(
    ("looks", "last", "inflation", "expected"),
    [
        (2, 1.678, 1.02, (0.87, 0.94, 0.82, 0.62)),
        (3, 1.710, 1.03, (0.80, 0.90, 0.77, 0.59)),
        (5, 1.751, 1.05, (0.74, 0.86, 0.73, 0.54)),
        (10, 1.801, 1.08, (0.69, 0.82, 0.69, 0.50)),
    ],
)
def test_constants_of_obrien_and_fleming(
    looks: int, last: float, inflation: float, expected: tuple[float, ...]
) -> None:
    plan = plan_comparison(looks)
    assert plan.upper[-1] == pytest.approx(last, abs=6e-4)
    assert plan.inflation == pytest.approx(inflation, abs=6e-3)
    assert plan.expected == pytest.approx(expected, abs=6e-3)
    assert plan.error == pytest.approx(0.05, abs=1e-4)
    assert plan.power == pytest.approx(0.9, abs=1e-4)


def test_bounds_of_five_looks() -> None:
    plan = plan_comparison(5)
    assert plan.upper == pytest.approx([3.915, 2.768, 2.260, 1.958, 1.751], abs=6e-4)
    assert plan.futility == pytest.approx([-3.140, -1.111, 0.023, 0.865], abs=2e-3)
    open_end = plan_comparison(5, futility=False)
    assert open_end.inflation == pytest.approx(1.037, abs=6e-4)
    assert open_end.expected == pytest.approx((1.03, 0.94, 0.73, 0.54), abs=6e-3)


def test_the_sequential_plan_needs_at_most_three_quarters_of_the_fixed_one() -> None:
    alike, _, faster, _ = plan_comparison(5).expected
    assert alike <= 0.75
    assert faster <= 0.75


def test_simulated_paths_keep_error_and_power() -> None:
    plan = plan_comparison(5)
    draw = np.random.default_rng(3)
    drift = (1.6448536 + 1.2815516) * np.sqrt(plan.inflation)
    for effect, wanted in ((0.0, 0.05), (1.0, 0.90)):
        steps = draw.normal(drift * effect / 5, np.sqrt(1 / 5), (40_000, 5))
        z = steps.cumsum(axis=1) / np.sqrt(np.arange(1, 6) / 5)
        shown = np.array([judge(plan, row)[-1].word is LookWord.FASTER for row in z[:8000]])
        slack = 0.01 if effect else 0.008
        assert float(shown.mean()) <= wanted + slack  # futility obeyed: below the error, at the power
        assert float(shown.mean()) >= wanted - 0.02
    none_obeyed = (
        draw.normal(0, np.sqrt(1 / 5), (40_000, 5)).cumsum(axis=1) / np.sqrt(np.arange(1, 6) / 5)
    ) >= plan.upper
    assert float(none_obeyed.any(axis=1).mean()) == pytest.approx(0.05, abs=0.005)


def test_looks_at_unequal_information_spend_the_error() -> None:
    plan = plan_comparison(fractions=[0.3, 0.5, 0.8, 1.0])
    assert plan.error == pytest.approx(0.05, abs=1e-4)
    naive = (np.random.default_rng(5).normal(0, 1, (100_000, 4)) * np.sqrt([0.3, 0.2, 0.3, 0.2])).cumsum(axis=1)
    z = naive / np.sqrt([0.3, 0.5, 0.8, 1.0])
    assert float((z >= plan.upper).any(axis=1).mean()) == pytest.approx(0.05, abs=0.004)
    assert float((z >= 1.645).any(axis=1).mean()) > 0.09  # the control: looking without a plan
    with pytest.raises(ValueError, match="grow to 1"):
        plan_comparison(fractions=[0.5, 0.4, 1.0])


def test_a_comparison_ends_at_the_look_that_ends_it() -> None:
    plan = plan_comparison(5)
    assert [look.word for look in judge(plan, [1.0, 2.9, 9.0])] == [LookWord.GO_ON, LookWord.FASTER]
    assert [look.word for look in judge(plan, [1.0, -1.2])] == [LookWord.GO_ON, LookWord.FUTILE]
    assert judge(plan, [1.0, 1.0, 1.0, 1.0, 1.7])[-1].word is LookWord.NOT_SHOWN


def test_the_fixed_plan_for_30_percent_faster() -> None:
    assert bottles_per_arm(1 / 1.3, 0.5556) == 77
