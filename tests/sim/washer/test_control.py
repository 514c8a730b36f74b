from __future__ import annotations

import pytest

from linectl.laws.naoh import conductivity_ms_cm
from linectl.sim.defects import Defects
from linectl.sim.washer.alarms import Device
from linectl.sim.washer.control import Heat, dose_g_min, estimated_naoh_pct, fills
from linectl.sim.washer.drives import DRIVES, driven
from linectl.sim.washer.machine import reference_machine
from linectl.sim.washer.plc import Orders
from linectl.sim.washer.recipes import HIGHEST_C, HIGHEST_NAOH_PCT, RECIPE_NUMBERS, RECIPES, SPEED_B_H, clamped
from linectl.sim.washer.seen import Contact
from linectl.sim.washer.state import NONE

PARAMS = reference_machine()
ALL_ON = Orders(
    heater_kw=(0.0, 40.0, 80.0, 120.0, 30.0, 30.0, 30.0, 0.0),
    dose_g_min=(0.0, 0.0, 600.0, 600.0, 0.0, 0.0, 0.0, 0.0),
    pump=(1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0),
    fresh_l_min=15.0,
    speed_pockets_min=50.0,
    extraction=1.0,
    press=1.0,
    feed=True,
)


@pytest.mark.parametrize("naoh_pct", [1.0, 1.5, 2.0])
@pytest.mark.parametrize("temperature_c", [20.0, 40.0, 62.0, 80.0])
def test_the_plcs_estimate_is_right_to_about_a_percent(naoh_pct: float, temperature_c: float) -> None:
    estimate = estimated_naoh_pct(conductivity_ms_cm(naoh_pct, temperature_c), temperature_c)
    assert estimate == pytest.approx(naoh_pct, rel=0.015)


def test_the_plcs_estimate_is_not_the_full_laws() -> None:
    assert abs(estimated_naoh_pct(conductivity_ms_cm(2.0, 80.0), 80.0) - 2.0) > 0.01


def test_a_linear_compensation_of_2_percent_is_wrong_by_a_tenth_at_80_degrees() -> None:
    kappa = conductivity_ms_cm(2.0, 80.0)
    assert estimated_naoh_pct(kappa, 80.0, 0.020) == pytest.approx(1.81, abs=0.03)
    assert estimated_naoh_pct(0.0, 20.0) == 0.0


def test_lye_runs_from_a_hundredth_below_until_the_setpoint() -> None:
    assert dose_g_min(1.495, 1.5, 600.0, 0.0) == 0.0
    assert dose_g_min(1.489, 1.5, 600.0, 0.0) == 600.0
    assert dose_g_min(1.495, 1.5, 600.0, 600.0) == 600.0
    assert dose_g_min(1.5, 1.5, 600.0, 600.0) == 0.0
    assert dose_g_min(0.0, 0.0, 600.0, 0.0) == 0.0


def test_heat_is_full_below_its_band_and_off_above_it() -> None:
    heat, asked = Heat(PARAMS), RECIPES[1].setpoints.temperature_c
    cold = heat.kw(asked, (20.0,) * 8, frozenset(), 1.0)
    assert cold == tuple(zone.heater_kw for zone in PARAMS.zones)
    assert heat.kw(asked, (90.0,) * 8, frozenset(), 1.0) == NONE
    assert heat.kw(NONE, (20.0,) * 8, frozenset(), 1.0) == NONE
    assert heat.kw(asked, (20.0,) * 8, frozenset({2, 3}), 1.0)[2:4] == (0.0, 0.0)


def test_heat_holds_a_load_without_an_offset() -> None:
    heat, asked = Heat(PARAMS), (0.0, 0.0, 0.0, 80.0, 0.0, 0.0, 0.0, 0.0)
    shown = 79.0
    for _ in range(4 * 3600):
        kw = heat.kw(asked, (20.0, 20.0, 20.0, shown, 20.0, 20.0, 20.0, 20.0), frozenset(), 1.0)[3]
        shown += (kw - 45.0) / 10_200.0
    assert shown == pytest.approx(80.0, abs=0.02)


