from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from linectl.errors import Refused, StoreError
from linectl.model.lines import Tag
from linectl.model.records import ExitStatus, TrialState
from linectl.store.catalogue import TagKind, kinds_of
from linectl.store.file import has_room, reserve_of
from linectl.store.store import new_run_id

BOTH = pytest.mark.parametrize("virtual", [True, False], ids=["inline", "thread"])
RUN = "20260101T000000-ab12"


@BOTH
async def test_records_come_back_as_they_went_in(samples: Any, tmp_path: Path, virtual: bool) -> None:
    file = tmp_path / "state" / "line.db"
    store = samples.store(file, virtual=virtual)
    await store.open()
    run, trial, bottle = samples.run(), samples.trial(started_ns=samples.t0_ns), samples.bottle(residue_pct=None)
    await store.start_run(run)
    await store.start_run(run)  # twice is once
    await store.add_trials([trial, samples.trial(2)])
    await store.add_bottles([bottle, samples.bottle("B02", position=2)])
    await store.add_checks([samples.check(30, attached=None, done=False), samples.check(60, attached=True)])
    await store.add_checks([samples.check(30, attached=False)])
    done = samples.bottle(last_attached_ns=samples.t0_ns + 1, first_detached_ns=samples.t0_ns + 5, mode="floated")
    await store.update_bottle(done)
    ended = samples.trial(state=TrialState.COMPLETE, naoh_measured_pct=1.48)
    await store.update_trial(ended)
    event = samples.event("phase", name="soak", kelvin=[1, 2.5, None])
    await store.add_event(event)
    store.log_event(samples.event("write", tag="bath.setpoint"))
    await store.end_run(RUN, ExitStatus.SUCCESS, "", samples.t0_ns + 99)
    await store.close()

    reader = samples.reader(file)
    (found,) = reader.runs()
    assert (found.id, found.exit_status, found.ended_ns) == (RUN, ExitStatus.SUCCESS, samples.t0_ns + 99)
    assert (found.simulated, found.operator, found.seed, found.speed) == (True, "Zoé", 7, 1.0)
    assert reader.trials(RUN) == [ended, samples.trial(2)]
    assert reader.bottles(RUN) == [done, samples.bottle("B02", position=2)]
    assert [check.attached for check in reader.checks(RUN)] == [False, True]
    assert reader.events(RUN)[0] == event
    assert [event.kind for event in reader.events(RUN)] == ["phase", "write"]
    assert not reader.interrupted(found)


@BOTH
async def test_scans_belong_to_the_run_and_trial_that_span_them(samples: Any, tmp_path: Path, virtual: bool) -> None:
    file = tmp_path / "line.db"
    store = samples.store(file, virtual=virtual)
    await store.open()
    await store.start_run(samples.run())
    await store.add_trials([samples.trial(1)])
    await store.start_span(RUN, None, "bath")  # before the first scan
    for k in range(5, 10):
        store.log_scan(samples.scan(k))
    await store.start_span(RUN, 1, "bath")
    for k in (10, 11, 14):  # two ticks were missed
        store.log_scan(samples.scan(k, missing=k == 11))
        store.log_scan(samples.scan(k, group="slow"))
    await store.end_span(RUN, 1, "bath")
    store.log_scan(samples.scan(15))
    await store.end_run(RUN, ExitStatus.ABORT, "Ctrl+C", samples.t0_ns)
    store.log_scan(samples.scan(16))  # no longer the run's
    await store.close()

    reader = samples.reader(file)
    whole = reader.series(RUN, "bath.temperature")
    assert list(whole.loop_ns) == [k * 10**9 for k in (5, 6, 7, 8, 9, 10, 11, 14, 15)]
    bath = reader.series(RUN, "bath.temperature", trial=1)
    assert bath.value == [60 + 10 / 8, None, 60 + 14 / 8]
    assert bath.unit == "°C"
    assert list(bath.t_ns) == [samples.t0_ns + k * 10**9 for k in (10, 11, 14)]
    assert [flag >= 64 for flag in bath.quality] == [True, False, True]
    assert reader.series(RUN, "bath.lid_closed", trial=1).value == [True, False, True]
    assert reader.series(RUN, "bath.state", trial=1).value == [10, 11, 14]
    assert reader.series(RUN, "room.temperature").value == []  # the slow group was not spanned
    assert [group.name for group in reader.groups(RUN)] == ["bath"]


