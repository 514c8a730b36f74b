from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from linectl.errors import Refused
from linectl.lab.design.baths import trials
from linectl.lab.design.loading import blind_codes
from linectl.model.experiments import Centre, Decision, Design, DesignKind, Experiment, PlannedTreatment, Soak
from linectl.model.records import Treatment

EXPERIMENT = Experiment(
    name="screening",
    question="?",
    temperatures_c=(50.0, 60.0, 70.0, 80.0),
    naoh_pct=(0.0, 1.5),
    glues=("casein", "starch", "pvoh", "psa", "permanent"),
    replicates=3,
    bottles_per_glue=4,
    seed=7,
    soak=Soak(cap_s=600.0, check_s=15.0),
    decision=Decision(0.99, 0.95, 600.0, (60.0,), (1.5,)),
)
ORDER = ["60 °C, 0 %", "70 °C, 1.5 %", "80 °C, 0 %", "60 °C, 1.5 %"]
BOTTLES = [("T01-P17", "psa"), ("T01-P03", "pvoh"), ("T01-P14", "starch")]


def test_every_treatment_stands_once_in_every_block() -> None:
    baths = trials(EXPERIMENT)
    assert [bath.ord for bath in baths] == list(range(1, 25))
    wanted = {Treatment(temperature, naoh) for temperature in (50.0, 60.0, 70.0, 80.0) for naoh in (0.0, 1.5)}
    for block in ("R1", "R2", "R3"):
        treatments = [bath.treatment for bath in baths if bath.block == block]
        assert len(treatments) == 8
        assert set(treatments) == wanted


def test_every_bath_holds_all_glues_at_different_positions_under_unique_labels() -> None:
    baths = trials(EXPERIMENT)
    labels = [bottle.label for bath in baths for bottle in bath.bottles]
    assert len(set(labels)) == len(labels) == 24 * 20
    for bath in baths:
        assert Counter(bottle.glue for bottle in bath.bottles) == dict.fromkeys(EXPERIMENT.glues, 4)
        assert len({bottle.position for bottle in bath.bottles}) == 20
        assert all(1 <= bottle.position <= 24 for bottle in bath.bottles)


def test_the_seed_alone_decides_order_and_positions() -> None:
    assert trials(EXPERIMENT) == trials(EXPERIMENT)
    other = trials(replace(EXPERIMENT, seed=8))
    assert [bath.treatment for bath in other] != [bath.treatment for bath in trials(EXPERIMENT)]
    assert [bath.bottles for bath in other] != [bath.bottles for bath in trials(EXPERIMENT)]


def test_glues_go_in_mixed_and_not_one_after_the_other() -> None:
    runs_of_one_glue = 0
    for bath in trials(EXPERIMENT):
        glues = [bottle.glue for bottle in bath.bottles]
        runs_of_one_glue += sum(first == second for first, second in pairwise(glues))
    # drawn at random, a bottle is followed by one of its own glue 3 times in 19; in order, 15 times
    assert runs_of_one_glue < 24 * 6


def test_positions_differ_between_baths() -> None:
    first, second = trials(EXPERIMENT)[:2]
    assert {b.position: b.glue for b in first.bottles} != {b.position: b.glue for b in second.bottles}


def test_without_randomising_the_order_is_that_of_the_file() -> None:
    baths = trials(replace(EXPERIMENT, randomised=False))
    assert [str(bath.treatment) for bath in baths[:3]] == ["50 °C, 0 %", "50 °C, 1.5 %", "60 °C, 0 %"]


def test_too_many_bottles_are_refused() -> None:
    with pytest.raises(Refused, match=r"30 bottles a bath, but the bath has 24"):
        trials(replace(EXPERIMENT, bottles_per_glue=6))


def test_the_order_of_this_seed_stays_what_it_was() -> None:
    order = [str(bath.treatment) for bath in trials(EXPERIMENT)[:4]]
    assert order == ORDER
    first = trials(EXPERIMENT)[0].bottles
    assert [(bottle.label, bottle.glue) for bottle in first[:3]] == BOTTLES


def test_agitation_is_a_third_factor_and_absent_where_it_does_not_vary() -> None:
    assert {bath.treatment.agitation_pct for bath in trials(EXPERIMENT)} == {None}
    stirred = trials(replace(EXPERIMENT, agitation_pct=(20.0, 80.0), replicates=1))
    assert len({bath.treatment for bath in stirred}) == 16
    assert Counter(bath.treatment.agitation_pct for bath in stirred) == {20.0: 8, 80.0: 8}


def test_bottle_factors_are_crossed_with_the_glue_in_every_bath() -> None:
    varied = replace(
        EXPERIMENT, glues=("casein", "psa"), bottle_factors={"paper": ("coated", "plain"), "age": ("new", "old", "sun")}
    )
    varied = replace(varied, bottles_per_glue=2)
    assert varied.bottles_per_bath == 24
    for bath in trials(varied):
        kinds = Counter((bottle.glue, bottle.factors["paper"], bottle.factors["age"]) for bottle in bath.bottles)
        assert set(kinds.values()) == {2}
        assert len(kinds) == 12
    with pytest.raises(Refused, match=r"36 bottles a bath, but the bath has 24"):
        trials(replace(varied, bottles_per_glue=3))


