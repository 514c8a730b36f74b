from __future__ import annotations

from dataclasses import replace
from math import inf
from random import Random

import pytest

from linectl.errors import Refused
from linectl.lab.design.changeover import USUAL_BATH, BathState
from linectl.lab.design.next_soak import NextSoak, SoakLimits, next_soak
from linectl.lab.kinetics.codes import Code
from linectl.lab.kinetics.data import BathTrace, ReleaseData, ReleaseRecord
from linectl.lab.kinetics.fit import NotFitted, ReleaseFit, fit_release
from linectl.laws.arrhenius import rate_factor
from linectl.model.experiments import Decision, Experiment, Glass, Soak
from linectl.model.records import Treatment

GLASS = Glass(tau_glass_s=0.0)
EXPERIMENT = Experiment(
    name="screening",
    question="?",
    temperatures_c=(50.0, 60.0, 70.0),
    naoh_pct=(1.5,),
    glues=("casein",),
    replicates=2,
    bottles_per_glue=10,
    seed=7,
    soak=Soak(cap_s=1200.0, check_s=15.0),
    decision=Decision(0.99, 0.95, 600.0, (60.0,), (1.5,)),
    glass=GLASS,
)


def fitted(temperatures_c: tuple[float, ...], median_s: float = 200.0, cap_s: float = 1200.0) -> ReleaseFit:
    """Return the fit of ten bottles at each temperature, checked every 15 s."""
    lot = Random(5)
    rows, traces = [], {}
    for number, temperature_c in enumerate(temperatures_c):
        traces[str(number)] = BathTrace.constant(temperature_c, cap_s)
        for bottle in range(10):
            release = median_s * lot.lognormvariate(0.0, 0.4) / rate_factor(60.0, temperature_c)
            lo = min(15.0 * (release // 15), cap_s)
            hi = lo + 15.0 if lo < cap_s else inf
            rows.append(ReleaseRecord(f"{number}/{bottle}", str(number), "casein", lo, hi, 1.5, temperature_c, 1.5))
    fit = fit_release(ReleaseData.from_records(rows, traces), "lognormal", glass=GLASS)
    assert isinstance(fit, ReleaseFit)
    return fit


def limits(temperatures_c: tuple[float, ...], **more: object) -> SoakLimits:
    return replace(
        SoakLimits(EXPERIMENT, tuple(Treatment(temperature, 1.5) for temperature in temperatures_c)),
        **more,  # type: ignore[arg-type]  # fields of the limits
    )


PILOT = (50.0, 60.0, 70.0)
FIT = fitted(PILOT)


def proposed(fit: ReleaseFit = FIT, **more: object) -> NextSoak:
    return next_soak(fit, limits(PILOT, **more))


def test_interpolation_puts_the_next_bath_near_what_is_asked_and_says_what_it_buys() -> None:
    found = proposed()
    assert abs(found.temperature_c - 60.0) <= 6.0
    assert found.naoh_pct == 1.5
    assert found.bottles == 10
    assert found.se_now is not None
    assert found.se_after is not None
    assert found.se_after < found.se_now
    assert found.bottles_left is not None
    assert found.bottles_left % 10 == 0
    assert "casein" in found.reason
    assert found.soak_s % 15 == 0
    assert found.soak_s < 1200.0  # all are off long before the cap


def test_the_promised_precision_is_what_such_a_bath_brings() -> None:
    found = proposed()
    assert found.se_now is not None
    assert found.se_after is not None
    after = next_soak(fitted((*PILOT, found.temperature_c)), limits((*PILOT, found.temperature_c)))
    assert after.se_now == pytest.approx(found.se_after, rel=0.25)  # one draw of ten bottles


def test_a_target_beyond_the_cap_is_told_by_hotter_baths() -> None:
    slow = replace(EXPERIMENT, soak=Soak(300.0, 15.0), decision=replace(EXPERIMENT.decision, temperatures_c=(50.0,)))
    found = next_soak(fitted(PILOT, median_s=500.0, cap_s=300.0), limits(PILOT, experiment=slow))
    assert found.temperature_c > 60.0
    assert found.soak_s == 300.0


def test_candidates_end_5_k_beyond_what_was_tested_and_at_the_lines_limit() -> None:
    temperatures = [treatment.temperature_c for treatment in limits(PILOT).candidates()]
    assert (min(temperatures), max(temperatures)) == (45.0, 75.0)
    cut = [treatment.temperature_c for treatment in limits(PILOT, hottest_c=62.0).candidates()]
    assert max(cut) == 62.0
    weak = replace(USUAL_BATH, heater_kw=0.2)  # 60 °C is the best that it ever holds
    reachable = [treatment.temperature_c for treatment in limits(PILOT, zone=weak).candidates()]
    assert max(reachable) < 60.0
    with pytest.raises(Refused, match="limits"):
        next_soak(FIT, limits(PILOT, hottest_c=20.0))


def test_naoh_that_was_not_tested_is_not_proposed() -> None:
    wide = replace(EXPERIMENT, naoh_pct=(0.0, 0.5, 1.0, 1.5, 3.0))
    stood = (Treatment(50.0, 0.5), Treatment(60.0, 1.5), Treatment(70.0, 1.5))
    levels = {treatment.naoh_pct for treatment in SoakLimits(wide, stood).candidates()}
    assert levels == {0.5, 1.0, 1.5}


def test_per_minute_weighs_the_way_and_the_soak() -> None:
    zone = limits(PILOT, zone=USUAL_BATH, before=BathState(70.0, 1.5))
    best, quick = next_soak(FIT, zone), next_soak(FIT, zone, per_minute=True)
    assert quick.minutes < best.minutes
    assert quick.se_now is not None
    assert quick.se_after is not None
    assert best.se_after is not None
    assert quick.se_after >= best.se_after
    assert (quick.se_now**2 - quick.se_after**2) / quick.minutes > (quick.se_now**2 - best.se_after**2) / best.minutes


def test_baths_that_differ_make_the_bound_wider_and_more_bottles_needed() -> None:
    plain, rough = next_soak(FIT, limits(PILOT)), next_soak(FIT, limits(PILOT), omega=0.3)
    assert plain.se_now is not None
    assert rough.se_now is not None
    assert rough.se_now > plain.se_now
    assert plain.bottles_left is not None
    assert rough.bottles_left is not None
    assert rough.bottles_left > plain.bottles_left


def test_what_is_known_well_enough_needs_no_more_bottles() -> None:
    sure = replace(FIT, cov=FIT.cov * 1e-3)
    assert proposed(sure).bottles_left == 0


def test_several_glues_share_the_bath_and_the_least_known_is_named() -> None:
    two = replace(EXPERIMENT, glues=("casein", "psa"))
    vague = replace(FIT, cov=FIT.cov * 4.0)
    found = next_soak({"casein": FIT, "psa": vague}, limits(PILOT, experiment=two))
    assert found.glue == "psa"
    assert found.bottles == 10


def test_without_a_fit_or_a_pilot_the_plan_goes_on() -> None:
    young = next_soak(FIT, limits((60.0, 60.0)))
    assert young.temperature_c in {50.0, 70.0}
    assert young.se_after is None
    stuck = next_soak({"casein": NotFitted(Code.ALL_CENSORED)}, limits(PILOT))
    assert stuck.temperature_c == 70.0
    fast = next_soak({"casein": NotFitted(Code.SEPARATION)}, limits(PILOT))
    assert fast.temperature_c == 50.0
    lean = next_soak({"casein": NotFitted(Code.NOT_CONVERGED)}, limits((50.0, 50.0, 60.0, 70.0, 70.0)))
    assert lean.temperature_c == 60.0
    with pytest.raises(Refused, match="no bath"):
        next_soak(FIT, limits(()))
