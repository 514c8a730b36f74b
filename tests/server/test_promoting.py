"""From past trials over a confirmation to a line recipe: nothing but a GO writes one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from linectl import words
from linectl.cli.main import run as linectl
from linectl.clock import VIRTUAL_START_NS
from linectl.config.files import find_file
from linectl.config.load import load_experiment
from linectl.config.plant_files import load_recipe
from linectl.errors import Refused
from linectl.lab.confirmation.registry import SET_RECORDED, STARTED
from linectl.lab.results import Analysis, VerdictWord
from linectl.lab.transfer.forecast import Forecast, forecast
from linectl.model.confirmations import Confirmation, ConfirmationSet
from linectl.model.records import Bottle, Event, ExitStatus, Run, Treatment, Trial, TrialState
from linectl.server.results.confirming import change, judged, register
from linectl.server.results.finished import FinishedRun, analyse_run, find_run
from linectl.server.results.forecasting import confirmation_figures
from linectl.server.results.promoting import approval_of, promote
from linectl.server.washing.recipes import find_recipe
from linectl.sim.bath.campaign import simulate_campaign
from linectl.store.store import open_store
from linectl.units import NS_PER_S

Say = Callable[..., tuple[int, str, str]]
GOOD = "reference_80c_2pct"
MAIN_SET = """\
kind: experiment
name: C1-main
question: Do at least 99 % of the labels come off?
confirmation: C1/main
factors: {{temperature_c: [{temperature_c}], naoh_pct: [1.5], glue: [casein]}}
replicates: 16
bottles_per_glue: 20
order: {{seed: 1}}
soak: {{cap_s: {soak_s}, check_s: 15}}
decision: {{removal: 0.99, confidence: 0.95, soak_s: {soak_s}, temperatures_c: [{temperature_c}], naoh_pct: [1.5]}}
"""


@pytest.fixture
def say(capfd: pytest.CaptureFixture[str]) -> Say:
    """Run the command line in this process and return its exit code and what it printed."""

    def call(*argv: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = linectl([*argv, "--lang", words.language()])
        out, err = capfd.readouterr()
        return code, out, err

    return call


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Past trials of casein, PSA and permanent glue in a store."""
    shipped = load_experiment(find_file("glue_screening", folder="experiments"))
    glues = ("casein", "psa", "permanent")
    experiment = replace(shipped, glues=glues, temperatures_c=(60.0, 70.0, 80.0), naoh_pct=(1.5,), bottles_per_glue=6)
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
    return folder


@pytest.fixture(scope="module")
def screened(data: Path) -> FinishedRun:
    return find_run("last", data)


@pytest.fixture(scope="module")
def analysis(screened: FinishedRun) -> Analysis:
    return analyse_run(screened)


def on_line(analysis: Analysis, name: str, **zone_c: float) -> Forecast:
    """Return what the recipe called `name` will do, with some of its zones at another temperature."""
    recipe, washer = find_recipe(name)
    for zone, temperature_c in zone_c.items():
        recipe = recipe.with_phase(zone, temperature_c=temperature_c)
    return forecast(analysis.glues, washer, recipe)


@pytest.fixture(scope="module")
def confirmed(screened: FinishedRun, analysis: Analysis) -> Confirmation:
    """A confirmation of casein with every set counted and nothing failed."""
    confirmation = Confirmation(
        id="C1",
        glue="casein",
        lots=("A",),
        temperature_c=70.0,
        naoh_pct=1.5,
        soak_s=900.0,
        agitation_pct=50.0,
        removal=0.99,
        confidence=0.95,
        rule="299/0",
        applied="300/0",
        bath_sd=0.0,
        sigma=0.3,
        per_bath=20,
        cooler_k=0.0,
        recipe=GOOD,
        screening_runs=analysis.runs,
        verdict_hash="0" * 64,
        registered_by="test",
        registered_ns=VIRTUAL_START_NS,
    )
    register(screened.reader.path, confirmation)
    asyncio.run(_soak(screened.reader.path, confirmation))
    return confirmation


