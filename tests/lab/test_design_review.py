from __future__ import annotations

from dataclasses import replace

import pytest

from linectl import words
from linectl.lab.design.baths import PlannedBath, PlannedBottle, trials
from linectl.lab.design_review import clean_bottles, clean_bound, review
from linectl.lab.kinetics.codes import Code
from linectl.model.experiments import Decision, Design, DesignKind, Experiment, Prior, Soak
from linectl.model.records import Treatment

SOUND = Experiment(
    name="sound",
    question="?",
    temperatures_c=(60.0, 70.0, 80.0),
    naoh_pct=(0.5, 1.5),
    glues=("casein", "mine"),
    replicates=2,
    bottles_per_glue=4,
    seed=3,
    soak=Soak(cap_s=1200.0, check_s=15.0),
    decision=Decision(0.99, 0.95, 900.0, (70.0,), (1.5,)),
)


def codes(experiment: Experiment, baths: list[PlannedBath] | None = None) -> list[str]:
    return [str(each.code) for each in review(experiment, trials(experiment) if baths is None else baths)]


def detail(code: Code, experiment: Experiment, baths: list[PlannedBath] | None = None) -> str:
    found = review(experiment, trials(experiment) if baths is None else baths)
    return next(each.detail for each in found if each.code == code)


def bath(
    order: int, temperature_c: float, *glues: str, naoh_pct: float = 1.5, stirrer: float | None = None
) -> PlannedBath:
    bottles = tuple(PlannedBottle(f"T{order}-P{place}", place, glue) for place, glue in enumerate(glues, start=1))
    return PlannedBath(order, Treatment(temperature_c, naoh_pct, stirrer), 1, "R1", bottles)


def test_a_sound_plan_has_its_note_and_no_warning() -> None:
    assert codes(SOUND) == [Code.FEW_BOTTLES]


def test_a_confirmation_sized_plan_has_not_even_the_note() -> None:
    many = replace(SOUND, replicates=13, bottles_per_glue=12)  # 12 x 2 x 13 = 312 of a glue over two NaOH, 156 at one
    assert Code.FEW_BOTTLES in codes(many)
    assert Code.FEW_BOTTLES not in codes(replace(many, replicates=25))


def test_counting_alone() -> None:
    assert [clean_bottles(0.99, conf) for conf in (0.90, 0.95, 0.99)] == [230, 299, 459]
    assert [clean_bottles(share, 0.95) for share in (0.95, 0.98)] == [59, 149]
    assert clean_bound(24, 0.95) == pytest.approx(0.883, abs=5e-4)
    assert clean_bound(299, 0.95) >= 0.99 > clean_bound(298, 0.95)
    two_dozen = replace(SOUND, replicates=3, bottles_per_glue=8)
    assert detail(Code.FEW_BOTTLES, two_dozen).startswith(
        "24 bottles of a glue at one point, all of them off, prove 88 %"
    )


@pytest.mark.parametrize("temperatures_c", [(60.0, 70.0, 80.0), (80.0, 70.0, 60.0)])
def test_a_temperature_that_runs_with_time_is_confounded(temperatures_c: tuple[float, ...]) -> None:
    baths = [bath(3 * k + j, t, "casein", "mine") for k, t in enumerate(temperatures_c) for j in range(1, 4)]
    assert Code.TEMP_TIME_CONFOUNDED in codes(SOUND, baths)
    mixed = [replace(each, ord=order) for order, each in zip((1, 4, 7, 2, 5, 8, 3, 6, 9), baths, strict=True)]
    assert Code.TEMP_TIME_CONFOUNDED not in codes(SOUND, mixed)


def test_naoh_that_runs_with_time_is_confounded() -> None:
    baths = [
        bath(order, 60.0 + 10 * (order % 3), "casein", naoh_pct=0.5 if order < 6 else 1.5) for order in range(1, 11)
    ]
    assert "NaOH goes with the order of the baths" in detail(Code.FACTOR_TIME_CONFOUNDED, SOUND, baths)


def test_bottles_of_one_bath_are_no_repeats() -> None:
    once = replace(SOUND, replicates=1)
    assert {Code.PSEUDO_REPLICATION, Code.FEW_BATHS} <= set(codes(once))
    assert "one bath per treatment" in detail(Code.PSEUDO_REPLICATION, once)
    uneven = [bath(order, 80.0 if order == 4 else 60.0 + 10 * (order % 2), "casein", "mine") for order in range(1, 10)]
    assert "one bath only at 80 °C" in detail(Code.PSEUDO_REPLICATION, SOUND, uneven)


def test_a_question_outside_the_tested_range_is_flagged() -> None:
    outside = replace(SOUND, decision=replace(SOUND.decision, temperatures_c=(57.0, 70.0)))
    assert detail(Code.EXTRAPOLATED, outside) == "asked at 57 °C, but tested from 60 to 80 °C only"


def test_one_temperature_tells_no_activation_energy() -> None:
    single = replace(SOUND, temperatures_c=(70.0,), replicates=5)
    assert Code.SINGLE_TEMPERATURE in codes(single)


def test_glues_that_never_meet_are_told_and_a_reference_joins_them() -> None:
    baths = [bath(order, 60.0 + 10 * (order % 3), "casein" if order % 2 else "mine") for order in range(1, 13)]
    assert "casein | mine" in detail(Code.GLUE_CONFOUNDED, SOUND, baths)
    joined = replace(SOUND, glues=("casein", "mine", "yours"), reference="casein", glues_per_bath=2)
    assert Code.GLUE_CONFOUNDED not in codes(joined)


def test_a_glue_at_one_temperature_only_is_told() -> None:
    baths = [
        bath(k, t, "casein", *(["mine"] if t == 70 else [])) for k, t in enumerate((60.0, 70.0, 80.0) * 3, start=1)
    ]
    assert detail(Code.SINGLE_TEMPERATURE, SOUND, baths).startswith("mine is in baths of 70 °C only")


def test_a_half_fraction_says_what_it_cannot_tell_apart() -> None:
    half = replace(
        SOUND,
        temperatures_c=(60.0, 80.0),
        agitation_pct=(30.0, 80.0),
        design=Design(DesignKind.FRACTIONAL, fraction=2),
        replicates=1,
    )
    assert "cannot be told from" in detail(Code.ALIASED, half)
    assert Code.ALIASED not in codes(replace(half, design=Design()))


def test_a_soak_too_short_and_checks_too_seldom_by_the_guess() -> None:
    slow = replace(SOUND, design=Design(prior=Prior(t50_60_s=900.0)), soak=Soak(600.0, 15.0))
    assert Code.SHORT_CAP in codes(slow)
    assert "the soak ends at 600 s" in detail(Code.SHORT_CAP, slow)
    coarse = replace(SOUND, soak=Soak(1200.0, 120.0))
    assert Code.COARSE_CHECKS in codes(coarse)
    assert {Code.SHORT_CAP, Code.COARSE_CHECKS}.isdisjoint(codes(replace(SOUND, soak=Soak(1200.0, 60.0))))


def test_figures_for_people_have_a_comma_in_french() -> None:
    words.use("fr")
    slow = replace(SOUND, decision=replace(SOUND.decision, removal=0.995, temperatures_c=(57.5,)))
    assert "57,5" in detail(Code.EXTRAPOLATED, slow)
    told = detail(Code.FEW_BOTTLES, replace(SOUND, decision=replace(SOUND.decision, removal=0.995)))
    assert "99,5 %" in told.replace("\xa0", " ")
