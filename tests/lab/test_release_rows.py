from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from linectl.clock import VirtualTimeLoop
from linectl.lab.journal import CALIBRATIONS
from linectl.lab.kinetics.codes import Code
from linectl.lab.kinetics.data import ReleaseData
from linectl.lab.release_rows import release_data
from linectl.model.readings import GOOD, Quality, Reading, Scan, ScanLayout, bad
from linectl.model.records import Bottle, Check, Event, Run, Treatment, Trial
from linectl.store.reader import StoreReader
from linectl.store.store import open_store
from linectl.units import s_to_ns

LAYOUT = ScanLayout("bath", 1.0, ("bath.temperature",))
START_NS = s_to_ns(1_767_225_600.0)
RUN = Run("r1", "experiment", "x", "simulated", "running", "t", START_NS, "", True, "", "0.1.0")
TRIAL = Trial("r1", 1, Treatment(60.0, 1.5), 1, naoh_measured_pct=1.46)


def ns(second: float) -> int:
    return START_NS + s_to_ns(second)


def bottle(label: str, inserted: float, attached: float | None, detached: float | None) -> Bottle:
    attached_ns, detached_ns = (None if t is None else ns(t) for t in (attached, detached))
    return Bottle("r1", 1, label, 1, "casein", ns(inserted), attached_ns, detached_ns)


BOTTLES = [
    bottle("first_look", 100.0, None, 115.0),
    bottle("between", 103.0, 145.0, 160.0),
    bottle("still_on", 106.0, 400.0, None),
]


def stored(
    folder: Path,
    seconds: Sequence[tuple[float, float | None]],
    *,
    bottles: Sequence[Bottle] = tuple(BOTTLES),
    run: Run = RUN,
    trial: Trial = TRIAL,
    checks: Sequence[Check] = (),
    events: Sequence[Event] = (),
) -> ReleaseData:
    """Write one trial with its temperature at `seconds` (s, °C or None for a dead sensor), and read it back."""
    file = folder / "store.db"

    async def write() -> None:
        store = open_store(file, line="simulated", virtual=True, tags={"bath.temperature": ("°C", "float")})
        await store.open()
        await store.start_run(run)
        await store.add_trials([trial])
        await store.start_span("r1", 1, "bath")
        for k, (second, value) in enumerate(seconds):
            store.log_scan(scan(k, second, value))
        await store.end_span("r1", 1, "bath")
        await store.add_bottles(list(bottles))
        await store.add_checks(list(checks))
        for event in events:
            await store.add_event(event)
        await store.close()

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(write())
    return release_data(StoreReader(file), ["r1"])


def scan(k: int, second: float, value: float | None) -> Scan:
    quality: Quality = GOOD if value is not None else bad("not_connected")
    return Scan(
        LAYOUT, "boot", k, k, ns(second), (Reading("bath.temperature", value, quality, ns(second), ns(second), k),)
    )


def steady(*dead: range) -> list[tuple[float, float | None]]:
    return [(float(k), None if any(k in hole for hole in dead) else 60.0) for k in range(500)]


def test_bottles_become_intervals_from_their_own_insertion(tmp_path: Path) -> None:
    data = stored(tmp_path, steady())
    assert [(row.lo_s, row.hi_s, row.inserted_at_s) for row in data.records] == [
        (0.0, 15.0, 0.0),
        (42.0, 57.0, 3.0),
        (294.0, math.inf, 6.0),
    ]
    assert data.warnings == ()
    assert set(data.caustic_pct) == {1.46}, "the measured NaOH is what the fit uses"
    assert data.cells == ((60.0, 1.5),)
    trace = data.traces[0]
    np.testing.assert_allclose(trace.t_s[[0, -1]], [-100.0, 399.0])


def test_bad_readings_are_no_trace_points_and_a_hole_is_told(tmp_path: Path) -> None:
    data = stored(tmp_path, steady(range(150, 175)))
    assert not np.isin(np.arange(50.0, 75.0), data.traces[0].t_s).any()
    assert [w.code for w in data.warnings] == [Code.TRACE_GAP]
    assert data.warnings[0].detail == "bath 01: 26 s without temperature at 49 s, bridged"
    assert data.hi_s.tolist() == [15.0, 57.0, math.inf]


def test_a_short_blink_of_the_sensor_is_no_hole(tmp_path: Path) -> None:
    assert stored(tmp_path, steady(range(150, 158))).warnings == ()


def test_what_happened_in_a_long_hole_is_not_used(tmp_path: Path) -> None:
    data = stored(tmp_path, steady(range(120, 300)))
    assert [w.code for w in data.warnings] == [Code.TRACE_GAP, Code.TRACE_SHORT]
    assert "not bridged" in data.warnings[0].detail
    assert data.lo_s.tolist() == [0.0, 26.0, 23.0]
    assert data.hi_s.tolist() == [15.0, math.inf, math.inf]


