"""Canonical units (°C, s, %, mS/cm, kJ/mol) and the few conversions between people's and ours."""

from __future__ import annotations

__all__ = ["NS_PER_S", "ZERO_CELSIUS_K", "kelvin", "s_to_ns"]

ZERO_CELSIUS_K = 273.15
NS_PER_S = 1_000_000_000


def kelvin(temperature_c: float) -> float:
    """Return the absolute temperature in K of `temperature_c` in °C."""
    return temperature_c + ZERO_CELSIUS_K


def s_to_ns(seconds: float) -> int:
    """Return `seconds` in whole nanoseconds, rounded to the nearest."""
    return round(seconds * NS_PER_S)
