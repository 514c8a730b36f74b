from __future__ import annotations

from pathlib import Path

import pytest

from linectl.config.files import SourceText, find_file
from linectl.config.load import load_any, load_line
from linectl.config.scenario_file import find_scenario, load_scenario, load_scenario_text, machines_of
from linectl.errors import ConfigError
from linectl.model.faults import FaultOrder, Scenario

HEAD = "kind: scenario\nline: simulated\nduration: 2 h\n"


def read(text: str) -> Scenario:
    return load_scenario_text(SourceText("s.yaml", text, "0" * 64))


def refused(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(text)
    return [str(each) for each in caught.value.problems]


def test_a_scenario_is_read_with_its_times_figures_and_places() -> None:
    made = read(
        HEAD + "seed: 7\ndescription: why\ninitial: {bath.temperature: 60}\nfaults:\n"
        "  - {at: 3600, fault: plc_reboot, for: 20}\n"
        '  - {at: 1.5 h, fault: sensor_drift, target: bath.temperature, per_h: 2, when: "bath.temperature > 70"}\n'
        "  - {at: 10 min, fault: reply_dropped, target: rtd, share: 0.5, count: 3}\n"
    )
    assert (made.name, made.line, made.duration_s, made.seed) == ("s", "simulated", 7200.0, 7)
    assert made.initial == {"bath.temperature": 60}
    assert made.faults == (
        FaultOrder("plc_reboot", at_s=3600.0, for_s=20.0, place=("s.yaml", 8, 5)),
        FaultOrder(
            "sensor_drift",
            "bath.temperature",
            at_s=5400.0,
            when="bath.temperature > 70",
            values={"per_h": 2.0},
            place=("s.yaml", 9, 5),
        ),
        FaultOrder("reply_dropped", "rtd", at_s=600.0, count=3, values={"share": 0.5}, place=("s.yaml", 10, 5)),
    )
    assert made.places["initial.bath.temperature"] == ("s.yaml", 6, 11)


@pytest.mark.parametrize(
    ("line", "place", "said"),
    [
        ("  - {fault: plc_rebot}", "5:6: faults[0].fault", "did you mean `plc_reboot`"),
        ("  - {fault: x}", "5:6: faults[0].fault", "chain_jam"),
        ("  - {fault: heater_weak, target: z3}", "5:26: faults[0].target", "expected one of bath"),
        ("  - {fault: chain_jam}", "5:6: faults[0].fault", "washer"),
        ("  - {fault: heater_weak, target: bath, power: 3}", "5:40: faults[0].power", "0 to 1"),
        ("  - {fault: heater_weak, target: bath, pover: 1}", "5:40: faults[0].pover", "did you mean `power`"),
        ("  - {fault: plc_reboot, fro: 3}", "5:25: faults[0].fro", "did you mean `for`"),
        ("  - {fault: plc_reboot, at: soon}", "5:25: faults[0].at", "90 s, 45 min or 8 h"),
        ("  - {fault: plc_reboot, at: 3 h}", "5:25: faults[0].at", "after the scenario's end"),
        ("  - {fault: plc_reboot, at: 2 h}", "5:25: faults[0].at", "after the scenario's end"),
        ("  - {fault: plc_reboot, at: -3}", "5:25: faults[0].at", "0 s or later"),
        ("  - {fault: plc_reboot, for: 0}", "5:25: faults[0].for", "above 0 s"),
        ("  - {fault: plc_reboot, count: 2}", "5:25: faults[0].count", "not counted"),
        ("  - {fault: plc_reboot, when: hot}", "5:25: faults[0].when", "bath.temperature > 70"),
        ("  - {fault: plc_reboot, when: bath.temprature > 3}", "5:25: faults[0].when", "did you mean"),
        ("  - {fault: heater_weak, target: bath, power: [1]}", "5:40: faults[0].power", "expected"),
        ("  - {fault: heater_weak, target: bath, power: much}", "5:40: faults[0].power", "expected a number"),
        ("  - plc_reboot", "5:5: faults[0]", "expected keys with values"),
    ],
)
def test_a_mistake_in_an_order_stands_at_its_place(line: str, place: str, said: str) -> None:
    (told, *more) = refused(f"{HEAD}faults:\n{line}\n")
    assert told.startswith(f"s.yaml:{place}")
    assert said in told
    assert not more


def test_all_mistakes_are_told_at_once() -> None:
    told = refused(
        "kind: scenario\nline: simulated\nduration: long\nsede: 3\nlots: [{name: a}]\n"
        "faults:\n  - {fault: nothing}\n  - {fault: sensor_offset, target: bath.level}\n"
    )
    assert [each.split(": ")[0] for each in told] == [
        "s.yaml:3:1", "s.yaml:4:1", "s.yaml:5:1", "s.yaml:7:6", "s.yaml:8:6"
    ]  # fmt: skip
    assert "by" in told[-1]


def test_a_line_that_is_none_or_real_is_refused(tmp_path: Path) -> None:
    assert "no such file" in refused("kind: scenario\nline: nowhere\nduration: 1\n")[0]
    assert "real line" in refused("kind: scenario\nline: lab_rig\nduration: 1\n")[0]
    assert "s.yaml:3:1" in refused("kind: scenario\nline: simulated\nduration: 0\n")[0]


@pytest.mark.parametrize("said", ["recipe: reference_80c", "lots: [{name: a}]"])
def test_nothing_is_fed_to_a_bath(said: str) -> None:
    (told,) = refused(f"{HEAD}{said}\n")
    assert told.startswith("s.yaml:4:1: ")
    assert "has no washer" in told


@pytest.mark.parametrize(("line", "start"), [("simulated", "z7.temperature"), ("simulated_washer", "bath.temperature")])
def test_nothing_starts_that_the_line_has_not(line: str, start: str) -> None:
    (told,) = refused(f"kind: scenario\nline: {line}\nduration: 8 h\ninitial:\n  room.temperature: 20\n  {start}: 50\n")
    assert told.startswith(f"s.yaml:6:3: initial.{start}: ")
    assert "it has: " in told


@pytest.mark.parametrize("said", [".nan", ".inf", "true", "[1]", "{a: 1}"])
def test_a_figure_is_a_number_or_a_word(said: str) -> None:
    text = "faults:\n  - fault: sensor_spike\n    target: bath.temperature\n    size: 5\n    every_s: "
    assert refused(f"{HEAD}{text}{said}\n") == ["s.yaml:8:5: faults[0].every_s: expected a number or a word"]


def test_the_recipe_must_be_there() -> None:
    assert "s.yaml:4:1: recipe" in refused(HEAD + "recipe: nowhere\n")[0]


def test_what_is_shipped_is_sound_and_load_any_takes_it() -> None:
    folder = find_scenario("plc_reboot_in_a_soak").parent
    shipped = sorted(folder.glob("*.yaml"))
    assert len(shipped) >= 3
    for path in shipped:
        made = load_any(path)
        assert isinstance(made, Scenario)
        assert made == load_scenario(path)
        assert made.faults
        assert made.description


def test_which_machines_a_line_has() -> None:
    assert machines_of(load_line(find_file("simulated", folder="config"))) == ("bath",)
