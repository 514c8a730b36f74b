"""Scenarios on the simulated line: what is told, in which order, and that the same seed tells the same story."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from linectl import words
from linectl.cli.main import run
from linectl.cli.scenario_text import happening_text, summary_text
from linectl.config.scenario_file import find_scenario, load_scenario
from linectl.errors import ConfigError
from linectl.model.faults import FaultOrder, Scenario
from linectl.model.readings import GOOD, Reading, Scan, ScanLayout, bad
from linectl.server.scenario.play import Happened, play_in_virtual_time
from linectl.server.scenario.witness import Happening, Witness
from linectl.server.simulation.twin_view import Quantity, TwinView, ZoneView

BATH = Scenario(
    "bath",
    "simulated.yaml",
    900.0,
    (
        FaultOrder("sensor_offset", "bath.temperature", 60.0, 60.0, values={"by": -8.0}),
        FaultOrder("serial_unplugged", "ec", 180.0, 30.0),
        FaultOrder("plc_reboot", "", 300.0, 20.0),
        FaultOrder("sensor_dead", "bath.controller_temperature", 600.0, 30.0),
    ),
    initial={"bath.temperature": 60.0},
)
WASHER = Scenario(
    "washer",
    "simulated_washer",
    1800.0,
    (
        FaultOrder("sensor_offset", "z3.temperature", 300.0, 60.0, values={"by": 6.0}),
        FaultOrder("chain_jam", "", 1200.0, 30.0),
    ),
    initial={"washer.recipe": 2.0},
    recipe="reference_80c_2pct",
    lots=({"name": "A", "count": 2000.0, "glue": "casein"},),
)


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    words.use("en")
    yield
    words.use("en")


def play(scenario: Scenario, seed: int = 1, *, wires: bool = False) -> Happened:
    return play_in_virtual_time(scenario, seed=seed, wires=wires, tell=lambda _each: None)


def told(happened: Happened, what: str, **data: Any) -> list[float]:
    """When something happened, with at least this data."""
    return [
        each.t_s
        for each in happened.happenings
        if each.what == what and all(each.data.get(name) == value for name, value in data.items())
    ]


@pytest.fixture(scope="module")
def bath() -> Happened:
    return play(BATH)


TOLD: list[Happening] = []
"""What the washer's scenario told as it went."""


@pytest.fixture(scope="module")
def washer() -> Happened:
    return play_in_virtual_time(WASHER, seed=1, wires=False, tell=TOLD.append)


def test_a_bath_tells_its_day(bath: Happened) -> None:
    happened = bath
    assert told(happened, "operator") == [0.0]
    assert told(happened, "fault_began") == [60.0, 180.0, 300.0, 600.0]
    (lie,) = told(happened, "lie_on", quantity="temperature")
    assert 60.0 < lie <= 63.0
    assert told(happened, "link_lost", link="ec") == pytest.approx([180.0], abs=1.0)
    assert told(happened, "quality", quality="BAD/not_connected", tags=["bath.conductivity"])
    assert told(happened, "plc_reboot", now=2)
    assert told(happened, "quality", quality="BAD/sensor_failure", tags=["bath.controller_temperature"])
    assert told(happened, "alarm_on", alarm="sensor") == pytest.approx([600.0], abs=2.0)
    assert told(happened, "end") == [900.0]
    times = [each.t_s for each in happened.happenings]
    assert times == sorted(times)
    assert len(times) < 45  # what belongs together is one line


def test_a_seed_tells_the_same_story_and_another_seed_another(bath: Happened) -> None:
    first, again, other = bath, play(BATH), play(BATH, 2)
    assert first.happenings == again.happenings
    assert first.end == again.end
    assert first.end.zones != other.end.zones or first.happenings != other.happenings


def test_on_wires_it_is_the_same_story() -> None:
    short = replace(BATH, duration_s=320.0, faults=BATH.faults[:3])
    begun = [told(play(short, wires=wires), "fault_began") for wires in (True, False)]
    assert begun[0] == begun[1] == [60.0, 180.0, 300.0]


def test_a_washer_is_started_fed_and_broken(washer: Happened) -> None:
    happened = washer
    (written,) = [each.data["written"] for each in happened.happenings if each.what == "operator"]
    assert written["z3.setpoint"] == 80
    assert written["z3.naoh_setpoint"] == 2
    assert told(happened, "lie_on", zone="z3", quantity="temperature")
    assert told(happened, "alarm_on", alarm="torque") == pytest.approx([1200.0], abs=5.0)
    assert told(happened, "state", now="HOLDING") == pytest.approx([1200.0], abs=5.0)
    counts = happened.end.counts
    assert counts["bottles_in"] > 900
    assert counts["bottles_out"] + counts["rejected"] > 200
    assert counts["in_queue"] == 2000 - counts["bottles_in"]


def test_the_line_that_is_closed_afterwards_is_none_of_the_story(washer: Happened) -> None:
    assert list(washer.happenings) == TOLD


