"""Cluster-robust errors against sandwiches by numeric scores in R and numpy, and where there are too few baths."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.special import stdtrit

from linectl.lab.kinetics.codes import Code
from linectl.lab.kinetics.data import ReleaseData
from linectl.lab.kinetics.fit import ReleaseFit, fit_release
from linectl.lab.kinetics.sandwich import cluster_covariance, cluster_interval, degrees_of_freedom
from linectl.lab.kinetics.trace import NO_LAG

EXPECTED = Path(__file__).parents[2] / "data" / "kinetics" / "synthetic_batch.expected.json"
Batch = Callable[[str], ReleaseData]
Soaked = Callable[[int, int, float], ReleaseData]


def fitted(data: ReleaseData, family: str) -> ReleaseFit:
    fit = fit_release(data, family, glass=NO_LAG)
    assert isinstance(fit, ReleaseFit), fit
    return fit


@pytest.mark.parametrize("kind", ["interval", "exact"])
@pytest.mark.parametrize("family", ["weibull", "lognormal"])
def test_agrees_with_the_score_sandwich(batch: Batch, kind: str, family: str) -> None:
    fit = fitted(batch(kind), family)
    wanted = json.loads(EXPECTED.read_text(encoding="utf-8"))["reference"][f"robust_{kind}"][family]
    found = np.sqrt(np.diag(cluster_covariance(fit, small_sample=False)))
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    assert abs(fit.se("b0") - wanted[0]) > 0.1 * wanted[0], "the plain errors must not pass"


def test_the_small_sample_factor_and_t_widen_the_interval(batch: Batch) -> None:
    fit = fitted(batch("interval"), "weibull")
    plain, small = cluster_covariance(fit, small_sample=False), cluster_covariance(fit)
    np.testing.assert_allclose(small, plain * 24 / 23 * 239 / 237, rtol=1e-12)
    assert degrees_of_freedom(fit) == 21
    interval = cluster_interval(fit, "E")
    assert interval.upper is not None
    assert interval.value is not None
    reach = stdtrit(21, 0.975) * np.sqrt(small[1, 1])
    assert interval.upper - interval.value == pytest.approx(reach, rel=1e-9)


def test_three_baths_give_no_interval_and_say_so(soaked: Soaked) -> None:
    few = cluster_interval(fitted(soaked(1, 3, 0.2), "lognormal"), "E")
    assert few.value is not None
    assert (few.lower, few.upper, few.reason) == (None, None, Code.FEW_BATHS)
    assert cluster_interval(fitted(soaked(1, 6, 0.2), "lognormal"), "caustic").reason == Code.SINGLE_CAUSTIC
