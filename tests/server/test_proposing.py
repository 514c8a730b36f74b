from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner

from linectl.cli.next_soak import command
from linectl.clock import VirtualTimeLoop
from linectl.config.files import find_file
from linectl.errors import Refused
from linectl.laws.arrhenius import rate_factor
from linectl.model.readings import GOOD, Reading, Scan, ScanLayout
from linectl.model.records import Bottle, Run, Treatment, Trial, TrialState
from linectl.server.places import note_last_run
from linectl.server.results.finished import FinishedRun, find_run
from linectl.server.results.proposing import propose_soak
from linectl.store.store import open_store
from linectl.units import s_to_ns

LAYOUT = ScanLayout("bath", 5.0, ("bath.temperature",))
START_NS = s_to_ns(1_767_225_600.0)
CAP_S = 600.0
TEMPERATURES = (50.0, 60.0, 70.0)
DEFINITION = """\
kind: experiment
name: pilot
question: where next?
factors: {temperature_c: [50, 60, 70], naoh_pct: [1.5], glue: [casein, psa]}
replicates: 2
bottles_per_glue: 6
order: {randomised: true, seed: 3}
soak: {cap_s: 600, check_s: 15}
glass: {tau_glass_s: 15, bottle_in_c: 20}
decision: {removal: 0.99, confidence: 0.95, soak_s: 400, temperatures_c: [60], naoh_pct: [1.5]}
line: simulated
"""


def ns(second: float) -> int:
    return START_NS + s_to_ns(second)


def bottles(number: int, temperature_c: float, began_s: float, lot: Random) -> list[Bottle]:
    """Return six bottles of casein, which comes off, and six of psa, which never does."""
    found = []
    for place in range(1, 13):
        glue = "casein" if place <= 6 else "psa"
        release_s = 170.0 * lot.lognormvariate(0.0, 0.3) / rate_factor(45.0, temperature_c) if place <= 6 else CAP_S + 1
        seen_s = 15.0 * (release_s // 15.0)
        attached = ns(began_s + min(seen_s, CAP_S))
        detached = None if release_s > CAP_S else ns(began_s + seen_s + 15.0)
        found.append(Bottle("r1", number, f"T{number:02d}-P{place:02d}", place, glue, ns(began_s), attached, detached))
    return found


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """Write three baths of a run of six; the last three are still planned."""
    run = Run("r1", "experiment", "pilot", "simulated", "running", "t", START_NS, "", True, DEFINITION, "0.1.0")
    lot = Random(4)

    async def write() -> None:
        store = open_store(
            tmp_path / "store.db", line="simulated", virtual=True, tags={"bath.temperature": ("°C", "float")}
        )
        await store.open()
        await store.start_run(run)
        count = 0
        for number, temperature_c in enumerate((*TEMPERATURES, *TEMPERATURES), start=1):
            done = number <= 3
            state = TrialState.COMPLETE if done else TrialState.PLANNED
            await store.add_trials([Trial("r1", number, Treatment(temperature_c, 1.5), 1 + number // 4, state=state)])
            if not done:
                continue
            began_s = 1000.0 * number
            await store.start_span("r1", number, "bath")
            for tick in range(-2, int(CAP_S / 5.0) + 3):
                at = ns(began_s + 5.0 * tick)
                reading = Reading("bath.temperature", temperature_c, GOOD, at, at, count)
                store.log_scan(Scan(LAYOUT, "boot", count, count, at, (reading,)))
                count += 1
            await store.end_span("r1", number, "bath")
            await store.add_bottles(bottles(number, temperature_c, began_s, lot))
        await store.close()

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(write())
    note_last_run("r1", tmp_path / "store.db", tmp_path)
    return tmp_path


def run_of(folder: Path) -> FinishedRun:
    return find_run("r1", folder)


def test_a_partial_run_gets_its_next_bath_within_what_was_tested_and_allowed(stored: Path) -> None:
    found = propose_soak(run_of(stored), glue="casein", line=find_file("simulated", folder="config"))
    assert found.line == "simulated"
    assert 45.0 <= found.soak.temperature_c <= 75.0
    assert found.soak.naoh_pct == 1.5
    assert found.soak.bottles == 6
    assert found.soak.se_now is not None
    assert found.soak.se_after is not None
    assert found.soak.se_after < found.soak.se_now
    assert found.glues == ("casein",)
    assert found.bath_sd == 0.15


def test_a_glue_that_never_came_off_is_soaked_hottest(stored: Path) -> None:
    found = propose_soak(run_of(stored), glue="psa")
    assert found.soak.temperature_c == 70.0
    assert found.soak.se_now is None


def test_an_unknown_glue_and_past_trials_are_refused(stored: Path) -> None:
    with pytest.raises(Refused, match="casein, psa"):
        propose_soak(run_of(stored), glue="starch")
    there = run_of(stored)
    past = replace(there, run=replace(there.run, kind="import"))
    with pytest.raises(Refused, match="past trials"):
        propose_soak(past)


def test_the_verb_says_which_why_and_what_it_buys(stored: Path) -> None:
    words = ["r1", "--data", str(stored), "--glue", "casein"]
    told = CliRunner().invoke(command, words, standalone_mode=False)
    assert told.exception is None
    assert "casein" in told.output
    assert "99 %" in told.output
    machine = CliRunner().invoke(command, [*words, "--json", "--per-minute"], standalone_mode=False)
    answer = json.loads(machine.output)
    assert answer["schema"] == "linectl.next_soak/1"
    assert answer["data"]["soak"]["bottles"] == 6
    assert answer["data"]["soak"]["bound_ratio_after"] < answer["data"]["soak"]["bound_ratio_now"]
