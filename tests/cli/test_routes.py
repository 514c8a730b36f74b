"""The ways through the program as its users go them: from a spreadsheet or a simulated bath to verdict and report."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from linectl import words
from linectl.cli.main import run
from linectl.clock import VIRTUAL_START_NS
from linectl.config.files import find_file
from linectl.config.load import load_experiment
from linectl.sim.bath.campaign import simulate_campaign
from linectl.store.decoded_hash import decoded_hash
from linectl.store.reader import StoreReader

BATH = """\
kind: experiment
name: short
question: what comes off in five minutes?
factors: {temperature_c: [50], naoh_pct: [0.5], glue: [casein, starch]}
replicates: 1
bottles_per_glue: 2
order: {randomised: true, seed: 5}
soak: {cap_s: 300, check_s: 15}
observation: camera
decision: {removal: 0.99, confidence: 0.95, soak_s: 300, temperatures_c: [50], naoh_pct: [0.5]}
line: simulated
"""

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def spreadsheet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Past trials of the screening's own size, as a lab would have them in a spreadsheet."""
    experiment = load_experiment(find_file("glue_screening", folder="experiments"))
    rows = ["bottle,bath,glue,temperature_c,naoh_pct,lo_s,hi_s"]
    for bath in simulate_campaign(experiment, 7).baths:
        for bottle in bath.bottles:
            hi = "" if bottle.hi_s == float("inf") else f"{bottle.hi_s:g}"
            name = f"{bath.name}-{bottle.position}"
            rows.append(
                f"{name},{bath.name},{bottle.glue},{bath.temperature_c:g},{bath.naoh_pct:g},{bottle.lo_s:g},{hi}"
            )
    file = tmp_path_factory.mktemp("past") / "past_trials.csv"
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def imported(spreadsheet: Path) -> Path:
    words.use("en")
    data = spreadsheet.parent / "data"
    assert run(["import", str(spreadsheet), "--data", str(data), "--lang", "en"]) == 0
    return data


def test_a_spreadsheet_comes_to_verdicts(imported: Path, say: Say) -> None:
    code, out, _ = say("verdict", "--data", str(imported), "--soak-s", "900", "--check")
    assert code == 0
    verdicts = {line.split()[0]: line for line in out.splitlines()}
    assert "CANDIDATE" in verdicts["casein"]
    assert "NO-GO" in verdicts["permanent"]


@pytest.mark.parametrize(("soak_s", "code"), [("900", 0), ("30", 9)])
def test_the_exit_code_of_verdict_check(imported: Path, say: Say, soak_s: str, code: int) -> None:
    assert say("verdict", "--data", str(imported), "--soak-s", soak_s, "--check")[0] == code
    assert say("verdict", "--data", str(imported), "--soak-s", soak_s)[0] == 0


def test_fit_as_json_holds_numbers_or_reasons(imported: Path, say: Say) -> None:
    code, out, _ = say("fit", "--data", str(imported), "--json")
    body = json.loads(out)
    assert code == 0
    assert body["schema"] == "linectl.fit/1"
    assert body["ok"] is True
    casein = next(glue for glue in body["data"]["glues"] if glue["glue"] == "casein")
    energy = casein["activation_energy"]["lognormal"]
    # the truth is 45 kJ/mol; a spreadsheet that knows the setpoint alone misses the dip at loading and reads lower
    assert 30 < energy["lower"] < energy["value"] < energy["upper"] < 50
    permanent = next(glue for glue in body["data"]["glues"] if glue["glue"] == "permanent")
    assert permanent["activation_energy"]["lognormal"]["value"] is None
    assert permanent["activation_energy"]["lognormal"]["reason"]


def test_the_report_stands_alone_and_is_the_same_twice(imported: Path, say: Say, tmp_path: Path) -> None:
    one, two, french = (tmp_path / name for name in ("one.html", "two.html", "fr.html"))
    assert say("report", "--data", str(imported), "-o", str(one))[0] == 0
    assert say("report", "--data", str(imported), "-o", str(two))[0] == 0
    assert one.read_bytes() == two.read_bytes()
    page = one.read_text(encoding="utf-8")
    assert len(page.encode()) < 400_000
    assert not re.findall(r"(?:src|href)=.?https?:", page)
    assert page.count("<svg") == 3  # no bath was recorded, and past trials have no course of events
    assert "SIMULATION" not in page  # past trials are no simulation
    try:
        assert run(["report", "--data", str(imported), "-o", str(french), "--lang", "fr"]) == 0
    finally:
        words.use("en")
    text = french.read_text(encoding="utf-8")
    assert "Énergie d&#x27;activation" in text or "Énergie d'activation" in text
    assert '<html lang="fr">' in text


def test_runs_and_status_tell_the_last_run(imported: Path, say: Say) -> None:
    assert "complete" in say("status", "--data", str(imported))[1]
    listed: dict[str, Any] = json.loads(say("runs", "ls", "--data", str(imported), "--json")[1])
    assert [entry["kind"] for entry in listed["data"]] == ["import"]
    assert say("runs", "show", "--data", str(imported))[0] == 0