async def test_two_starts_under_one_boot_name_never_mix(samples: Any, tmp_path: Path) -> None:
    file = tmp_path / "line.db"
    for number in (1, 2):
        store = samples.store(file)
        await store.open()
        await store.start_run(samples.run(f"run{number}"))
        await store.start_span(f"run{number}", None, "bath")
        for k in range(number * 3):
            store.log_scan(samples.scan(k, boot="seed-7"))
        await store.end_run(f"run{number}", ExitStatus.SUCCESS, "", 0)
        await store.close()
    reader = samples.reader(file)
    assert len(reader.series("run1", "bath.state").value) == 3
    assert len(reader.series("run2", "bath.state").value) == 6


@BOTH
async def test_a_wrong_record_harms_nobody_else(samples: Any, tmp_path: Path, virtual: bool) -> None:
    file = tmp_path / "line.db"
    store = samples.store(file, virtual=virtual)
    await store.open()
    await store.start_run(samples.run())
    wrong = [
        store.add_trials([samples.trial(run_id="nobody")]),
        store.add_bottles([samples.bottle(order=9)]),
        store.update_trial(samples.trial(9)),
        store.start_span("nobody", None, "bath"),
        store.end_run("nobody", ExitStatus.FAIL, "", 0),
        store.start_run(samples.run(operator="someone else")),
    ]
    right = [store.add_trials([samples.trial(1)]), store.add_event(samples.event("phase"))]
    results = await asyncio.gather(*wrong, *right, return_exceptions=True)
    assert [type(result) for result in results] == [StoreError] * 5 + [Refused] + [type(None)] * 2
    assert not store.degraded
    with pytest.raises(ValueError, match="JSON"):
        await store.add_event(samples.event("phase", value=float("nan")))
    await store.close()
    assert len(samples.reader(file).trials(RUN)) == 1


async def test_plain_samples_reach_the_disk_within_a_second_unasked(samples: Any, tmp_path: Path) -> None:
    file = tmp_path / "line.db"
    store = samples.store(file, virtual=False)
    await store.open()
    await store.start_run(samples.run())
    await store.start_span(RUN, None, "bath")
    store.log_scan(samples.scan(1))
    for _ in range(100):
        await asyncio.sleep(0.05)
        if samples.reader(file).series(RUN, "bath.state").value:
            break
    assert samples.reader(file).series(RUN, "bath.state").value == [1]
    assert samples.reader(file).run("last").exit_status is None
    assert not samples.reader(file).interrupted(samples.reader(file).run("last"))
    await store.close()


async def test_a_caller_that_gives_up_takes_nothing_from_the_disk(samples: Any, tmp_path: Path) -> None:
    file = tmp_path / "line.db"
    store = samples.store(file, virtual=False)
    await store.open()
    waiting = asyncio.ensure_future(store.add_event(samples.event("phase")))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await store.add_event(samples.event("phase"))
    await store.close()
    assert len(samples.reader(file).events(RUN)) == 2


async def test_a_store_that_is_closed_takes_nothing_more(samples: Any, tmp_path: Path) -> None:
    store = samples.store(tmp_path / "line.db", virtual=False)
    await store.open()
    assert repr(store) == f"<Recorder {tmp_path / 'line.db'} ok>"
    await store.close()
    await store.close()  # twice is once
    with pytest.raises(StoreError, match="takes no more rows"):
        await store.add_event(samples.event("phase"))


async def test_virtual_scans_are_committed_by_count(samples: Any, tmp_path: Path) -> None:
    file = tmp_path / "line.db"
    store = samples.store(file)
    await store.open()
    await store.start_run(samples.run())
    await store.start_span(RUN, None, "bath")
    seen = []
    for k in range(601):
        store.log_scan(samples.scan(k))
        if k in (598, 599, 600):
            seen.append(len(samples.reader(file).series(RUN, "bath.state").value))
    await store.close()
    assert seen == [0, 600, 600]
    assert len(samples.reader(file).series(RUN, "bath.state").value) == 601


async def test_a_second_writer_is_refused_and_told_who_writes(samples: Any, tmp_path: Path) -> None:
    file = tmp_path / "line.db"
    store = samples.store(file)
    await store.open()
    script = (
        "import asyncio, sys; from pathlib import Path; from linectl.store.store import open_store\n"
        "asyncio.run(open_store(Path(sys.argv[1]), line='x', virtual=True).open())"
    )
    command = [sys.executable, "-c", script, str(file)]
    run = partial(subprocess.run, command, capture_output=True, text=True, check=False, timeout=60)
    second = await asyncio.to_thread(run)
    assert "Refused" in second.stderr
    assert f"process {os.getpid()}" in second.stderr
    await store.close()
    assert (await asyncio.to_thread(run)).returncode == 0


