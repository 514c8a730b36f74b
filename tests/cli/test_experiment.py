"""`linectl experiment check|plan` and what `run` refuses with them: exit codes, tables, JSON, both languages."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from linectl import words
from linectl.config.files import find_file

FILE = """\
kind: experiment
name: short
question: what comes off?
line: simulated
factors: {temperature_c: [55, 65.5], naoh_pct: [0.5, 1.5], glue: [casein, starch]}
replicates: 2
bottles_per_glue: 3
order: {seed: 5}
soak: {cap_s: 900, check_s: 15}
decision: {removal: 0.99, confidence: 0.95, soak_s: 900, temperatures_c: [65.5], naoh_pct: [1.5]}
"""
HASTY = "stabilisation: {within_s: 300}\n"  # from 45 to 65.5 °C takes 19 min

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "short.yaml"
    path.write_text(FILE, encoding="utf-8")
    return path


def rows(out: str) -> list[list[str]]:
    return [line.split("\t") for line in out.splitlines() if line[:1].isdigit() and "\t" in line]


def test_a_sound_experiment_is_said_to_be_one(say: Say, file: Path) -> None:
    code, out, err = say("experiment", "check", str(file))
    assert code == 0
    assert "a sound experiment, short: 8 baths on simulated" in out
    assert "note: FEW_BOTTLES" in err
    assert "warning" not in err


def test_warnings_go_to_standard_error_and_do_not_fail(say: Say, file: Path) -> None:
    file.write_text(FILE.replace("replicates: 2", "replicates: 1"), encoding="utf-8")
    code, out, err = say("experiment", "check", str(file))
    assert code == 0
    assert "PSEUDO_REPLICATION" in err
    assert "PSEUDO_REPLICATION" not in out


def test_a_mistake_has_its_place_and_code_3(say: Say, file: Path) -> None:
    file.write_text(FILE.replace("65.5", "150"), encoding="utf-8")
    code, _, err = say("experiment", "check", str(file))
    assert code == 3
    assert "short.yaml:5:31: factors.temperature_c[1]: 150 °C boils; it looks like °F" in err


@pytest.mark.parametrize("verb", [("experiment", "check"), ("experiment", "plan"), ("run", "--sim")])
def test_an_order_that_physics_forbids_is_refused_with_its_minutes(say: Say, file: Path, verb: tuple[str, ...]) -> None:
    file.write_text(FILE + HASTY, encoding="utf-8")
    code, out, err = say(*verb, str(file), "--data", str(file.parent / "data"))
    assert code == 6
    assert "min; 5 min are given" in err
    assert not (file.parent / "data").exists()
    assert bool(rows(out)) == (verb[-1] == "plan"), "the plan is shown even then: it says where the time goes"


def test_beyond_a_limit_of_the_line_is_refused(say: Say, file: Path) -> None:
    file.write_text(FILE.replace("65.5", "95"), encoding="utf-8")
    code, _, err = say("experiment", "check", str(file))
    assert code == 6
    assert "95" in err


def test_the_plan_adds_up(say: Say, file: Path) -> None:
    code, out, _ = say("experiment", "plan", str(file))
    assert code == 0
    found = rows(out)
    assert len(found) == 8
    assert {len(row) for row in found} == {16}
    minutes = [int(row[12]) for row in found]
    last_h, last_min = map(int, found[-1][13].split(":"))
    assert 60 * last_h + last_min == pytest.approx(sum(minutes), abs=len(minutes))
    assert sum(int(row[14]) for row in found) == 48
    assert "8 baths, 48 bottles" in out
    assert "fits a working day of 8 h" in out
    assert "casein\t24\t8\t0." in out


def test_a_longer_plan_is_cut_into_days(say: Say) -> None:
    code, out, _ = say("experiment", "plan", "glue_screening")
    assert code == 0
    assert "3 working days of 8 h" in out
    _, longer, _ = say("experiment", "plan", "glue_screening", "--day-h", "24")
    assert "fits a working day of 24 h" in longer
    _, short, _ = say("experiment", "plan", "glue_screening", "--day-h", "1")
    assert "a working day of 1 h is too short for the longest bath" in short


def test_a_bath_that_must_cool_is_told_from_one_that_is_heated(say: Say, file: Path) -> None:
    file.write_text(FILE.replace("[55, 65.5]", "[30, 65.5]").replace("[65.5]", "[65.5]"), encoding="utf-8")
    _, out, err = say("experiment", "plan", str(file), "--json")
    baths = json.loads(out)["data"]["baths"]
    assert all(bath["cools"] == (bath["treatment"]["temperature_c"] == 30) for bath in baths), err


def test_the_plan_as_json_is_the_dry_run_as_json(say: Say, file: Path) -> None:
    code, out, _ = say("experiment", "plan", str(file), "--json")
    body = json.loads(out)
    assert (code, body["schema"], body["ok"]) == (0, "linectl.experiment_plan/1", True)
    data = body["data"]
    assert data["total_s"] == pytest.approx(sum(sum(bath["phases"].values()) for bath in data["baths"]), abs=1e-3)
    assert data["days"] == [list(range(1, 9))]
    assert 0 < data["precision"]["by_glue"]["casein"]["efficiency"] < 1
    assert [each["code"] for each in data["warnings"]] == ["FEW_BOTTLES"]
    code, dry, _ = say("run", str(file), "--sim", "--dry-run", "--json")
    assert code == 0
    assert json.loads(dry)["data"] == data


def test_a_forbidden_plan_as_json_has_data_and_error(say: Say, file: Path) -> None:
    file.write_text(FILE + HASTY, encoding="utf-8")
    code, out, _ = say("experiment", "plan", str(file), "--json")
    body = json.loads(out)
    assert (code, body["ok"], body["error"]["code"]) == (6, False, "E-LIM-002")
    assert len(body["data"]["problems"]) >= 1


def test_people_read_commas_in_french_and_machines_never(say: Say, file: Path) -> None:
    file.write_text(FILE.replace("removal: 0.99,", "removal: 0.995,"), encoding="utf-8")
    _, english, _ = say("experiment", "plan", str(file), "--json")
    words.use("fr")
    _, out, err = say("experiment", "plan", str(file))
    assert "99,5 %" in err.replace("\xa0", " ")
    assert "65,5 °C, 1,5 %" in out.replace("\xa0", " ")
    assert "65.5" not in out
    _, french, _ = say("experiment", "plan", str(file), "--json")
    assert "99.5 %" in json.loads(french)["data"]["warnings"][0]["detail"]
    assert french == english


def test_a_file_without_a_line_is_checked_but_not_planned(say: Say, file: Path) -> None:
    file.write_text(FILE.replace("line: simulated\n", ""), encoding="utf-8")
    code, _, err = say("experiment", "check", str(file))
    assert code == 0
    assert "names no line" in err
    code, _, err = say("experiment", "plan", str(file))
    assert code == 3
    assert "--line FILE" in err
    assert say("experiment", "plan", str(file), "--line", "simulated")[0] == 0


def test_the_day_screening_fits_its_day_and_the_paper_screening_does_not(say: Say) -> None:
    code, out, err = say("experiment", "plan", "day_screening", "--json")
    data = json.loads(out)["data"]
    assert code == 0
    assert len(data["baths"]) >= 8
    assert len(data["days"]) == 1
    assert all(bath["bottles"] == 20 for bath in data["baths"])
    assert "warning" not in err
    code, out, err = say("experiment", "plan", "paper_and_finish", "--json")
    data = json.loads(out)["data"]
    assert code == 0
    assert len(data["days"]) == 2
    assert all(bath["bottles"] == 24 for bath in data["baths"])
    assert "warning" not in err


def test_a_zone_without_its_figures_is_refused_without_a_timeline(say: Say, file: Path, tmp_path: Path) -> None:
    line = find_file("simulated").read_text(encoding="utf-8").replace("heater_kw: 3\n", "heater_kw: 0\n")
    (tmp_path / "cold.yaml").write_text(line, encoding="utf-8")
    code, out, err = say("experiment", "plan", str(file), "--line", str(tmp_path / "cold.yaml"))
    assert code == 6
    assert "heater_kw must be above 0" in err
    assert rows(out) == []


def test_on_a_terminal_the_columns_stand_under_each_other(file: Path) -> None:
    near, far = pty.openpty()
    command = [sys.executable, "-m", "linectl", "experiment", "plan", str(file), "--lang", "fr"]
    with subprocess.Popen(command, stdin=far, stdout=far, stderr=subprocess.DEVNULL, close_fds=True) as child:
        os.close(far)
        out = b"".join(iter(lambda: _read(near), b"")).decode()
        assert child.wait(60) == 0
    os.close(near)
    table = [line for line in out.splitlines() if " °C, " in line][:8]
    assert "\t" not in out
    assert len({line.index(" °C") for line in table if "55 °C" in line}) == 1
    assert len({len(line[: line.rindex(",")]) for line in table}) == 1, "the last column begins at one place"
    assert max(map(len, out.splitlines()[:9])) <= 130


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # the other end of a pseudo-terminal is closed
        return b""


def test_a_heater_that_never_gets_so_far_gives_no_number(say: Say, file: Path, tmp_path: Path) -> None:
    line = find_file("simulated").read_text(encoding="utf-8").replace("heater_kw: 3\n", "heater_kw: 0.1\n")
    (tmp_path / "weak.yaml").write_text(line, encoding="utf-8")
    code, out, err = say("experiment", "plan", str(file), "--line", str(tmp_path / "weak.yaml"))
    assert code == 6
    assert "never gets so far" in err
    assert "∞" in out
    code, out, _ = say("experiment", "plan", str(file), "--line", str(tmp_path / "weak.yaml"), "--json")
    assert code == 6
    assert json.loads(out)["data"]["total_s"] is None


def test_what_a_plan_cannot_tell_has_no_number(say: Say, file: Path) -> None:
    text = FILE.replace("[55, 65.5]", "[62]").replace("temperatures_c: [65.5]", "temperatures_c: [65.5]")
    file.write_text(text, encoding="utf-8")
    code, out, err = say("experiment", "plan", str(file))
    assert code == 0
    assert re.search(r"casein\t12\t4\t-\t-\t-$", out, re.MULTILINE), out
    assert "SINGLE_TEMPERATURE" in err
    assert "EXTRAPOLATED" in err
    _, out, _ = say("experiment", "plan", str(file), "--json")
    assert json.loads(out)["data"]["precision"]["by_glue"]["casein"]["se_ln_t"] is None


def test_options_that_would_do_nothing_are_refused(say: Say, file: Path, tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    script.write_text("raise SystemExit('started')\n", encoding="utf-8")
    code, _, err = say("run", str(script), "--sim", "--dry-run")
    assert code == 2
    assert "--dry-run would do nothing" in err
    code, _, err = say("run", str(file), "--speed", "3", "--dry-run")
    assert code == 2
    assert "--speed: only with --sim" in err
    assert say("run", str(file), "--sim", "--speed", "3", "--dry-run")[0] == 0
