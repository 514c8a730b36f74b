"""Water and dilute caustic: density, heat capacity, and what an open surface loses.

Density after Laliberté and Cooper, J. Chem. Eng. Data 49 (2004) 1141 (water by Kell's polynomial). The loss of an
open surface is film theory at low transfer rates, calibrated to 5.8 kW/m2 at 80 °C over still air of 20 °C; such
figures are good to ± 30 %.
"""

from __future__ import annotations

from math import exp

__all__ = [
    "density_kg_l",
    "heat_capacity_kj_kg_k",
    "latent_heat_kj_kg",
    "saturation_kpa",
    "surface_loss",
    "water_density_kg_l",
]

_AIR_KPA = 101.325
_STEFAN_BOLTZMANN_KW = 5.670374419e-11  # kW/(m2 K4)
_EMISSIVITY = 0.95  # a water surface
_FILM_60K_KW = 6.92e-3  # kW/(m2 K): the air film's coefficient when the surface is 60 K above the room
# Lewis: kg of vapour per kJ/K of the film, for a full difference of one atmosphere of vapour pressure:
# (M_water/M_air) / (cp_air Le^(2/3)), with cp_air = 1.007 kJ/(kg K) and Le = 0.87
_LEWIS_KG_K_KJ = 0.622 / (1.007 * 0.87 ** (2 / 3))


def water_density_kg_l(temperature_c: float) -> float:
    """Return the density of water in kg/L, 0-100 °C (Kell 1975)."""
    t = temperature_c
    top = ((((-2.8054253e-10 * t + 1.0556302e-7) * t - 4.6170461e-5) * t - 7.9870401e-3) * t + 16.945176) * t
    return (top + 999.83952) / (1.0 + 0.01687985 * t) * 1e-3


def density_kg_l(naoh_pct: float, temperature_c: float) -> float:
    """Return the density of NaOH solution in kg/L; `naoh_pct` in % by mass (Laliberté and Cooper 2004)."""
    w, t = naoh_pct * 1e-2, temperature_c
    apparent_l_kg = 1e3 * (w - 0.10938 + 6.953e-4 * t) / ((385.55 * w + 753.47) * exp(1e-6 * (t + 542.88) ** 2))
    return 1.0 / ((1.0 - w) / water_density_kg_l(t) + w * apparent_l_kg)


def heat_capacity_kj_kg_k(naoh_pct: float, temperature_c: float) -> float:
    """Return the heat capacity of water or NaOH solution up to 4 %, in kJ/(kg K), 10-95 °C, within 0.5 %.

    A parabola through the steam tables for water; the solute's share is linear between Laliberté's (2009) 4.07, 4.09
    and 4.11 kJ/(kg K) for 2 % at 20, 60 and 80 °C.
    """
    t = temperature_c
    return 4.2080 - 1.64e-3 * t + 1.90e-5 * t * t - naoh_pct * (0.0603 - 2.1e-4 * t)


def latent_heat_kj_kg(temperature_c: float) -> float:
    """Return the heat of evaporation of water in kJ/kg (steam tables, within 0.2 % from 0 to 100 °C)."""
    return 2501.0 - 2.42 * temperature_c


def saturation_kpa(temperature_c: float) -> float:
    """Return the vapour pressure of water in kPa (Buck 1996, within 0.2 % from 0 to 100 °C)."""
    t = temperature_c
    return 0.61121 * exp((18.678 - t / 234.5) * t / (257.14 + t))


def surface_loss(temperature_c: float, room_c: float = 20.0, humidity_pct: float = 50.0) -> tuple[float, float]:
    """Return what an open surface loses: heat in kW/m2 (all of it) and water in kg/(m2 s); nothing when not warmer.

    Evaporation and convection through one still film whose coefficient grows with the fourth root of the
    temperature difference, and radiation. NaOH lowers the vapour pressure by less than 2 % up to 2 %: left out.
    """
    above_k = temperature_c - room_c
    if above_k <= 0.0:
        return 0.0, 0.0
    film_kw = _FILM_60K_KW * (above_k / 60.0) ** 0.25
    drive = (saturation_kpa(temperature_c) - saturation_kpa(room_c) * humidity_pct * 1e-2) / _AIR_KPA
    water_kg = film_kw * _LEWIS_KG_K_KJ * max(0.0, drive)
    surface_k, walls_k = temperature_c + 273.15, room_c + 273.15
    radiated = _EMISSIVITY * _STEFAN_BOLTZMANN_KW * (surface_k**4 - walls_k**4)
    return water_kg * latent_heat_kj_kg(temperature_c) + film_kw * above_k + radiated, water_kg
