from __future__ import annotations

import pytest

from linectl.laws.water import (
    density_kg_l,
    heat_capacity_kj_kg_k,
    latent_heat_kj_kg,
    saturation_kpa,
    surface_loss,
    water_density_kg_l,
)


@pytest.mark.parametrize(("temperature_c", "kg_m3"), [(4, 999.97), (20, 998.20), (60, 983.2), (80, 971.8)])
def test_density_of_water_is_that_of_the_tables(temperature_c: float, kg_m3: float) -> None:
    assert water_density_kg_l(temperature_c) * 1000 == pytest.approx(kg_m3, abs=0.1)
    assert density_kg_l(0.0, temperature_c) == pytest.approx(water_density_kg_l(temperature_c), rel=1e-12)


@pytest.mark.parametrize(("temperature_c", "kg_m3"), [(20, 1020), (60, 1004), (80, 993)])
def test_density_of_two_percent_caustic(temperature_c: float, kg_m3: float) -> None:
    assert density_kg_l(2.0, temperature_c) * 1000 == pytest.approx(kg_m3, abs=1.0)


@pytest.mark.parametrize(
    ("naoh_pct", "temperature_c", "kj_kg_k"),
    [(0, 20, 4.184), (0, 40, 4.179), (0, 60, 4.185), (0, 80, 4.197), (2, 20, 4.07), (2, 60, 4.09), (2, 80, 4.11)],
)
def test_heat_capacity(naoh_pct: float, temperature_c: float, kj_kg_k: float) -> None:
    assert heat_capacity_kj_kg_k(naoh_pct, temperature_c) == pytest.approx(kj_kg_k, rel=3e-3)


def test_vapour_pressure_and_latent_heat_are_those_of_the_steam_tables() -> None:
    for temperature_c, kpa in ((20, 2.339), (60, 19.95), (80, 47.41), (100, 101.42)):
        assert saturation_kpa(temperature_c) == pytest.approx(kpa, rel=2e-3)
    for temperature_c, kj_kg in ((20, 2453.5), (60, 2357.7), (80, 2308.0), (100, 2256.4)):
        assert latent_heat_kj_kg(temperature_c) == pytest.approx(kj_kg, rel=2e-3)


@pytest.mark.parametrize(("temperature_c", "kw_m2"), [(50, 1.4), (60, 2.4), (70, 3.8), (80, 5.8), (85, 7.1)])
def test_an_open_surface_loses_the_calibrated_heat(temperature_c: float, kw_m2: float) -> None:
    assert surface_loss(temperature_c)[0] == pytest.approx(kw_m2, abs=0.05)


def test_an_open_surface_at_80_c_evaporates_7_7_kg_an_hour() -> None:
    assert surface_loss(80.0)[1] * 3600 == pytest.approx(7.7, rel=0.01)


def test_most_of_the_heat_leaves_as_vapour_and_none_into_a_warmer_room() -> None:
    heat_kw, water_kg = surface_loss(80.0)
    assert 0.8 < water_kg * latent_heat_kj_kg(80.0) / heat_kw < 0.95
    assert surface_loss(20.0, room_c=25.0) == (0.0, 0.0)
    assert surface_loss(22.0, room_c=20.0, humidity_pct=100.0)[1] > 0.0