def test_tanks_are_filled_with_a_hysteresis() -> None:
    assert fills((94.0, 95.0, 96.0), NONE) is NONE
    flow = fills((94.0, 92.0, 99.0), NONE)
    assert [zone for zone, l_min in enumerate(flow) if l_min] == [2]
    assert fills((94.0, 96.0, 99.0), flow) == flow
    assert fills((94.0, 97.5, 99.0), flow) is NONE


def test_recipes_are_within_the_clamps() -> None:
    assert set(RECIPES) <= set(RECIPE_NUMBERS)
    assert set(RECIPE_NUMBERS) == set(range(32))
    for recipe in RECIPES.values():
        asked = recipe.setpoints
        assert all(clamped(t, 0.0, HIGHEST_C) == t for t in asked.temperature_c)
        assert all(clamped(pct, 0.0, HIGHEST_NAOH_PCT) == pct for pct in asked.naoh_pct)
        assert clamped(asked.speed_b_h, *SPEED_B_H) == asked.speed_b_h
    assert RECIPES[1].setpoints.temperature_c[3] == 80.0
    assert RECIPES[1].setpoints.naoh_pct == (1.5, 1.5)
    assert RECIPES[2].setpoints.naoh_pct[1] == 2.0


def test_sound_drives_do_what_they_are_told() -> None:
    did, jammed, untrue = driven(ALL_ON, Defects(), 0, 0.0)
    assert did is ALL_ON
    assert (jammed, untrue) == (False, 0)


@pytest.mark.parametrize("name", DRIVES)
def test_each_drive_fails_by_its_name(name: str) -> None:
    defects = Defects()
    end = defects.hamper(name, lambda _asked, _s: 0.0)
    orders = ALL_ON._replace(drain_l_min=(0.0, 60.0) + (0.0,) * 6, fill_l_min=(0.0, 0.0, 40.0) + (0.0,) * 5)
    did, jammed, untrue = driven(orders, defects, 0, 0.0)
    assert (did, jammed, untrue) != (orders, False, 0)
    end()
    assert driven(orders, defects, 0, 0.0) == (orders, False, 0)


def test_a_weak_drive_is_not_told_by_its_contact() -> None:
    defects = Defects()
    for name in ("valve.fresh", "dosing.z2", "pump.z3", "heater.z3"):
        defects.hamper(name, lambda asked, _s: 0.5 * asked)
    did, jammed, untrue = driven(ALL_ON, defects, 0, 0.0)
    assert (did.fresh_l_min, did.dose_g_min[2], did.pump[3], did.heater_kw[3]) == (7.5, 300.0, 0.5, 60.0)
    assert (jammed, untrue) == (False, 0)


def test_a_valve_that_does_not_close_is_told() -> None:
    defects = Defects()
    defects.hamper("dosing.z3", lambda _asked, _s: 600.0)
    _, _, untrue = driven(ALL_ON._replace(dose_g_min=NONE), defects, 0, 0.0)
    assert untrue == Device.VALVE_DOSE


@pytest.mark.parametrize("contact", [Contact.ESTOP, Contact.MAINS, Contact.ESTOP | Contact.STEAM])
def test_wired_contacts_take_everything_off(contact: int) -> None:
    assert driven(ALL_ON, Defects(), contact, 0.0)[0] == Orders()


def test_an_open_door_stops_what_moves_and_steam_what_heats() -> None:
    door = driven(ALL_ON, Defects(), Contact.DOORS, 0.0)[0]
    assert (door.speed_pockets_min, door.pump, door.dose_g_min) == (0.0, NONE, NONE)
    assert door.heater_kw == ALL_ON.heater_kw
    assert driven(ALL_ON, Defects(), Contact.STEAM, 0.0)[0].heater_kw == NONE
    assert driven(ALL_ON, Defects(), Contact.AXIAL_THERMAL, 0.0)[0].pump[2:4] == (0.0, 1.0)