def test_a_bath_without_any_temperature_is_left_out_and_told(tmp_path: Path) -> None:
    data = stored(tmp_path, steady(range(500)))
    assert len(data) == 0
    assert data.warnings[0].detail == "bath 01: no temperature was recorded: 3 bottles left out"


def test_a_record_that_ends_early_is_told(tmp_path: Path) -> None:
    data = stored(tmp_path, steady(range(250, 500)))
    assert [w.code for w in data.warnings] == [Code.TRACE_SHORT]
    assert data.lo_s.tolist() == [0.0, 42.0, 153.0]


def test_a_bottle_never_looked_at_is_left_out_by_name(tmp_path: Path) -> None:
    data = stored(tmp_path, steady(), bottles=[*BOTTLES, bottle("unseen", 110.0, None, None)])
    assert len(data) == 3
    assert [(w.code, w.detail) for w in data.warnings] == [(Code.NOT_OBSERVED, "01: unseen")]


def test_an_unmeasured_naoh_is_the_treatments(tmp_path: Path) -> None:
    data = stored(tmp_path, steady(), trial=replace(TRIAL, naoh_measured_pct=None))
    assert set(data.caustic_pct) == {1.5}


@pytest.mark.parametrize("given", [[], [(100.0, 60.0)], [(0.0, 60.0), (500.0, 60.0)]])
def test_an_imported_trial_is_taken_as_its_lab_wrote_it(
    tmp_path: Path, given: list[tuple[float, float | None]]
) -> None:
    data = stored(tmp_path, given, run=replace(RUN, kind="import"))
    assert data.warnings == ()
    assert data.hi_s.tolist() == [15.0, 57.0, math.inf]
    assert set(data.traces[0].temp_c) == {60.0}


def test_a_bottle_carries_all_its_checks_those_after_its_release_too(tmp_path: Path) -> None:
    def check(label: str, planned: float, done: float | None, attached: bool | None, examiner: str = "") -> Check:
        return Check("r1", 1, label, ns(planned), None if done is None else ns(done), attached, examiner)

    checks = [
        check("first_look", 115.0, 115.0, False),
        check("between", 115.0, 116.0, True),
        check("between", 130.0, None, None),  # missed: no look
        check("between", 145.0, 145.0, True),
        check("between", 145.0, 147.0, True, "second"),  # beside the look that decides
        check("between", 160.0, 160.0, False),
        check("still_on", 115.0, 115.0, True),
        check("still_on", 400.0, 400.0, True),
    ]
    data = stored(tmp_path, steady(), checks=checks)
    found = {row.bottle: row.checks_s for row in data.records}
    assert found["first_look"] == (15.0, 30.0, 45.0, 60.0, 300.0)
    assert found["between"] == (13.0, 42.0, 57.0, 297.0)
    assert found["still_on"][-1] == 294.0
    (tmp_path / "bare").mkdir()
    bare = stored(tmp_path / "bare", steady())
    assert all(row.checks_s == () for row in bare.records)


def test_bottle_factors_that_vary_make_varieties_and_lots_do_not(tmp_path: Path) -> None:
    factors: tuple[dict[str, str], ...] = (
        {"finish": "varnish", "lot": "A", "paper": "wet"},
        {"finish": "matt", "lot": "B", "paper": "wet"},
        {},
    )
    named = [replace(each, factors=known) for each, known in zip(BOTTLES, factors, strict=True)]
    trial = replace(TRIAL, treatment=replace(TRIAL.treatment, agitation_pct=80.0))
    data = stored(tmp_path, [(5.0 * k, 60.0) for k in range(120)], bottles=named, trial=trial)
    glue = BOTTLES[0].glue
    assert {row.glue for row in data.records} <= {f"{glue} · varnish", f"{glue} · matt", glue}
    assert {f"{glue} · varnish", f"{glue} · matt"} <= set(data.glues)
    assert {row.lot for row in data.records} == {"A", "B", ""}
    assert {row.agitation_pct for row in data.records} == {80.0}


@pytest.mark.parametrize(("due", "told"), [("2025-12-31", True), ("2026-01-01", False), ("2026-12-31", False)])
def test_a_calibration_that_was_past_its_date_as_the_run_began_is_told(tmp_path: Path, due: str, told: bool) -> None:
    sensors = {"bath.temperature": {"u": 0.1, "unit": "°C", "due": due}}
    noted = Event(ns(0.0), CALIBRATIONS, {"hash": "", "sensors": sensors}, "r1")
    data = stored(tmp_path, steady(), events=[noted])
    found = [warning.detail for warning in data.warnings if warning.code == Code.CALIBRATION_DUE]
    assert found == (["run r1: bath.temperature was due 2025-12-31"] if told else [])