async def _soak(file: Path, confirmation: Confirmation) -> None:
    """Write down 16 baths of 20 of the main set, all labels off after a minute and clean, and the sets by hand."""
    text = MAIN_SET.format(temperature_c=confirmation.temperature_c, soak_s=confirmation.soak_s)
    start = VIRTUAL_START_NS
    made = Run(
        "20260102T000000-0001", "experiment", "C1-main", "test", "ended", "test", start, "0" * 64, True, text, "1"
    )
    treatment = Treatment(confirmation.temperature_c, confirmation.naoh_pct)
    trials = [Trial(made.id, k, treatment, k, state=TrialState.COMPLETE) for k in range(1, 17)]
    off = start + 60 * NS_PER_S
    bottles = [
        Bottle(
            made.id,
            k,
            f"{k:02d}-{p:02d}",
            p,
            "casein",
            start,
            off - 15 * NS_PER_S,
            off,
            "whole",
            0.0,
            factors={"lot": "A"},
        )
        for k in range(1, 17)
        for p in range(1, 21)
    ]
    store = open_store(file, line="test", virtual=False)
    await store.open()
    try:
        await store.start_run(made)
        await store.add_event(Event(start, STARTED, {"hash": confirmation.sha256()}, made.id))
        await store.add_trials(trials)
        await store.add_bottles(bottles)
        await store.end_run(made.id, ExitStatus.SUCCESS, "", off)
        for kind in (ConfirmationSet.AGED, ConfirmationSet.HOLDING):
            counted = {"kind": str(kind), "bottles": 59, "failed": 0, "by": "test", "note": ""}
            await store.add_event(Event(off, SET_RECORDED, counted, confirmation.id))
    finally:
        await store.close()


def test_a_screening_alone_promotes_nothing(screened: FinishedRun, data: Path, say: Say, tmp_path: Path) -> None:
    target = tmp_path / "line.yaml"
    code, _, err = say(
        "recipe", "promote", screened.run.id, "--glue", "psa", "--recipe", GOOD, "-o", str(target), "--data", str(data)
    )
    assert code == 6
    assert "is not GO: register a confirmation" in err
    assert f"linectl confirm register {screened.run.id} --glue psa" in err
    assert not target.exists()


def test_a_go_writes_a_recipe_that_names_its_verdict(
    screened: FinishedRun, confirmed: Confirmation, data: Path, say: Say, tmp_path: Path
) -> None:
    target = tmp_path / "recipes" / "line_casein.yaml"
    options = ("--glue", "casein", "--recipe", GOOD, "-o", str(target), "--data", str(data))
    code, out, err = say("recipe", "promote", screened.run.id, *options, "--json")
    assert code == 0, err
    recipe = load_recipe(target)
    behind = recipe.promotion
    assert behind is not None
    assert json.loads(out)["data"]["promotion"]["verdict_hash"] == behind.verdict_hash
    assert (behind.verdict, behind.glue, behind.basis) == ("go", "casein", GOOD)
    assert behind.runs == (screened.run.id, confirmed.id)
    assert behind.released_lower >= 0.97
    assert behind.f_min >= 5.0
    first = target.read_bytes()
    assert say("recipe", "promote", screened.run.id, *options)[0] == 0
    assert target.read_bytes() == first  # the same verdict has the same hash
    *_, entry = screened.reader.audit()
    told = json.loads(entry.new or "")
    assert (entry.action, entry.target, told["verdict_hash"]) == (
        "promote_recipe",
        screened.run.id,
        behind.verdict_hash,
    )
    assert told["file"] == str(target)
    assert screened.reader.audit_broken() is None
    code, out, _ = say("value", str(target), "--json")
    assert code == 0
    assert json.loads(out)["data"]["glues"][0]["released_from"] == "promotion"
    assert behind.verdict_hash in say("recipe", "show", str(target))[1]


def test_a_go_is_for_the_recipe_that_was_registered(
    screened: FinishedRun, analysis: Analysis, confirmed: Confirmation
) -> None:
    with pytest.raises(Refused, match=r"is registered for reference_80c; there are: C1 \(reference_80c_2pct\)"):
        approval_of(screened, analysis, "casein", on_line(analysis, "reference_80c"))
    assert approval_of(screened, analysis, "casein", on_line(analysis, confirmed.recipe)).word is VerdictWord.GO


