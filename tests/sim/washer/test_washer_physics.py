"""The washer's step: balances, steady state of the 80 °C recipe, glass, chain, sensors, and a tank that runs dry."""

from __future__ import annotations

import random
from math import exp

import pytest

from linectl.laws.naoh import naoh_pct as by_conductivity
from linectl.sim.washer import tanks
from linectl.sim.washer.chemistry import rinse
from linectl.sim.washer.drive import torque_after
from linectl.sim.washer.hydraulics import Contents
from linectl.sim.washer.machine import FIBRE_G_BOTTLE, SOIL_G_BOTTLE, reference_machine
from linectl.sim.washer.plan import Plan, eight, plan_of
from linectl.sim.washer.readings import (
    carbonate_pct,
    final_naoh_mg_l,
    final_us_cm,
    heat_kj,
    level_pct,
    levels_pct,
    naoh_pct,
    pressures_bar,
    screen_mbar,
)
from linectl.sim.washer.state import NONE, Eight, Ledger, Since, WasherInputs, WasherParams, WasherState
from linectl.sim.washer.step import start, step

MACHINE = reference_machine()
RATE = MACHINE.rated_b_h / 3600.0
FULL: Eight = tuple(RATE * zone.dwell_s for zone in MACHINE.zones)  # type: ignore[assignment]  # eight zones
RECIPE_A: Eight = (0.0, 45.0, 62.0, 80.0, 60.0, 50.0, 38.0, 0.0)
WARM: Eight = (33.0, 45.0, 62.0, 80.0, 60.0, 50.0, 38.0, 18.0)
LYE: Eight = (0.0, 0.1, 1.5, 1.8, 0.1, 0.0, 0.0, 0.0)
IDLE = WasherInputs(
    heater_kw=NONE,
    dose_g_min=NONE,
    drain_l_min=NONE,
    pump=(1.0,) * 8,
    bottles=NONE,
    fresh_l_min=0.0,
    fill_l_min=NONE,
    speed_pockets_min=0.0,
    fed_per_s=0.0,
    bottle_in_c=15.0,
    extraction=1.0,
    room_c=20.0,
    mains_c=12.0,
)
WASHING = IDLE._replace(
    bottles=FULL,
    fresh_l_min=15.0,
    speed_pockets_min=50.0,
    fed_per_s=RATE,
    fibre_g_s=FIBRE_G_BOTTLE * RATE,
    soil_g_s=SOIL_G_BOTTLE * RATE,
)


def held(state: WasherState, inputs: WasherInputs) -> WasherInputs:
    """Return the inputs with heaters, lye and water as simple controllers set them for the 80 °C recipe."""
    pct = naoh_pct(state)
    kw = [
        zone.heater_kw * min(1.0, max(0.0, 0.5 * (wanted - shown)))
        for zone, wanted, shown in zip(MACHINE.zones, RECIPE_A, state.probe_c, strict=True)
    ]
    dose = [600.0 if zone in (2, 3) and pct[zone] < LYE[zone] else 0.0 for zone in range(8)]
    fill = [10.0 if zone in (2, 3) and level_pct(state, MACHINE, zone) < 99.0 else 0.0 for zone in range(8)]
    return inputs._replace(
        heater_kw=eight(kw),
        dose_g_min=eight(dose) if any(dose) else NONE,
        fill_l_min=eight(fill) if any(fill) else NONE,
    )


def run(state: WasherState, inputs: WasherInputs, seconds: int, dt_s: float = 1.0) -> WasherState:
    for _ in range(round(seconds / dt_s)):
        state = step(state, inputs, dt_s, MACHINE)
    return state


