from __future__ import annotations

import math
from dataclasses import replace

import pytest

from linectl.model.experiments import Decision, Experiment, Soak
from linectl.sim.bath.campaign import INSERTION_S, SETTLE_S, SoakedBath, simulate_campaign, soak_bath
from linectl.sim.bath.physics import BathParams

SMALL = Experiment(
    name="small",
    question="",
    temperatures_c=(60.0, 80.0),
    naoh_pct=(0.0, 1.5),
    glues=("casein", "pvoh", "permanent"),
    replicates=2,
    bottles_per_glue=4,
    seed=1,
    soak=Soak(cap_s=300.0, check_s=15.0),
    decision=Decision(0.99, 0.95, 300.0, (60.0,), (1.5,)),
)


def one_bath(experiment: Experiment = SMALL, seed: int = 5, probe_noise_k: float = 0.1) -> SoakedBath:
    return soak_bath(experiment, "01", 80.0, 1.5, 1, seed=seed, params=BathParams(), probe_noise_k=probe_noise_k)


def test_every_cell_is_soaked_as_often_as_asked_and_the_order_is_drawn() -> None:
    campaign = simulate_campaign(SMALL, 3)
    cells = [(bath.temperature_c, bath.naoh_pct, bath.replicate) for bath in campaign.baths]
    assert sorted(cells) == [(t, c, r) for t in (60.0, 80.0) for c in (0.0, 1.5) for r in (1, 2)]
    assert cells != sorted(cells)
    plain = simulate_campaign(replace(SMALL, randomised=False), 3)
    assert [(bath.temperature_c, bath.naoh_pct, bath.replicate) for bath in plain.baths] == sorted(cells)
    assert [bath.name for bath in campaign.baths] == [f"{k:02d}" for k in range(1, 9)]


def test_the_seed_gives_the_same_campaign_and_another_seed_another() -> None:
    assert simulate_campaign(SMALL, 3) == simulate_campaign(SMALL, 3)
    assert simulate_campaign(SMALL, 3).baths[0].bottles != simulate_campaign(SMALL, 4).baths[0].bottles


def test_an_interval_holds_the_true_release_and_is_one_check_wide() -> None:
    for bath in simulate_campaign(SMALL, 3).baths:
        for bottle in bath.bottles:
            assert bottle.lo_s < bottle.release_s <= bottle.hi_s
            if math.isfinite(bottle.hi_s):
                assert bottle.hi_s - bottle.lo_s <= SMALL.soak.check_s
                assert bottle.inserted_s + bottle.hi_s in bath.checks_s
            if bottle.lo_s > 0:
                assert bottle.inserted_s + bottle.lo_s in bath.checks_s


def test_a_label_still_on_is_known_on_until_the_last_check() -> None:
    bath = one_bath()
    stuck = [bottle for bottle in bath.bottles if bottle.glue == "permanent"]
    assert len(stuck) == 4
    for bottle in stuck:
        assert bottle.hi_s == bottle.release_s == math.inf
        assert bottle.lo_s == bath.checks_s[-1] - bottle.inserted_s
    assert all(math.isfinite(bottle.hi_s) for bottle in bath.bottles if bottle.glue == "casein")


def test_bottles_go_in_one_after_the_other_and_each_soaks_to_the_cap() -> None:
    bath = one_bath()
    assert [bottle.inserted_s for bottle in bath.bottles] == [SETTLE_S + k * INSERTION_S for k in range(12)]
    assert {bottle.position for bottle in bath.bottles} == set(range(1, 13))
    assert bath.checks_s[0] == SETTLE_S + 15.0
    last = bath.bottles[-1].inserted_s + SMALL.soak.cap_s
    assert last - 15.0 < bath.checks_s[-1] <= last
    assert bath.trace_s[-1] == last


def test_the_trace_is_the_probe_each_second_with_its_noise_and_the_dip() -> None:
    quiet, noisy = one_bath(probe_noise_k=0.0), one_bath()
    assert quiet.trace_s == tuple(float(k) for k in range(len(quiet.trace_s)))
    differences = [a - b for a, b in zip(noisy.trace_c, quiet.trace_c, strict=True)]
    spread = (sum(d * d for d in differences) / len(differences)) ** 0.5
    assert spread == pytest.approx(0.1, rel=0.2)
    assert quiet.bottles == noisy.bottles
    assert quiet.trace_c[:30] == pytest.approx([80.0] * 30, abs=0.01)
    assert 77.0 < min(quiet.trace_c) < 79.2
    assert quiet.trace_c[-1] == pytest.approx(80.0, abs=0.05)


def test_an_unknown_glue_or_too_many_bottles_are_refused() -> None:
    with pytest.raises(ValueError, match="no glue 'honey'"):
        one_bath(replace(SMALL, glues=("honey",)))
    assert one_bath(replace(SMALL, glues=("honey",), simulate_as={"honey": "starch"})).bottles[0].glue == "honey"
    with pytest.raises(ValueError, match="27 bottles in a bath of 24"):
        one_bath(replace(SMALL, bottles_per_glue=9))
    with pytest.raises(ValueError, match="0 bottles"):
        one_bath(replace(SMALL, glues=()))
