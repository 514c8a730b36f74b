from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from linectl.lab.kinetics.data import BathTrace
from linectl.lab.kinetics.trace import NO_LAG, InterpolatedDose, LaggedBath, TraceDose, inverse_u
from linectl.model.experiments import Glass

WAVY = BathTrace.of(
    np.arange(0.0, 901.0).tolist(), (60 - 4 * np.exp(-np.arange(901) / 120) + 0.3 * np.sin(np.arange(901))).tolist()
)
COLD = Glass(tau_glass_s=15.0, bottle_in_c=20.0)


def doses(trace: BathTrace, glass: Glass, at: float, ends: list[float], energy: float) -> NDArray[np.float64]:
    dose = TraceDose()
    dose.add(LaggedBath(trace, glass), at, np.array(ends))
    return dose.log(energy).value


def test_at_constant_temperature_without_lag_the_dose_is_the_time_times_the_rate() -> None:
    found = doses(BathTrace.constant(72.0, 600.0), NO_LAG, 0.0, [100.0, 600.0], 80.0)
    rate = 80.0 * inverse_u(np.array([72.0]))[0]
    np.testing.assert_allclose(found, np.log([100.0, 600.0]) + rate, rtol=1e-14)


def test_at_the_reference_the_dose_is_the_time_whatever_the_energy() -> None:
    assert doses(BathTrace.constant(60.0, 9.0), NO_LAG, 0.0, [300.0], 123.0)[0] == pytest.approx(math.log(300))


def test_lagged_dose_on_a_measured_trace_is_what_an_ode_solver_finds() -> None:
    at, end, energy = 30.5, 417.3, 80.0

    def step(t: float, state: NDArray[np.float64]) -> list[float]:
        bath = np.interp(t, WAVY.t_s, WAVY.temp_c)
        return [(bath - state[0]) / 15.0, math.exp(energy * float(inverse_u(state[:1])[0]))]

    # the solver must not step over the kinks of a piecewise linear bath
    oracle = solve_ivp(step, (at, at + end), [20.0, 0.0], rtol=1e-10, atol=1e-10, max_step=0.5)
    found = doses(WAVY, COLD, at, [end], energy)[0]
    assert found == pytest.approx(math.log(oracle.y[1, -1]), abs=2e-6)


def test_a_coarse_trace_and_its_own_interpolation_give_the_same_dose() -> None:
    coarse = BathTrace.of([0.0, 60.0, 300.0, 900.0], [52.0, 58.0, 61.0, 60.0])
    fine_t = np.linspace(0.0, 900.0, 9001)
    fine = BathTrace(fine_t, np.interp(fine_t, coarse.t_s, coarse.temp_c))
    ends = [15.0, 200.0, 870.0]
    for energy in (45.0, 120.0):
        np.testing.assert_allclose(
            doses(coarse, COLD, 12.0, ends, energy), doses(fine, COLD, 12.0, ends, energy), atol=1e-7
        )


def test_a_steep_segment_is_split_and_an_unsplit_one_would_be_wrong() -> None:
    ramp = BathTrace.of([0.0, 600.0], [35.0, 85.0])
    energy = 80.0
    t_s = np.linspace(0.0, 600.0, 200_001)
    k = np.exp(energy * inverse_u(35.0 + t_s / 12.0))
    oracle = math.log(float(((k[0] + k[-1]) / 2 + k[1:-1].sum()) * (t_s[1] - t_s[0])))
    assert doses(ramp, NO_LAG, 0.0, [600.0], energy)[0] == pytest.approx(oracle, abs=1e-8)
    points = 300.0 + 300.0 * np.array([-math.sqrt(0.6), 0.0, math.sqrt(0.6)])
    unsplit = 600.0 * float(np.array([5, 8, 5]) / 18 @ np.exp(energy * inverse_u(35.0 + points / 12.0)))
    assert abs(math.log(unsplit) - oracle) > 1e-5


def test_derivatives_by_energy_are_those_of_the_value() -> None:
    dose = TraceDose()
    bath = LaggedBath(WAVY, COLD)
    dose.add(bath, 3.0, np.array([45.0, 60.0]))
    dose.add(bath, 9.0, np.array([30.0, 750.0]))
    h, at = 1e-3, 47.0
    plus, minus, here = dose.log(at + h), dose.log(at - h), dose.log(at)
    np.testing.assert_allclose(here.first, (plus.value - minus.value) / (2 * h), rtol=1e-8)
    np.testing.assert_allclose(here.second, (plus.first - minus.first) / (2 * h), rtol=1e-6, atol=1e-9)


