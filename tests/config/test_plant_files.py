from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from linectl.config.files import SourceText, find_file
from linectl.config.load import load_any
from linectl.config.plant_files import load_economics, load_plant_text, load_recipe, load_recipe_text, load_washer
from linectl.config.recipe_text import dump_recipe
from linectl.errors import ConfigError
from linectl.model.economics import INPUTS, Economics
from linectl.model.washing import Corner, Promotion, Recipe, Washer, pocket_way

WASHER = find_file("washer")
RECIPE = find_file("reference_80c", folder="config/recipes")
ECONOMICS = find_file("economics")


def changed(file: Path, old: str, new: str) -> SourceText:
    text = file.read_text(encoding="utf-8")
    assert old in text, old
    return SourceText(str(file), text.replace(old, new, 1), "hash")


def problems(source: SourceText, kind: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_plant_text(source, kind)
    return [str(problem) for problem in caught.value.problems]


def test_the_shipped_files() -> None:
    washer, recipe, economics = load_any(WASHER), load_any(RECIPE), load_any(ECONOMICS)
    assert isinstance(washer, Washer)
    assert isinstance(recipe, Recipe)
    assert isinstance(economics, Economics)
    assert washer.cycle_s == recipe.cycle_s == 725.0
    assert sum(zone.volume_l for zone in washer.zones) == 7400.0
    assert washer.rate_b_h(recipe.cycle_s) == 3000.0
    assert [zone.name for zone in washer.zones] == [phase.zone for phase in recipe.phases]
    assert set(economics.figures) == set(INPUTS)
    assert all(figure.source for figure in economics.figures.values())


def test_a_pocket_at_the_edge_meets_every_tolerance() -> None:
    washer, recipe = load_washer(WASHER), load_recipe(RECIPE)
    nominal, edge = pocket_way(washer, recipe), pocket_way(washer, recipe, Corner.EDGE)
    hot, at_edge = nominal[3], edge[3]
    assert (hot.temperature_c, hot.naoh_pct, hot.seconds, hot.mech) == (80.0, 1.5, 300.0, 3.0)
    assert at_edge.temperature_c == 78.0
    assert at_edge.naoh_pct == pytest.approx(1.3)
    assert [stay.tau_s for stay in edge] == [490.0, 490.0] + [15.0] * 6
    assert {stay.tau_s for stay in pocket_way(washer, recipe, Corner.FULL)} == {490.0}


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("zone: z3", "zone: z33", 14, "is no zone of washer; did you mean `z3`?"),
        ("temperature_c: 80", "temperature_c: 86", 14, "outside what zone z3 can be set to (60 to 85)"),
        ("temperature_c: 80", "temperatur_c: 80", 14, "did you mean `temperature_c`?"),
        ("dwell_s: 300", "dwell_s: 400", 11, "one chain carries all zones"),
        ("naoh_pct: 0.5", "naoh_pct: 1.5", 15, "outside what zone z4 can be set to (0 to 1)"),
        ("agitation: still", "agitation: jets", 12, "zone z1 has still agitation at most"),
        ("dwell_s: 90", "dwell_s: -90", 12, "expected above 0, not -90"),
        ("zone: z1", "zone: z0", 12, "z0 is given twice"),
        ("washer: washer", "washer: nowhere", 0, "nowhere: no such file"),
    ],
)
def test_mistakes_of_a_recipe_have_their_place(old: str, new: str, line: int, what: str) -> None:
    source = changed(RECIPE, old, new)
    with pytest.raises(ConfigError) as caught:
        load_recipe_text(source)
    assert what in caught.value.message
    if line:
        assert re.search(rf"reference_80c\.yaml:{line}:\d+: ", caught.value.message)


def test_a_recipe_faster_than_the_chain_is_refused() -> None:
    recipe = load_recipe(RECIPE).at_pace(0.8)
    source = SourceText(str(RECIPE), dump_recipe(recipe), "hash")
    assert any("3750 bottles per hour; the washer does 500 to 3500" in each for each in problems(source, "recipe"))
    slow = SourceText(str(RECIPE), dump_recipe(load_recipe(RECIPE).at_pace(1.25)), "hash")
    assert load_recipe_text(slow).cycle_s == pytest.approx(906.25)


