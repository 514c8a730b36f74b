"""A run whose process died: its closing record, what its checks tell, and how it is taken up again."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from linectl.errors import Refused
from linectl.model.records import Event, ExitStatus, TrialState

RUN = "20260101T000000-ab12"
S = 1_000_000_000


async def _killed(samples: Any, folder: Path) -> Path:
    """Record a soak in progress and return a copy of its file as a kill at that moment leaves it."""
    file = folder / "alive.db"
    store = samples.store(file)
    await store.open()
    await store.start_run(samples.run())
    await store.add_trials([samples.trial(1, state=TrialState.RUNNING), samples.trial(2)])
    await store.start_span(RUN, None, "bath")
    await store.start_span(RUN, 1, "bath")
    await store.add_bottles([samples.bottle(f"B{k:02}", position=k) for k in (1, 2, 3, 4)])
    for k in range(10):
        store.log_scan(samples.scan(k))
    await store.add_checks([samples.check(30, "B01", attached=True), samples.check(30, "B02", attached=True)])
    await store.add_checks([samples.check(60, "B01", attached=True), samples.check(60, "B02", attached=False)])
    await store.add_checks([samples.check(60, "B03", attached=False), samples.check(90, "B01", done=False)])
    await store.add_checks([replace(samples.check(95, "B01", attached=False), examiner="Léa")])
    copy = folder / "killed.db"
    for end in ("", "-wal"):
        shutil.copy(f"{file}{end}", f"{copy}{end}")
    await store.close()
    return copy


def _seen(reader: Any, t0: int) -> dict[str, tuple[int | None, int | None]]:
    def s(ns: int | None) -> int | None:
        return None if ns is None else (ns - t0) // S

    return {bottle.label: (s(bottle.last_attached_ns), s(bottle.first_detached_ns)) for bottle in reader.bottles(RUN)}


async def test_after_a_kill_bottles_are_as_their_acknowledged_checks_last_saw_them(
    samples: Any, tmp_path: Path
) -> None:
    file = await _killed(samples, tmp_path)
    told = {"B01": (60, None), "B02": (30, 60), "B03": (1, 60), "B04": (None, None)}
    assert _seen(samples.reader(file), samples.t0_ns) == told
    store = samples.store(file)
    await store.open()
    await store.close()
    assert _seen(samples.reader(file), samples.t0_ns) == told
    with closing(sqlite3.connect(file)) as connection:  # the control: the rows alone know nothing of it
        rows = connection.execute("SELECT DISTINCT last_attached_ns, first_detached_ns FROM bottle").fetchall()
    assert rows == [(None, None)]


async def test_once_a_bath_is_closed_its_rows_count_and_not_its_checks(samples: Any, tmp_path: Path) -> None:
    file = await _killed(samples, tmp_path)
    store = samples.store(file)
    await store.open()
    await store.update_trial(samples.trial(1, state=TrialState.COMPLETE))
    await store.close()
    assert set(_seen(samples.reader(file), samples.t0_ns).values()) == {(None, None)}


async def test_a_killed_run_gets_its_closing_record_at_the_next_opening(samples: Any, tmp_path: Path) -> None:
    file = await _killed(samples, tmp_path)
    before = samples.reader(file).run(RUN)
    assert (before.exit_status, before.ended_ns) == (None, None)
    assert samples.reader(file).interrupted(before)
    for _ in range(2):  # twice is once
        store = samples.store(file)
        await store.open()
        await store.close()
    run = samples.reader(file).run(RUN)
    assert (run.state, run.exit_status, run.ended_ns) == ("interrupted", ExitStatus.FAIL, samples.t0_ns + 95 * S)
    assert run.reason == "process killed at 2026-01-01T00:01:35+00:00"
    assert samples.reader(file).interrupted(run)
    assert [event.kind for event in samples.reader(file).events(RUN)] == ["run_interrupted"]


async def test_a_run_that_is_taken_up_is_one_run_with_one_series(samples: Any, tmp_path: Path) -> None:
    file = await _killed(samples, tmp_path)
    store = samples.store(file)
    await store.open()
    events = [Event(samples.t0_ns + 200 * S, kind, {"n": 1}, RUN) for kind in ("crash", "resumed")]
    await store.take_up_run(RUN, events)
    with pytest.raises(Refused, match="was not killed"):
        await store.take_up_run(RUN, events)  # it is going on
    for trial in (None, 1):
        await store.start_span(RUN, trial, "bath")
    for k in range(5):  # a new start counts its scans from 0, later
        scan = samples.scan(k, boot="b2")
        store.log_scan(replace(scan, t_ns=scan.t_ns + 200 * S))
    await store.add_checks([samples.check(210, "B01", attached=False)])
    aborted, again = samples.trial(1, state=TrialState.ABORTED, ended_ns=samples.t0_ns), samples.trial(3)
    bottles = samples.reader(file).bottles(RUN)
    replaced = Event(0, "trial_replaced", {"trial": 1, "by": 3}, RUN)
    await store.give_up_trial(aborted, bottles, replaced, replaced_by=again)
    await store.end_run(RUN, ExitStatus.SUCCESS, "", samples.t0_ns + 300 * S)
    await store.close()

    reader = samples.reader(file)
    (run,) = reader.runs()
    assert (run.state, run.exit_status, run.reason) == ("complete", ExitStatus.SUCCESS, "")
    for trial in (None, 1):
        series = reader.series(RUN, "bath.temperature", trial=trial)
        seconds = [(t_ns - samples.t0_ns) // S for t_ns in series.t_ns]
        assert seconds == [*range(10), *range(200, 205)]
    assert [event.kind for event in reader.events(RUN)] == ["run_interrupted", "crash", "resumed", "trial_replaced"]
    assert [(trial.ord, trial.state) for trial in reader.trials(RUN)] == [
        (1, "aborted"),
        (2, "planned"),
        (3, "planned"),
    ]
    assert _seen(reader, samples.t0_ns)["B01"] == (60, 210)
    assert not reader.interrupted(run)


async def test_a_run_that_ended_well_cannot_be_taken_up(samples: Any, tmp_path: Path) -> None:
    store = samples.store(tmp_path / "line.db")
    await store.open()
    await store.start_run(samples.run())
    await store.end_run(RUN, ExitStatus.SUCCESS, "", 0)
    with pytest.raises(Refused, match="was not killed"):
        await store.take_up_run(RUN, [])
    await store.close()


@pytest.mark.parametrize("virtual", [True, False], ids=["inline", "thread"])
async def test_scans_and_the_events_among_them_are_committed_together(
    samples: Any, tmp_path: Path, virtual: bool
) -> None:
    """A phase is announced after the scans before it: whoever sees the event in the file sees those scans too."""
    file = tmp_path / "line.db"
    store = samples.store(file, virtual=virtual)
    await store.open()
    await store.start_run(samples.run())
    await store.start_span(RUN, None, "bath")
    commits: list[str] = []
    core = store._writer.core
    core._connection.set_trace_callback(lambda text: commits.append(text) if text == "COMMIT" else None)
    for k in range(40):
        store.log_scan(samples.scan(k))
    store.log_event(samples.event("noted"))
    await store.add_event(samples.event("phase", phase="soak"))
    reader = samples.reader(file)
    assert len(reader.series(RUN, "bath.state").value) == 40
    assert [event.kind for event in reader.events(RUN)] == ["noted", "phase"]
    if virtual:
        assert len(commits) == 1
    core._connection.set_trace_callback(None)
    await store.close()