def test_a_start_of_a_machine_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"cannot start with z3\.temperature: it has: bath"):
        play(replace(BATH, initial={"z3.temperature": 70.0}))


def test_a_fault_that_the_line_cannot_have_is_refused_before_anything_runs() -> None:
    with pytest.raises(ConfigError, match="chain_jam is about a washer"):
        play(replace(BATH, faults=(FaultOrder("chain_jam"),)))


def test_every_happening_has_words(bath: Happened, washer: Happened) -> None:
    lines = [happening_text(each) for each in (*bath.happenings, *washer.happenings)]
    assert all(line[:7].strip() and "{" not in line for line in lines)
    assert "again: linectl sim scenario x --seed 3" in summary_text(washer, "linectl sim scenario x --seed 3")


FILE = """\
kind: scenario
line: simulated
duration: 5 min
seed: 4
initial: {bath.temperature: 60}
faults:
  - {at: 1 min, fault: sensor_offset, target: bath.temperature, by: -8, for: 30}
"""


def test_the_verb_prints_the_seed_and_the_command_that_replays_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "lie.yaml"
    file.write_text(FILE)
    assert run(["sim", "scenario", str(file), "--lang", "en"]) == 0
    first = capsys.readouterr().out
    assert "seed 4" in first
    assert f"again: linectl sim scenario {file} --seed 4" in first
    assert "is told, 60 °C is true" in first
    assert run(["sim", "scenario", str(file), "--seed", "4", "--lang", "en"]) == 0
    assert capsys.readouterr().out == first


def test_a_program_gets_one_object(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "lie.yaml"
    file.write_text(FILE)
    assert run(["sim", "scenario", str(file), "--json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    said = json.loads(line)
    assert said["schema"] == "linectl.sim_scenario/1"
    assert [each["what"] for each in said["data"]["happened"]].count("fault_began") == 1
    assert said["data"]["seed"] == 4


def test_mistakes_of_a_file_have_their_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(FILE.replace("sensor_offset", "sensor_ofset").replace("5 min", "5 minutes"))
    for verb in (["sim", "scenario", str(file)], ["sim", "up", "--scenario", str(file)]):
        assert run([*verb, "--lang", "en"]) == 3
        trouble = capsys.readouterr().err
        assert f"{file}:3:" in trouble
        assert f"{file}:7:" in trouble
        assert "did you mean `sensor_offset`?" in trouble


def test_what_is_shipped_can_be_read() -> None:
    assert load_scenario(find_scenario("plc_reboot_in_a_soak")).faults


# the witness alone


LAYOUT = ScanLayout("fast", 1.0, ("a.one", "a.two"))


class Bench:
    """A witness whose time and plant are set by hand."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.told_c = 60.0
        tag = type("Tag", (), {"link": "plc"})
        definition: Any = type("Line", (), {"tags": {"a.one": tag, "a.two": tag}})
        self.witness = Witness(definition, self.look, lambda: self.now_s, lambda _each: None)

    def look(self) -> TwinView:
        heat = Quantity("temperature", "°C", 60.0, self.told_c, True, tolerance=1.0)
        return TwinView("x", "bath", 1, 1.0, self.now_s, "IDLE", 0, (), (ZoneView("bath", "bath", 100.0, (heat,)),), {})

    def scan(self, *good: bool) -> None:
        self.now_s += 1.0
        readings = tuple(
            Reading(tag, 1.0 if fine else None, GOOD if fine else bad("timeout"), 0, 0, 1)
            for tag, fine in zip(LAYOUT.tags, good, strict=True)
        )
        self.witness.scan(Scan(LAYOUT, "b", 1, 0, 0, readings))

    def of(self, what: str) -> list[Happening]:
        return [each for each in self.witness.happened if each.what == what]


def test_tags_that_change_alike_are_one_happening() -> None:
    bench = Bench()
    for good in (True, False, False, True, True):
        bench.scan(good, good)
    bench.witness.flush()
    assert [(each.t_s, each.data["quality"], each.data["tags"]) for each in bench.of("quality")] == [
        (2.0, "BAD/timeout", ["a.one", "a.two"]),
        (4.0, "GOOD", ["a.one", "a.two"]),
    ]
    assert bench.witness.unshown == 0


def test_what_comes_and_goes_is_told_ever_more_rarely_and_counted() -> None:
    bench = Bench()
    for second in range(600):
        bench.scan(second % 2 == 0, True)
    bench.witness.flush()
    assert 6 <= len(bench.of("quality")) <= 16
    assert bench.witness.unshown > 500


def test_a_single_look_is_no_lie() -> None:
    bench = Bench()
    bench.scan(True, True)
    for told_c in (70.0, 60.0, 70.0, 70.0, 70.0, 60.0, 60.0):
        bench.told_c = told_c
        bench.scan(True, True)
    assert [each.t_s for each in bench.of("lie_on")] == [5.0]
    assert [each.t_s for each in bench.of("lie_off")] == [8.0]
