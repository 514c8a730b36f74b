"""A confirmation on the command line: registered before its runs, carried by them, voided by a change of rule."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from linectl.cli.main import run as linectl
from linectl.config.files import find_file
from linectl.config.load import load_experiment
from linectl.lab.confirmation.registry import STARTED, HandCount
from linectl.model.confirmations import Confirmation, ConfirmationSet
from linectl.server.results.confirming import change, record_set, register
from linectl.sim.bath.campaign import simulate_campaign
from linectl.store.reader import StoreReader

Say = Callable[..., tuple[int, str, str]]
SMALL = Confirmation(
    id="C9", glue="casein", lots=("A", "B"), temperature_c=60, naoh_pct=1.5, soak_s=300, agitation_pct=50,
    removal=0.99, confidence=0.95, rule="299/0", applied="300/0", bath_sd=0.3, sigma=0.25, per_bath=4, cooler_k=0.25,
    recipe="", screening_runs=("r1",), verdict_hash="ab", registered_by="op", registered_ns=1,
)  # fmt: skip
ONE_BATH = """\
kind: experiment
question: Do they come off?
line: simulated
confirmation: C9/main
factors: {temperature_c: [60], naoh_pct: [1.5], glue: [casein], lot: [A, B]}
bottles_per_glue: 2
order: {seed: 1}
soak: {cap_s: 300, check_s: 15}
score_residue: true
decision: {removal: 0.99, confidence: 0.95, soak_s: 300, temperatures_c: [60], naoh_pct: [1.5]}
"""


@pytest.fixture
def say(capfd: pytest.CaptureFixture[str]) -> Say:
    """Run the command line in this process and return its exit code and what it printed."""

    def call(*argv: str | Path) -> tuple[int, str, str]:
        capfd.readouterr()
        code = linectl([*map(str, argv), "--lang", "en"])
        out, err = capfd.readouterr()
        return code, out, err

    return call


@pytest.fixture(scope="module")
def screened(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Past trials of casein and permanent glue in nine baths, taken in."""
    shipped = load_experiment(find_file("glue_screening", folder="experiments"))
    glues = ("casein", "permanent")
    experiment = replace(shipped, glues=glues, temperatures_c=(60.0, 70.0, 80.0), naoh_pct=(1.5,), bottles_per_glue=8)
    rows = ["bottle,bath,glue,temperature_c,naoh_pct,lo_s,hi_s"]
    for bath in simulate_campaign(experiment, 7).baths:
        for bottle in bath.bottles:
            hi = "" if bottle.hi_s == float("inf") else f"{bottle.hi_s:g}"
            cell = f"{bath.temperature_c:g},{bath.naoh_pct:g}"
            rows.append(f"{bath.name}-{bottle.position},{bath.name},{bottle.glue},{cell},{bottle.lo_s:g},{hi}")
    folder = tmp_path_factory.mktemp("screened")
    (folder / "past.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    assert linectl(["import", str(folder / "past.csv"), "--data", str(folder), "--lang", "en"]) == 0
    return folder


def test_a_candidate_is_registered_with_what_its_rule_is_worth(screened: Path, say: Say, tmp_path: Path) -> None:
    words = ["--glue", "casein", "--rule", "368/0->497/1", "--lot", "A", "--lot", "B", "--soak-s", "900", "--id", "C1"]
    code, out, err = say("confirm", "register", "last", *words, "-o", tmp_path, "--data", screened, "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)["data"]
    assert told["rule"] == "368/0->497/1"
    assert told["chances"]["false_go"] <= 0.05
    bottles = int(told["applied"].split("->")[1].split("/")[0])
    assert bottles > 497  # baths differ: more bottles for the same word
    main = load_experiment(tmp_path / "C1-main.yaml")
    assert (main.confirmation, main.glues, main.soak.cap_s) == ("C1/main", ("casein",), 900)
    assert main.replicates * 2 * main.bottles_per_glue >= bottles
    assert load_experiment(tmp_path / "C1-aged.yaml").confirmation == "C1/aged"
    assert say("confirm", "status", "C1", "--check", "--data", screened)[0] == 11
    code, _, err = say("confirm", "register", "last", *words, "-o", tmp_path, "--data", screened)
    assert code == 6
    assert "is registered already" in err


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--glue", "permanent", "--lot", "A"], 6, "only a CANDIDATE is confirmed"),
        (["--glue", "beeswax", "--lot", "A"], 6, "no glue beeswax"),
        (["--glue", "casein", "--lot", "A", "--rule", "299-0"], 3, "is no rule"),
        (["--glue", "casein", "--lot", "A", "--id", "no good"], 6, "no name for a confirmation"),
        (["--glue", "casein"], 2, "--lot"),
    ],
)
def test_what_cannot_be_registered_is_refused(
    screened: Path, say: Say, tmp_path: Path, words: list[str], code: int, told: str
) -> None:
    found, _, err = say("confirm", "register", "last", *words, "-o", tmp_path, "--data", screened)
    assert (found, told in err) == (code, True), err
    assert not list(tmp_path.iterdir())


