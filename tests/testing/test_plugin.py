"""The pytest plugin as a user has it: fixtures in a project of its own, in each way of running coroutines."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from types import SimpleNamespace

import pytest

from linectl.testing import plugin
from linectl.testing.asked import Asked, BadMarker, asked_by, seeds_of

PLUGIN = "linectl.testing.plugin"
INSTALLED = any(found.value == PLUGIN for found in entry_points(group="pytest11"))

SOAKS = """
import pytest

async def released(bench, temperature_c, cap_s=120):
    result = await bench.soak(["casein"], temperature_c=temperature_c, cap_s=cap_s, bottles_per_glue=2)
    return result.released()

@pytest.mark.line(seed=3, initial={"bath.temperature": 60})
def test_a_plain_test(simulated_line):
    assert simulated_line.run(released, 60, cap_s=30) == 0
    assert simulated_line.time_s > 30

@pytest.mark.line(seed=3, initial={"bath.temperature": 60})
async def test_a_coroutine(simulated_line):
    assert await released(simulated_line.bench, 60, cap_s=30) == 0

@pytest.mark.line(seeds=[3, 4])
def test_each_seed(simulated_line, line_seed):
    assert simulated_line.seed == line_seed in (3, 4)

def test_time_passes_when_it_is_told_to(simulated_line):
    assert simulated_line.time_s == 0
    simulated_line.wait(3600)
    assert simulated_line.time_s == 3600
    assert simulated_line.reading("bath.temperature").value == pytest.approx(20, abs=1)
"""

FAILING = """
import pytest

@pytest.mark.line(seed=7, initial={"bath.temperature": 60})
def test_that_fails(simulated_line, line_faults):
    line_faults.add("sensor_offset", "bath.temperature", by=5, for_s=60)
    simulated_line.wait(30)
    assert simulated_line.reading("bath.temperature").value < 61

@pytest.mark.line(seeds=[8])
def test_that_fails_with_a_seed(simulated_line):
    assert simulated_line.time_s > 0

@pytest.mark.line(sed=3)
def test_with_a_wrong_marker(simulated_line):
    pass

@pytest.mark.line(initial={"bath.temprature": 60})
def test_with_a_wrong_start(simulated_line):
    pass

def test_with_a_wrong_fault(simulated_line, line_faults):
    line_faults.add("heater_week")

def test_without_a_line():
    assert 0

@pytest.fixture
def hot(simulated_line):
    simulated_line.wait(10)
    assert simulated_line.reading("bath.temperature").value > 60

def test_with_a_fixture_that_fails(hot):
    pass
