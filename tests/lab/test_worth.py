from __future__ import annotations

from dataclasses import replace

import pytest

from linectl.config.files import find_file
from linectl.config.plant_files import load_economics, load_recipe, load_washer
from linectl.lab.worth import Operation, operation, sensitivities, worth
from linectl.model.economics import Economics

RUN = Operation(rate_b_h=3000.0, cycle_s=725.0, temperature_c=80.0, naoh_pct=1.5, released=0.99)


@pytest.fixture(scope="module")
def economics() -> Economics:
    return load_economics(find_file("economics"))


def test_the_reference_recipe_runs_at_the_rated_speed() -> None:
    washer = load_washer(find_file("washer"))
    recipe = load_recipe(find_file("reference_80c", folder="config/recipes"))
    assert operation(washer, recipe, 0.99) == RUN
    assert operation(washer, recipe.at_pace(2.0), 0.99).rate_b_h == pytest.approx(1500.0)


@pytest.mark.parametrize(("rewash_eur", "times"), [(0.15, 5.7), (0.30, 11.5)])
def test_one_point_of_removal_is_worth_six_to_eleven_times_20_k(
    economics: Economics, rewash_eur: float, times: float
) -> None:
    found = sensitivities(economics.given({"rewash_cost": rewash_eur}, "test"), RUN)
    assert found.removal_over_cooler == pytest.approx(times, abs=0.05)
    assert found.cooler_20_k == pytest.approx(0.000262, abs=1e-6)
    doubled = sensitivities(economics.given({"rewash_cost": rewash_eur, "heat_loss_factor": 2.0}, "test"), RUN)
    assert doubled.removal_over_cooler == pytest.approx(times / 2, abs=0.05)


def test_one_minute_is_worth_sixteen_times_20_k(economics: Economics) -> None:
    found = sensitivities(economics, replace(RUN, cycle_s=720.0))
    assert found.minute == pytest.approx(0.0042, abs=5e-5)
    assert found.minute_over_cooler == pytest.approx(16, abs=0.2)


def test_cost_is_what_its_parts_make_over_what_is_accepted(economics: Economics) -> None:
    found = worth(economics, RUN)
    assert found.parts["fixed"] == pytest.approx(0.05)
    assert found.parts["labour"] == pytest.approx(2 * 38000 / 500_000)
    assert found.cost == pytest.approx(sum(found.parts.values()) / found.accepted)
    assert found.accepted == pytest.approx((1 - 0.0418) * (1 - 0.02))
    assert found.prices == pytest.approx((0.32, 0.30))
    assert found.margins[0] > found.margins[1]


def test_at_the_break_even_reject_rate_the_margin_is_gone(economics: Economics) -> None:
    found = worth(economics, RUN)
    for k, reject in enumerate(found.break_even_reject):
        assert reject is not None
        there = worth(economics.given({"reject_share": reject}, "test"), RUN)
        assert there.margins[k] == pytest.approx(0.0, abs=1e-12)
    ruined = worth(economics.given({"price_new": 0.20}, "test"), RUN)
    assert ruined.break_even_reject == (None, None)
    assert ruined.margins[0] < 0


def test_permanent_glue_costs_twice_it_is_washed_again_and_lost(economics: Economics) -> None:
    few, many = (worth(economics.given({"permanent_share": share}, "test"), RUN) for share in (0.0, 0.3))
    assert many.parts["rewash"] > few.parts["rewash"] + 0.29 * 0.225
    assert many.accepted == pytest.approx(0.7 * few.accepted)


def test_what_was_given_is_marked_and_the_rest_keeps_its_source(economics: Economics) -> None:
    asked = economics.given({"price_new": 0.42}, "by hand")
    assert [name for name, figure in asked.figures.items() if figure.given] == ["price_new"]
    assert asked.figures["price_new"].unit == "EUR/bottle"
    assert asked.figures["discount_low"].source == economics.figures["discount_low"].source
    with pytest.raises(KeyError):
        economics.given({"prize_new": 0.42}, "by hand")
