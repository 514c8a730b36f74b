"""Every kind of row, family and parameter in the one likelihood, against differences and against dF/dt."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from linectl.lab.kinetics.data import BathTrace
from linectl.lab.kinetics.distributions import FAMILIES
from linectl.lab.kinetics.likelihood import FixedTimes, Model
from linectl.lab.kinetics.row_terms import row_terms
from linectl.lab.kinetics.trace import NO_LAG, LaggedBath, TraceDose
from linectl.model.experiments import Glass

Array = NDArray[np.float64]
FAMILY = pytest.mark.parametrize("family", FAMILIES)
COLD = Glass(tau_glass_s=15.0, bottle_in_c=20.0)


@dataclass(frozen=True)
class Extras:
    energies: bool = False
    curvature: bool = False
    cure: bool = False
    sigmas: bool = False


EVERY = [Extras(*flags) for flags in product((False, True), repeat=4)]


def drifting(level_c: float) -> BathTrace:
    t_s = np.arange(0.0, 1001.0, 10.0)
    return BathTrace(t_s, level_c - 5.0 * np.exp(-t_s / 150.0) + 2.0 * t_s / 1000.0 + 0.3 * np.sin(t_s / 40.0))


def model_of(family: str, extras: Extras) -> tuple[Model, Array]:
    """Return a model with rows of all four kinds in four drifting baths of two glues, and a theta near sense."""
    dose = TraceDose()
    lower, upper, warm, glue = [], [], [], []
    for number, level_c in enumerate((52.0, 60.0, 68.0, 75.0)):
        for kind in (0, 1):
            ends = dose.add(LaggedBath(drifting(level_c), COLD), 30.0, np.array([60.0, 150.0, 165.0, 700.0]), kind)
            lower += [-1, ends[3], ends[1], ends[2], ends[0]]
            upper += [ends[0], -1, ends[2], ends[2], ends[3]]
            warm += [number // 2] * 5
            glue += [kind] * 5
    n = len(lower)
    kinds, warms = np.array(glue, dtype=np.intp), np.array(warm)
    draw = np.random.default_rng(4)
    design = np.column_stack([np.ones(n), draw.normal(size=n), kinds])
    weights = draw.integers(1, 4, n).astype(np.float64)
    plain = Model.of(
        FAMILIES[family], design, weights, (np.array(lower, np.intp), np.array(upper, np.intp)), dose, energy=True
    )
    model = replace(
        plain,
        energy_design=np.array([[1.0, 0.0], [1.0, 1.0]]) if extras.energies else None,
        row_class=kinds if extras.energies else None,
        has_curvature=extras.curvature,
        has_cure=extras.cure,
        sigma_design=np.eye(2)[warms] if extras.sigmas else None,
    )
    theta = [5.4, 0.1, -0.2, 6.2]
    theta += [0.4] * extras.energies + [0.3] * extras.curvature + [1.3] * extras.cure
    return model, np.array([*theta, math.log(0.6), *([math.log(0.8)] * extras.sigmas)])


def difference(f: Callable[[Array], Array], at: Array, h: float = 1e-5) -> Array:
    """Return df/dtheta by central differences of fourth order, the direction in the last axis."""
    steps = np.eye(at.size) * h
    return np.stack([(8 * (f(at + s) - f(at - s)) - f(at + 2 * s) + f(at - 2 * s)) / (12 * h) for s in steps], axis=-1)


@FAMILY
@pytest.mark.parametrize("extras", EVERY, ids=str)
def test_score_and_hessian_are_those_of_the_likelihood(family: str, extras: Extras) -> None:
    model, theta = model_of(family, extras)
    assert model.size == theta.size
    here = model.evaluate(theta)
    scale = float(np.abs(here.hessian).max())
    score = difference(lambda at: np.array(model.evaluate(at).value), theta, 1e-4)
    hessian = difference(lambda at: model.evaluate(at).score, theta, 1e-4)
    np.testing.assert_allclose(here.score / scale, score / scale, atol=1e-9)
    np.testing.assert_allclose(here.hessian / scale, hessian / scale, atol=1e-9)
    np.testing.assert_allclose(here.hessian, here.hessian.T, rtol=1e-13, atol=1e-13 * scale)


@FAMILY
@pytest.mark.parametrize("extras", [Extras(), Extras(*[True] * 4)], ids=str)
def test_the_terms_of_rows_add_up_and_answer_to_a_shift_of_the_bath(family: str, extras: Extras) -> None:
    model, theta = model_of(family, extras)
    terms, here = row_terms(model, theta), model.evaluate(theta)
    assert model.weights @ terms.value == pytest.approx(here.value, rel=1e-13)
    np.testing.assert_allclose(model.weights @ terms.score, here.score, rtol=1e-11, atol=1e-11)
    offset = np.linspace(-0.3, 0.4, model.weights.size)

    def shifted(u: float) -> tuple[Array, Array]:
        found = row_terms(model, theta, offset + u)
        return found.value, found.slope

    h = 1e-4
    (plus, slope_plus), (minus, slope_minus) = shifted(h), shifted(-h)
    found = row_terms(model, theta, offset)
    np.testing.assert_allclose(found.slope, (plus - minus) / (2 * h), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found.bend, (slope_plus - slope_minus) / (2 * h), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found.score[:, 0], found.slope, rtol=1e-12)


@FAMILY
@pytest.mark.parametrize("extras", [Extras(), Extras(curvature=True, cure=True)], ids=str)
def test_a_label_seen_coming_off_has_the_density_of_its_time(family: str, extras: Extras) -> None:
    # the density of t is dF/dt, with F from left-censored rows a little apart; without the rate it would be of ln tau
    model, theta = model_of(family, extras)
    bath, t_s, h = LaggedBath(drifting(66.0), COLD), 203.0, 1e-2
    times = np.array([t_s - 2 * h, t_s - h, t_s, t_s + h, t_s + 2 * h])
    dose = TraceDose()
    ends = dose.add(bath, 12.0, times)
    open_side = np.full(4, -1, dtype=np.intp)
    design = np.tile([1.0, 0.2, 0.0], (4, 1))
    left = Model.of(model.dist, design, np.ones(4), (open_side, ends[[0, 1, 3, 4]]), dose, energy=True)
    exact = Model.of(model.dist, design[:1], np.ones(1), (ends[2:3], ends[2:3]), dose, energy=True)
    left, exact = (replace(m, has_curvature=extras.curvature, has_cure=extras.cure) for m in (left, exact))
    share = np.exp(row_terms(left, theta).value)
    density = (8 * (share[2] - share[1]) - (share[3] - share[0])) / (12 * h)
    assert math.exp(exact.evaluate(theta).value) == pytest.approx(density, rel=1e-8)
    assert abs(math.exp(exact.evaluate(theta).value) * t_s / density - 1) > 1, "the Jacobian is not idle"


@FAMILY
def test_a_row_open_on_both_sides_adds_exactly_nothing(family: str) -> None:
    model, theta = model_of(family, Extras(cure=True))
    n = model.weights.size
    ends = (np.full(n + 1, -1, dtype=np.intp), np.full(n + 1, -1, dtype=np.intp))
    for rows in (model.left, model.right, model.interval, model.exact):
        ends[0][rows.row], ends[1][rows.row] = rows.lower, rows.upper
    more = Model.of(
        model.dist,
        np.vstack([model.design, model.design[:1]]),
        np.append(model.weights, 9.0),
        ends,
        model.dose,
        energy=True,
    )
    wider = replace(more, has_cure=True)
    for ours, theirs in zip(wider.evaluate(theta), model.evaluate(theta), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert row_terms(wider, theta).value[-1] == 0.0


@FAMILY
def test_a_sure_release_is_the_model_without_a_plateau(family: str) -> None:
    model, theta = model_of(family, Extras())
    cured = replace(model, has_cure=True)
    far = np.insert(theta, theta.size - 1, 40.0)
    assert cured.evaluate(far).value == pytest.approx(model.evaluate(theta).value, rel=1e-14)


@FAMILY
def test_hairline_intervals_keep_their_digits(family: str) -> None:
    # an interval of relative width w is w times the density, up to w^2/24
    low = np.log(np.array([30.0, 200.0, 900.0]))
    for width in (1e-5, 1e-7):
        times = FixedTimes(np.concatenate([low - width / 2, low + width / 2]))
        number = np.arange(3, dtype=np.intp)
        ones = np.ones((3, 1))
        interval = Model.of(FAMILIES[family], ones, np.ones(3), (number, number + 3), times, energy=False)
        exact = Model.of(FAMILIES[family], ones, np.ones(3), (number, number), FixedTimes(low), energy=False)
        theta = np.array([5.0, math.log(0.5)])
        wanted = row_terms(exact, theta).value + low + math.log(width)
        np.testing.assert_allclose(row_terms(interval, theta).value, wanted, atol=2e-9 if width > 1e-6 else 3e-8)


def test_a_quantile_cannot_be_held_where_it_is_no_constant() -> None:
    for extras in (Extras(cure=True), Extras(sigmas=True), Extras(energies=True)):
        model, _ = model_of("weibull", extras)
        with pytest.raises(ValueError, match="one sigma"):
            model.through(TraceDose(), np.ones(3), 1.0)


def test_a_quantile_held_with_a_curvature_has_its_derivatives() -> None:
    model, theta = model_of("lognormal", Extras(curvature=True))
    target = TraceDose()
    target.add(LaggedBath(BathTrace.constant(70.0, 1.0), NO_LAG), 0.0, np.array([250.0]), 1)
    held = model.through(target, np.array([1.0, 0.2, 1.0]), 2.3)
    here = held.evaluate(theta[1:])
    scale = float(np.abs(here.hessian).max())
    hessian = difference(lambda at: held.evaluate(at).score, theta[1:], 1e-4)
    np.testing.assert_allclose(here.hessian / scale, hessian / scale, atol=1e-9)
