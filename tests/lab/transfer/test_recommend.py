from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from linectl.lab.kinetics.fit import ReleaseFit
from linectl.lab.results import Analysis
from linectl.lab.transfer.forecast import glue_forecast
from linectl.lab.transfer.passage import cleanliness, glass_check
from linectl.lab.transfer.recommend import Need, Recommendation, recommend
from linectl.model.lines import Limit
from linectl.model.washing import Corner, Recipe, Washer


def fits_of(screening: Analysis, glue: str) -> Mapping[str, ReleaseFit]:
    return next(result.fits for result in screening.glues if result.glue == glue)


@pytest.fixture(scope="module")
def easy(screening: Analysis, washer: Washer, reference: Recipe) -> Recommendation:
    """What is recommended for casein."""
    return recommend(fits_of(screening, "casein"), washer, reference)


def test_what_is_recommended_passes_at_its_edge_and_no_shorter(
    easy: Recommendation, screening: Analysis, washer: Washer
) -> None:
    fits, found = fits_of(screening, "casein"), easy
    assert found.coolest is not None
    assert found.shortest is not None
    assert found.coolest.temperature_c < found.shortest.temperature_c
    assert found.coolest.recipe.cycle_s > found.shortest.recipe.cycle_s
    for envelope in (found.coolest, found.shortest):
        recipe = envelope.recipe
        released = glue_forecast("casein", fits, washer, recipe).at(Corner.EDGE)
        assert released is not None
        assert (released.lower or 0.0) >= 0.99
        assert cleanliness(washer, recipe, Corner.EDGE).bottle.f_min >= 5.0
        assert washer.slowest_b_h <= envelope.rate_b_h <= washer.fastest_b_h
        assert glass_check(washer, recipe, 15.0).caustic_s <= washer.hot_caustic_s
        # hygiene decides for so easy a glue: 3 % less dwell misses the floor
        assert cleanliness(washer, recipe.at_pace(0.97), Corner.EDGE).bottle.f_min < 5.0


def test_without_the_hygiene_floor_the_label_decides(
    easy: Recommendation, screening: Analysis, washer: Washer, reference: Recipe
) -> None:
    narrow = replace(washer, limits={**washer.limits, "naoh": Limit(2.0, 3.0, 4.0)})  # fewer to try
    without = recommend(fits_of(screening, "casein"), narrow, reference, Need(f_floor_min=0.0))
    with_floor = easy
    assert with_floor.shortest is not None
    assert without.shortest is not None
    assert without.shortest.naoh_pct < with_floor.shortest.naoh_pct
    assert without.shortest.temperature_c < with_floor.shortest.temperature_c


@pytest.mark.parametrize("glue", ["psa", "permanent"])
def test_a_glue_that_no_recipe_takes_off_gets_none(
    screening: Analysis, washer: Washer, reference: Recipe, glue: str
) -> None:
    found = recommend(fits_of(screening, glue), washer, reference)
    assert found.coolest is None
    assert found.shortest is None


def test_limits_of_the_washer_bind(screening: Analysis, washer: Washer, reference: Recipe) -> None:
    tight = replace(washer, limits={"temperature": Limit(60, 62, 65), "naoh": Limit(1.5, 1.6, 2.0)})
    found = recommend(fits_of(screening, "casein"), tight, reference)
    assert found.tried == 1  # 60 °C and 1.5 % alone
    assert found.coolest is None
