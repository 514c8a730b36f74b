from __future__ import annotations

import pytest

from linectl.laws.hygiene import A0_FLOOR_S, COLI, F_FLOOR_MIN, SPORES, Sample, heat_rate, meter

# minutes needed to pass at constant conditions, and which germ decides (s spores, c coli)
NEEDED = {
    1.0: "132c 97c 66c 47c 33c 23c 16.5c",
    1.5: "44c 32.5c 22.0c 15.6c 11.0c 7.8c 6.0s",
    2.0: "20.3c 14.9c 10.1c 7.2c 5.4s 4.4s 3.6s",
    2.5: "11.1c 8.2c 5.5c 4.5s 3.7s 3.0s 2.4s",
    3.0: "6.8c 5.0c 4.0s 3.3s 2.7s 2.2s 1.8s",
}
TEMPERATURES = (50.0, 54.4, 60.0, 65.0, 70.0, 75.0, 80.0)


def needed(naoh_pct: float, temperature_c: float) -> tuple[float, str]:
    both = ((SPORES.minutes_needed(naoh_pct, temperature_c), "s"), (COLI.minutes_needed(naoh_pct, temperature_c), "c"))
    return max((minutes or 0.0, germ) for minutes, germ in both)


@pytest.mark.parametrize("naoh_pct", sorted(NEEDED))
def test_minutes_needed(naoh_pct: float) -> None:
    for temperature_c, cell in zip(TEMPERATURES, NEEDED[naoh_pct].split(), strict=True):
        minutes, germ = needed(naoh_pct, temperature_c)
        digits = len(cell[:-1].partition(".")[2])
        assert minutes == pytest.approx(float(cell[:-1]), abs=0.51 * 10**-digits), (temperature_c, cell)
        if minutes != pytest.approx(5.0, abs=1e-9):  # at the code's own point both germs need the same
            assert germ == cell[-1]


def test_other_published_points() -> None:
    assert needed(2.5, 48.9)[0] == pytest.approx(12.0, abs=0.05)  # California's own rule asks 5 min there
    assert SPORES.minutes_needed(1.5, 60.0) == pytest.approx(13.4, abs=0.05)
    for temperature_c, minutes in ((80, 10), (75, 31.6), (70, 100), (65, 316), (60, 1000)):
        assert A0_FLOOR_S / heat_rate(temperature_c) / 60 == pytest.approx(minutes, rel=2e-3)


def test_a_way_adds_up_over_its_parts_and_passes_at_the_floor() -> None:
    at_code = meter([Sample(150.0, 54.4, 3.0)] * 2)
    assert at_code.f_min == pytest.approx(F_FLOOR_MIN)
    assert at_code.passed(F_FLOOR_MIN - 1e-9)
    assert not at_code.passed(F_FLOOR_MIN + 1e-9)
    assert meter([Sample(600.0, 80.0, 0.0)]).passed()  # heat alone
    assert not meter([Sample(599.0, 80.0, 0.0)]).passed()


def test_plain_water_kills_nothing_by_caustic() -> None:
    water = meter([Sample(3600.0, 70.0, 0.0)])
    assert water.f_min == 0.0
    assert SPORES.minutes_needed(0.0, 80.0) is None
    assert not meter([Sample(900.0, 60.0, 0.0)]).passed()


@pytest.mark.parametrize("gap", [Sample(60.0, None, 3.0), Sample(60.0, 80.0, None), Sample(0.0, None, None)])
def test_a_gap_adds_nothing_and_the_bottle_is_not_passed(gap: Sample) -> None:
    whole = [Sample(600.0, 80.0, 3.0)]
    assert meter(whole).passed()
    with_gap = meter([*whole, gap])
    assert with_gap.f_min == meter(whole).f_min
    assert not with_gap.complete
    assert not with_gap.passed()


def test_time_does_not_run_backwards() -> None:
    with pytest.raises(ValueError, match="-1"):
        meter([Sample(-1.0, 80.0, 3.0)])
