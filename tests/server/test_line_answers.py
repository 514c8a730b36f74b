"""From a GO over lots on the simulated washer to SUSPENDED on every face; lifted by a person, or confirmed anew."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.study_line import params_of, pass_lot, state_of, washer
from linectl import words
from linectl.cli.main import run as linectl
from linectl.clock import VIRTUAL_START_NS
from linectl.config.files import find_file
from linectl.config.load import load_experiment
from linectl.config.plant_files import load_recipe
from linectl.errors import Refused
from linectl.lab.acts import SUSPENSION_LIFTED
from linectl.lab.confirmation.registry import SET_RECORDED, STARTED
from linectl.lab.results import VerdictWord
from linectl.model.confirmations import Confirmation, ConfirmationSet
from linectl.model.lots import Lot
from linectl.model.records import Bottle, Event, ExitStatus, Run, Treatment, Trial, TrialState
from linectl.server.results.confirming import judged, register
from linectl.server.results.finished import analyse_run, find_run
from linectl.server.results.glue_standings import GlueStandings, standings_of
from linectl.server.results.line_answers import lots_beside
from linectl.server.results.suspensions import lift
from linectl.server.washing.lot_import import keep_lots, read_lots
from linectl.sim.bath.campaign import simulate_campaign
from linectl.sim.glue.lots import Lot as Fed
from linectl.store.reader import StoreReader
from linectl.store.store import open_store
from linectl.units import NS_PER_S

Say = Callable[..., tuple[int, str, str]]
RECIPE = "reference_80c_2pct"
DAY_NS = 24 * 3600 * NS_PER_S
LOT = 1200  # a pallet
STORED_BADLY: dict[str, Any] = {"age": 1.5, "coverage": 0.3}  # in sun and damp, and varnished
SHIFT = (0, 0, 0)  # three good lots
MAIN_SET = """\
kind: experiment
name: C1-main
question: Do at least 99 % of the labels come off?
confirmation: {name}/main
factors: {{temperature_c: [70], naoh_pct: [1.5], glue: [pvoh]}}
replicates: 16
bottles_per_glue: 20
order: {{seed: 1}}
soak: {{cap_s: 900, check_s: 15}}
decision: {{removal: 0.99, confidence: 0.95, soak_s: 900, temperatures_c: [70], naoh_pct: [1.5]}}
"""


@pytest.fixture
def say(capfd: pytest.CaptureFixture[str]) -> Say:
    """Run the command line in this process and return its exit code and what it printed."""

    def call(*argv: str | Path) -> tuple[int, str, str]:
        capfd.readouterr()
        code = linectl([*map(str, argv), "--lang", words.language()])
        out, err = capfd.readouterr()
        return code, out, err

    return call


@pytest.fixture(scope="module")
def passed() -> dict[bool, tuple[int, int]]:
    """What the simulated washer shows of a lot of PVOH, stored well and badly: bottles seen, and thrown out."""
    recipe, machine = load_recipe(find_file(RECIPE, folder="config/recipes")), washer()
    found = {}
    for bad in (False, True):
        lot = replace(Fed("lot", LOT, "pvoh", inlet_c=machine.bottle_in_c), **(STORED_BADLY if bad else {}))
        tally = pass_lot(params_of(machine, recipe), state_of(recipe), lot, seed=3).tallies["lot"]
        found[bad] = (tally.judged, tally.rejected)
    return found


@pytest.fixture
def data(screened: Path, tmp_path: Path) -> Path:
    """A folder of its own with the screening and the GO."""
    for file in screened.iterdir():
        if file.suffix in {".db", ".json"}:
            text = file.read_bytes()
            if file.suffix == ".json":
                text = text.replace(str(screened).encode(), str(tmp_path).encode())
            (tmp_path / file.name).write_bytes(text)
    return tmp_path


@pytest.fixture(scope="module")
def screened(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Past trials of PVOH and permanent glue in a store, and a confirmation of PVOH that is GO."""
    shipped = load_experiment(find_file("glue_screening", folder="experiments"))
    glues = ("pvoh", "permanent")
    experiment = replace(shipped, glues=glues, temperatures_c=(60.0, 70.0, 80.0), naoh_pct=(1.5,), bottles_per_glue=8)
    rows = ["bottle,bath,glue,temperature_c,naoh_pct,lo_s,hi_s"]
    for bath in simulate_campaign(experiment, 7).baths:
        cell = f"{bath.temperature_c:g},{bath.naoh_pct:g}"
        for bottle in bath.bottles:
            hi = "" if bottle.hi_s == float("inf") else f"{bottle.hi_s:g}"
            rows.append(f"{bath.name}-{bottle.position},{bath.name},{bottle.glue},{cell},{bottle.lo_s:g},{hi}")
    folder = tmp_path_factory.mktemp("line")
    (folder / "past.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    words.use("en")
    assert linectl(["import", str(folder / "past.csv"), "--data", str(folder), "--lang", "en"]) == 0
    found = find_run("last", folder)
    confirm(found.reader.path, "C1", analyse_run(found).runs, VIRTUAL_START_NS)
    assert judged(StoreReader(found.reader.path), "C1").word is VerdictWord.GO
    return folder


def confirm(store: Path, name: str, screening: tuple[str, ...], at_ns: int) -> Confirmation:
    """Register a confirmation of PVOH and count all of its sets without a failure."""
    made = Confirmation(
        id=name, glue="pvoh", lots=("A",), temperature_c=70.0, naoh_pct=1.5, soak_s=900.0, agitation_pct=50.0,
        removal=0.99, confidence=0.95, rule="299/0", applied="300/0", bath_sd=0.3, sigma=0.35, per_bath=20,
        cooler_k=0.0, recipe=RECIPE, screening_runs=screening, verdict_hash="0" * 64, registered_by="test",
        registered_ns=at_ns,
    )  # fmt: skip
    register(store, made)
    asyncio.run(_soak(store, made))
    return made


async def _soak(file: Path, made: Confirmation) -> None:
    start, off = made.registered_ns, made.registered_ns + 60 * NS_PER_S
    text = MAIN_SET.format(name=made.id)
    run = Run(f"{made.id}-run", "experiment", "main", "t", "ended", "t", start, "0" * 64, True, text, "1")
    trials = [Trial(run.id, k, Treatment(70.0, 1.5), k, state=TrialState.COMPLETE) for k in range(1, 17)]
    seen = off - 15 * NS_PER_S
    bottles = [
        Bottle(run.id, k, f"{k:02d}-{p:02d}", p, "pvoh", start, seen, off, "whole", 0.0, factors={"lot": "A"})
        for k in range(1, 17)
        for p in range(1, 21)
    ]
    store = open_store(file, line="test", virtual=False)
    await store.open()
    try:
        await store.start_run(run)
        await store.add_event(Event(start, STARTED, {"hash": made.sha256()}, run.id))
        await store.add_trials(trials)
        await store.add_bottles(bottles)
        await store.end_run(run.id, ExitStatus.SUCCESS, "", off)
        for kind in (ConfirmationSet.AGED, ConfirmationSet.HOLDING):
            counted = {"kind": str(kind), "bottles": 59, "failed": 0, "by": "test", "note": ""}
            await store.add_event(Event(off, SET_RECORDED, counted, made.id))
    finally:
        await store.close()


def wash(folder: Path, passed: dict[bool, tuple[int, int]], shift: tuple[int, ...], **changes: Any) -> None:
    """Wash a lot for each of `shift` (1: its labels were stored badly), one an hour after those washed before."""

    async def record() -> None:
        file = folder / "washer.db"
        first = len(StoreReader(file).lots()) if file.exists() else 0
        store = open_store(file, line="washer", virtual=False)
        await store.open()
        try:
            for k, bad in enumerate(shift, start=first + 1):
                seen, rejected = passed[bool(bad)]
                at_ns = VIRTUAL_START_NS + DAY_NS + k * 3600 * NS_PER_S
                lot = Lot(f"W{k}", "Cave du Jura", "burgundy_75cl", "pvoh", at_ns, "Léa", recipe=f"{RECIPE}_pvoh")
                told: dict[str, Any] = {
                    "bottles_in": seen,
                    "bottles_seen": seen,
                    "rejected": rejected,
                    "label_rejects": rejected,
                    "ended_ns": at_ns,
                    "ended_by": "Léa",
                    "washed_ns": at_ns + 600 * NS_PER_S,
                }
                await store.put_lots([replace(lot, **(told | changes))], {})
        finally:
            await store.close()

    asyncio.run(record())


def test_a_glue_that_turns_out_badly_stored_is_suspended_on_every_face(
    data: Path, say: Say, passed: dict[bool, tuple[int, int]], tmp_path: Path
) -> None:
    target = tmp_path / "promoted.yaml"
    options = ("--data", data)
    assert say("recipe", "promote", "last", "--glue", "pvoh", "--recipe", RECIPE, "-o", target, *options)[0] == 0
    assert say("verdict", "--check", *options)[0] == 0
    wash(data, passed, (0, 0, 1))
    assert say("verdict", "--check", *options)[0] == 0  # one lot is no proof yet
    assert say("chart", "pvoh", "--check", *options)[0] == 10
    wash(data, passed, (1, 0))
    code, out, _ = say("chart", "pvoh", "--check", *options)
    assert code == 11
    assert "pvoh, C1 (reference_80c_2pct): SUSPENDED" in out
    assert "in 2 lots (W3, W4), washed 2026-01-02 03:10:00 +00:00 to 2026-01-02 04:10:00 +00:00" in out
    assert f"{2 * passed[True][1]} of 2400 bottles rejected" in out
    assert say("verdict", "--check", *options)[0] == 11
    assert say("confirm", "status", "C1", "--check", *options)[0] == 11
    for verb in (("verdict",), ("confirm", "status", "C1"), ("predict", "--glue", "pvoh", "--recipe", RECIPE)):
        code, out, err = say(*verb, *options)
        assert (code, "SUSPENDED" in out, "(W3, W4)" in out) == (0, True, True), (verb, out, err)
    assert "its GO is SUSPENDED" in say("recipe", "show", target, *options)[1]
    code, _, err = say("recipe", "promote", "last", "--glue", "pvoh", "--recipe", RECIPE, "-o", target, *options)
    assert (code, "SUSPENDED by the line" in err) == (6, True), err
    report = tmp_path / "report.html"
    assert say("report", "-o", report, *options)[0] == 0
    html = report.read_text(encoding="utf-8")
    assert 'class="verdict suspended"' in html
    assert "suspended from here" in html
    assert "(W3, W4)" in html


def test_a_glue_stored_well_never_is(data: Path, say: Say, passed: dict[bool, tuple[int, int]]) -> None:
    wash(data, passed, SHIFT * 14)  # 50,000 bottles
    code, out, _ = say("chart", "pvoh", "--check", "--data", data)
    assert (code, "as predicted" in out, "SUSPENDED" in out) == (0, True, False)
    assert say("verdict", "--check", "--data", data)[0] == 0


def test_the_json_of_each_face_says_it(data: Path, say: Say, passed: dict[bool, tuple[int, int]]) -> None:
    gone = {"delivered_ns": VIRTUAL_START_NS + 9 * DAY_NS, "delivered_by": "Max"}
    wash(data, passed, (1, 1, 1), **gone)  # what has left the plant tells as much as what has not
    (chart,) = json.loads(say("chart", "--json", "--data", data)[1])["data"]
    assert (chart["word"], chart["line"]["suspended"]["lots"]) == ("suspended", ["W1", "W2"])
    assert chart["line"]["suspended"]["lower"] >= chart["line"]["expected"]["stuck"] >= 0.01
    assert chart["line"]["expected"]["inspector"] == {"misses": 0.005, "false_rejects": 0.003}
    status = json.loads(say("confirm", "status", "C1", "--json", "--data", data)[1])["data"]
    assert (status["word"], status["line"]["state"]) == ("suspended", "disproved")
    verdict = json.loads(say("verdict", "--json", "--data", data)[1])["data"]
    assert [each["word"] for each in verdict["pvoh"]["confirmations"]] == ["suspended"]
    assert "confirmations" not in verdict["permanent"]
    predicted = json.loads(say("predict", "--recipe", RECIPE, "--json", "--data", data)[1])["data"]
    assert predicted["line"]["pvoh"]["verdict"] == "suspended"


async def test_whoever_looks_at_the_line_is_told_it_from_a_process_aside(
    data: Path, passed: dict[bool, tuple[int, int]]
) -> None:
    standings = GlueStandings(data)
    assert not await standings.refresh()
    assert standings.section == []
    await asyncio.to_thread(wash, data, passed, (0, 1, 1, 1))
    (told,) = json.loads(json.dumps(standings_of(data), allow_nan=False))
    assert (told["glue"], told["word"], told["state"], told["lots"]) == ("pvoh", "suspended", "disproved", 4)
    assert told["suspended"]["lots"] == ["W2", "W3"]
    assert told["suspended"]["since"] == "2026-01-02T02:10:00+00:00"


def test_lots_from_a_spreadsheet_are_charted_like_the_line_s_own(data: Path, say: Say, tmp_path: Path) -> None:
    counts = enumerate((5, 460, 455, 470), 2)
    rows = [f"P{k},pvoh,1200,{count},2026-01-0{k} 10:00+00:00,{RECIPE}" for k, count in counts]
    (tmp_path / "lots.csv").write_text("lot,glue,bottles,rejected,washed,recipe\n" + "\n".join(rows), encoding="utf-8")
    keep_lots(tmp_path / "lots.csv", read_lots(tmp_path / "lots.csv", by="Léa"), data, by="Léa")
    code, out, _ = say("chart", "--check", "--data", data)
    assert (code, "(P3, P4)" in out) == (11, True)


def test_lots_by_another_recipe_and_of_virtual_time_do_not_count(
    data: Path, say: Say, passed: dict[bool, tuple[int, int]]
) -> None:
    wash(data, passed, (1, 1, 1, 1), recipe="cool_trial")
    assert "4 lots were washed by another recipe" in say("chart", "pvoh", "--data", data)[1]
    assert say("verdict", "--check", "--data", data)[0] == 0
    (data / "washer.db").rename(data / "washer-virtual.db")
    assert lots_beside(data / "imports.db") == []
    assert say("chart", "--data", data)[0] == 6


def test_a_person_lifts_a_suspension_with_a_reason_and_the_trail_says_so(
    data: Path, say: Say, passed: dict[bool, tuple[int, int]]
) -> None:
    store = data / "imports.db"
    assert say("confirm", "lift", "C1", "--reason", "nothing to lift", "--data", data)[0] == 6
    wash(data, passed, (1, 1, 1))
    with pytest.raises(Refused, match="without a reason"):
        lift(store, "C1", by="Léa", reason="  ")
    code, out, err = say("confirm", "lift", "C1", "--reason", "the lens was dirty", "--data", data)
    assert (code, "GO again" in out) == (0, True), err
    assert judged(StoreReader(store), "C1").word is VerdictWord.GO
    (event,) = StoreReader(store).events_of(SUSPENSION_LIFTED)
    *_, entry = StoreReader(store).audit()
    assert (entry.action, entry.reason) == ("lift_suspension", "the lens was dirty")
    assert event.data["lots"] == ["W1", "W2"]
    assert "lifted" in say("confirm", "status", "C1", "--data", data)[1]
    assert say("confirm", "lift", "C1", "--reason", "once more", "--data", data)[0] == 6


def test_a_confirmation_registered_afterwards_is_go_by_itself(
    data: Path, say: Say, passed: dict[bool, tuple[int, int]]
) -> None:
    store = data / "imports.db"
    wash(data, passed, (1, 1, 1))
    screening = judged(StoreReader(store), "C1").confirmation.screening_runs
    confirm(store, "C0", screening, VIRTUAL_START_NS + 1)  # before the line spoke: it promised the same
    assert judged(StoreReader(store), "C0").word is VerdictWord.SUSPENDED
    assert say("verdict", "--check", "--data", data)[0] == 11
    confirm(store, "C2", screening, VIRTUAL_START_NS + 3 * DAY_NS)
    assert judged(StoreReader(store), "C2").word is VerdictWord.GO
    assert judged(StoreReader(store), "C1").word is VerdictWord.SUSPENDED
    assert say("verdict", "--check", "--data", data)[0] == 0
