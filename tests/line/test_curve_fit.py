"""Calibration curves: the truth comes back, the uncertainty is that of GUM, points that carry no curve are refused."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import numpy as np
import pytest

from linectl.line.curve_fit import CannotFit, coverage, fitted, gain_of
from linectl.model.calibrations import CalPoint, Curve


def point(reference: float, reading: float, *, u: float = 0.02, scatter: float = 0.0, n: float = 60.0) -> CalPoint:
    return CalPoint(reference, u, reading, scatter, 60, n)


def test_one_point_gives_an_offset() -> None:
    found = fitted([point(60.0, 61.5)], 0, resolution=0.0)
    assert found.curve(20.0) == pytest.approx(18.5)
    assert found.curve.coefficients == pytest.approx((-1.5, 1.0))
    assert (found.r_squared, found.budget.fit) == (None, 0.0)
    assert found.budget.u == pytest.approx(0.02)


def test_two_points_give_offset_and_gain() -> None:
    found = fitted([point(0.0, 0.3), point(80.0, 81.1)], 1, resolution=0.0)
    assert found.curve(0.3) == pytest.approx(0.0, abs=1e-9)
    assert found.curve(81.1) == pytest.approx(80.0)


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_the_curve_is_that_of_numpy(degree: int) -> None:
    rng = random.Random(3)
    points = [point(x + 0.5 + 2e-3 * x * x + rng.gauss(0, 0.05), x) for x in (2.0, 20.0, 40.0, 55.0, 70.0, 85.0)]
    found = fitted(points, degree, resolution=0.0)
    expected = np.polynomial.polynomial.polyfit([p.reading for p in points], [p.reference for p in points], degree)
    assert found.curve.coefficients == pytest.approx(tuple(expected), rel=1e-6, abs=1e-9)
    left = sum(each * each for each in found.residuals) / (len(points) - degree - 1)
    basis = np.vander([p.reading for p in points], degree + 1)
    covariance = np.linalg.inv(basis.T @ basis) * left
    at = np.vander(np.linspace(2.0, 85.0, 51), degree + 1)
    assert found.budget.fit == pytest.approx(
        float(np.sqrt(np.max(np.einsum("ij,jk,ik->i", at, covariance, at)))), rel=1e-6
    )


def test_the_parts_of_the_uncertainty_are_those_of_the_formula() -> None:
    points = [point(20.0, 20.0, u=0.03, scatter=0.2, n=16.0)]
    found = fitted(points, 0, resolution=0.1)
    parts = (0.03, 0.2 / 4.0, 0.1 / math.sqrt(12.0))
    assert (found.budget.reference, found.budget.scatter, found.budget.resolution) == pytest.approx(parts)
    assert found.budget.u == pytest.approx(math.hypot(*parts))
    assert found.budget.dof == pytest.approx(found.budget.u**4 / (parts[1] ** 4 / 15.0))


def test_a_reference_is_not_averaged_by_more_points() -> None:
    many = [point(float(x), float(x), u=0.05) for x in range(10, 90, 10)]
    assert fitted(many, 1, resolution=0.0).budget.reference == 0.05


def test_few_degrees_of_freedom_widen_the_interval() -> None:
    assert (coverage(1.0), coverage(4.9), coverage(10.0), coverage(math.inf)) == (13.97, 2.87, 2.28, 2.0)
    loose = fitted([point(0.0, 0.3), point(40.0, 40.0), point(80.0, 80.9)], 1, resolution=0.0)
    assert loose.budget.fit > 0.3
    assert loose.budget.k > 4.0  # one point to spare


@pytest.mark.parametrize(
    ("points", "degree", "kind"),
    [
        ([point(0.0, 0.0)], 1, "few"),
        ([point(0.0, 0.0), point(60.0, 60.0)], 2, "few"),
        ([point(0.0, 20.0), point(60.0, 20.0)], 1, "alike"),
        ([point(60.0, 0.0), point(0.0, 60.0)], 1, "falls"),
        ([point(0.0, 0.0), point(60.0, 30.0), point(10.0, 60.0)], 2, "falls"),
    ],
)
def test_points_that_carry_no_curve_are_refused(points: list[CalPoint], degree: int, kind: str) -> None:
    with pytest.raises(CannotFit) as caught:
        fitted(points, degree, resolution=0.0)
    assert caught.value.kind == kind


def test_a_polynomial_goes_on_straight_beyond_its_points_and_can_be_taken_back() -> None:
    curve = Curve((0.1, 0.9, 0.001), 10.0, 80.0)
    assert curve(100.0) - curve(90.0) == pytest.approx(curve(90.0) - curve(80.0))
    for reading in (-5.0, 0.0, 10.0, 33.3, 80.0, 120.0):
        assert curve.before(curve(reading)) == pytest.approx(reading)


def test_a_gain_holds_at_zero_and_carries_its_uncertainty() -> None:
    found = gain_of(replace(point(1.9, 2.0, u=0.01), scatter=0.02, effective=4.0), resolution=0.0)
    assert found.curve(0.0) == 0.0
    assert found.curve(2.0) == pytest.approx(1.9)
    assert found.budget.u == pytest.approx(math.hypot(0.01, 0.95 * 0.01))
    with pytest.raises(CannotFit):
        gain_of(point(1.9, 0.0), resolution=0.0)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng = random.Random(11)
    inside = 0
    for _ in range(400):
        off = rng.gauss(0.0, 0.05)  # one reference for all points
        points = [
            point(x + off, x + 0.3 + rng.gauss(0.0, 0.2 / math.sqrt(20)), u=0.05, scatter=0.2, n=20.0)
            for x in (10.0, 30.0, 50.0, 70.0)
        ]
        found = fitted(points, 1, resolution=0.0)
        inside += abs(found.curve(80.3 - 20.0) - 60.0) <= found.budget.k * found.budget.u
    assert inside >= 0.93 * 400
