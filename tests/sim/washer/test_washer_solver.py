"""The washer's and the bath's steps against a solver of ordinary differential equations, over 8 h."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import expm1

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from linectl.laws.water import heat_capacity_kj_kg_k, surface_loss
from linectl.sim.bath.physics import BathInputs, BathParams, filled, naoh_pct
from linectl.sim.bath.physics import step as bath_step
from linectl.sim.washer.machine import reference_machine
from linectl.sim.washer.state import NONE, Eight, WasherInputs
from linectl.sim.washer.step import start, step

MACHINE = reference_machine()
RATE = MACHINE.rated_b_h / 3600.0
FULL: Eight = tuple(RATE * zone.dwell_s for zone in MACHINE.zones)  # type: ignore[assignment]  # eight zones
CP, KG_L = 4.18, 0.985
FRESH_KG_S, MAINS_C, ROOM_C, IN_C = 0.25, 12.0, 20.0, 15.0
Rates = Callable[[float, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Hour:
    """What acts for an hour: heaters (kW) and whether the chain runs."""

    heater_kw: Eight
    runs: bool


UP, MORE, HOLD, LOW = (
    (0.0, 20.0, 60.0, 100.0, 20.0, 20.0, 20.0, 0.0),
    (0.0, 8.0, 25.0, 30.0, 8.0, 12.0, 18.0, 0.0),
    (0.0, 2.0, 14.0, 18.0, 2.0, 7.0, 14.0, 0.0),
    (0.0, 0.0, 5.0, 10.0, 0.0, 0.0, 5.0, 0.0),
)
SHIFT = (
    Hour(UP, runs=False),
    Hour(UP, runs=True),
    Hour(HOLD, runs=True),
    Hour(HOLD, runs=True),
    Hour(LOW, runs=False),
    Hour(HOLD, runs=True),
    Hour(MORE, runs=True),
    Hour(LOW, runs=True),
)


def washer_rates(hour: Hour) -> Rates:
    """Return the right-hand side, zone by zone and from the laws themselves: T, water, NaOH, glass."""
    flow = RATE if hour.runs else 0.0
    film = flow * MACHINE.film_ml * 1e-3 * KG_L
    last = -np.log1p(-MACHINE.carbonation_pct_week / 100.0) / (7 * 86400.0)

    def outlet(dwells: float) -> float:
        return dwells / expm1(dwells)

    def rates(_: float, y: np.ndarray) -> np.ndarray:
        t, w, n, g = y.reshape(4, 8)
        into: list[list[tuple[float, float, float]]] = [[] for _ in range(8)]  # kg/s, °C, kg NaOH per kg
        out = np.zeros(8)

        def move(kg_s: float, source: int, target: int | None) -> None:
            out[source] += kg_s
            if target is not None:
                into[target].append((kg_s, t[source], n[source] / w[source]))

        above = [max(0.0, w[z] - MACHINE.zones[z].volume_l * KG_L) / MACHINE.weir_s for z in range(8)]
        for source, target in ((7, 6), (6, 5), (5, 4), (1, 0), (0, None), (2, None), (3, None)):
            move(above[source], source, target)
        move(above[4] * MACHINE.heat_recovery, 4, 1)
        move(above[4] * (1.0 - MACHINE.heat_recovery), 4, None)
        for zone in range(8):
            move(film, zone, zone + 1 if zone < 7 else None)
        into[7].append((FRESH_KG_S, MAINS_C, 0.0))
        dt, dw, dn, dg = np.zeros(8), np.zeros(8), np.zeros(8), np.zeros(8)
        coming = IN_C
        for zone, own in enumerate(MACHINE.zones):
            surface_kw, surface_kg = surface_loss(t[zone], ROOM_C, MACHINE.humidity_pct)
            lost_kw = surface_kw * own.surface_m2 + own.walls_w_k * 1e-3 * (t[zone] - ROOM_C)
            glass_kw = FULL[zone] * MACHINE.bottle_kj_k * (g[zone] - t[zone]) / own.tau_glass_s
            mixing = sum(kg * (from_c - t[zone]) for kg, from_c, _ in into[zone]) * CP
            dt[zone] = (mixing + hour.heater_kw[zone] + glass_kw - lost_kw) / (w[zone] * CP)
            dw[zone] = sum(kg for kg, _, _ in into[zone]) - out[zone] - surface_kg * own.surface_m2
            dn[zone] = sum(kg * x for kg, _, x in into[zone]) - out[zone] * n[zone] / w[zone]
            if zone in (2, 3):
                dn[zone] -= last * n[zone]
            goes = t[zone] + outlet(own.dwell_s / own.tau_glass_s) * (g[zone] - t[zone])
            dg[zone] = (t[zone] - g[zone]) / own.tau_glass_s + flow * (coming - goes) / FULL[zone]
            coming = goes
        return np.concatenate([dt, dw, dn, dg])

    return rates


def test_the_washer_agrees_with_a_solver_within_a_tenth_of_a_kelvin_over_8_h() -> None:
    state = start(
        MACHINE, temperature_c=20.0, naoh_pct=(0.0, 0.1, 1.5, 1.8, 0.1, 0.0, 0.0, 0.0), bottles=FULL
    )._replace(extraction_m_s=MACHINE.fan_m_s)
    y = np.concatenate([state.temperature_c, state.water_kg, state.naoh_kg, state.glass_c])
    for hour in SHIFT:
        y = solve_ivp(washer_rates(hour), (0.0, 3600.0), y, method="LSODA", rtol=1e-7, atol=1e-7).y[:, -1]
        inputs = WasherInputs(
            heater_kw=hour.heater_kw,
            dose_g_min=NONE,
            drain_l_min=NONE,
            pump=(1.0,) * 8,
            bottles=FULL,
            fresh_l_min=FRESH_KG_S * 60.0,
            fill_l_min=NONE,
            speed_pockets_min=50.0 if hour.runs else 0.0,
            fed_per_s=RATE if hour.runs else 0.0,
            bottle_in_c=IN_C,
            extraction=1.0,
            room_c=ROOM_C,
            mains_c=MAINS_C,
        )
        for _ in range(3600):
            state = step(state, inputs, 1.0, MACHINE)._replace(speed_pockets_min=inputs.speed_pockets_min)
        t, w, n, g = y.reshape(4, 8)
        assert state.temperature_c == pytest.approx(t, abs=0.1)
        assert state.glass_c == pytest.approx(g, abs=0.1)
        assert state.water_kg == pytest.approx(w, abs=1.0)
        assert state.naoh_kg == pytest.approx(n, rel=5e-3, abs=2e-3)


def bath_rates(params: BathParams, inputs: BathInputs) -> Rates:
    """Return the right-hand side of the open bath from the laws themselves: T, water, NaOH."""

    def rates(_: float, y: np.ndarray) -> np.ndarray:
        t, water, naoh = y
        pct = 100.0 * naoh / (water + naoh)
        surface_kw, surface_kg = surface_loss(t, params.room_c, params.humidity_pct)
        lost_kw = params.walls_w_k * 1e-3 * (t - params.room_c) + surface_kw * params.surface_m2
        heat_kj_k = (water + naoh) * heat_capacity_kj_kg_k(pct, t)
        return np.array([(inputs.heater_kw - lost_kw) / heat_kj_k, -surface_kg * params.surface_m2, 0.0])

    return rates


@pytest.mark.parametrize("heaters_kw", [(3.0, 1.2, 0.3, 1.5, 0.0, 3.0, 0.8, 1.0)])
def test_the_bath_agrees_with_a_solver_within_a_tenth_of_a_kelvin_over_8_h(heaters_kw: Sequence[float]) -> None:
    params = BathParams()
    state = filled(params, temperature_c=20.0, naoh_pct=2.0)
    y = np.array([state.temperature_c, state.water_kg, state.naoh_kg])
    for heater_kw in heaters_kw:
        inputs = BathInputs(heater_kw=heater_kw, lid_open=True)
        y = solve_ivp(bath_rates(params, inputs), (0.0, 3600.0), y, method="LSODA", rtol=1e-8, atol=1e-8).y[:, -1]
        for _ in range(3600):
            state = bath_step(state, inputs, 1.0, params)
        assert state.temperature_c == pytest.approx(y[0], abs=0.1)
        assert state.water_kg == pytest.approx(y[1], rel=1e-3)
        assert naoh_pct(state) == pytest.approx(100.0 * y[2] / (y[1] + y[2]), rel=1e-3)