def a_shift(seed: int) -> tuple[WasherState, WasherState, bool]:
    """Return the washer before and after 8 h with everything that can happen to it, and whether a tank ran dry."""
    draw = random.Random(seed)
    before = state = start(MACHINE, temperature_c=WARM, naoh_pct=LYE)
    inputs, rows, dry = IDLE, [0] * 8, False
    for second in range(8 * 3600):
        if second % 600 == 0:
            going, drain, fill = draw.random() < 0.7, [0.0] * 8, [0.0] * 8
            if draw.random() < 0.3:
                drain[draw.randrange(8)], fill[draw.randrange(8)] = draw.uniform(5.0, 300.0), draw.uniform(5.0, 50.0)
            inputs = held(state, WASHING)._replace(
                fresh_l_min=draw.choice([0.0, 10.0, 15.0]),
                drain_l_min=eight(drain) if any(drain) else NONE,
                speed_pockets_min=draw.choice([20.0, 50.0, 58.0]) if going else 0.0,
                bottle_in_c=draw.uniform(0.0, 25.0),
                extraction=draw.choice([0.0, 1.0]),
                room_c=draw.choice([12.0, 20.0, 31.3]),
                mains_c=draw.uniform(6.0, 20.0),
                jammed=draw.random() < 0.1,
            )
        moved = inputs.speed_pockets_min > 0.0 and not inputs.jammed and second % 12 == 0
        fed = 10 if moved and draw.random() < 0.9 else 0
        if moved:  # a row from each zone into the next: mostly one, now and then none
            out = [10 if n and draw.random() < 0.95 else 0 for n in rows]
            rows = [n + into - of for n, into, of in zip(rows, [fed, *out[:-1]], out, strict=True)]
        acts = inputs._replace(fed_per_s=float(fed), bottles=eight([float(n) for n in rows]))
        state = step(state, acts, 1.0, MACHINE)
        dry = dry or state.since.dry
    return before, state, dry


def gaps(before: WasherState, after: WasherState) -> dict[str, float]:
    """Return by how much, relative to what went through, each balance does not close."""
    into = Ledger._make(b - a for a, b in zip(before.ledger, after.ledger, strict=True))
    heat = heat_kj(after, MACHINE) - heat_kj(before, MACHINE)
    heat_in = into.heater_kj + into.inflow_kj + into.glass_in_kj
    heat_out = into.loss_kj + into.outflow_kj + into.glass_out_kj
    water = sum(after.water_kg) - sum(before.water_kg)
    naoh = sum(after.naoh_kg) - sum(before.naoh_kg)
    carbonate = sum(after.carbonate_kg) - sum(before.carbonate_kg)
    return {
        "heat": (heat_in - heat_out - heat) / heat_in,
        "water": (into.water_in_kg - into.water_out_kg - into.vapour_kg - water) / into.water_in_kg,
        "naoh": (into.naoh_in_kg - into.naoh_out_kg - into.naoh_spent_kg - naoh) / sum(before.naoh_kg),
        "carbonate": (into.carbonate_made_kg - into.carbonate_out_kg - carbonate) / into.carbonate_made_kg,
    }


def test_heat_water_naoh_and_carbonate_balance_over_a_wild_shift() -> None:
    before, after, dry = a_shift(seed=1)
    assert min(after.ledger) > 0.0  # everything happened
    assert dry
    for what, gap in gaps(before, after).items():
        assert abs(gap) < 1e-9, what


@pytest.mark.parametrize("leak", ["heat", "water", "naoh"])
def test_a_leaking_step_fails_the_balance(monkeypatch: pytest.MonkeyPatch, leak: str) -> None:
    whole = tanks.balanced

    def leaky(
        contents: Contents, since: Since, fan_m_s: float, room_c: float, plan: Plan, ledger: Ledger
    ) -> tuple[Contents, Ledger, Since]:
        (t, w, n, c), ledger, since = whole(contents, since, fan_m_s, room_c, plan, ledger)
        loses = 1.0 - 1e-8
        if leak == "heat":
            t = (*t[:3], t[3] * loses, *t[4:])
        elif leak == "water":
            w = (*w[:3], w[3] * loses, *w[4:])
        else:
            n = (*n[:3], n[3] * loses, *n[4:])
        return (t, w, n, c), ledger, since

    monkeypatch.setattr("linectl.sim.washer.step.balanced", leaky)
    before = start(MACHINE, temperature_c=WARM, naoh_pct=LYE, bottles=FULL)
    after = run(before, WASHING, 3600)
    assert abs(gaps(before, after)[leak]) > 1e-9


