from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from linectl.lab.kinetics.calibration import NAOH, SAMPLING, TEMPERATURE, calibration_terms, with_calibration
from linectl.lab.kinetics.data import ReleaseData
from linectl.lab.kinetics.fit import ReleaseFit, fit_release
from linectl.lab.kinetics.marginal import release_time
from linectl.lab.kinetics.trace import NO_LAG
from linectl.lab.results import Estimate, SensorDoubt

KNOWN = SensorDoubt(temperature_k=0.2, naoh_pct=0.05)
Z95 = 1.6448536269514722


@pytest.fixture(scope="module")
def fit(module_world: Callable[..., ReleaseData]) -> ReleaseFit:
    found = fit_release(module_world(naoh_pct=(1.0, 1.5, 2.0)), glass=NO_LAG)
    assert isinstance(found, ReleaseFit)
    return found


def test_a_probe_that_reads_too_high_hides_just_so_much_of_the_time(fit: ReleaseFit) -> None:
    terms = calibration_terms(fit, KNOWN, temp_c=62.0, naoh_pct=1.2, conf=0.95)
    for name, offset in ((TEMPERATURE, {"temp_c": 62.0 - 0.02}), (NAOH, {"naoh_pct": 1.2 - 0.005})):
        here, there = (
            math.log(release_time(fit, **{"temp_c": 62.0, "naoh_pct": 1.2, **more}) or 0.0)  # type: ignore[arg-type]  # by name
            for more in ({}, offset)
        )
        assert terms[name] == pytest.approx(Z95 * 10 * abs(there - here), rel=0.01)


def test_the_parts_are_added_by_their_squares_on_both_sides(fit: ReleaseFit) -> None:
    plain = Estimate(300.0, 260.0, 360.0, 0.95, "bootstrap-t", "s")
    found = with_calibration(plain, fit, KNOWN, temp_c=60.0, naoh_pct=1.5)
    assert found.terms[SAMPLING] == pytest.approx(math.log(360 / 300))
    assert found.upper == pytest.approx(300 * math.exp(math.hypot(*found.terms.values())))
    more = math.hypot(found.terms[TEMPERATURE], found.terms[NAOH])
    assert found.lower == pytest.approx(300 * math.exp(-math.hypot(math.log(300 / 260), more)))
    assert found.method == "bootstrap-t+calibration"
    assert found.value == 300.0


def test_what_is_not_known_is_left_out(fit: ReleaseFit) -> None:
    plain = Estimate(300.0, None, 360.0, 0.95, "bootstrap-t", "s")
    found = with_calibration(plain, fit, SensorDoubt(), temp_c=60.0, naoh_pct=1.5)
    assert found.upper == pytest.approx(360.0)
    assert (found.lower, found.method) == (None, "bootstrap-t")
    assert set(found.terms) == {SAMPLING}
    none = Estimate(None, reason="PLATEAU")
    assert with_calibration(none, fit, KNOWN, temp_c=60.0, naoh_pct=1.5) is none


def test_naoh_that_was_not_varied_has_no_term(module_world: Callable[..., ReleaseData]) -> None:
    found = fit_release(module_world(), glass=NO_LAG)
    assert isinstance(found, ReleaseFit)
    assert set(calibration_terms(found, KNOWN, temp_c=60.0, naoh_pct=1.5, conf=0.95)) == {TEMPERATURE}
