from __future__ import annotations

import pytest

from linectl.laws.naoh import conductivity_ms_cm
from linectl.sim.bath.physics import (
    BathInputs,
    BathParams,
    BathState,
    filled,
    level_pct,
    naoh_pct,
    step,
    thermostat,
    volume_l,
)

BATH = BathParams()
NO_LOSS = BathParams(walls_w_k=0.0, lid_w_k=0.0, surface_m2=0.0)
DRY = BathState(0.0, 0.0, 20.0, 20.0, 20.0, 0.0)


def until(
    state: BathState, inputs: BathInputs, cold_c: float | None, hot_c: float | None, params: BathParams = BATH
) -> float:
    """Return after how many s the bath crosses `cold_c` downwards or `hot_c` upwards."""
    for second in range(200_000):
        if (cold_c is not None and state.temperature_c <= cold_c) or (
            hot_c is not None and state.temperature_c >= hot_c
        ):
            return float(second)
        state = step(state, inputs, 1.0, params)
    pytest.fail("never got there")


def run(state: BathState, inputs: BathInputs, seconds: int, params: BathParams = BATH, dt_s: float = 1.0) -> BathState:
    for _ in range(round(seconds / dt_s)):
        state = step(state, inputs, dt_s, params)
    return state


def test_a_lidded_bath_takes_6_3_h_from_80_to_50_c() -> None:
    hours = until(filled(BATH, temperature_c=80.0), BathInputs(), 50.0, None) / 3600
    assert hours == pytest.approx(6.3, rel=0.1)


def test_an_open_bath_takes_2_4_h_from_80_to_50_c() -> None:
    hours = until(filled(BATH, temperature_c=80.0), BathInputs(lid_open=True), 50.0, None) / 3600
    assert hours == pytest.approx(2.4, rel=0.1)


def test_3_kw_heat_40_l_from_15_to_60_c_in_41_min_and_to_80_in_59_without_losses() -> None:
    cold = filled(NO_LOSS, temperature_c=15.0)
    assert until(cold, BathInputs(heater_kw=3.0), None, 60.0, NO_LOSS) / 60 == pytest.approx(41, abs=1.5)
    assert until(cold, BathInputs(heater_kw=3.0), None, 80.0, NO_LOSS) / 60 == pytest.approx(59, abs=2.0)


def test_losses_make_the_heat_up_slower() -> None:
    cold = filled(BATH, temperature_c=15.0)
    lidded = until(cold, BathInputs(heater_kw=3.0), None, 80.0)
    opened = until(cold, BathInputs(heater_kw=3.0, lid_open=True), None, 80.0)
    assert 59 * 60 < lidded < opened


def test_an_open_bath_held_at_80_c_loses_1_2_kw_and_1_5_l_an_hour_and_its_caustic_climbs() -> None:
    state = start = filled(BATH, temperature_c=80.0, naoh_pct=2.0)
    heat_kj = 0.0
    for _ in range(3600):
        heater_kw = thermostat(80.0, state.temperature_c) * 1e-3
        heat_kj += heater_kw
        state = step(state, BathInputs(heater_kw=heater_kw, lid_open=True), 1.0, BATH)
    assert heat_kj / 3600 == pytest.approx(1.2, abs=0.1)
    assert volume_l(start) - volume_l(state) == pytest.approx(1.5, abs=0.12)
    assert naoh_pct(state) - naoh_pct(start) == pytest.approx(0.08, abs=0.005)
    assert state.naoh_kg == start.naoh_kg


def test_a_lid_keeps_the_water_in() -> None:
    state = start = filled(BATH, temperature_c=80.0, naoh_pct=2.0)
    for _ in range(3600):
        state = step(state, BathInputs(heater_kw=0.3), 1.0, BATH)
    assert 0.0 < start.water_kg - state.water_kg < 0.05


def test_six_cold_bottles_cool_60_c_by_0_7_k() -> None:
    state = filled(NO_LOSS, temperature_c=60.0)
    after = step(state, BathInputs(), 1.0, NO_LOSS, load_kj=6 * 0.470 * 40.0)
    assert after.temperature_c - 60.0 == pytest.approx(-0.7, abs=0.02)


def test_caustic_leaves_only_by_the_drain() -> None:
    state = filled(BATH, temperature_c=60.0, naoh_pct=2.0)
    for inputs in (
        BathInputs(heater_kw=3.0),
        BathInputs(lid_open=True),
        BathInputs(stirrer_pct=100.0),
    ):
        assert run(state, inputs, 600).naoh_kg == state.naoh_kg
    drained = run(state, BathInputs(drain_l_min=10.0), 120)
    assert volume_l(drained) == pytest.approx(20.0, rel=0.01)
    assert naoh_pct(drained) == pytest.approx(2.0, abs=0.005)
    refilled = run(drained, BathInputs(fill_l_min=10.0), 120)
    assert naoh_pct(refilled) == pytest.approx(1.0, abs=0.02)
    assert refilled.naoh_kg == pytest.approx(drained.naoh_kg)


def test_a_dry_bath_has_no_level_and_does_not_heat() -> None:
    drained = run(filled(BATH, temperature_c=60.0), BathInputs(drain_l_min=10.0), 300)
    assert level_pct(drained, BATH) == 0.0
    dry = run(drained, BathInputs(heater_kw=3.0), 3600)
    assert dry.temperature_c == pytest.approx(BATH.room_c, abs=0.1)
    assert dry.conductivity_ms_cm == 0.0
    assert naoh_pct(dry) == 0.0


