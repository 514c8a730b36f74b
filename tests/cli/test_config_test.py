"""`linectl config test`: what it says of each case, its warnings, exit codes and JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from linectl.cli.main import run
from linectl.config.interlock_file import find_interlocks

FILE = """kind: interlocks
line: simulated
interlocks:
  hot: {when: bath.temperature > 88 °C, action: safe, delay_s: 5, message: Too hot.}
  open: {when: not bath.lid_closed, action: hold, message: Open.}
normal: {bath.temperature: 80, bath.lid_closed: true}
cases:
  - name: too hot
    steps:
      - {at: 0, given: {bath.temperature: 88.1}, trips: []}
      - {at: 5, trips: hot, action: safe, first_out: hot}
"""


def written(folder: Path, text: str = FILE) -> Path:
    file = folder / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_shipped_files_pass_by_their_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "test", str(find_interlocks("bath")), "--lang", "en"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "16 cases, 0 failed, 0 warnings"


def test_each_case_is_told_with_its_place_and_what_none_shows_is_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path)
    assert run(["config", "test", str(file), "--lang", "en"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{file}:8:5: pass: too hot",
        f"{file}:5:3: warning: no case trips open by its condition",
        "1 case, 0 failed, 1 warning",
    ]


def test_a_case_that_does_not_come_out_fails_with_what_was_expected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, FILE.replace("delay_s: 5", "delay_s: 5.1"))
    assert run(["config", "test", str(file), "--lang", "en"]) == 3
    assert capsys.readouterr().out.splitlines()[:4] == [
        f"{file}:8:5: FAIL: too hot",
        f"  {file}:11:9: at 5 s: tripped: expected hot, got nothing",
        f"  {file}:11:9: at 5 s: first-out: expected hot, got nothing",
        f"  {file}:11:9: at 5 s: action: expected safe, got none",
    ]


def test_json_tells_the_same_in_every_language(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path)
    told = []
    for lang in ("fr", "en"):
        assert run(["config", "test", str(file), "--json", "--lang", lang]) == 0
        told.append(capsys.readouterr().out)
    assert told[0] == told[1]
    body = json.loads(told[0])
    assert (body["schema"], body["ok"], body["error"]) == ("linectl.config_test/1", True, None)
    assert body["data"]["cases"] == [
        {"name": "too hot", "place": f"{file}:8:5", "passed": True, "differences": []},
    ]
    assert body["data"]["warnings"] == [{"place": f"{file}:5:3", "name": "open", "no_case_shows": "trips"}]


def test_json_of_a_failure_has_its_error_and_its_differences(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, FILE.replace("> 88 °C", "> 89 °C"))
    assert run(["config", "test", str(file), "--json", "--lang", "en"]) == 3
    body = json.loads(capsys.readouterr().out)
    assert body["ok"] is False
    assert body["error"]["code"] == "E-CFG-003"
    assert f"{file}:11:9: too hot: at 5 s" in body["error"]["message"]
    assert body["data"]["cases"][0]["differences"][0] == {
        "place": f"{file}:11:9",
        "at_s": 5.0,
        "what": "trips",
        "expected": ["hot"],
        "got": [],
    }


def test_a_file_that_cannot_be_read_is_told_with_places(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, FILE.replace("88 °C", "88"))
    assert run(["config", "test", str(file), "--lang", "en"]) == 3
    assert f"{file}:4:34: interlocks.hot.when: bath.temperature is in °C: write `88 °C`" in capsys.readouterr().err


def test_check_says_that_the_cases_were_not_played(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path)
    assert run(["config", "check", str(file), "--lang", "en"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{file}: a sound interlocks, mine",
        f"  its cases were not played: linectl config test {file}",
    ]
