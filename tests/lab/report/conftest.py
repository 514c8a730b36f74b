"""Runs of a simulated screening, written into a store as the runner writes them, for the tests of reports."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from linectl import words
from linectl.config.files import SourceText
from linectl.config.load import load_experiment_text
from linectl.lab import analysis as analysis_room
from linectl.lab.design.loading import blind_codes
from linectl.lab.report.page import Subject, render
from linectl.lab.report.record import gather
from linectl.lab.results import Analysis
from linectl.model.experiments import Experiment
from linectl.model.readings import GOOD, Reading, Scan, ScanLayout
from linectl.model.records import Bottle, Check, Event, ExitStatus, Run, Treatment, Trial, TrialState
from linectl.server.results.pooling import Pool, analyse_pool, pool_of
from linectl.sim.bath.campaign import SoakedBath, simulate_campaign
from linectl.store.reader import StoreReader
from linectl.store.store import Store, open_store
from linectl.units import NS_PER_S, s_to_ns

TEXT = """\
kind: experiment
name: {name}
question: Which of these glues lets go?
line: simulated
factors: {{temperature_c: [{temperatures}], naoh_pct: [1.5], glue: [zementit, gripfix, casein]}}
reference: casein
makers: {{zementit: Acme, gripfix: Umbrella}}
replicates: 2
bottles_per_glue: {bottles}
blind: {blind}
order: {{seed: 5}}
soak: {{cap_s: 420, check_s: 30}}
decision: {{removal: 0.99, confidence: 0.95, soak_s: {soak}, temperatures_c: [60, 70], naoh_pct: [1.5]}}
simulate_as: {{zementit: pvoh, gripfix: starch}}
"""
START_NS = 1_767_225_600 * NS_PER_S
TAGS = {"bath.temperature": ("°C", "float"), "bath.controller_temperature": ("°C", "float"), "label.p01": ("", "bool")}
_LAYOUT = ScanLayout("bath", 2.0, tuple(TAGS))


@dataclass(frozen=True, slots=True)
class Told:
    """What a recorded run is to be."""

    run: str = "R1"
    name: str = "three_glues"
    seed: int = 3
    bottles: int = 4
    soak: int = 420
    temperatures: str = "50, 60, 70"
    blind: bool = False
    done: bool = True
    line: str = "simulated"
    simulated: bool = True


def text_of(told: Told) -> str:
    fields = {"name": told.name, "bottles": told.bottles, "blind": str(told.blind).lower(), "soak": told.soak}
    return TEXT.format(temperatures=told.temperatures, **fields)


def record(file: Path, *runs: Told, extra: Sequence[Event] = ()) -> StoreReader:
    """Write `runs` into the store `file`, with `extra` events of the first."""

    async def main() -> None:
        store = open_store(file, line="simulated", virtual=True, tags=TAGS)
        await store.open()
        try:
            for number, told in enumerate(runs):
                await _run(store, told, START_NS + number * 86_400 * NS_PER_S, extra if not number else ())
        finally:
            await store.close()

    asyncio.run(main())
    return StoreReader(file)


async def _run(store: Store, told: Told, start_ns: int, extra: Sequence[Event]) -> None:
    text = text_of(told)
    experiment = load_experiment_text(SourceText("exp.yaml", text, "c0ffee"))
    run = Run(
        id=told.run,
        kind="experiment",
        ref=told.name,
        line=told.line,
        state="running",
        operator="op1",
        started_ns=start_ns,
        config_hash="c0ffee" * 10,
        simulated=told.simulated,
        definition=text,
        version="0.1.0",
        seed=5,
        calibration_hash="ca1b" * 16,
    )
    await store.start_run(run)
    await store.start_span(run.id, None, "bath")
    sensors = {"bath.temperature": {"u": 0.15, "unit": "°C", "done": "2025-01-01", "due": "2025-12-31", "by": "lab"}}
    await store.add_event(Event(start_ns, "calibrations", {"hash": "ca1b" * 16, "sensors": sensors}, run.id))
    at_ns = start_ns + 600 * NS_PER_S
    for number, bath in enumerate(simulate_campaign(experiment, told.seed).baths, start=1):
        await _bath(store, run, experiment, number, bath, at_ns)
        at_ns += 1800 * NS_PER_S
    for event in extra:
        await store.add_event(event)
    await store.end_span(run.id, None, "bath")
    if told.done:
        if told.blind:
            codes = {code: glue for glue, code in blind_codes(experiment).items()}
            await store.add_event(Event(at_ns, "unblinded", {"codes": codes}, run.id))
        await store.add_event(Event(at_ns, "run_ended", {"status": "success", "reason": ""}, run.id))
        await store.end_run(run.id, ExitStatus.SUCCESS, "", at_ns)


async def _bath(store: Store, run: Run, experiment: Experiment, number: int, bath: SoakedBath, at_ns: int) -> None:
    codes = blind_codes(experiment) if experiment.blind else {}
    treatment = Treatment(bath.temperature_c, bath.naoh_pct)
    end_ns = at_ns + s_to_ns(bath.trace_s[-1])
    trial = Trial(run.id, number, treatment, bath.replicate, "R1", TrialState.COMPLETE, at_ns - 10**9, end_ns, 1.49)
    await store.add_trials([trial])
    await store.start_span(run.id, number, "bath")
    for phase in ("heat", "load", "soak"):
        await store.add_event(Event(at_ns, "phase", {"trial": number, "phase": phase}, run.id))
    for index in range(0, len(bath.trace_s), 2):
        t_ns = at_ns + s_to_ns(bath.trace_s[index])
        values = (bath.trace_c[index], bath.trace_c[index] + 0.2, True)
        readings = tuple(
            Reading(tag, value, GOOD, t_ns, t_ns, index) for tag, value in zip(_LAYOUT.tags, values, strict=True)
        )
        store.log_scan(Scan(_LAYOUT, run.id, (t_ns - START_NS) // NS_PER_S, t_ns, t_ns, readings))
    await store.end_span(run.id, number, "bath")
    bottles = []
    for each in bath.bottles:
        inserted_ns = at_ns + s_to_ns(each.inserted_s)
        off_ns = None if math.isinf(each.hi_s) else inserted_ns + s_to_ns(each.hi_s)
        label = f"T{number:02d}-P{each.position:02d}"
        last_ns = inserted_ns + s_to_ns(each.lo_s)
        factors = {"lot": f"LOT-{each.glue[:3].upper()}"}
        told = (run.id, number, label, each.position, each.glue, inserted_ns, last_ns, off_ns, "whole", 0.5)
        bottles.append(Bottle(*told, code=codes.get(each.glue, ""), factors=factors))
        prompt = {"id": f"load-{label}", "task": "load_bottle", "value": True, "who": "op1", "face": "terminal"}
        shown = codes.get(each.glue, each.glue)
        await store.add_event(Event(inserted_ns, "prompt", {**prompt, "latency_s": 2.5, "text": shown}, run.id))
    await store.add_bottles(bottles)
    looks = [
        Check(run.id, number, bottle.label, ns, ns, ns <= (bottle.last_attached_ns or 0), examiner)
        for bottle in bottles
        for ns in (bottle.last_attached_ns, bottle.first_detached_ns)
        if ns is not None and ns > bottle.inserted_ns
        for examiner in ("", "op2")
    ]
    await store.add_checks(looks)


ANALYSE = analysis_room.analyse


@contextmanager
def _few() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(analysis_room, "analyse", partial(ANALYSE, replicates=9))
        yield


@pytest.fixture(scope="module", autouse=True)
def few_replicates() -> Iterator[None]:
    """Draw few bootstrap replicates: what a report shows does not depend on how many."""
    with _few():
        yield


@pytest.fixture(scope="session")
def screening(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One complete run, open, with notes that name glues, a skipped bottle, a hold and a crash."""
    file = tmp_path_factory.mktemp("screening") / "store.db"
    at = START_NS + 900 * NS_PER_S
    told: tuple[tuple[str, dict[str, object]], ...] = (
        ("note", {"text": "zementit bubbles, casein not", "who": "op1", "trial": 1}),
        ("deviation", {"text": "gripfix of Umbrella came late", "who": "op1", "trial": 1}),
        (
            "bottle_skipped",
            {"trial": 1, "bottle": "T01-P01", "position": 1, "reason": "gripfix label torn", "who": "op1"},
        ),
        ("state", {"of": "run", "from": "running", "to": "held", "who": "op1", "why": "lid"}),
        ("state", {"of": "run", "from": "restarting", "to": "running", "who": "op1", "why": ""}),
        ("crash", {"trial": 2, "phase": "soak", "gap_s": 12.0, "temperature_c": 59.5}),
        ("resumed", {"trial": 2, "phase": "soak", "policy": "continue", "who": "op1"}),
        ("bath_flagged", {"trial": 2, "flags": ["checks_missed"]}),
    )
    record(file, Told(), extra=[Event(at + n * 10**9, kind, data, "R1") for n, (kind, data) in enumerate(told)])
    return file


@pytest.fixture(scope="session")
def pool(screening: Path) -> Pool:
    reader = StoreReader(screening)
    return pool_of(reader, [reader.run("R1")])


@pytest.fixture(scope="session")
def analysis(pool: Pool) -> Analysis:
    words.use("en")
    with _few():  # a fixture of the session is made before those of a module
        return analyse_pool(pool)


@pytest.fixture(scope="session")
def subject(pool: Pool, analysis: Analysis) -> Subject:
    return Subject([gather(pool.reader, pool.runs[0], pool.experiments[0])], analysis)


@pytest.fixture(scope="session")
def page(subject: Subject) -> str:
    words.use("en")
    return render(subject)


@pytest.fixture(scope="session")
def french(subject: Subject) -> Iterator[str]:
    words.use("fr")
    text = render(subject)
    words.use("en")
    yield text


@pytest.fixture
def recorded(tmp_path: Path) -> Callable[..., StoreReader]:
    """Write runs as told into a store of this test's own."""

    def write(*runs: Told) -> StoreReader:
        return record(tmp_path / "store.db", *runs)

    return write
