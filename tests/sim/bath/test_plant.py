from __future__ import annotations

import pytest

from linectl.sim.bath.physics import BathInputs, BathParams, BathState, filled, thermostat
from linectl.sim.bath.plant import POSITIONS, Plant
from linectl.sim.glue.labels import GlueClass
from linectl.sim.noise import noise

BATH = BathParams()


def at_60_c(state: BathState, _process_s: float) -> BathInputs:
    return BathInputs(heater_kw=thermostat(60.0, state.controller_c) * 1e-3)


def idle(_state: BathState, _process_s: float) -> BathInputs:
    return BathInputs()


def hot_plant(seed: int = 1, dt_s: float = 1.0) -> Plant:
    return Plant(BATH, seed, control=at_60_c, dt_s=dt_s, initial=filled(BATH, temperature_c=60.0, naoh_pct=1.5))


def with_bottles(plant: Plant, count: int = 20) -> Plant:
    for position in range(1, count + 1):
        plant.put(position, GlueClass((position - 1) % 5 + 1))
    return plant


def test_the_state_does_not_depend_on_how_often_it_is_asked() -> None:
    once, often = with_bottles(hot_plant()), with_bottles(hot_plant())
    once.advance_to(600.0)
    for tenth in range(6001):
        often.advance_to(tenth / 10)
    assert once.snapshot() == often.snapshot()
    assert once.time_s == 600.0


def test_the_grid_is_reached_not_overshot_and_never_goes_back() -> None:
    plant = hot_plant()
    plant.advance_to(11.999_999_999_9)
    assert plant.time_s == 12.0
    plant.advance_to(12.9)
    assert plant.time_s == 12.0
    plant.advance_to(3.0)
    assert plant.time_s == 12.0
    fine = hot_plant(dt_s=0.1)
    fine.advance_to(0.3)
    assert fine.time_s == pytest.approx(0.3)


def test_the_control_is_asked_once_a_step_with_the_state_and_time_at_its_beginning() -> None:
    asked: list[tuple[BathState, float]] = []

    def watch(state: BathState, process_s: float) -> BathInputs:
        asked.append((state, process_s))
        return BathInputs()

    plant = Plant(BATH, 1, control=watch)
    first = plant.state
    plant.advance_to(3.0)
    plant.advance_to(3.0)
    assert [time_s for _, time_s in asked] == [0.0, 1.0, 2.0]
    assert asked[0][0] == first


def test_bottles_go_in_come_off_and_come_out() -> None:
    plant = hot_plant()
    plant.advance_to(10.0)
    label = plant.put(7, GlueClass.STARCH)
    assert plant.labels[6] == label
    assert label.attached
    assert label.glass_c == BATH.bottle_c
    plant.advance_to(1200.0)
    taken = plant.take(7)
    assert taken is not None
    assert not taken.attached
    assert plant.labels == (None,) * POSITIONS
    assert plant.take(7) is None


def test_twenty_cold_bottles_dip_the_bath_and_the_heater_brings_it_back() -> None:
    plant = with_bottles(hot_plant())
    lowest = 60.0
    for second in range(1, 601):
        plant.advance_to(second)
        lowest = min(lowest, plant.state.temperature_c)
    alone = hot_plant()
    alone.advance_to(600.0)
    assert 57.5 < lowest < 59.0  # 20 x 0.470 x 40 / 167 = 2.25 K, less what the heater gave meanwhile
    assert plant.state.temperature_c == pytest.approx(alone.state.temperature_c, abs=0.05)


def test_six_flooded_bottles_cool_an_unheated_bath_by_0_7_k() -> None:
    lossless = BathParams(walls_w_k=0.0, lid_w_k=0.0, surface_m2=0.0)
    plant = Plant(lossless, 1, control=idle, initial=filled(lossless, temperature_c=60.0))
    with_bottles(plant, 6).advance_to(180.0)
    assert plant.state.temperature_c - 60.0 == pytest.approx(-0.7, abs=0.05)
    glass = [label.glass_c for label in plant.labels if label is not None]
    assert glass == pytest.approx([plant.state.temperature_c] * 6, abs=0.01)


