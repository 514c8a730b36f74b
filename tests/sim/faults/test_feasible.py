"""Bottles and a start that the simulator has: what is wrong is told with its place in the scenario's file."""

from __future__ import annotations

import pytest

from linectl.config.files import SourceText
from linectl.config.scenario_file import find_scenario, load_scenario, load_scenario_text
from linectl.errors import ConfigError
from linectl.model.faults import Scenario
from linectl.sim.faults.feasible import check_feasible, lots_of

HEAD = "kind: scenario\nline: simulated_washer\nduration: 2 h\n"
OWN = "t60_s: 240, ea_kj_mol: 60, caustic_order: 0.5, sigma: 0.3, p_never: 0.001"


def made(lots: str) -> Scenario:
    return load_scenario_text(SourceText("s.yaml", f"{HEAD}lots:\n{lots}", ""))


def test_lots_are_made_with_all_their_figures() -> None:
    first, second = lots_of(
        made(
            "  - {name: a, glue: psa, count: 500, model: clavelin_62cl, inlet_c: 5, paper: medium_wet_strength}\n"
            f"  - {{glue: mine, {OWN}}}\n"
        )
    )
    assert (first.name, first.count, first.glue, first.model.volume_cl, first.inlet_c) == ("a", 500, "psa", 62.0, 5.0)
    assert (second.name, second.count, second.law.t60_s, second.law.sigma) == ("lot 2", 1000, 240.0, 0.3)
    assert [lot.name for lot in lots_of(load_scenario(find_scenario("washer_shift")))] == ["dock", "cellar", "cider"]


@pytest.mark.parametrize(
    ("lot", "place", "said"),
    [
        ("{name: a, age: 9}", "5:15: lots[0].age", ("lot a: age", "1 to 1.5", "sun and humidity", "release); give")),
        (f"{{glue: mine, {OWN.replace('240', '2')}}}", "5:18: lots[0].t60_s", ("10 to 100", "estimate")),
        ("{name: a, glue: tape}", "5:15: lots[0].glue", ("tape", "casein, starch, pvoh, psa, permanent")),
        ("{name: a, model: magnum}", "5:15: lots[0].model", ("magnum", "burgundy_75cl")),
        ("{name: a, paper: tissue}", "5:15: lots[0].paper", ("tissue", "high_wet_strength")),
        ("{name: a, cuont: 3}", "5:15: lots[0].cuont", ("did you mean `count`",)),
        ("{name: a, count: many}", "5:15: lots[0].count", ("expected a number",)),
        ("{name: 3}", "5:6: lots[0].name", ("expected text",)),
        ("{t60_s: 240}", "5:6: lots[0].t60_s", ("all of t60_s, ea_kj_mol",)),
    ],
)
def test_what_no_bottle_is_like_is_refused_at_its_place(lot: str, place: str, said: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as caught:
        check_feasible(made(f"  - {lot}\n"))
    (problem,) = caught.value.problems
    assert str(problem).startswith(f"s.yaml:{place}")
    for words in said:
        assert words in problem.message


def test_a_start_that_no_rig_has_is_refused_at_its_place() -> None:
    text = f"{HEAD}initial: {{z3.temperature: 80, z3.temprature: 80, washer.recipe: 99}}\n"
    with pytest.raises(ConfigError) as caught:
        check_feasible(load_scenario_text(SourceText("s.yaml", text, "")))
    unknown, outside = map(str, caught.value.problems)
    assert unknown.startswith("s.yaml:4:31: initial.z3.temprature")
    assert "did you mean `z3.temperature`" in unknown
    assert outside.endswith("99 is outside 1 to 3")