async def test_durability_settings_are_as_promised(samples: Any, tmp_path: Path) -> None:
    file = tmp_path / "line.db"
    store = samples.store(file)
    await store.open()
    connection = store._writer.core._connection
    found = {
        name: connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "foreign_keys", "page_size", "auto_vacuum", "busy_timeout")
    }
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "page_size": 4096,
        "auto_vacuum": 2,
        "busy_timeout": 5000,
    }
    assert reserve_of(file).stat().st_size == 1 << 20
    await store.close()
    assert not file.with_name("line.db-wal").exists()


async def test_a_newer_schema_is_refused_with_both_versions(samples: Any, tmp_path: Path) -> None:
    file = tmp_path / "line.db"
    store = samples.store(file)
    await store.open()
    await store.close()
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE meta SET value = '7' WHERE key = 'schema_version'")
    connection.close()
    with pytest.raises(StoreError, match=r"version 7.*version 5"):
        await samples.store(file).open()
    with pytest.raises(StoreError, match=r"version 7.*version 5"):
        samples.reader(file)


@pytest.mark.parametrize("content", [b"", b"not a database, but long enough to be read as one " * 40])
async def test_what_is_no_store_is_said_to_be_none(samples: Any, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "line.db"
    file.write_bytes(content)
    with pytest.raises(StoreError, match="is not a store"):
        samples.reader(file)
    if content:
        with pytest.raises(StoreError, match=r"not a store|not a database"):
            await samples.store(file).open()
        assert file.read_bytes() == content
    with pytest.raises(StoreError, match="no store at"):
        samples.reader(tmp_path / "nothing.db")


async def test_a_unit_that_changes_does_not_rewrite_the_past(samples: Any, tmp_path: Path) -> None:
    from linectl.store.store import open_store

    file = tmp_path / "line.db"
    for run_id, unit in (("old", "°C"), ("new", "K")):
        store = open_store(file, line="x", virtual=True, tags={"bath.temperature": (unit, "float")})
        await store.open()
        await store.start_run(samples.run(run_id))
        await store.start_span(run_id, None, "bath")
        store.log_scan(samples.scan(1, boot=run_id))
        await store.end_run(run_id, ExitStatus.SUCCESS, "", 0)
        await store.close()
    reader = samples.reader(file)
    assert reader.series("old", "bath.temperature").unit == "°C"
    assert reader.series("new", "bath.temperature").unit == "K"


async def test_runs_are_found_by_id_prefix_or_last(samples: Any, tmp_path: Path) -> None:
    file = tmp_path / "line.db"
    store = samples.store(file)
    await store.open()
    for run_id in ("20260101T000000-ab12", "20260101T000000-ab99", "20260102T000000-cd34"):
        await store.start_run(samples.run(run_id))
    await store.close()
    reader = samples.reader(file)
    assert reader.run("20260102").id == reader.run("last").id == "20260102T000000-cd34"
    assert reader.run("20260101T000000-ab99").id.endswith("ab99")
    with pytest.raises(Refused, match=r"several.*ab12.*ab99"):
        reader.run("20260101")
    with pytest.raises(Refused, match=r"no run 20260103.*20260102T000000-cd34"):
        reader.run("20260103")
    with pytest.raises(Refused):
        reader.run("")


def test_run_ids_are_short_sort_by_time_and_follow_the_token() -> None:
    one = new_run_id(1_767_225_600 * 10**9, "seed 7")
    assert one == new_run_id(1_767_225_600 * 10**9, "seed 7")
    assert one.startswith("20260101T000000-")
    assert len(one) == 20
    assert new_run_id(1_767_225_600 * 10**9, "seed 8") != one < new_run_id(1_767_225_601 * 10**9, "seed 7")


def test_units_come_from_tags_or_from_pairs() -> None:
    tags = {"bath.level": Tag("bath.level", "%", dtype="float")}
    assert kinds_of(tags) == kinds_of({"bath.level": ("%", "float")}) == {"bath.level": TagKind("%", "float")}


def test_a_store_that_cannot_be_read_is_told_and_no_error_of_sqlite(tmp_path: Path, samples: Any) -> None:
    file = tmp_path / "half.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE meta (key TEXT, value TEXT)")
        connection.execute("INSERT INTO meta VALUES ('schema_version', '5')")
        connection.commit()
    with pytest.raises(StoreError, match=r"half\.db cannot be read: no such table: run"):
        samples.reader(file).runs()


def test_a_folder_that_is_gone_has_no_room(tmp_path: Path) -> None:
    assert has_room(tmp_path / "line.db")
    assert not has_room(tmp_path / "gone" / "line.db")