def test_a_set_counted_by_hand_is_written_down(screened: Path, say: Say, tmp_path: Path) -> None:
    register(StoreReader(screened / "imports.db").path, replace(SMALL, id="C2"))
    words = ["--set", "holding", "--bottles", "59", "--data", screened]
    assert say("confirm", "record", "C2", "--failed", "0", "--note", "24 h at 4 °C", *words)[0] == 0
    assert (
        "holds in cold water: passed (asked 59/0; found 59/0)" in say("confirm", "status", "C2", "--data", screened)[1]
    )
    assert say("confirm", "record", "C2", "--failed", "60", *words)[0] == 6
    assert say("confirm", "record", "C3", "--failed", "0", *words)[0] == 6


def test_a_run_needs_its_registration_and_carries_it(say: Say, tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(ONE_BATH, encoding="utf-8")
    words = ["run", tmp_path / "one.yaml", "--sim", "--memory", "--quiet", "--data", tmp_path]
    code, _, err = say(*words)
    assert (code, "no confirmation C9 is registered" in err) == (6, True), err
    store = tmp_path / "simulated-virtual.db"
    register(store, SMALL)
    assert say(*words)[0] == 0
    reader = StoreReader(store)
    (started,) = reader.events_of(STARTED)
    assert started.data["hash"] == SMALL.sha256()
    (told,) = [
        line for line in say("confirm", "status", "C9", "--data", tmp_path)[1].splitlines() if "stuck, by" in line
    ]
    assert "found 4/0" in told
    assert _status(say, tmp_path)["void"] is False
    with closing(sqlite3.connect(store)) as connection, connection:  # bottles without a registration before them
        connection.execute("UPDATE event SET kind = 'other' WHERE kind = ?", (STARTED,))
    assert _status(say, tmp_path)["void"] is True
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("UPDATE event SET kind = ? WHERE kind = 'other'", (STARTED,))
    code, _, err = say("confirm", "change", "C9", "--rule", "59/0", "--data", tmp_path)
    assert (code, "cannot end in GO any more" in err) == (0, True)
    status = _status(say, tmp_path)
    assert (status["void"], status["word"]) == (True, "more_bottles")
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("UPDATE run SET definition = definition || 'nonsense: 1'")
    code, _, err = say("confirm", "status", "C9", "--data", tmp_path)
    assert (code, "its bottles would not count" in err) == (5, True)


def _status(say: Say, data: Path) -> dict[str, object]:
    told: dict[str, object] = json.loads(say("confirm", "status", "C9", "--data", data, "--json")[1])["data"]
    return told


def test_who_registered_changed_and_counted_stands_in_the_audit_trail(tmp_path: Path) -> None:
    store = tmp_path / "line.db"
    register(store, replace(SMALL, id="C9", registered_by="anne"), line="x")
    change(store, replace(SMALL, id="C9", rule="30/0", applied="30/0", registered_by="max"))
    record_set(store, "C9", HandCount(ConfirmationSet.HOLDING, 59, 0, "anne", "24 h at 4 °C"))
    reader = StoreReader(store)
    first, second, third = reader.audit()
    told = [(e.actor, e.action, e.target, e.reason) for e in (first, second, third)]
    assert told == [
        ("anne", "register", "C9", ""),
        ("max", "change_rule", "C9", ""),
        ("anne", "record_set", "C9", "24 h at 4 °C"),
    ]
    assert json.loads(second.old or "") == json.loads(first.new or "")
    assert (json.loads(second.old or "")["rule"], json.loads(second.new or "")["rule"]) == (SMALL.rule, "30/0")
    assert json.loads(third.new or "") == {"kind": "holding", "bottles": 59, "failed": 0}
    assert reader.audit_broken() is None
