from __future__ import annotations

import pytest

from linectl.laws.alkalinity import Water

HARD, MEDIUM, SOFT = Water(4.5, 7.40), Water(2.5, 7.40), Water(0.5, 7.0)


@pytest.mark.parametrize(
    ("water", "at"),
    [
        (HARD, {5: 7.57, 10: 7.82, 20: 8.73, 50: 9.63}),
        (MEDIUM, {5: 7.76, 10: 8.55, 20: 9.36, 50: 10.04}),
        (SOFT, {5: 8.64, 10: 9.61, 20: 10.16, 50: 10.83}),
        (Water(0.0, 7.0), {5: 10.1, 10: 10.4, 50: 11.1}),
    ],
)
def test_ph_with_a_little_naoh(water: Water, at: dict[float, float]) -> None:
    for mg_l, ph in at.items():
        assert water.ph_with(mg_l) == pytest.approx(ph, abs=0.05)


@pytest.mark.parametrize(
    ("water", "at"),
    [
        (HARD, {8.3: 15.5, 9.0: 24.5, 9.5: 42}),
        (MEDIUM, {8.3: 8.6, 9.0: 13.8, 9.5: 24}),
        (SOFT, {8.3: 4.5, 9.0: 5.9, 9.5: 8.9}),
    ],
)
def test_naoh_that_reaches_a_ph(water: Water, at: dict[float, float]) -> None:
    for ph, mg_l in at.items():
        assert water.naoh_mg_l(ph) == pytest.approx(mg_l, rel=0.02)
        assert water.ph_with(water.naoh_mg_l(ph)) == pytest.approx(ph, abs=0.01)


def test_in_hard_water_10_mg_l_is_neither_pink_nor_above_the_limit() -> None:
    assert HARD.ph_with(10.0) < 8.3
    assert SOFT.ph_with(10.0) > 9.5


def test_naoh_adds_36_us_cm_per_10_mg_while_bicarbonate_lasts_and_62_in_pure_water() -> None:
    assert HARD.adds_us_cm(50.0) - HARD.adds_us_cm(40.0) == pytest.approx(37, abs=1.5)
    assert Water(0.0, 7.0).adds_us_cm(10.0) == pytest.approx(62, abs=0.5)
    assert HARD.adds_us_cm(0.0) == pytest.approx(0.0, abs=1e-9)
    assert HARD.ph_with(0.0) == pytest.approx(7.40)


def test_it_rises_everywhere() -> None:
    for water in (HARD, MEDIUM, SOFT):
        values = [(water.ph_with(k / 2), water.adds_us_cm(k / 2)) for k in range(2000)]
        assert values == sorted(values)


@pytest.mark.parametrize(("alkalinity", "ph"), [(-0.1, 7.0), (4.5, 5.9), (4.5, 9.6)])
def test_no_drinking_water(alkalinity: float, ph: float) -> None:
    with pytest.raises(ValueError, match="no drinking water"):
        Water(alkalinity, ph)
