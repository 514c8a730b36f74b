"""`linectl report`, `fit` and `verdict` on one run, on several, and for one label maker, by the command line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from linectl import words
from linectl.cli.main import run

BATH = """\
kind: experiment
name: secret_name
question: what comes off in two minutes?
factors: {temperature_c: [50], naoh_pct: [0.5], glue: [zementit, gripfix, casein]}
reference: casein
makers: {zementit: Acme, gripfix: Umbrella}
replicates: 1
bottles_per_glue: 2
order: {randomised: true, seed: 5}
soak: {cap_s: 120, check_s: 15}
observation: camera
blind: true
decision: {removal: 0.99, confidence: 0.95, soak_s: 120, temperatures_c: [50], naoh_pct: [0.5]}
simulate_as: {zementit: pvoh, gripfix: starch}
line: simulated
"""

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(capfd: pytest.CaptureFixture[str]) -> Iterator[Say]:
    def call(*argv: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = run([*argv, "--lang", "en"])
        return (code, *capfd.readouterr())

    yield call


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of one blind experiment, complete."""
    words.use("en")
    folder = tmp_path_factory.mktemp("runs")
    (folder / "bath.yaml").write_text(BATH, encoding="utf-8")
    for seed in ("11", "12"):
        told = ("--sim", "--memory", "--data", str(folder), "--quiet", "--seed", seed, "--lang", "en")
        assert run(["run", str(folder / "bath.yaml"), *told]) == 0
    return folder


@pytest.fixture
def runs(data: Path, say: Say) -> list[str]:
    return [entry["run"] for entry in json.loads(say("runs", "ls", "--data", str(data), "--json")[1])["data"]]


def test_a_report_of_two_runs_lists_both(data: Path, runs: list[str], say: Say, tmp_path: Path) -> None:
    target = tmp_path / "both.html"
    code, out, err = say("report", *runs, "--data", str(data), "-o", str(target))
    assert (code, out.strip()) == (0, str(target))
    assert " kB in " in err
    page = target.read_text(encoding="utf-8")
    assert all(page.count(run_id) > 3 for run_id in runs)
    assert "zementit (" in page  # complete: names with codes
    answer = json.loads(say("report", *runs, "--data", str(data), "-o", str(target), "--json")[1])["data"]
    assert answer["runs"] == runs
    assert answer["bytes"] == target.stat().st_size


def test_fit_and_verdict_take_several_runs(data: Path, runs: list[str], say: Say) -> None:
    one = json.loads(say("fit", "--data", str(data), "--json")[1])["data"]
    both = json.loads(say("fit", *runs, "--data", str(data), "--json")[1])["data"]
    assert one["runs"] == runs[1:]
    assert both["runs"] == runs
    assert [glue["bottles"] for glue in both["glues"]] == [2 * glue["bottles"] for glue in one["glues"]]
    code, out, _ = say("verdict", *runs, "--data", str(data))
    assert code == 0
    assert len(out.splitlines()) == 3
    assert all("(" in line.split(":")[0] for line in out.splitlines())  # names with codes


def test_a_report_for_a_maker_names_nobody_else(
    data: Path, runs: list[str], say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, _ = say("report", *runs, "--for", "Acme", "--data", str(data))
    assert code == 0
    (file,) = tmp_path.iterdir()
    assert file.name == out.strip() == f"report-{runs[0]}-and-1-Acme.html"
    page = file.read_text(encoding="utf-8").lower()
    assert [word for word in ("gripfix", "umbrella", "secret_name") if word in page] == []
    assert "zementit" in page


def test_a_run_that_is_not_there_is_refused(data: Path, say: Say) -> None:
    assert say("report", "last", "19990101", "--data", str(data))[0] == 6
    assert say("report", "--for", "Nobody", "--data", str(data))[0] == 6
