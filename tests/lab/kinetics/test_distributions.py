from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from linectl.lab.kinetics.distributions import FAMILIES, Distribution, family

Array = NDArray[np.float64]

EACH = pytest.mark.parametrize("dist", FAMILIES.values(), ids=list(FAMILIES))
Z = np.array([-8.0, -3.0, -1.0, -0.2, 0.3, 1.0, 2.0, 2.9])


def derivative(f: Callable[[Array], Array], z: Array, h: float = 1e-5) -> Array:
    return np.asarray((f(z + h) - f(z - h)) / (2 * h))


@EACH
@pytest.mark.parametrize("kind", ["left", "right", "exact"])
def test_one_sided_terms_have_the_derivatives_they_say(dist: Distribution, kind: str) -> None:
    terms = getattr(dist, kind)
    found = terms(Z)
    np.testing.assert_allclose(found.first, derivative(lambda z: terms(z).value, Z), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(found.second, derivative(lambda z: terms(z).first, Z), rtol=1e-6, atol=1e-8)


@EACH
def test_interval_terms_have_the_derivatives_they_say(dist: Distribution) -> None:
    low, high = Z, Z + np.array([0.3, 1.0, 2.0, 0.1, 0.05, 0.4, 0.3, 0.2])
    found = dist.interval(low, high)
    pairs: list[tuple[Array, Callable[[float], Array]]] = [
        (found.lower, lambda h: dist.interval(low + h, high).value),
        (found.upper, lambda h: dist.interval(low, high + h).value),
        (found.lower2, lambda h: dist.interval(low + h, high).lower),
        (found.upper2, lambda h: dist.interval(low, high + h).upper),
        (found.cross, lambda h: dist.interval(low, high + h).lower),
    ]
    for analytic, f in pairs:
        np.testing.assert_allclose(analytic, (f(1e-5) - f(-1e-5)) / 2e-5, rtol=1e-5, atol=1e-7)


@EACH
def test_the_three_ways_to_see_a_label_add_up_to_one(dist: Distribution) -> None:
    low, high = np.array([-1.5]), np.array([0.7])
    parts = [dist.left(low).value, dist.interval(low, high).value, dist.right(high).value]
    assert sum(math.exp(part[0]) for part in parts) == pytest.approx(1.0, abs=1e-15)


@EACH
def test_quantile_and_cdf_are_inverse(dist: Distribution) -> None:
    for p in (0.01, 0.5, 0.99):
        assert dist.cdf(np.array([dist.quantile(p)]))[0] == pytest.approx(p, rel=1e-14)


def test_scores_of_99_percent() -> None:
    assert [round(family(name).quantile(0.99), 3) for name in ("weibull", "lognormal", "loglogistic")] == [
        1.527,
        2.326,
        4.595,
    ]


def test_far_in_the_tails_and_on_hairlines_no_digits_are_lost() -> None:
    # the reference by a continued fraction in 60 digits
    lognormal, weibull = family("lognormal"), family("weibull")
    tail = lognormal.interval(np.array([20.0]), np.array([21.0])).value[0]
    assert tail == pytest.approx(-203.91715537228816, rel=1e-14)
    hairline = lognormal.interval(np.array([1.0]), np.array([1.0 + 2.0**-30])).value[0]
    assert hairline == pytest.approx(-0.5 - 0.5 * math.log(2 * math.pi) - 30 * math.log(2), rel=1e-9)
    assert weibull.interval(np.array([-40.0]), np.array([-39.0])).value[0] == pytest.approx(
        -40 + math.log(math.e - 1), rel=1e-14
    )
    with np.errstate(divide="ignore"):
        naive = np.log(lognormal.cdf(np.array([21.0])) - lognormal.cdf(np.array([20.0])))[0]
    assert not math.isfinite(naive), "the difference of two probabilities would be nothing at all"