@pytest.fixture(scope="module")
def steady() -> tuple[WasherState, WasherState]:
    """Return the washer after 5 h and after 6 h of the 80 °C recipe at 3,000 bottles per hour."""
    state = start(MACHINE, temperature_c=WARM, naoh_pct=LYE, bottles=FULL)
    inputs, earlier = WASHING, state
    for second in range(6 * 3600):
        if second % 5 == 0:
            inputs = held(state, WASHING)
        if second == 5 * 3600:
            earlier = state
        state = step(state, inputs, 1.0, MACHINE)
    return earlier, state


def test_a_bottle_takes_what_bottles_take(steady: tuple[WasherState, WasherState]) -> None:
    earlier, later = steady
    used = Ledger._make((b - a) / MACHINE.rated_b_h for a, b in zip(earlier.ledger, later.ledger, strict=True))
    assert 15.0 < used.heater_kj / 3.6 < 35.0  # Wh
    assert 0.200 < used.water_in_kg < 0.350
    assert 0.8e-3 < used.naoh_in_kg < 2.0e-3
    assert 10.0 < used.loss_kj * RATE < 20.0  # kW
    assert used.glass_out_kj / MACHINE.bottle_kj_k < 30.0  # °C


def test_zones_stand_where_the_recipe_wants_them(steady: tuple[WasherState, WasherState]) -> None:
    _, state = steady
    assert state.temperature_c == pytest.approx((33.0, 45.0, 62.0, 80.0, 60.0, 50.0, 38.0, 18.0), abs=2.0)
    assert naoh_pct(state)[1] == pytest.approx(0.1, abs=0.05)
    assert naoh_pct(state)[6] < 0.01
    assert final_naoh_mg_l(state) < 5.0
    assert 7.3 < state.ph_final < 7.6
    assert final_us_cm(state) == pytest.approx(435.0, abs=10.0)


def test_hard_steps_of_the_glass_stay_small(steady: tuple[WasherState, WasherState]) -> None:
    _, state = steady
    assert max(abs(b - a) for a, b in zip(state.temperature_c, state.temperature_c[1:], strict=False)) < 26.0


@pytest.mark.parametrize(("losing", "hours"), [(False, 1.85), (True, 1.90)])
def test_z3_takes_1_8_h_from_15_to_80_c_at_100_kw(losing: bool, hours: float) -> None:
    still = IDLE._replace(heater_kw=(0.0, 0.0, 0.0, 100.0, 0.0, 0.0, 0.0, 0.0), extraction=1.0 if losing else 0.0)
    machine = MACHINE if losing else _without_losses()
    state, seconds = start(machine, temperature_c=15.0), 0
    while state.temperature_c[3] < 80.0:
        state, seconds = step(state, still, 1.0, machine), seconds + 1
    assert seconds / 3600 == pytest.approx(hours, abs=0.05)


def _without_losses() -> WasherParams:
    from dataclasses import replace

    zones = [replace(zone, surface_m2=0.0, walls_w_k=0.0) for zone in MACHINE.zones]
    return replace(MACHINE, zones=tuple(zones))


def test_half_the_step_gives_the_same_washer() -> None:
    from dataclasses import replace

    fine = replace(MACHINE, balance_s=MACHINE.balance_s / 2)
    coarse_state = fine_state = start(MACHINE, temperature_c=20.0, naoh_pct=LYE, bottles=FULL)
    inputs = WASHING._replace(heater_kw=(0.0, 20.0, 60.0, 100.0, 20.0, 20.0, 20.0, 0.0))
    for _ in range(3600):
        coarse_state = step(coarse_state, inputs, 1.0, MACHINE)
        fine_state = step(step(fine_state, inputs, 0.5, fine), inputs, 0.5, fine)
    assert coarse_state.temperature_c == pytest.approx(fine_state.temperature_c, abs=0.02)
    assert coarse_state.probe_c == pytest.approx(fine_state.probe_c, abs=0.05)
    assert coarse_state.naoh_kg == pytest.approx(fine_state.naoh_kg, rel=2e-3, abs=1e-4)