def test_the_interpolated_dose_is_the_exact_one_inside_and_outside_its_range() -> None:
    dose = TraceDose()
    dose.add(LaggedBath(WAVY, COLD), 3.0, np.array([15.0, 60.0, 700.0]))
    near = InterpolatedDose(dose, 50.0, 30.0)
    for energy in (20.0, 41.7, 50.0, 79.9, 99.0):
        for found, exact in zip(near.log(energy)[:3], dose.log(energy)[:3], strict=True):
            np.testing.assert_allclose(found, exact, rtol=1e-9, atol=1e-10)


def test_bottles_of_one_bath_that_go_in_later_start_cold_later() -> None:
    bath = LaggedBath(BathTrace.constant(80.0, 900.0), COLD)
    first = bath.label(0.0, np.array([0.0, 15.0, 150.0]))
    later = bath.label(40.0, np.array([0.0, 15.0, 150.0]))
    np.testing.assert_allclose(first, later, rtol=1e-14)
    np.testing.assert_allclose(first, [20.0, 80 - 60 / math.e, 80 - 60 * math.exp(-10)], rtol=1e-12)


def test_without_the_lag_a_label_seems_to_have_had_more() -> None:
    with_lag = doses(BathTrace.constant(80.0, 900.0), COLD, 0.0, [60.0], 45.0)[0]
    without = doses(BathTrace.constant(80.0, 900.0), NO_LAG, 0.0, [60.0], 45.0)[0]
    assert without - with_lag > 0.3


def test_bottles_taken_together_have_the_doses_of_each_alone() -> None:
    bath, inserted, ends = (
        LaggedBath(WAVY, COLD),
        np.array([3.0, 9.5, 12.0]),
        [[45.0, 60.0], [15.0], [30.0, 75.5, 700.0]],
    )
    who = np.repeat(np.arange(3), [len(times) for times in ends])
    kinds = np.array([0, 1, 0], dtype=np.intp)
    together, apart = TraceDose(), TraceDose()
    numbers = together.add_all(bath, inserted, who, np.concatenate(ends), kinds)
    for at, times, kind in zip(inserted.tolist(), ends, kinds.tolist(), strict=True):
        apart.add(bath, at, np.array(times), kind)
    assert numbers.tolist() == list(range(6))
    for energy in (50.0, np.array([50.0, 70.0])):
        for found, alone in zip(together.log(energy, 500.0), apart.log(energy, 500.0), strict=True):
            assert found is not None
            assert alone is not None
            np.testing.assert_allclose(found, alone, rtol=1e-12, atol=1e-15)
    assert together.log(50.0).value[2] != together.log(np.array([50.0, 70.0])).value[2], "classes have their own energy"


def test_derivatives_by_curvature_are_those_of_the_value() -> None:
    dose = TraceDose()
    dose.add(LaggedBath(WAVY, COLD), 3.0, np.array([45.0, 750.0]))
    h, energy, bend = 0.1, 47.0, 300.0
    plus, minus, here = dose.log(energy, bend + h), dose.log(energy, bend - h), dose.log(energy, bend)
    assert here.curve is not None
    assert plus.curve is not None
    assert minus.curve is not None
    np.testing.assert_allclose(here.curve, (plus.value - minus.value) / (2 * h), rtol=1e-6)
    np.testing.assert_allclose(here.cross, (plus.first - minus.first) / (2 * h), rtol=1e-5)  # type: ignore[arg-type]  # not None with a curvature
    np.testing.assert_allclose(here.curve2, (plus.curve - minus.curve) / (2 * h), rtol=1e-4)  # type: ignore[arg-type]  # likewise
    assert dose.log(energy).curve is None


def test_a_rate_that_is_bent_in_the_inverse_temperature_is_integrated_as_such() -> None:
    ramp = BathTrace.of([0.0, 600.0], [45.0, 80.0])
    dose = TraceDose()
    dose.add(LaggedBath(ramp, NO_LAG), 0.0, np.array([600.0]))
    t_s = np.linspace(0.0, 600.0, 200_001)
    u = inverse_u(45.0 + 35.0 * t_s / 600.0)
    k = np.exp(60.0 * u + 1000.0 * u**2)
    oracle = math.log(float(((k[0] + k[-1]) / 2 + k[1:-1].sum()) * (t_s[1] - t_s[0])))
    assert dose.log(60.0, 1000.0).value[0] == pytest.approx(oracle, abs=2e-8)
    assert abs(dose.log(60.0).value[0] - oracle) > 0.1
