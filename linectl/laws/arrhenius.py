"""The Arrhenius law in the form that every room uses: a factor of 1 at 60 °C."""

from __future__ import annotations

from math import exp

from linectl.units import ZERO_CELSIUS_K, kelvin

__all__ = ["GAS_CONSTANT_KJ_MOL_K", "REFERENCE_C", "inverse_temperature", "rate_factor"]

GAS_CONSTANT_KJ_MOL_K = 8.314462618e-3
"""R in kJ/(mol K), exact since the SI of 2019."""
REFERENCE_C = 60.0
"""The temperature (°C) at which a rate factor is 1."""


def inverse_temperature(temperature_c: float, reference_c: float = REFERENCE_C) -> float:
    """Return u = (1/T_ref - 1/T)/R in mol/kJ: the rate at `temperature_c` (°C) is exp(E u) times that at the reference.

    Raises:
        ValueError: at or below absolute zero.
    """
    if temperature_c <= -ZERO_CELSIUS_K:
        msg = f"{temperature_c} °C is not above absolute zero"
        raise ValueError(msg)
    return (1.0 / kelvin(reference_c) - 1.0 / kelvin(temperature_c)) / GAS_CONSTANT_KJ_MOL_K


def rate_factor(activation_kj_mol: float, temperature_c: float, reference_c: float = REFERENCE_C) -> float:
    """Return how many times faster than at the reference a process of `activation_kj_mol` goes at `temperature_c`."""
    return exp(activation_kj_mol * inverse_temperature(temperature_c, reference_c))
