from __future__ import annotations

import pytest

from linectl.laws.naoh import (
    CARBONATE_PER_NAOH,
    HIGHEST_PCT,
    LOWEST_PCT,
    caustic_ms_cm,
    conductivity_ms_cm,
    mccleskey_ms_cm,
    naoh_pct,
)

TEMPERATURES_C = (20, 25, 40, 50, 60, 70, 80, 90)
# McCleskey 2011, mS/cm, as printed to three or four figures
TABLE = {
    0.01: (0.561, 0.612, 0.767, 0.873, 0.981, 1.09, 1.20, 1.31),
    0.1: (5.42, 5.92, 7.42, 8.44, 9.48, 10.5, 11.6, 12.6),
    0.5: (25.6, 27.9, 35.1, 39.8, 44.6, 49.5, 54.3, 59.1),
    1.0: (49.1, 53.7, 67.4, 76.5, 85.6, 94.7, 103.7, 112.6),
    1.5: (71.4, 78.1, 98.1, 111.3, 124.4, 137.4, 150.3, 163.0),
    2.0: (92.9, 101.6, 127.6, 144.8, 161.7, 178.4, 194.8, 211.0),
    3.0: (133.8, 146.5, 184.1, 208.6, 232.6, 256.1, 279.1, 301.5),
    4.0: (172.5, 189.1, 237.7, 269.1, 299.7, 329.4, 358.2, 386.1),
}
PRINTED = [(w, t, kappa) for w, row in TABLE.items() for t, kappa in zip(TEMPERATURES_C, row, strict=True)]


@pytest.mark.parametrize(("content", "temperature_c", "kappa"), PRINTED)
def test_the_law_gives_the_table(content: float, temperature_c: float, kappa: float) -> None:
    law = mccleskey_ms_cm(content, temperature_c)
    assert law == pytest.approx(kappa, rel=1e-3, abs=0.006 if kappa < 10 else 0.06)


@pytest.mark.parametrize(("content", "temperature_c", "kappa"), PRINTED)
def test_the_polynomial_gives_the_table(content: float, temperature_c: float, kappa: float) -> None:
    assert conductivity_ms_cm(content, temperature_c) == pytest.approx(kappa, rel=5e-3, abs=0.006)


def _half_a_digit(printed: float) -> float:
    return 0.05 if printed >= 10.0 else 0.005 if printed >= 1.0 else 0.0005


@pytest.mark.parametrize(("content", "temperature_c", "kappa"), PRINTED)
def test_the_whole_table_within_0_2_percent_and_its_own_rounding(
    content: float, temperature_c: float, kappa: float
) -> None:
    rounding = _half_a_digit(kappa) + 1e-9
    assert abs(mccleskey_ms_cm(content, temperature_c) - kappa) <= 2e-3 * kappa + rounding
    of_the_fast = 2e-3 if content >= 0.1 else 3.5e-3
    assert abs(conductivity_ms_cm(content, temperature_c) - kappa) <= of_the_fast * kappa + rounding


def test_carbonate_adds_a_third_of_what_its_naoh_did() -> None:
    for temperature_c in (20.0, 60.0, 80.0):
        lost = conductivity_ms_cm(1.5, temperature_c) - conductivity_ms_cm(1.4, temperature_c)
        still = caustic_ms_cm(1.4, 0.1 * CARBONATE_PER_NAOH, temperature_c) - conductivity_ms_cm(1.4, temperature_c)
        assert 0.25 < still / lost < 0.45


def test_the_polynomial_stays_within_its_stated_distance_of_the_law() -> None:
    def worst(contents: list[float]) -> float:
        grid = [(w, t) for w in contents for t in range(15, 91, 5)]
        return max(abs(conductivity_ms_cm(w, t) / mccleskey_ms_cm(w, t) - 1) for w, t in grid)

    assert worst([k / 100 for k in range(10, 401, 5)]) < 2e-3
    assert worst([k / 1000 for k in range(10, 100, 5)]) < 5e-3


def test_two_percent_at_80_c_by_the_polynomial() -> None:
    assert conductivity_ms_cm(2.0, 80.0) == pytest.approx(194.793, abs=0.001)


def test_conductivity_rises_with_content_up_to_5_percent() -> None:
    for temperature_c in range(5, 91, 5):
        values = [conductivity_ms_cm(k / 100, temperature_c) for k in range(501)]
        assert values == sorted(values)
        assert len(set(values)) == len(values)


def test_the_inverse_gives_the_content_back() -> None:
    for content in (LOWEST_PCT * 1.001, 0.1, 1.5, 2.0, HIGHEST_PCT * 0.999):
        for temperature_c in (15.0, 50.0, 80.0, 90.0):
            back = naoh_pct(conductivity_ms_cm(content, temperature_c), temperature_c)
            assert back == pytest.approx(content, abs=1e-9)


def test_outside_its_range_the_inverse_says_none() -> None:
    assert naoh_pct(0.0, 60.0) is None
    assert naoh_pct(0.5, 60.0) is None  # hard tap water conducts about 0.5 mS/cm and holds no NaOH
    assert naoh_pct(conductivity_ms_cm(4.01, 60.0), 60.0) is None
    assert naoh_pct(100.0, 4.9) is None
    assert naoh_pct(100.0, 90.1) is None
    assert naoh_pct(float("nan"), 60.0) is None
    assert naoh_pct(100.0, float("nan")) is None


def test_a_temperature_wrong_by_1_k_moves_the_reading_by_1_percent() -> None:
    at_60, at_80 = (naoh_pct(conductivity_ms_cm(2.0, t), t - 1.0) for t in (60.0, 80.0))
    assert at_60 == pytest.approx(2.0 * 1.0113, abs=0.002)
    assert at_80 == pytest.approx(2.0 * 1.0093, abs=0.002)


@pytest.mark.parametrize(
    ("pct_per_k", "at_60", "at_70", "at_80"), [(2.0, 1.860, 1.834, 1.810), (1.7, 1.995, 1.988, 1.980)]
)
def test_linear_compensation_reads_low_when_hot(pct_per_k: float, at_60: float, at_70: float, at_80: float) -> None:
    for temperature_c, reads in ((60.0, at_60), (70.0, at_70), (80.0, at_80)):
        compensated = conductivity_ms_cm(2.0, temperature_c) / (1 + pct_per_k * 0.01 * (temperature_c - 25.0))
        assert naoh_pct(compensated, 25.0) == pytest.approx(reads, abs=0.004)