def test_a_go_for_a_recipe_that_misses_hygiene_or_breaks_glass_is_refused(
    screened: FinishedRun, analysis: Analysis, confirmed: Confirmation
) -> None:
    made = on_line(analysis, GOOD)
    approval = approval_of(screened, analysis, "casein", made)
    assert promote(approval, made).promotion is not None
    with pytest.raises(Refused, match=r"misses the hygiene floor at its edge: F 3\.0"):
        promote(approval, on_line(analysis, "reference_80c"))
    with pytest.raises(Refused, match="is not GO"):
        promote(replace(approval, word=VerdictWord.CANDIDATE), made)
    with pytest.raises(Refused, match="breaks glass"):
        promote(approval, on_line(analysis, GOOD, z7=2.0))
    with pytest.raises(Refused, match="no fit"):
        promote(replace(approval, glue="permanent"), made)


def test_a_confirmation_is_told_what_its_recipe_does(screened: FinishedRun, confirmed: Confirmation) -> None:
    figures = confirmation_figures(screened.reader, confirmed)
    assert figures is not None
    assert (figures.corner_lower or 0.0) > 0.97
    assert figures.hygiene_edge_f_min == pytest.approx(6.0, abs=0.1)
    assert (figures.glass_step_k or 0.0) <= (figures.glass_limit_k or 0.0)
    assert confirmation_figures(screened.reader, replace(confirmed, recipe="")) is None
    assert judged(screened.reader, "C1").word is VerdictWord.GO


def test_predict_says_all_that_stands_against_a_recipe(screened: FinishedRun, data: Path, say: Say) -> None:
    code, out, _ = say("predict", screened.run.id, "--data", str(data))
    assert code == 0
    assert "F 3.0 min (by the liquid alone 3.2), A0 176 s: MISSES the floor" in out
    assert "is NOT shown at the edge of this recipe" in out
    assert "permanent: no fit" in out
    code, out, _ = say("predict", screened.run.id, "--glue", "casein", "--recommend", "--json", "--data", str(data))
    body = json.loads(out)["data"]
    assert [glue["glue"] for glue in body["glues"]] == ["casein"]
    assert body["hygiene"]["edge"]["passes"] is False
    assert body["recommended"]["casein"]["coolest"]["f_min"] >= 5.0
    assert sum(zone["share_of_dose"] for zone in body["glues"][0]["zones"]) == pytest.approx(1.0)
    assert say("predict", screened.run.id, "--recipe", "nowhere", "--data", str(data))[0] == 3


def test_value_says_which_price_was_given(screened: FinishedRun, data: Path, say: Say) -> None:
    assert say("value", screened.run.id, "--glue", "permanent", "--data", str(data))[0] == 6  # it has no fit
    code, out, _ = say("value", screened.run.id, "--glue", "casein", "--set", "price_new=0.50", "--data", str(data))
    assert code == 0
    starred = [line.split("\t")[0] for line in out.splitlines() if line.startswith("*")]
    assert starred == ["* price_new"]
    assert "given on the command line" in out
    assert "the plant's own statement" in out
    assert "coolest recipe that passes" in out
    assert say("value", screened.run.id, "--set", "prise_new=1", "--data", str(data))[0] == 3
    assert say("value", screened.run.id, "--set", "price_new=nan", "--data", str(data))[0] == 3
    assert say("value", str(find_file(GOOD, folder="config/recipes")))[0] == 6  # no verdict stands behind it


def test_recipes_are_listed_and_one_with_a_mistake_is_named(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "broken.yaml").write_text("kind: recipe\nwasher: washer\n", encoding="utf-8")
    code, out, _ = say("recipe", "ls")
    assert code == 0
    assert "reference_80c_2pct\t725" in out
    assert "phases: missing" in out
    assert say("recipe", "show", "broken")[0] == 3
    assert "z3" in say("recipe", "show", "reference_80c")[1]


def test_a_changed_plan_promotes_no_more(screened: FinishedRun, analysis: Analysis, confirmed: Confirmation) -> None:
    change(screened.reader.path, replace(confirmed, soak_s=confirmed.soak_s + 60.0))
    with pytest.raises(Refused, match=r"still open or failed: .*registered"):
        approval_of(screened, analysis, "casein", on_line(analysis, GOOD))
