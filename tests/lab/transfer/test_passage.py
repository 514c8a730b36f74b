from __future__ import annotations

from dataclasses import replace

import pytest

from linectl.lab.transfer.passage import cleanliness, entry_temperatures, glass_check, samples, worst_level
from linectl.laws.glass import ShockLevel
from linectl.laws.hygiene import meter
from linectl.model.washing import Corner, Recipe, Washer, pocket_way


def test_the_reference_keeps_the_floor_and_misses_it_at_its_edge(washer: Washer, reference: Recipe) -> None:
    nominal, edge = (cleanliness(washer, reference, corner) for corner in (Corner.NOMINAL, Corner.EDGE))
    assert nominal.liquid.f_min == pytest.approx(5.4, abs=0.05)
    assert nominal.liquid.a0_s == pytest.approx(304, abs=0.5)  # it passes by F, never by A0
    assert edge.liquid.f_min == pytest.approx(3.2, abs=0.05)
    assert nominal.bottle.passed()
    assert not edge.bottle.passed()


def test_two_percent_keep_the_floor_at_the_edge_too(washer: Washer, stronger: Recipe) -> None:
    nominal, edge = (cleanliness(washer, stronger, corner) for corner in (Corner.NOMINAL, Corner.EDGE))
    assert nominal.liquid.f_min == pytest.approx(8.2, abs=0.05)
    assert edge.liquid.f_min == pytest.approx(6.3, abs=0.05)
    assert edge.bottle.passed()


def test_the_bottles_own_temperature_counts_not_the_liquids(washer: Washer, reference: Recipe) -> None:
    found = cleanliness(washer, reference, Corner.NOMINAL)
    assert found.bottle.f_min < found.liquid.f_min
    full = cleanliness(washer, reference, Corner.FULL)
    assert full.liquid == found.liquid
    assert not full.bottle.passed()  # cold glass stays dirty, whatever the bath says


def test_glass_follows_and_its_samples_fill_the_way(washer: Washer, reference: Recipe) -> None:
    stays = pocket_way(washer, reference)
    way = list(samples(stays, 15.0))
    assert sum(sample.dt_s for sample in way) == pytest.approx(725.0)
    entries = entry_temperatures(stays, 15.0)
    assert entries[4] == pytest.approx(80.0, abs=1e-6)  # after 20 lags in z3
    assert entries[-1] == pytest.approx(glass_check(washer, reference, 15.0).exit_c)
    assert meter(way).f_min == cleanliness(washer, reference, Corner.NOMINAL).bottle.f_min


def test_shocks_of_the_reference_and_the_winter_trap(washer: Washer, reference: Recipe) -> None:
    usual = glass_check(washer, reference, 15.0)
    assert worst_level(usual) is ShockLevel.FINE
    assert usual.exit_c < 30.0
    assert worst_level(glass_check(washer, reference, 0.0)) is ShockLevel.WARN
    # without the gentle first zone a winter bottle meets 45 °C at once
    bare = replace(
        reference, phases=tuple(replace(p, temperature_c=45.0) if p.zone == "z0" else p for p in reference.phases)
    )
    assert worst_level(glass_check(washer, bare, 0.0)) is ShockLevel.HARD
    assert glass_check(washer, bare, 0.0).first_zone_limit_c == 35.0
    cold_main = reference.with_phase("z7", temperature_c=10.0)
    assert dict(glass_check(washer, cold_main, 15.0).steps)["z7"].level is ShockLevel.WARN


def test_a_phase_that_is_not_there(reference: Recipe) -> None:
    with pytest.raises(KeyError):
        reference.with_phase("z9", temperature_c=10.0)