def test_the_step_is_pure() -> None:
    state = start(MACHINE, temperature_c=WARM, naoh_pct=LYE, bottles=FULL)
    once = run(state, WASHING, 100)
    assert run(state, WASHING, 100) == once
    other = reference_machine()
    again = state
    for _ in range(100):
        again = step(again, WASHING, 1.0, other)
    assert again == once


@pytest.mark.parametrize("dt_s", [0.25, 1.0, 5.0])
def test_glass_in_steady_flow_is_plug_flow_whatever_the_step(dt_s: float) -> None:
    """Against each bottle followed by itself: `x e^-t/tau` from zone to zone."""
    heavy = start(MACHINE, temperature_c=WARM, bottles=FULL)
    fixed = heavy._replace(water_kg=(1e9,) * 8)  # tanks that no bottle moves
    state = fixed
    inputs = WASHING._replace(fresh_l_min=0.0, fibre_g_s=0.0, soil_g_s=0.0)
    for _ in range(round(1500 / dt_s)):
        state = step(state, inputs, dt_s, MACHINE)._replace(water_kg=fixed.water_kg, temperature_c=WARM)
    bottle_c = 15.0
    for zone, liquid_c, mean_c in zip(MACHINE.zones, WARM, state.glass_c, strict=True):
        dwells = zone.dwell_s / zone.tau_glass_s
        above_k = bottle_c - liquid_c
        assert mean_c == pytest.approx(liquid_c + above_k * (1 - exp(-dwells)) / dwells, abs=1e-3)
        bottle_c = liquid_c + above_k * exp(-dwells)
    later = step(state, inputs, dt_s, MACHINE)
    out_kj = later.since.glass_out_kj - state.since.glass_out_kj if later.since.elapsed_s else None
    if out_kj is not None:
        assert out_kj / (RATE * dt_s * MACHINE.bottle_kj_k) == pytest.approx(bottle_c, abs=1e-2)


def test_a_standing_chain_lets_glass_and_liquid_meet() -> None:
    state = start(MACHINE, temperature_c=WARM, bottles=FULL, bottle_c=15.0)
    stood = run(state, IDLE._replace(bottles=FULL), 600)
    assert stood.glass_c == pytest.approx(stood.temperature_c, abs=0.05)
    assert stood.temperature_c[3] < 80.0


def test_carbonate_makes_conductivity_overstate_the_free_naoh() -> None:
    fresh = start(MACHINE, temperature_c=WARM, naoh_pct=LYE)
    week = run(fresh, IDLE, 7 * 86400, dt_s=300.0)
    free = week.naoh_kg[3] / fresh.naoh_kg[3]
    assert free == pytest.approx(1.0 - MACHINE.carbonation_pct_week / 100.0, abs=1e-6)
    aged = start(MACHINE, temperature_c=WARM, naoh_pct=naoh_pct(week), carbonate_pct=carbonate_pct(week))
    shown = by_conductivity(aged.conductivity_ms_cm[1], 80.0)
    assert shown is not None
    assert 1.01 < shown / naoh_pct(aged)[3] < 1.15


def test_soil_spends_naoh_and_never_more_than_there_is() -> None:
    state = start(MACHINE, temperature_c=WARM, naoh_pct=LYE)
    soiled = run(state, IDLE._replace(soil_g_s=0.5), 600)
    spent_kg = soiled.ledger.naoh_spent_kg
    assert spent_kg == pytest.approx(0.3, rel=0.02)
    gone = run(start(MACHINE, temperature_c=WARM, naoh_pct=(0.0, 0.0, 0.01, 0.01, 0.0, 0.0, 0.0, 0.0)), IDLE, 5)
    empty = run(gone, IDLE._replace(soil_g_s=1e4), 60)
    assert min(empty.naoh_kg) == 0.0


def test_lye_brings_what_it_says_and_a_little_heat() -> None:
    cold = start(MACHINE, temperature_c=20.0)
    dosed = run(cold, IDLE._replace(dose_g_min=(0.0, 0.0, 600.0, 0.0, 0.0, 0.0, 0.0, 0.0)), 3000)
    assert dosed.ledger.naoh_in_kg == pytest.approx(30.0)
    assert naoh_pct(dosed)[2] == pytest.approx(1.45, abs=0.05)
    assert 0.2 < dosed.temperature_c[2] - 20.0 < 0.6