@pytest.mark.parametrize("dt_s", [0.1, 1.0])
@pytest.mark.parametrize("feed_c", [15.0, 45.0])
def test_filling_a_dry_bath_gives_feed_at_its_temperature_and_stops_at_full(dt_s: float, feed_c: float) -> None:
    params = BathParams(feed_c=feed_c)
    half = run(DRY, BathInputs(fill_l_min=10.0), 120, params, dt_s)
    assert level_pct(half, params) == pytest.approx(50.0, abs=0.8)
    assert half.temperature_c == pytest.approx(feed_c, abs=1.0)
    full = run(half, BathInputs(fill_l_min=10.0), 300, params, dt_s)
    assert level_pct(full, params) == pytest.approx(100.0, abs=0.1)


def test_dosing_adds_the_caustic_it_says_and_warms_a_little() -> None:
    state = run(filled(BATH, temperature_c=20.0, level_pct=90.0), BathInputs(dose_g_min=120.0), 300)
    assert state.naoh_kg == pytest.approx(0.600, abs=1e-6)
    assert 20.2 < state.temperature_c < 21.0


def test_what_overflows_is_solution() -> None:
    full = filled(BATH, temperature_c=60.0, naoh_pct=2.0)
    rinsed = run(full, BathInputs(fill_l_min=10.0), 240)
    assert level_pct(rinsed, BATH) == pytest.approx(100.0, abs=0.1)
    assert 0.5 < naoh_pct(rinsed) < 1.0  # a stirred tank keeps 1/e after one volume


def test_water_does_not_get_hotter_than_boiling() -> None:
    state = run(filled(BATH, temperature_c=99.0), BathInputs(heater_kw=3.0), 1800)
    assert state.temperature_c == 100.0
    assert level_pct(state, BATH) < 97.0


def test_sensors_lag_by_their_own_time_constants() -> None:
    state = BathState(40.0, 0.0, 60.0, 20.0, 20.0, 0.0)
    after = run(state, BathInputs(), 8, NO_LOSS)
    assert after.probe_c == pytest.approx(60.0 - 40.0 / 2.71828, abs=0.01)
    caustic = filled(NO_LOSS, temperature_c=60.0, naoh_pct=1.5)
    settled = caustic.conductivity_ms_cm
    after = run(caustic._replace(conductivity_ms_cm=0.0), BathInputs(), 2, NO_LOSS)
    assert after.conductivity_ms_cm / settled == pytest.approx(1 - 1 / 2.71828, abs=0.001)


def test_half_the_step_gives_the_same_bath() -> None:
    start = filled(BATH, temperature_c=20.0, naoh_pct=1.0)
    inputs = BathInputs(heater_kw=3.0, lid_open=True)
    whole, half = run(start, inputs, 3600), run(start, inputs, 3600, dt_s=0.5)
    assert whole.temperature_c == pytest.approx(half.temperature_c, abs=0.005)
    assert whole.water_kg == pytest.approx(half.water_kg, rel=1e-5)
    assert whole.probe_c == pytest.approx(half.probe_c, abs=0.02)


@pytest.mark.parametrize(("lid_open", "below_k"), [(False, 0.1), (True, 0.4)])
def test_the_thermostat_settles_without_ringing(lid_open: bool, below_k: float) -> None:
    state = filled(BATH, temperature_c=70.0)
    highest = 0.0
    for _ in range(3600):
        heater_kw = thermostat(80.0, state.controller_c) * 1e-3
        state = step(state, BathInputs(heater_kw=heater_kw, lid_open=lid_open), 1.0, BATH)
        highest = max(highest, state.temperature_c)
    assert 80.0 - state.temperature_c == pytest.approx(below_k, abs=0.05)
    assert highest < 80.1


def test_a_bias_takes_the_offset_away_and_power_stays_within_the_heater() -> None:
    assert thermostat(80.0, 80.0, bias_w=300.0) == 300.0
    assert thermostat(80.0, 20.0) == 3000.0
    assert thermostat(80.0, 90.0, bias_w=300.0) == 0.0


def test_co2_turns_free_caustic_into_carbonate_that_conducts() -> None:
    params = BathParams(carbonation_pct_week=10.0, surface_m2=0.0)
    fresh = filled(params, temperature_c=60.0, naoh_pct=2.0)
    week = run(fresh, BathInputs(), 7 * 86400, params, dt_s=60.0)
    assert week.naoh_kg == pytest.approx(0.9 * fresh.naoh_kg)
    lost_kg = fresh.naoh_kg - week.naoh_kg
    assert week.carbonate_kg == pytest.approx(lost_kg * 105.988 / 79.994, rel=1e-6)
    cool = conductivity_ms_cm(naoh_pct(week), week.temperature_c)
    assert cool * 1.01 < week.conductivity_ms_cm < cool * 1.08  # a tenth gone, of which a third still shows


def test_soil_spends_caustic_and_never_more_than_there_is() -> None:
    state = filled(BATH, temperature_c=60.0, naoh_pct=1.5)
    soiled = run(state, BathInputs(soil_g_s=0.1), 60)
    assert state.naoh_kg - soiled.naoh_kg == pytest.approx(0.006)
    assert 0.0 < soiled.carbonate_kg < 0.001
    assert run(state, BathInputs(soil_g_s=1e4), 10).naoh_kg == 0.0


def test_carbonate_leaves_with_the_liquid() -> None:
    state = filled(BATH, temperature_c=60.0, naoh_pct=1.5)._replace(carbonate_kg=0.4)
    half = run(state, BathInputs(drain_l_min=10.0), 120)
    assert half.carbonate_kg / state.carbonate_kg == pytest.approx(half.naoh_kg / state.naoh_kg)
