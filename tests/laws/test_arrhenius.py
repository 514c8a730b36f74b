from __future__ import annotations

import math

import pytest

from linectl.laws.arrhenius import GAS_CONSTANT_KJ_MOL_K, inverse_temperature, rate_factor


def test_the_factor_is_one_at_60_c_whatever_the_energy() -> None:
    for energy in (0.0, 38.0, 120.0):
        assert rate_factor(energy, 60.0) == 1.0


def test_the_factor_between_60_and_80_c_follows_the_absolute_temperatures() -> None:
    by_hand = math.exp(45.0 / GAS_CONSTANT_KJ_MOL_K * (1 / 333.15 - 1 / 353.15))
    assert rate_factor(45.0, 80.0) == pytest.approx(by_hand, rel=1e-12)
    assert by_hand == pytest.approx(2.51, abs=0.01)


def test_two_factors_multiply_over_a_reference_between() -> None:
    through = rate_factor(50.0, 70.0) * rate_factor(50.0, 80.0, reference_c=70.0)
    assert through == pytest.approx(rate_factor(50.0, 80.0), rel=1e-12)


def test_colder_is_negative_and_absolute_zero_is_refused() -> None:
    assert inverse_temperature(40.0) < 0.0 < inverse_temperature(61.0)
    with pytest.raises(ValueError, match="absolute zero"):
        inverse_temperature(-273.15)
