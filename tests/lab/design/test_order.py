from __future__ import annotations

from dataclasses import replace
from statistics import mean

import pytest

from linectl.lab.design.baths import trials
from linectl.lab.design.changeover import USUAL_BATH, BathState, change
from linectl.lab.design.order import CONFOUNDED, confounding, ordered, preparation_s, restriction
from linectl.lab.design.treatments import cells
from linectl.model.experiments import Decision, Experiment, Soak
from linectl.model.records import Treatment

EXPERIMENT = Experiment(
    name="screening",
    question="?",
    temperatures_c=(50.0, 60.0, 70.0, 80.0),
    naoh_pct=(0.0, 1.5),
    glues=("casein", "psa"),
    replicates=3,
    bottles_per_glue=4,
    seed=7,
    soak=Soak(cap_s=600.0, check_s=15.0),
    decision=Decision(0.99, 0.95, 600.0, (60.0,), (1.5,)),
)
SINGLE = replace(EXPERIMENT, replicates=1)


def order(experiment: Experiment) -> list[Treatment]:
    return [bath.treatment for bath in trials(experiment)]


def test_a_sorted_order_is_confounded_and_a_drawn_one_is_not() -> None:
    by_heat = sorted(order(EXPERIMENT), key=lambda treatment: treatment.temperature_c)
    assert confounding(by_heat) > 0.9
    by_naoh = sorted(order(EXPERIMENT), key=lambda treatment: treatment.naoh_pct)
    assert confounding(by_naoh) > 0.8
    assert confounding([Treatment(60.0, 1.5)] * 5) == 0.0
    # as the file lists them, temperature runs with time: only what is not randomised stays so
    assert confounding(order(replace(SINGLE, randomised=False))) > 0.9


@pytest.mark.parametrize("economical", [False, True])
def test_no_factor_runs_with_time_whatever_the_seed(economical: bool) -> None:
    for seed in range(12):
        single = replace(SINGLE, seed=seed, economical=economical)
        assert confounding(order(single)) <= CONFOUNDED
        assert sorted(map(str, order(single))) == sorted(map(str, cells(single)))


def test_two_baths_are_always_confounded_and_still_drawn() -> None:
    pair = replace(SINGLE, temperatures_c=(60.0, 80.0), naoh_pct=(1.5,))
    assert confounding(order(pair)) == pytest.approx(1.0)
    assert len({order(replace(pair, seed=seed))[0] for seed in range(10)}) == 2


def test_an_economical_order_saves_water_and_heat_and_stays_random() -> None:
    seeds = range(10)
    plain = mean(preparation_s(order(replace(EXPERIMENT, seed=seed)), EXPERIMENT) for seed in seeds)
    cheap = mean(preparation_s(order(replace(EXPERIMENT, seed=seed, economical=True)), EXPERIMENT) for seed in seeds)
    assert cheap < 0.9 * plain
    assert len({tuple(order(replace(EXPERIMENT, seed=seed, economical=True))[:8]) for seed in seeds}) == len(seeds)
    saving = replace(EXPERIMENT, economical=True)
    assert order(saving) == order(saving)
    assert {bath.block for bath in trials(saving)[:8]} == {"R1"}


def test_the_restriction_on_the_lots_is_said() -> None:
    assert "20 %" in restriction(replace(EXPERIMENT, economical=True))
    assert "500" in restriction(replace(EXPERIMENT, economical=True))
    assert "500" not in restriction(EXPERIMENT)
    assert restriction(replace(EXPERIMENT, randomised=False)) != restriction(EXPERIMENT)


def test_what_is_not_randomised_keeps_its_order() -> None:
    blocks = [cells(SINGLE), cells(SINGLE)]
    assert ordered(blocks, replace(EXPERIMENT, randomised=False, economical=True)) == blocks


def test_the_way_between_two_baths_costs_what_water_and_heat_cost() -> None:
    kept = change(BathState(60.0, 0.0), Treatment(70.0, 1.5), EXPERIMENT, USUAL_BATH)
    assert (kept.reason, kept.drain_s, kept.fill_s) == ("", 0.0, 0.0)
    assert kept.heat_kwh == pytest.approx(40 * 4.1 * 10 / 3600, rel=0.1)  # 10 K of 164 kJ/K, and the loss
    down = change(BathState(60.0, 1.5), Treatment(60.0, 0.0), EXPERIMENT, USUAL_BATH)
    assert down.reason == "naoh"
    assert down.start_c == 45.0
    assert down.total_s > kept.total_s
