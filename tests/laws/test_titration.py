"""Titration of a caustic bath: known solutions give their own content, carbonate is told apart."""

from __future__ import annotations

import pytest

from linectl.laws.titration import free_ml, titrated_naoh_pct, titration_u
from linectl.laws.water import density_kg_l


@pytest.mark.parametrize("content", [0.1, 1.0, 2.0, 3.5])
def test_a_known_solution_gives_its_own_content(content: float) -> None:
    molar = content / 100.0 * density_kg_l(content, 20.0) * 1000.0 / 39.997
    acid_ml = 10.0 * molar / 0.1
    assert titrated_naoh_pct(10.0, acid_ml, 0.1) == pytest.approx(content, rel=1e-9)


def test_a_warm_sample_holds_less() -> None:
    cold, warm = (titrated_naoh_pct(10.0, 50.0, 0.1, temperature_c=t) for t in (20.0, 60.0))
    assert warm / cold == pytest.approx(density_kg_l(2.0, 20.0) / density_kg_l(2.0, 60.0), rel=1e-3)


def test_carbonate_counts_half_to_the_first_end_point_and_not_with_both() -> None:
    hydroxide_ml, carbonate_ml = 40.0, 5.0  # acid for the hydroxide, and for one half of the carbonate
    first, whole = hydroxide_ml + carbonate_ml, hydroxide_ml + 2 * carbonate_ml
    free = titrated_naoh_pct(10.0, hydroxide_ml, 0.1)
    assert titrated_naoh_pct(10.0, first, 0.1, total_ml=whole) == pytest.approx(free)
    assert titrated_naoh_pct(10.0, first, 0.1) > 1.1 * free


@pytest.mark.parametrize(("acid", "total"), [(20.0, 19.0), (20.0, 41.0), (20.0, 40.0)])
def test_end_points_that_contradict_each_other_are_refused(acid: float, total: float) -> None:
    with pytest.raises(ValueError, match="mL"):
        free_ml(acid, total)


def test_the_uncertainty_adds_as_squares_and_two_end_points_cost() -> None:
    one = titration_u(50.0, None, volume_u_ml=0.05, normality_u=0.002, sample_u=0.002)
    assert one == pytest.approx((0.001**2 + 2 * 0.002**2) ** 0.5)
    assert titration_u(50.0, 55.0, volume_u_ml=0.05, normality_u=0.002, sample_u=0.002) > one