def test_a_drained_zone_neither_heats_nor_warms_its_bottles_and_fills_again() -> None:
    state = start(MACHINE, temperature_c=WARM, naoh_pct=LYE, bottles=FULL, bottle_c=20.0)
    drained = run(state, IDLE._replace(drain_l_min=(0.0, 0.0, 0.0, 600.0, 0.0, 0.0, 0.0, 0.0), bottles=FULL), 400)
    assert level_pct(drained, MACHINE, 3) < 0.1
    dry = run(drained, IDLE._replace(heater_kw=(0.0, 0.0, 0.0, 120.0, 0.0, 0.0, 0.0, 0.0), bottles=FULL), 3600)
    assert dry.temperature_c[3] == pytest.approx(20.0, abs=1.0)
    assert dry.ledger.heater_kj == pytest.approx(drained.ledger.heater_kj)
    filled = run(dry, IDLE._replace(fill_l_min=(0.0, 0.0, 0.0, 100.0, 0.0, 0.0, 0.0, 0.0)), 1560)
    assert levels_pct(filled, MACHINE)[3] == pytest.approx(100.0, abs=1.5)


def test_a_heater_that_does_not_stop_boils_the_bath_down_not_over() -> None:
    state = start(MACHINE, temperature_c=95.0)
    boiled = run(state, IDLE._replace(heater_kw=(0.0, 0.0, 0.0, 120.0, 0.0, 0.0, 0.0, 0.0)), 3600)
    assert 100.0 < boiled.temperature_c[3] < 103.0
    assert level_pct(boiled, MACHINE, 3) < 97.0


def test_the_chain_ramps_jams_and_counts_its_pockets() -> None:
    state = run(start(MACHINE), IDLE._replace(speed_pockets_min=50.0), 3)
    assert state.speed_pockets_min == pytest.approx(30.0)
    state = run(state, IDLE._replace(speed_pockets_min=50.0), 60)
    assert state.speed_pockets_min == 50.0
    assert state.pockets == pytest.approx((60 - 2 + 0.1 + 2.4) * 50 / 60, abs=1.0)
    assert 30.0 < state.torque_pct < 40.0
    jam = run(state, IDLE._replace(speed_pockets_min=50.0, jammed=True), 5)
    assert jam.speed_pockets_min == 0.0
    assert jam.torque_pct > 120.0
    let_go = run(jam, IDLE, 10)
    assert let_go.torque_pct < 1.0


def test_a_full_chain_takes_more_torque() -> None:
    state = run(start(MACHINE, bottles=FULL), WASHING, 60)
    assert state.torque_pct == pytest.approx(65.0, abs=0.5)


def test_a_slow_chain_takes_less_torque() -> None:
    """Half of the idle part grows with the speed."""
    plan = plan_of(MACHINE, 60.0)
    idle = [torque_after(0.0, speed, speed, 0.0, False, plan) for speed in (0.0, 25.0, 50.0)]
    assert idle == pytest.approx([0.0, 0.75 * MACHINE.torque_idle_pct, MACHINE.torque_idle_pct])


def test_carbonate_in_the_final_rinse_conducts() -> None:
    plan = plan_of(MACHINE, 1.0)
    (clean, _), (soda, _) = (rinse(50.0, 0.0, kg, 25.0, plan) for kg in (0.0, 0.05))
    # 1 g/L of Na2CO3: 0.0189 eq/L of 50.1 + 69.3 S cm2/mol at infinite dilution; the law is that of strong baths
    assert 0.5 * 2.25 < soda - clean < 2.25


