"""`linectl config check` of a scenario: what its file says, and what the simulator could do of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from linectl.cli.main import run
from linectl.config.scenario_file import find_scenario


def test_a_shipped_scenario_is_sound(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "check", str(find_scenario("washer_shift")), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["data"]["kind"] == "scenario"


def test_a_figure_of_a_lot_outside_its_range_is_refused_with_the_range_and_its_source(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "s.yaml"
    head = "kind: scenario\nline: simulated_washer\nduration: 1 h\n"
    file.write_text(f"{head}lots:\n  - {{name: a, age: 7}}\n", encoding="utf-8")
    assert run(["config", "check", str(file), "--lang", "en"]) == 3
    said = capsys.readouterr().err
    assert f"{file}:5:15: lots[0].age" in said
    assert "1 to 1.5" in said
    assert "engineering estimate" in said