def test_glues_take_turns_in_balance_and_the_reference_is_in_every_bath() -> None:
    turned = replace(EXPERIMENT, glues_per_bath=3, reference="pvoh")
    baths = trials(turned)
    standing = [{bottle.glue for bottle in bath.bottles} for bath in baths]
    assert all(len(glues) == 3 and "pvoh" in glues for glues in standing)
    assert {len(bath.bottles) for bath in baths} == {12}
    others = Counter(glue for glues in standing for glue in glues if glue != "pvoh")
    assert set(others.values()) == {12}  # 24 baths x 2 places over 4 glues
    by_temperature = Counter(
        (glue, bath.treatment.temperature_c) for bath, glues in zip(baths, standing, strict=True) for glue in glues
    )
    assert {count for (glue, _), count in by_temperature.items() if glue != "pvoh"} == {3}
    pairs = Counter(frozenset(glues - {"pvoh"}) for glues in standing)
    assert len(pairs) == 6
    assert max(pairs.values()) - min(pairs.values()) <= 2
    assert baths == trials(turned)


@pytest.mark.parametrize(
    "change", [{"glues_per_bath": 1, "reference": "pvoh"}, {"glues_per_bath": 2, "reference": "?"}]
)
def test_a_reference_that_leaves_nothing_to_compare_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="reference"):
        trials(replace(EXPERIMENT, **change))


def test_centre_baths_stand_at_the_start_in_the_middle_and_at_the_end() -> None:
    centred = replace(EXPERIMENT, design=Design(centre=Centre(PlannedTreatment(65.0, 0.75))))
    baths = trials(centred)
    repeated = [bath for bath in baths if bath.block == "C"]
    assert [bath.ord for bath in repeated] == [1, 14, 27]
    assert [bath.replicate for bath in repeated] == [1, 2, 3]
    assert {bath.treatment for bath in repeated} == {Treatment(65.0, 0.75)}
    # the rest is as without them
    assert [b.treatment for b in baths if b.block != "C"] == [b.treatment for b in trials(EXPERIMENT)]
    five = trials(replace(EXPERIMENT, design=Design(centre=Centre(PlannedTreatment(65.0, 0.75), baths=5))))
    assert [bath.ord for bath in five if bath.block == "C"] == [1, 8, 15, 22, 29]
    (one,) = [
        bath.ord
        for bath in trials(replace(EXPERIMENT, design=Design(centre=Centre(PlannedTreatment(65.0, 0.75), baths=1))))
        if bath.block == "C"
    ]
    assert one == 13


def test_blind_codes_are_stable_over_the_run_and_one_for_each_glue() -> None:
    blind = replace(EXPERIMENT, blind=True)
    codes = {(bottle.glue, bottle.code) for bath in trials(blind) for bottle in bath.bottles}
    assert codes == set(blind_codes(blind).items())
    assert len({code[0] for _, code in codes}) == 5  # one misread character names no other glue
    assert all(re.fullmatch(r"[A-Z]\d", code) for _, code in codes)
    assert blind_codes(blind) != blind_codes(replace(blind, seed=8))
    assert {bottle.code for bath in trials(EXPERIMENT) for bottle in bath.bottles} == {""}


def test_a_table_is_taken_as_it_stands_once_a_replicate() -> None:
    table = (PlannedTreatment(60.0, 1.5), PlannedTreatment(60.0, 1.5), PlannedTreatment(72.5, 0.2, 90.0))
    baths = trials(replace(EXPERIMENT, replicates=2, design=Design(DesignKind.TABLE, table=table)))
    assert Counter(bath.treatment for bath in baths) == {Treatment(60.0, 1.5): 4, Treatment(72.5, 0.2, 90.0): 2}
    assert sorted(bath.replicate for bath in baths if bath.treatment.naoh_pct == 1.5) == [1, 2, 3, 4]
    assert Counter(bath.block for bath in baths) == {"R1": 3, "R2": 3}
    with pytest.raises(Refused, match="table"):
        trials(replace(EXPERIMENT, design=Design(DesignKind.TABLE)))


@pytest.mark.parametrize("kind", [DesignKind.C_OPTIMAL, DesignKind.COMPROMISE])
def test_optimal_designs_put_most_baths_near_the_target_and_leave_out_no_level(kind: DesignKind) -> None:
    baths = trials(replace(EXPERIMENT, design=Design(kind, baths=20)))
    assert len(baths) == 20
    assert {bath.treatment.temperature_c for bath in baths} == {50.0, 60.0, 70.0, 80.0}
    assert {bath.treatment.naoh_pct for bath in baths} == {0.0, 1.5}
    near = sum(bath.treatment == Treatment(60.0, 1.5) for bath in baths)
    assert near >= 10
    assert Counter(bath.block for bath in baths) == {"R1": 7, "R2": 7, "R3": 6}
    assert baths == trials(replace(EXPERIMENT, design=Design(kind, baths=20)))


def test_too_few_baths_for_the_levels_are_refused() -> None:
    with pytest.raises(Refused, match="3 baths cannot hold every level"):
        trials(replace(EXPERIMENT, design=Design(DesignKind.C_OPTIMAL, baths=3)))


def test_levels_that_cannot_tell_the_target_are_refused() -> None:
    elsewhere = replace(EXPERIMENT, temperatures_c=(80.0,), naoh_pct=(1.5,), design=Design(DesignKind.C_OPTIMAL))
    with pytest.raises(Refused, match=r"do not tell the release time at 60 °C, 1\.5 %"):
        trials(elsewhere)