def test_an_export_comes_back_by_import(imported: Path, say: Say, tmp_path: Path) -> None:
    assert say("export", "--data", str(imported), "--to", str(tmp_path / "csv"))[0] == 0
    assert {file.name for file in (tmp_path / "csv").iterdir()} >= {"bottles.csv", "trials.csv", "manifest.json"}
    assert say("export", "--data", str(imported), "--to", str(tmp_path / "csv"))[0] != 0  # nothing is overwritten


def records(say: Say, folder: Path, *flags: str, wall_times: bool = True) -> str:
    file = folder / "short.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(BATH, encoding="utf-8")
    code, _, err = say("run", str(file), "--sim", "--data", str(folder), "--quiet", *flags)
    assert code == 0, err
    reader = StoreReader(folder / "simulated-virtual.db")
    return decoded_hash(reader, "last", wall_times=wall_times, events=wall_times)


def test_the_same_seed_leaves_the_same_records(say: Say, tmp_path: Path) -> None:
    first = records(say, tmp_path / "a", "--memory", "--seed", "11")
    assert records(say, tmp_path / "b", "--memory", "--seed", "11") == first
    assert records(say, tmp_path / "c", "--memory", "--seed", "12") != first


def test_the_report_of_a_simulated_run_says_so_and_needs_no_fit(say: Say, tmp_path: Path) -> None:
    records(say, tmp_path, "--memory")
    page = tmp_path / "report.html"
    assert say("report", "--data", str(tmp_path), "-o", str(page))[0] == 0
    text = page.read_text(encoding="utf-8")
    assert "SIMULATION" in text
    assert "one temperature only" in text  # a reason where there is no number


def test_wires_leave_the_same_checks_as_memory(say: Say, tmp_path: Path) -> None:
    records(say, tmp_path / "memory", "--memory", "--seed", "11")
    records(say, tmp_path / "wires", "--seed", "11")
    seen = []
    for name in ("memory", "wires"):
        reader = StoreReader(tmp_path / name / "simulated-virtual.db")
        run_id = reader.run("last").id
        checks = [(check.bottle, check.attached) for check in reader.checks(run_id)]
        series = reader.series(run_id, "bath.temperature", trial=1)
        seconds = [(t_ns - VIRTUAL_START_NS) // 10**9 for t_ns in series.t_ns]
        seen.append((checks, dict(zip(seconds, series.value, strict=True))))
    (checks, memory), (wired_checks, wired) = seen
    assert wired_checks == checks
    both = sorted(memory.keys() & wired.keys())
    assert len(both) > 300
    assert [wired[second] for second in both] == [memory[second] for second in both]


def test_a_dry_run_prints_minutes_and_starts_nothing(say: Say, tmp_path: Path) -> None:
    file = str(find_file("glue_screening", folder="experiments"))
    code, out, _ = say("run", file, "--sim", "--dry-run", "--data", str(tmp_path))
    assert code == 0
    assert len(re.findall(r"^\d+\t\d\d °C, ", out, re.MULTILINE)) == 24
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        (("cap_s: 300", "cap: 300"), 3, r"short\.yaml:\d+:\d+: .*cap_s"),
        (("[50]", "[95]"), 6, "95"),
        (("[0.5]", "[3.9]"), 6, r"3\.9"),
        (("observation: camera", "observation: camera\nstabilisation: {within_s: 120}"), 6, "min are given"),
        (("glue: [casein, starch]", "glue: [casein, mystery]"), 3, "mystery"),
    ],
)
def test_a_bad_experiment_is_told_before_anything_starts(
    say: Say, tmp_path: Path, change: tuple[str, str], code: int, told: str
) -> None:
    file = tmp_path / "short.yaml"
    file.write_text(BATH.replace(*change), encoding="utf-8")
    got, _, err = say("run", str(file), "--sim", "--data", str(tmp_path / "data"), "--quiet")
    assert re.search(told, err), err
    assert got == code
    assert "Traceback" not in err


def test_a_bad_spreadsheet_is_told_by_row_and_column(say: Say, tmp_path: Path) -> None:
    file = tmp_path / "past.csv"
    file.write_text(
        "bottle,bath,glue,temperature_c,naoh_pct,lo_s,hi_s\nB1,1,casein,60,1.5,135,120\nB2,1,casein,140,1.5,0,15\n",
        encoding="utf-8",
    )
    code, _, err = say("import", str(file), "--data", str(tmp_path / "data"))
    assert code == 3
    assert re.search(r"past\.csv:2:\d+", err)
    assert re.search(r"past\.csv:3:\d+", err)
    assert not (tmp_path / "data").exists()


def test_a_misspelt_verb_is_told_with_the_nearest(say: Say) -> None:
    code, _, err = say("stauts")
    assert code == 2
    assert "status" in err


def test_no_run_yet_is_told_with_what_to_do(say: Say, tmp_path: Path) -> None:
    code, _, err = say("report", "--data", str(tmp_path))
    assert code == 6
    assert "linectl run" in err
    code, _, err = say("status", "--data", str(tmp_path))
    assert code == 4
    assert "linectl serve" in err
    assert "no run is noted" in err


def test_an_error_as_json_has_code_message_hint_and_docs(say: Say, tmp_path: Path) -> None:
    code, out, _ = say("report", "--data", str(tmp_path), "--json")
    body = json.loads(out)
    assert code == 6
    assert body["ok"] is False
    assert set(body["error"]) == {"code", "message", "hint", "docs"}
