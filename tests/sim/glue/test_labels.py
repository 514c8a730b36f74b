from __future__ import annotations

import math
import statistics

import pytest

from linectl.sim.glue.labels import GLUES, GlueClass, LabelState, glue_class, new_label, soak, stirring, t50_s

Z99 = 2.3263478740408408
# class: t50 80 °C/1.5 %, t99 80/1.5, t99 60/1.5, t50 60 °C water
TABLE = {
    GlueClass.CASEIN: (60, 107, 268, 600),
    GlueClass.STARCH: (55, 111, 241, 240),
    GlueClass.PVOH: (102, 230, 541, 182),
    GlueClass.PSA: (264, 669, 2281, 4750),
    GlueClass.PERMANENT: (4780, 24353, None, 45948),
}


def time_off(
    glue: GlueClass,
    bath_c: float,
    naoh_pct: float,
    *,
    z: float = 0.0,
    start_c: float | None = None,
    dt_s: float = 0.25,
    mech: float = 1.0,
) -> float:
    """Return the time off in s of a label with resistance `z`, interpolated within the step."""
    label = LabelState(glue, 1, math.exp(GLUES[glue].sigma * z), bath_c if start_c is None else start_c)
    elapsed = 0.0
    while True:
        (after,), _ = soak((label,), bath_c, naoh_pct, dt_s, mech=mech)
        assert after is not None
        if not after.attached:
            return elapsed + dt_s * (label.limit - label.dose) / (after.dose - label.dose)
        label, elapsed = after, elapsed + dt_s
        assert elapsed < 100_000


@pytest.mark.parametrize("glue", list(GlueClass))
def test_constant_conditions_reproduce_the_table(glue: GlueClass) -> None:
    t50_hot, t99_hot, t99_60, t50_water = TABLE[glue]
    dt_s = 1.0 if glue is GlueClass.PERMANENT else 0.25
    assert time_off(glue, 80.0, 1.5, dt_s=dt_s) == pytest.approx(t50_hot, rel=0.01)
    assert time_off(glue, 80.0, 1.5, z=Z99, dt_s=dt_s) == pytest.approx(t99_hot, rel=0.01)
    assert time_off(glue, 60.0, 0.0, dt_s=dt_s) == pytest.approx(t50_water, rel=0.01)
    if t99_60 is not None:
        assert time_off(glue, 60.0, 1.5, z=Z99) == pytest.approx(t99_60, rel=0.01)


def test_water_is_faster_than_caustic_for_pvoh_alone() -> None:
    assert t50_s(GLUES[GlueClass.PVOH], 80.0, 0.0) == pytest.approx(77, rel=0.01)
    assert time_off(GlueClass.PVOH, 80.0, 0.0, z=Z99) == pytest.approx(174, rel=0.01)
    assert time_off(GlueClass.PVOH, 60.0, 0.0, z=Z99) == pytest.approx(410, rel=0.01)
    faster = [glue.code for glue in GLUES.values() if t50_s(glue, 80.0, 0.0) < t50_s(glue, 80.0, 1.5)]
    assert faster == [GlueClass.PVOH]


def test_the_median_formula_and_the_stepped_label_agree() -> None:
    for code, glue in GLUES.items():
        stepped = time_off(GlueClass(code), 70.0, 0.5, dt_s=1.0, mech=1.5)
        assert stepped == pytest.approx(t50_s(glue, 70.0, 0.5, 1.5), rel=1e-9)


@pytest.mark.parametrize(("mech", "times"), [(1.5, 0.89), (3.0, 0.72)])
def test_agitation_shortens_the_time(mech: float, times: float) -> None:
    assert time_off(GlueClass.CASEIN, 60.0, 1.5, mech=mech) / 150.0 == pytest.approx(times, abs=0.005)


@pytest.mark.parametrize("stirrer_pct", [0.0, 50.0])
def test_up_to_half_speed_the_bath_counts_as_still(stirrer_pct: float) -> None:
    assert stirring(stirrer_pct) == 1.0
    assert stirring(100.0) == 1.5
    assert stirring(75.0) == 1.25


