from __future__ import annotations

from dataclasses import replace

import pytest

from linectl.lab.design.baths import PlannedBath, PlannedBottle, trials
from linectl.lab.schedule import BathState, plan, problems, refill_reason
from linectl.model.experiments import Decision, Experiment, Soak, Stabilisation
from linectl.model.lines import Zone
from linectl.model.records import Treatment

ZONE = Zone(
    "bath", "bath", 40.0, positions=24, fill_temperature_c=15.0, heater_kw=3.0, fill_l_min=10.0, drain_l_min=10.0
)
EXPERIMENT = Experiment(
    name="screening",
    question="?",
    temperatures_c=(50.0, 80.0),
    naoh_pct=(0.0, 1.5),
    glues=("casein", "pvoh"),
    replicates=2,
    bottles_per_glue=2,
    seed=1,
    soak=Soak(cap_s=600.0, check_s=15.0),
    decision=Decision(0.99, 0.95, 600.0, (60.0,), (1.5,)),
    randomised=False,
)


def bath(order: int, temperature_c: float, naoh_pct: float) -> PlannedBath:
    bottles = tuple(PlannedBottle(f"T{order:02d}-P{place:02d}", place, "casein") for place in range(1, 5))
    return PlannedBath(order, Treatment(temperature_c, naoh_pct), 1, "R1", bottles)


def test_heating_and_cooling_take_what_the_balance_says() -> None:
    times = plan([bath(1, 60.0, 0.0)], EXPERIMENT, ZONE)[0]
    assert times.phases["heat"] / 60 == pytest.approx(41.0, abs=2.0)  # 45 K of 164 kJ/K by 3 kW, and the loss
    assert times.phases["drain"] == 0.0  # nothing is known of the first bath: its draining may be nothing
    assert times.phases["fill"] == pytest.approx(240.0)
    hotter = replace(EXPERIMENT, stabilisation=Stabilisation(band_c=0.0, within_s=1e6))
    slow = replace(ZONE, fill_l_min=0.001)  # so that cooling is the faster way
    cooled = plan([bath(1, 80.0, 0.0), bath(2, 50.0, 0.0)], hotter, slow)[1]
    assert cooled.phases["heat"] / 3600 == pytest.approx(6.3, abs=0.1)  # 80 to 50 °C under the lid


def test_a_bath_is_drained_for_less_naoh_and_for_less_heat() -> None:
    assert refill_reason(None, Treatment(60.0, 1.5), EXPERIMENT, ZONE) == "start"
    assert refill_reason(BathState(60.0, 1.5), Treatment(60.0, 0.0), EXPERIMENT, ZONE) == "naoh"
    assert refill_reason(BathState(80.0, 0.0), Treatment(50.0, 0.0), EXPERIMENT, ZONE) == "cooler"
    patient = replace(EXPERIMENT, stabilisation=Stabilisation(within_s=1e5))
    assert refill_reason(BathState(80.0, 0.0), Treatment(50.0, 0.0), patient, ZONE) == "faster"


def test_a_bath_is_kept_for_more_naoh_more_heat_and_a_little_less_of_either() -> None:
    assert refill_reason(BathState(50.0, 0.0), Treatment(80.0, 1.5), EXPERIMENT, ZONE) == ""
    assert refill_reason(BathState(60.4, 1.55), Treatment(60.0, 1.5), EXPERIMENT, ZONE) == ""
    assert refill_reason(BathState(61.5, 1.5), Treatment(60.0, 1.5), EXPERIMENT, ZONE) == ""  # cools in time


def test_heating_that_takes_longer_than_given_is_said_with_minutes() -> None:
    hasty = replace(EXPERIMENT, stabilisation=Stabilisation(within_s=1800.0))
    found = problems([bath(1, 80.0, 1.5)], hasty, ZONE)
    assert len(found) == 1
    assert "bath 1 (80 °C, 1.5 %)" in found[0]
    assert "heating from 15 °C takes 63 min; 30 min are given" in found[0]


def test_a_feed_hotter_than_the_target_is_said() -> None:
    warm = replace(ZONE, fill_temperature_c=60.0)
    found = problems([bath(1, 50.0, 1.5)], EXPERIMENT, warm)
    assert len(found) == 1
    assert "cooling under the lid from 60 °C" in found[0]
    assert "120 min are given" in found[0]
    never = problems([bath(1, 15.0, 0.0)], EXPERIMENT, warm)
    assert "never cools so far" in never[0]


def test_an_order_that_can_be_done_has_no_problem() -> None:
    assert problems([bath(1, 80.0, 1.5), bath(2, 50.0, 0.0), bath(3, 60.0, 0.0)], EXPERIMENT, ZONE) == []


def test_a_zone_without_its_figures_is_named() -> None:
    assert problems([bath(1, 60.0, 0.0)], EXPERIMENT, replace(ZONE, heater_kw=0.0)) == [
        "zone bath: heater_kw must be above 0 in the line's file"
    ]


def test_the_timeline_of_an_experiment_on_a_line() -> None:
    baths = trials(EXPERIMENT)
    steps = plan(baths, EXPERIMENT, ZONE)
    assert len(steps) == 8
    assert problems(baths, EXPERIMENT, ZONE) == []
    assert steps[0].refill == "start"
    assert steps[1].refill == ""  # 50 °C stays, NaOH goes up
    assert steps[1].phases["dose"] == pytest.approx(330.0)  # 600 g at 120 g/min, and 30 s to stir it in


def test_the_timeline_counts_energy_and_bottles() -> None:
    first, second = plan([bath(1, 60.0, 1.5), bath(2, 60.0, 1.5)], EXPERIMENT, ZONE)
    assert first.bottles == second.bottles == 4
    # 45 K of 164 kJ/K are 2.05 kWh; the loss on the way, ten minutes of soak and four bottles come on top
    assert 2.05 < first.energy_kwh < 2.5
    assert 0.02 < second.energy_kwh < 0.15  # the bath is hot already: it holds its heat, four bottles take theirs
    warm = plan([bath(1, 80.0, 1.5)], EXPERIMENT, replace(ZONE, fill_temperature_c=45.0))[0]
    assert warm.energy_kwh == pytest.approx(35 * 164 / 3600, rel=0.2)


def test_only_the_stirrer_changes_between_two_baths_without_any_way() -> None:
    still, stirred = Treatment(60.0, 1.5, 20.0), Treatment(60.0, 1.5, 80.0)
    baths = [replace(bath(1, 60.0, 1.5), treatment=still), replace(bath(2, 60.0, 1.5), treatment=stirred)]
    second = plan(baths, EXPERIMENT, ZONE)[1]
    assert second.refill == ""
    assert sum(second.phases[name] for name in ("drain", "fill", "dose", "heat")) == 0.0
    assert second.treatment.agitation_pct == 80.0


def test_an_economical_order_that_cannot_be_done_is_still_refused() -> None:
    hasty = replace(EXPERIMENT, randomised=True, economical=True, stabilisation=Stabilisation(within_s=1800.0))
    found = problems(trials(hasty), hasty, ZONE)
    assert any("heating from" in sentence for sentence in found)
