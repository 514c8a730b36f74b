"""The line of a test without pytest around it: its time, its scripts, its faults, its wires."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

import linectl
from drivers.link import Point
from drivers.modbus.link import ModbusLink
from drivers.settings import ModbusTcpSettings
from linectl.errors import ConfigError, Refused
from linectl.server.bench import Bench
from linectl.testing.asked import Asked
from linectl.testing.line import LineInTest, ServedLine

Opening = Callable[..., LineInTest]

SCRIPT = """
import linectl

async def main():
    async with linectl.open_line("simulated", seed=1) as bench:
        reading = bench.line.reading("bath.temperature")
        print(f"script: {reading.value:.0f}")
        return reading.value

if __name__ == "__main__":
    linectl.run(main(), sim=True)
"""

OVERTURE = """kind: scenario
line: simulated
duration: 10 min
seed: 5
initial: {bath.temperature: 60}
faults:
  - {at: 1 min, fault: sensor_offset, target: bath.temperature, by: 5, for: 1 min}
"""


@pytest.fixture
def opening(tmp_path: Path) -> Iterator[Opening]:
    """Open lines that are closed at the end."""
    with ExitStack() as stack:

        def opened(kind: type[LineInTest] = LineInTest, seed: int = 3, **asked: Any) -> LineInTest:
            beside = tmp_path / "test_it.py"
            line = kind(Asked(**asked), seed=seed, folder=tmp_path, beside=beside)
            return stack.enter_context(closing(line))

        yield opened


async def slept(bench: Bench, seconds: float) -> float:
    await asyncio.sleep(seconds)
    return bench.hours()


def test_time_passes_only_while_something_is_awaited(opening: Opening) -> None:
    line = opening()
    assert line.time_s == 0
    assert line.run(slept, 7200.0) == 2
    line.wait(1800)
    assert line.time_s == 9000
    assert "at 9000.0 s" in repr(line)


def test_what_the_work_raises_is_raised_in_the_test_and_the_line_goes_on(opening: Opening) -> None:
    async def wrong(_bench: Bench) -> None:
        await asyncio.sleep(1)
        raise KeyError("wrong")

    async def left(_bench: Bench) -> None:
        sys.exit(3)

    line = opening()
    with pytest.raises(KeyError, match="wrong"):
        line.run(wrong)
    with pytest.raises(SystemExit):
        line.run(left)
    line.wait(10)
    assert line.reading("bath.temperature").value == pytest.approx(20, abs=1)


def test_work_inside_work_is_told_to_await(opening: Opening) -> None:
    line = opening()

    async def nested(_bench: Bench) -> None:
        line.wait(1)

    with pytest.raises(RuntimeError, match="await the bench"):
        line.run(nested)


def test_the_same_seed_gives_the_same_and_another_one_another(opening: Opening, tmp_path: Path) -> None:
    def values(seed: int) -> list[object]:
        with closing(LineInTest(Asked(), seed=seed, folder=tmp_path / f"{seed}", beside=tmp_path)) as line:
            found: list[object] = []
            for _ in range(5):
                line.wait(1)
                found.append(line.reading("bath.temperature").value)
            return found

    first = values(3)
    (tmp_path / "3").rename(tmp_path / "before")
    assert values(3) == first
    assert values(4) != first


def test_a_script_gets_this_line_by_its_file_and_by_its_function(
    opening: Opening, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "sweep.py"
    path.write_text(SCRIPT, encoding="utf-8")
    line = opening(initial={"bath.temperature": 60})
    line.wait(1)
    assert line.script(path) is None
    assert capsys.readouterr().out == "script: 60\n"
    assert line.script("sweep.py") is None  # beside the test, wherever pytest was started
    assert capsys.readouterr().out == "script: 60\n"

    async def main() -> object:
        async with linectl.open_line() as bench:
            assert bench is line.bench
            return bench.line.reading("bath.temperature").value

    assert line.script(main) == pytest.approx(60, abs=1)


def test_a_script_of_another_line_is_refused(opening: Opening, tmp_path: Path) -> None:
    path = tmp_path / "other.py"
    path.write_text(SCRIPT.replace('"simulated"', '"lab_rig"'), encoding="utf-8")
    with pytest.raises(Refused, match="opens the line lab_rig"):
        opening().script(path)


def test_a_real_line_is_refused(opening: Opening) -> None:
    with pytest.raises(Refused, match="is real"):
        opening(line="lab_rig")


def test_faults_begin_and_end_and_are_logged(opening: Opening) -> None:
    line = opening(initial={"bath.temperature": 60})
    number = line.faults.add("sensor_offset", "bath.temperature", by=5)
    line.wait(2)
    assert line.reading("bath.temperature").value == pytest.approx(65, abs=0.5)
    line.faults.clear(number)
    line.wait(2)
    assert line.reading("bath.temperature").value == pytest.approx(60, abs=0.5)
    line.faults.add("sensor_stuck", "bath.temperature", for_s=3)
    assert len(line.faults.standing) == 1
    line.wait(10)
    assert [event.what for event in line.faults.log] == ["began", "ended", "began", "ended"]
    with pytest.raises(ConfigError, match="heater_week"):
        line.faults.add("heater_week")


def test_a_scenario_brings_its_start_and_its_timeline(opening: Opening, tmp_path: Path) -> None:
    (tmp_path / "overture.yaml").write_text(OVERTURE, encoding="utf-8")
    line = opening(scenario="overture.yaml")
    line.wait(59)
    assert line.reading("bath.temperature").value == pytest.approx(60, abs=0.5)
    line.wait(30)
    assert line.reading("bath.temperature").value == pytest.approx(65, abs=0.6)
    line.wait(60)
    assert line.reading("bath.temperature").value == pytest.approx(60, abs=0.7)
    assert [event.process_s for event in line.faults.log] == [60.0, 120.0]


def test_a_served_line_answers_programs_of_others(opening: Opening) -> None:
    line = opening(ServedLine, initial={"bath.temperature": 60})
    assert isinstance(line, ServedLine)
    settings = line.settings("plc")
    assert isinstance(settings, ModbusTcpSettings)
    assert line.address("plc") == f"127.0.0.1:{settings.port}"

    async def level() -> object:
        link = ModbusLink(settings)
        await link.open()
        point = Point("2/ir11")
        reading = (await link.read([point], deadline=asyncio.get_running_loop().time() + 2))[point]
        await link.close()
        return reading.value

    assert asyncio.run(level()) == 1000
    command = [sys.executable, "-m", "linectl", "tags", "read", str(line.line_file), "bath.level", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with pytest.raises(ConfigError, match="has no link plq"):
        line.address("plq")


def test_a_scenario_of_the_washer_feeds_it_and_runs_its_recipe(opening: Opening, tmp_path: Path) -> None:
    scenario = (
        "kind: scenario\nline: simulated_washer\nduration: 10 min\ninitial: {washer.recipe: 1}\nrecipe: reference_80c\n"
        "lots: [{name: cellar, glue: casein, count: 100, inlet_c: 12}]\n"
        "faults: [{at: 2 min, fault: chain_jam, for: 30}]\n"
    )
    (tmp_path / "jam.yaml").write_text(scenario, encoding="utf-8")
    line = opening(scenario="jam.yaml")
    line.wait(60)
    before = line.washer.chain.counts.fed
    assert before > 0
    assert line.reading("washer.bottles_in").value == pytest.approx(before, abs=60)
    line.wait(75)
    assert [event.kind for event in line.faults.log] == ["chain_jam"]
    assert line.reading("washer.alarm_word").value != 0
