from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from linectl.errors import Refused
from linectl.lab.design.baths import trials
from linectl.model.experiments import Decision, Experiment, Soak
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