def test_without_water_nothing_happens_to_a_label() -> None:
    dry = filled(BATH, temperature_c=60.0, level_pct=30.0)
    plant = Plant(BATH, 1, control=idle, initial=dry)
    plant.put(1, GlueClass.CASEIN)
    plant.advance_to(600.0)
    label = plant.labels[0]
    assert label is not None
    assert label.dose == 0.0
    assert label.glass_c == BATH.bottle_c


def test_the_seed_and_the_order_of_putting_in_fix_every_label() -> None:
    plant, same, other = with_bottles(hot_plant(1)), with_bottles(hot_plant(1)), with_bottles(hot_plant(2))
    assert plant.labels == same.labels
    assert plant.labels != other.labels
    more = hot_plant(1)
    more.put(24, GlueClass.CASEIN)
    fewer = hot_plant(1)
    fewer.put(3, GlueClass.CASEIN)
    assert more.labels[23] == fewer.labels[2]


def test_a_restored_plant_goes_the_same_way_again() -> None:
    plant = with_bottles(hot_plant())
    plant.advance_to(100.0)
    kept = plant.snapshot()
    plant.advance_to(400.0)
    end = plant.snapshot()
    plant.restore(kept)
    assert plant.time_s == 100.0
    plant.advance_to(400.0)
    assert plant.snapshot() == end
    fork = hot_plant()
    fork.restore(kept)
    fork.advance_to(400.0)
    assert fork.snapshot() == end


def test_impossible_hands_are_refused() -> None:
    plant = hot_plant()
    plant.put(1, GlueClass.CASEIN)
    with pytest.raises(ValueError, match="position 1 holds a bottle"):
        plant.put(1, GlueClass.CASEIN)
    for position in (0, 25):
        with pytest.raises(ValueError, match="there are 24"):
            plant.put(position, GlueClass.CASEIN)
        with pytest.raises(ValueError, match="there are 24"):
            plant.take(position)
    with pytest.raises(ValueError, match="no glue class 9"):
        plant.put(2, 9)
    with pytest.raises(ValueError, match="above 0 s"):
        hot_plant(dt_s=0.0)


def test_an_unasked_bath_stands_full_of_water_at_room_temperature() -> None:
    plant = Plant(BATH, 1, control=idle)
    plant.advance_to(3600.0)
    assert repr(plant) == "<Plant at 3600 s: 20.00 °C, 0.00 % NaOH, level 100 %, 0 bottles>"


def test_noise_is_a_pure_function_of_seed_device_and_second() -> None:
    assert noise(1, "rtd", 5, 0.1) == noise(1, "rtd", 5, 0.1)
    assert noise(1, "rtd", 5, 0.1) != noise(1, "rtd", 6, 0.1)
    assert noise(1, "rtd", 5, 0.1) != noise(1, "ec", 5, 0.1)
    assert noise(1, "rtd", 5, 0.1) != noise(2, "rtd", 5, 0.1)
    values = [noise(1, "rtd", k, 0.1) for k in range(2000)]
    spread = (sum(value * value for value in values) / len(values)) ** 0.5
    assert spread == pytest.approx(0.1, rel=0.1)
    assert noise(1, "rtd", 5, 0.0) == 0.0


def test_labels_that_come_off_spend_caustic_where_the_bath_says_so() -> None:
    params = BathParams(soil_g_label=0.6)
    plant = Plant(params, 1, control=at_60_c, initial=filled(params, temperature_c=60.0, naoh_pct=1.5))
    before_kg = plant.state.naoh_kg
    for position in range(1, 11):
        plant.put(position, GlueClass.CASEIN)
    plant.advance_to(600.0)
    off = sum(label is not None and not label.attached for label in plant.labels)
    assert off >= 9
    assert before_kg - plant.state.naoh_kg == pytest.approx(off * 0.6e-3)
