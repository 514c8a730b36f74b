from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from linectl.lab.kinetics.bath_effect import fit_bath_effect
from linectl.lab.kinetics.codes import Code
from linectl.lab.kinetics.data import BathTrace, ReleaseData
from linectl.lab.kinetics.derived import acceleration_factor, equivalent_soak, min_temperature, released_fraction
from linectl.lab.kinetics.fit import ReleaseFit, fit_release
from linectl.lab.kinetics.intervals import share_off
from linectl.lab.kinetics.trace import NO_LAG
from linectl.lab.results import Estimate

TESTED_C = (50.0, 60.0, 70.0)


@pytest.fixture(scope="module")
def fit(module_world: Callable[..., ReleaseData]) -> ReleaseFit:
    found = fit_release(module_world(), glass=NO_LAG)
    assert isinstance(found, ReleaseFit)
    return found


def falling(temp_c: float) -> Estimate:
    return Estimate(100.0, 50.0, 600.0 * math.exp(-0.1 * (temp_c - 63.0)), unit="s")


def test_the_coolest_temperature_is_where_the_upper_bound_meets_the_time() -> None:
    found = min_temperature(falling, TESTED_C, within_s=600.0)
    assert found.value == pytest.approx(63.0, abs=0.2)
    assert found.value is not None
    assert (falling(found.value).upper or 0.0) <= 600.0
    assert (found.reason, found.unit) == ("", "°C")


def test_outside_the_tested_temperatures_nothing_is_said() -> None:
    assert min_temperature(falling, TESTED_C, within_s=200.0).reason == Code.NOT_WITHIN
    assert min_temperature(falling, TESTED_C, within_s=200.0).value is None
    easy = min_temperature(falling, TESTED_C, within_s=1e4)
    assert (easy.value, easy.reason) == (50.0, Code.COOLEST_TESTED)


def test_every_hotter_temperature_must_do_too() -> None:
    def bent(temp_c: float) -> Estimate:
        return Estimate(100.0, 50.0, 700.0 if 58.0 < temp_c < 62.0 else 500.0)

    found = min_temperature(bent, TESTED_C, within_s=600.0)
    assert found.value == pytest.approx(62.0, abs=0.2)
    assert min_temperature(bent, (50.0, 55.0, 65.0, 70.0), within_s=600.0).value == pytest.approx(50.0)


def test_a_bound_that_is_missing_is_no_bound() -> None:
    found = min_temperature(lambda _: Estimate(None, reason=Code.PLATEAU), TESTED_C, within_s=600.0)
    assert (found.value, found.reason) == (None, Code.PLATEAU)


def test_a_soak_at_60_c_is_its_own_minutes_whatever_the_energy(fit: ReleaseFit) -> None:
    found = equivalent_soak(fit, BathTrace.constant(60.0, 600.0), 600.0)
    for minutes in (found.value, found.lower, found.upper):
        assert minutes == pytest.approx(10.0, rel=1e-9)
    warmer = equivalent_soak(fit, BathTrace.constant(70.0, 600.0), 600.0)
    u = 1 / 8.314462618e-3 * (1 / 333.15 - 1 / 343.15)
    assert warmer.value == pytest.approx(10.0 * math.exp(fit.energy * u), rel=1e-9)
    assert warmer.upper is not None
    assert warmer.value is not None
    assert math.log(warmer.upper / warmer.value) == pytest.approx(1.959964 * u * fit.se("E"), rel=1e-6)


def test_the_share_off_on_a_trace_is_that_of_the_constant_bath_and_of_baths_at_random_flatter(
    fit: ReleaseFit, module_world: Callable[..., ReleaseData]
) -> None:
    trace = BathTrace.constant(60.0, 900.0)
    found = released_fraction(fit, trace, 300.0, naoh_pct=1.5)
    assert found.value == pytest.approx(float(share_off(fit, 60.0, 1.5, np.array([300.0]))[0]), rel=1e-9)
    assert found.lower is not None
    assert found.upper is not None
    assert found.value is not None
    assert found.lower < found.value < found.upper
    effect = fit_bath_effect(fit)
    random = released_fraction(fit, trace, 600.0, naoh_pct=1.5, bath_effect=effect)
    assert random.population == "marginal"
    assert random.value == pytest.approx(released_fraction(fit, trace, 600.0, naoh_pct=1.5).value, abs=0.02)


def test_an_acceleration_factor_rests_on_e_alone(fit: ReleaseFit) -> None:
    found = acceleration_factor(fit, 50.0, 70.0)
    steep = (1 / 323.15 - 1 / 343.15) / 8.314462618e-3
    assert found.value == pytest.approx(math.exp(fit.energy * steep))
    assert found.upper == pytest.approx(math.exp((fit.energy + 1.959964 * fit.se("E")) * steep), rel=1e-6)


def test_extrapolation_is_refused_unless_asked_for_and_then_flagged(fit: ReleaseFit) -> None:
    hot = BathTrace.constant(80.0, 900.0)
    calls: tuple[Callable[[bool], Estimate], ...] = (
        lambda yes: acceleration_factor(fit, 50.0, 80.0, extrapolate=yes),
        lambda yes: equivalent_soak(fit, hot, 600.0, extrapolate=yes),
        lambda yes: released_fraction(fit, hot, 600.0, naoh_pct=1.5, extrapolate=yes),
    )
    for call in calls:
        assert (call(False).value, call(False).reason) == (None, Code.EXTRAPOLATED)
        assert call(True).value is not None
        assert call(True).extrapolated
    assert not equivalent_soak(fit, BathTrace.constant(74.0, 900.0), 600.0).extrapolated