@pytest.mark.parametrize("glue", [GlueClass.PSA, GlueClass.PERMANENT])
def test_self_adhesives_do_nothing_below_45_c(glue: GlueClass) -> None:
    (cold,), _ = soak((LabelState(glue, 1, 1.0, 44.9),), 44.9, 1.5, 3600.0)
    (warm,), _ = soak((LabelState(glue, 1, 1.0, 45.1),), 45.1, 1.5, 3600.0)
    assert cold is not None
    assert warm is not None
    assert cold.dose == 0.0 < warm.dose
    assert t50_s(GLUES[glue], 44.9, 1.5) == math.inf
    (wet,), _ = soak((LabelState(GlueClass.CASEIN, 1, 1.0, 30.0),), 30.0, 1.5, 60.0)
    assert wet is not None
    assert wet.dose > 0.0


def test_two_half_steps_are_one_step_and_halving_dt_hardly_moves_the_time() -> None:
    cold = LabelState(GlueClass.CASEIN, 1, 1.0, 20.0)
    (one,), warmed_one = soak((cold,), 80.0, 1.5, 1.0)
    (half,), first = soak((cold,), 80.0, 1.5, 0.5)
    (two,), second = soak((half,), 80.0, 1.5, 0.5)
    assert one is not None
    assert two is not None
    assert one.glass_c == pytest.approx(two.glass_c, abs=1e-9)
    assert warmed_one == pytest.approx(first + second, abs=1e-9)
    assert one.dose == pytest.approx(two.dose, rel=2e-3)
    for glue in GlueClass:
        coarse, fine = (time_off(glue, 80.0, 1.5, start_c=20.0, dt_s=dt_s) for dt_s in (1.0, 0.5))
        assert coarse == pytest.approx(fine, rel=0.005)


def test_a_cold_bottle_takes_longer_and_its_glass_lags_15_s() -> None:
    warm, cold = (time_off(GlueClass.CASEIN, 80.0, 1.5, start_c=start_c) for start_c in (80.0, 15.0))
    assert cold / warm == pytest.approx(1.42, abs=0.02)
    (label,), warmed_k = soak((LabelState(GlueClass.CASEIN, 1, 1.0, 20.0),), 80.0, 1.5, 15.0)
    assert label is not None
    assert label.glass_c == pytest.approx(80.0 - 60.0 / math.e, abs=1e-9)
    assert warmed_k == pytest.approx(label.glass_c - 20.0)


def test_a_released_label_takes_no_more_dose_and_its_bottle_still_warms() -> None:
    off = LabelState(GlueClass.CASEIN, 1, 1.0, 20.0, dose=1.01)
    (after,), _ = soak((off,), 80.0, 1.5, 1.0)
    assert after is not None
    assert after.dose == 1.01
    assert after.glass_c > 20.0


def test_a_label_is_drawn_from_the_seed_and_its_number_alone() -> None:
    assert new_label(7, 3, GlueClass.PVOH) == new_label(7, 3, GlueClass.PVOH)
    assert new_label(7, 3, GlueClass.PVOH).limit != new_label(7, 4, GlueClass.PVOH).limit
    assert new_label(7, 3, GlueClass.PVOH).limit != new_label(8, 3, GlueClass.PVOH).limit


def test_drawn_resistances_have_the_spread_and_the_share_that_never_comes_off() -> None:
    limits = [new_label(1, serial, GlueClass.PERMANENT).limit for serial in range(4000)]
    released = [math.log(limit) for limit in limits if math.isfinite(limit)]
    assert 1 - len(released) / len(limits) == pytest.approx(0.30, abs=0.03)
    assert statistics.mean(released) == pytest.approx(0.0, abs=0.05)
    assert statistics.stdev(released) == pytest.approx(0.7, abs=0.03)


def test_a_glue_is_found_by_name_or_by_what_stands_for_it() -> None:
    assert glue_class("casein") is GlueClass.CASEIN
    assert glue_class("our new one", {"our new one": "pvoh"}) is GlueClass.PVOH
    with pytest.raises(ValueError, match="casein, starch, pvoh, psa, permanent"):
        glue_class("honey")
    with pytest.raises(ValueError, match="1 casein"):
        new_label(1, 1, 6)