def test_the_screen_clogs_when_the_press_stands_and_takes_the_pump_its_pressure() -> None:
    state = run(start(MACHINE, temperature_c=WARM, bottles=FULL), WASHING, 1200)
    assert screen_mbar(state, WASHING, MACHINE) < 10.0
    stuck = WASHING._replace(press=0.0)
    clogged = run(state, stuck, 3600)
    assert screen_mbar(clogged, stuck, MACHINE) == pytest.approx(75.0, abs=5.0)
    before, after = (pressures_bar(each, stuck, MACHINE) for each in (state, clogged))
    assert after[2] < 0.75 * before[2]
    assert after[3] == before[3]
    cleared = run(clogged, WASHING, 1200)
    assert screen_mbar(cleared, WASHING, MACHINE) < 10.0
    lazy = WASHING._replace(press=0.5, fibre_g_s=0.0)  # half as fast: 240 s
    left = run(clogged, lazy, 240).screen_kg / clogged.screen_kg
    assert left == pytest.approx(exp(-1.0), rel=1e-6)


def test_pressure_follows_the_pump_the_level_and_the_fresh_water() -> None:
    state = start(MACHINE, temperature_c=WARM)
    at_full = pressures_bar(state, WASHING, MACHINE)
    assert at_full == pytest.approx((1.5, 0.0, 0.8, 2.0, 2.0, 2.0, 2.0, 2.5))
    half = pressures_bar(state, WASHING._replace(pump=(0.5,) * 8), MACHINE)
    assert half[3] == pytest.approx(0.5)
    assert pressures_bar(state, WASHING._replace(fresh_l_min=0.0), MACHINE)[7] == 0.0
    low = start(MACHINE, temperature_c=WARM, level_pct=10.0)
    assert 0.0 < pressures_bar(low, WASHING, MACHINE)[3] < 1.1


def test_the_fan_takes_seconds_to_stand() -> None:
    blowing = run(start(MACHINE), IDLE, 60)
    assert blowing.extraction_m_s == pytest.approx(3.5, abs=0.01)
    still = run(blowing, IDLE._replace(extraction=0.0), 5)
    assert still.extraction_m_s == pytest.approx(3.5 / 2.71828, abs=0.01)
    assert run(still, IDLE._replace(extraction=0.0), 2).extraction_m_s < 2.0


def test_without_the_fan_less_steams_away() -> None:
    state = run(start(MACHINE, temperature_c=WARM, naoh_pct=LYE), IDLE, 60)
    blown, still = (run(state, IDLE._replace(extraction=share), 600) for share in (1.0, 0.0))
    assert still.ledger.vapour_kg < 0.4 * blown.ledger.vapour_kg


def test_probes_and_cells_lag_by_their_own_time() -> None:
    state = start(MACHINE, temperature_c=WARM, naoh_pct=LYE)._replace(probe_c=(0.0,) * 8, conductivity_ms_cm=(0.0,) * 4)
    after = run(state, IDLE, 10)
    assert after.probe_c[3] == pytest.approx(80.0 * (1 - exp(-1.0)), abs=0.05)
    after = run(state, IDLE, 2)
    assert after.conductivity_ms_cm[1] == pytest.approx(state.since.cells_ms_cm[1] * (1 - exp(-1.0)), rel=1e-6)


def test_caustic_in_the_final_rinse_shows_in_ph_and_conductivity() -> None:
    clean = start(MACHINE, temperature_c=20.0)
    for mg_l, ph in ((10.0, 7.82), (50.0, 9.63)):
        tainted = start(MACHINE, temperature_c=25.0, naoh_pct=(0.0,) * 7 + (mg_l * 1e-4,))
        assert tainted.ph_final == pytest.approx(ph, abs=0.05)
        assert final_us_cm(tainted) > final_us_cm(clean)
    strong = start(MACHINE, temperature_c=25.0, naoh_pct=(0.0,) * 7 + (0.2,))
    assert strong.ph_final > 12.0
    assert strong.conductivity_ms_cm[3] == pytest.approx(11.0, abs=1.0)


def test_a_bad_machine_and_a_bad_step_are_refused() -> None:
    state = start(MACHINE)
    with pytest.raises(ValueError, match="above 0 s"):
        step(state, IDLE, 0.0, MACHINE)
    with pytest.raises(ValueError, match="8 zones"):
        start(WasherParams(zones=MACHINE.zones[:7]))