"""


def pytest_in(folder: Path, *arguments: str, plugin: bool = True) -> subprocess.CompletedProcess[str]:
    named = ["-p", PLUGIN] if plugin and not INSTALLED else []
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *named, *arguments],
        cwd=folder,
        env={**env, "LINECTL_LANG": "en", "XDG_STATE_HOME": str(folder / "state")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_plain_tests_and_coroutines_run_in_virtual_time(tmp_path: Path) -> None:
    (tmp_path / "test_soaks.py").write_text(SOAKS, encoding="utf-8")
    done = pytest_in(tmp_path, "-q", "-p", "no:asyncio")
    assert "5 passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_coroutines_run_in_virtual_time_beside_pytest_asyncio(tmp_path: Path, mode: str) -> None:
    (tmp_path / "test_soaks.py").write_text(SOAKS, encoding="utf-8")
    scope = "asyncio_default_fixture_loop_scope=function"  # else it warns
    done = pytest_in(tmp_path, "-q", f"--asyncio-mode={mode}", "-o", scope, "-k", "coroutine")
    assert "1 passed" in done.stdout, done.stdout + done.stderr


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("failing")
    (folder / "test_failing.py").write_text(FAILING, encoding="utf-8")
    done = pytest_in(folder, "-q", "--tb=short", "--strict-markers")
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


def section(failed: str, test: str) -> str:
    """Return what the output says of one test."""
    titled = rf"^_+ (?:ERROR at setup of )?{test}(?:\[.*\])? _+$(.*?)^(?:_|=)"
    (found,) = re.findall(titled, failed, re.MULTILINE | re.DOTALL)
    return str(found)


def test_a_failure_tells_the_seed_what_happened_and_how_to_see_it_again(failed: str) -> None:
    told = section(failed, "test_that_fails")
    assert "- simulated line -" in told
    assert re.search(r"^seed +7$", told, re.MULTILINE)
    assert re.search(r"^clock +30\.0 s of process time$", told, re.MULTILINE)
    assert re.search(r"^devices +<Plc .*alarms.*>$", told, re.MULTILINE)
    assert re.search(r"^fault +0\.0 s sensor_offset bath\.temperature began \(ordered\), by 5$", told, re.MULTILINE)
    assert "replay: python -m pytest test_failing.py::test_that_fails --line-seed 7" in told
    again = section(failed, "test_that_fails_with_a_seed")
    assert "replay: python -m pytest 'test_failing.py::test_that_fails_with_a_seed[seed-8]' --line-seed 8" in again


def test_a_fixture_that_fails_on_the_line_tells_the_same(failed: str) -> None:
    told = section(failed, "test_with_a_fixture_that_fails")
    assert re.search(r"^clock +10\.0 s of process time$", told, re.MULTILINE)
    assert "replay: python -m pytest test_failing.py::test_with_a_fixture_that_fails --line-seed 1" in told


def test_what_is_wrong_in_the_test_is_said(failed: str) -> None:
    assert "does not take `sed`" in section(failed, "test_with_a_wrong_marker")
    assert "did you mean `seed`?" in section(failed, "test_with_a_wrong_marker")
    assert "bath.temprature" in section(failed, "test_with_a_wrong_start")
    assert "heater_week" in section(failed, "test_with_a_wrong_fault")


def test_a_test_without_a_line_has_nothing_of_it(failed: str) -> None:
    assert "simulated line" not in section(failed, "test_without_a_line")


def test_the_seed_of_the_command_replaces_that_of_the_test(tmp_path: Path) -> None:
    code = (
        "import pytest\n\n@pytest.mark.line(seed=3)\ndef test_it(line_seed):\n    assert line_seed == 11\n"
        "\n@pytest.mark.line(seed=3)\ndef test_line(simulated_line):\n    assert simulated_line.seed == 11\n"
    )
    (tmp_path / "test_seed.py").write_text(code, encoding="utf-8")
    assert pytest_in(tmp_path, "-q", "--line-seed", "11").returncode == 0
    wrong = pytest_in(tmp_path, "--line-seed", "eleven")
    assert wrong.returncode == 4
    assert "--line-seed takes a whole number or `random`, not eleven" in wrong.stderr
    drawn = pytest_in(tmp_path, "--line-seed", "random", "-k", "test_it").stdout
    (seed,) = re.findall(r"^linectl: --line-seed (\d+)$", drawn, re.MULTILINE)
    assert seed == "11" or f"assert {seed} == 11" in drawn


def test_a_project_may_have_fixtures_of_the_same_names(tmp_path: Path) -> None:
    code = (
        "import pytest\n\n@pytest.fixture\ndef simulated_line():\n    return 'mine'\n\n@pytest.fixture\n"
        "def line():\n    return 'mine'\n\nasync def test_it(simulated_line, line):\n"
        "    assert simulated_line == line == 'mine'\n"
    )
    (tmp_path / "test_mine.py").write_text(code, encoding="utf-8")
    scope = "asyncio_default_fixture_loop_scope=function"
    done = pytest_in(tmp_path, "-q", "--asyncio-mode=auto", "-o", scope)
    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_the_processes_of_a_session_take_the_seed_that_was_drawn(tmp_path: Path) -> None:
    node = SimpleNamespace(workerinput={}, config=SimpleNamespace(stash={plugin._SESSION_SEED: 77}))
    plugin.pytest_configure_node(node)
    (tmp_path / "conftest.py").write_text(  # what pytest-xdist does in each of its processes, before this hook
        f"import pytest\n\n@pytest.hookimpl(tryfirst=True)\ndef pytest_configure(config):\n"
        f"    config.workerinput = {node.workerinput!r}\n",
        encoding="utf-8",
    )
    (tmp_path / "test_seed.py").write_text("def test_it(line_seed):\n    assert line_seed == 77\n", encoding="utf-8")
    done = pytest_in(tmp_path, "-q", "--line-seed", "random")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_pytest_run_of_anybody_loads_next_to_nothing(tmp_path: Path) -> None:
    heavy = ("numpy", "pydantic", "pymodbus", "aiomqtt", "yaml", "click", "linectl.words", "linectl.clock")
    code = (
        f"import sys\n\ndef test_it():\n    assert {PLUGIN!r} in sys.modules\n"
        f"    assert not set({heavy!r}) & set(sys.modules)\n"
    )
    (tmp_path / "test_light.py").write_text(code, encoding="utf-8")
    done = pytest_in(tmp_path, "-q", "-p", "no:asyncio")
    assert done.returncode == 0, done.stdout
    clock = f"import pytest, time; t = time.perf_counter(); import {PLUGIN}; print(time.perf_counter() - t)"
    took = subprocess.run([sys.executable, "-c", clock], capture_output=True, text=True, check=True)
    assert float(took.stdout) < 0.15  # 4 ms as a rule


def test_a_marker_is_read_as_it_is_meant() -> None:
    assert asked_by(None) == Asked()
    assert asked_by({"line": "washer.yaml", "seed": 3}) == Asked(line="washer.yaml")
    assert list(seeds_of({"seeds": range(3)})) == [0, 1, 2]
    assert list(seeds_of({"line": "washer.yaml"})) == []
    with pytest.raises(BadMarker, match="not both"):
        seeds_of({"seed": 1, "seeds": [1]})
    with pytest.raises(BadMarker, match="whole number"):
        seeds_of({"seed": "1"})