def test_above_a_limit_a_recipe_is_refused_though_the_zone_could() -> None:
    washer = load_washer(WASHER)
    hot = replace(washer.zones[3], temperature_c=replace(washer.zones[3].temperature_c, high=95.0))
    able = replace(washer, zones=(*washer.zones[:3], hot, *washer.zones[4:]))
    with pytest.raises(ConfigError, match="above the limit of 85"):
        load_recipe_text(changed(RECIPE, "temperature_c: 80", "temperature_c: 86"), able)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("temperature_c: [60, 85]", "temperature_c: [85, 60]", "zones.z3.temperature_c: 85 is above 60"),
        ("rated_b_h: 3000", "rated_b_h: 4000", "4000 bottles per hour lie outside 500 to 3500"),
        ("tau_full_s: 490", "tau_full_s: 5", "a full bottle cannot warm faster"),
        ("kind: caustic", "kind: costic", "did you mean `caustic`?"),
        ("warn: 82", "warn: 86", "expected warn <= block <= hard"),
        ("  naoh: {warn", "  noah: {warn", "did you mean `naoh`?"),
        ("temperature_c: [60, 85]", "temperature_c: [60]", "expected at least 2 entries"),
    ],
)
def test_mistakes_of_a_washer(old: str, new: str, what: str) -> None:
    assert any(what in each for each in problems(changed(WASHER, old, new), "washer"))


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("price_new:", "prize_new:", "did you mean `price_new`?"),
        ("unit: EUR/h", "unit: EUR", "expected the unit EUR/h, not EUR"),
        ("value: 0.02,", "value: 2,", "expected a share from 0 to below 1, not 2"),
        ("value: 150", "value: -1", "expected 0 or more, not -1"),
        (", source: estimate (3-8)}", "}", "inputs.electricity_per_bottle.source: missing"),
    ],
)
def test_mistakes_of_economics(old: str, new: str, what: str) -> None:
    assert any(what in each for each in problems(changed(ECONOMICS, old, new), "economics"))


def test_an_input_left_out_is_missed() -> None:
    text = re.sub(r"  water_price:.*\n", "", ECONOMICS.read_text(encoding="utf-8"))
    assert any("missing: water_price" in each for each in problems(SourceText("e.yaml", text, ""), "economics"))


def test_another_kind_of_file_is_said_to_be_that() -> None:
    with pytest.raises(ConfigError, match=r"`washer` is not known here"):
        load_economics(WASHER)
    with pytest.raises(ConfigError, match="expected `kind: recipe`"):
        load_recipe_text(SourceText("r.yaml", "name: x\n", ""))


def test_a_promoted_recipe_reads_back_as_it_was(tmp_path: Path) -> None:
    promotion = Promotion(
        glue="pvoh",
        verdict="go",
        verdict_hash="12e4" * 16,
        runs=("20260101T000000-0001", "C-pvoh"),
        data_hash="0" * 64,
        version="0.1",
        removal=0.99,
        confidence=0.95,
        released=0.9991,
        released_lower=0.9934,
        f_min=6.1,
        a0_s=176.0,
        basis="reference_80c",
    )
    recipe = replace(load_recipe(RECIPE), name="line_pvoh", promotion=promotion)
    file = tmp_path / "line_pvoh.yaml"
    file.write_text(dump_recipe(recipe), encoding="utf-8")
    back = load_recipe(file)
    assert replace(back, source=recipe.source, file_hash=recipe.file_hash) == recipe
    forged = file.read_text(encoding="utf-8").replace("verdict: go", "verdict: candidate")
    with pytest.raises(ConfigError, match="`candidate` is not known here"):
        load_recipe_text(SourceText("r.yaml", forged, ""))
