from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from linectl.errors import Refused, StoreError
from linectl.model.records import ExitStatus
from linectl.store.decoded_hash import decoded_hash
from linectl.store.export.archive import Options, export_csv, export_run

RUN = "20260101T000000-ab12"


async def _record(samples: Any, file: Path, *, ended: bool = True, awaits: int = 1000, **changes: Any) -> None:
    """A run with two bottles; `awaits` says after how many scans something is awaited, which sets the batches."""
    store = samples.store(file)
    await store.open()
    await store.start_run(samples.run(**changes))
    await store.add_trials([samples.trial(started_ns=samples.t0_ns)])
    await store.start_span(changes.get("run_id", RUN), None, "bath")
    await store.start_span(changes.get("run_id", RUN), None, "slow")
    for k in range(40):
        store.log_scan(samples.scan(k, missing=k == 3))
        if k % 30 == 0:
            store.log_scan(samples.scan(k, group="slow"))
        if k and k % awaits == 0:
            await store.add_trials([])
    await store.add_bottles([samples.bottle(last_attached_ns=samples.t0_ns + 31 * 10**9)])
    await store.add_bottles(
        [samples.bottle("B02", last_attached_ns=samples.t0_ns + 10**9, first_detached_ns=samples.t0_ns + 16 * 10**9)]
    )
    await store.add_checks([samples.check(16, "B02", attached=False), samples.check(31, attached=True)])
    await store.add_event(samples.event("note", text='du café, "ici"\nici'))
    if ended:
        await store.end_run(changes.get("run_id", RUN), ExitStatus.SUCCESS, "", samples.t0_ns + 40 * 10**9)
    await store.close()


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


async def test_the_files_say_what_the_run_holds(samples: Any, tmp_path: Path) -> None:
    await _record(samples, tmp_path / "line.db")
    files = export_csv(samples.reader(tmp_path / "line.db"), "last", tmp_path / "out")
    names = {file.name for file in files}
    assert names == {
        *("trials.csv", "bottles.csv", "checks.csv", "readings.csv", "readings_slow.csv", "journal.csv"),
        *("schema.json", "manifest.json"),
    }
    assert names == {file.name for file in (tmp_path / "out").iterdir()}
    scans = _rows(tmp_path / "out" / "readings.csv")
    assert len(scans) == 40
    assert scans[3] == {
        "time": "2026-01-01T00:00:03.000+00:00",
        "t_s": "3.0",
        "bath.temperature": "",
        "bath.state": "3",
        "bath.lid_closed": "0",
        "bath.temperature_quality": "bad:not_connected",
        "bath.state_quality": "good",
        "bath.lid_closed_quality": "good",
        "trial": "",
        "scan": "3",
        "boot": "b1",
        "time_ns": "1767225603000000000",
        "loop_ns": "3000000000",
    }
    assert [row["room.temperature"] for row in _rows(tmp_path / "out" / "readings_slow.csv")] == ["20.0", "50.0"]
    stuck, off = _rows(tmp_path / "out" / "bottles.csv")
    assert (stuck["inserted_s"], stuck["last_attached_s"], stuck["first_detached_s"]) == ("1.0", "31.0", "")
    assert (stuck["lo_s"], stuck["hi_s"], stuck["temperature_c"], stuck["naoh_pct"]) == ("30.0", "", "60.0", "1.5")
    assert (off["lo_s"], off["hi_s"]) == ("0.0", "15.0")
    (note,) = _rows(tmp_path / "out" / "journal.csv")
    assert json.loads(note["data"]) == {"text": 'du café, "ici"\nici'}
    assert [row["attached"] for row in _rows(tmp_path / "out" / "checks.csv")] == ["1", "0"]


async def test_bytes_are_plain_utf8_and_the_manifest_proves_them(samples: Any, tmp_path: Path) -> None:
    await _record(samples, tmp_path / "line.db")
    reader = samples.reader(tmp_path / "line.db")
    files = export_csv(reader, RUN, tmp_path / "one")
    again = export_csv(reader, RUN, tmp_path / "two")
    assert [file.read_bytes() for file in files] == [file.read_bytes() for file in again]
    for file in files:
        content = file.read_bytes()
        assert not content.startswith(b"\xef\xbb\xbf")
        assert b"\r" not in content
        content.decode("utf-8")
    manifest = json.loads(files[-1].read_text(encoding="utf-8"))
    assert manifest["complete"] is True
    assert manifest["simulated"] is True
    for entry in manifest["files"]:
        content = (tmp_path / "one" / entry["path"]).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (entry["bytes"], entry["sha256"])
    schema = json.loads((tmp_path / "one" / "schema.json").read_text(encoding="utf-8"))
    units = {column["name"]: column["unit"] for column in schema["tables"]["readings.csv"]}
    assert units["bath.temperature"] == "°C"
    for table, columns in schema["tables"].items():
        header = (tmp_path / "one" / table).read_text(encoding="utf-8").splitlines()[0].split(",")
        assert header == [column["name"] for column in columns]


async def test_nothing_is_overwritten_unasked_and_no_part_is_left(samples: Any, tmp_path: Path) -> None:
    await _record(samples, tmp_path / "line.db")
    reader, folder = samples.reader(tmp_path / "line.db"), tmp_path / "out"
    folder.mkdir()
    (folder / "report.html").write_text("mine")
    (folder / "bottles.csv").write_text("mine")
    with pytest.raises(Refused, match=r"bottles\.csv"):
        export_csv(reader, RUN, folder)
    assert sorted(file.name for file in folder.iterdir()) == ["bottles.csv", "report.html"]
    export_csv(reader, RUN, folder, overwrite=True)
    assert (folder / "report.html").read_text() == "mine"
    assert _rows(folder / "bottles.csv")
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StoreError):
        export_csv(reader, RUN, tmp_path / "file")


async def test_an_interrupted_run_is_exported_and_says_so(samples: Any, tmp_path: Path) -> None:
    await _record(samples, tmp_path / "line.db", ended=False)
    files = export_csv(samples.reader(tmp_path / "line.db"), RUN, tmp_path / "out")
    manifest = json.loads(files[-1].read_text(encoding="utf-8"))
    assert (manifest["complete"], manifest["incomplete_because"]) == (False, "interrupted")
    assert len(_rows(tmp_path / "out" / "readings.csv")) == 40


async def test_the_hash_sees_records_not_batches(samples: Any, tmp_path: Path) -> None:
    await _record(samples, tmp_path / "a.db")
    await _record(samples, tmp_path / "b.db", awaits=7)
    one, two = samples.reader(tmp_path / "a.db"), samples.reader(tmp_path / "b.db")
    assert decoded_hash(one, RUN) == decoded_hash(two, RUN)
    assert decoded_hash(one, RUN, wall_times=False) == decoded_hash(two, RUN, wall_times=False)


@pytest.mark.parametrize("table", ["hot", "trial", "bottle", "bottle_check", "event"])
async def test_the_hash_sees_every_kind_of_row(samples: Any, tmp_path: Path, table: str) -> None:
    import sqlite3

    await _record(samples, tmp_path / "a.db")
    before = decoded_hash(samples.reader(tmp_path / "a.db"), RUN, wall_times=False)
    change = {
        "hot": "DELETE FROM hot WHERE id = (SELECT max(id) FROM hot)",
        "trial": "UPDATE trial SET naoh_pct = 2",
        "bottle": "UPDATE bottle SET glue = 'psa' WHERE label = 'B02'",
        "bottle_check": "UPDATE bottle_check SET attached = 1",
        "event": "UPDATE event SET kind = 'other'",
    }[table]
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute(change)
    connection.close()
    assert decoded_hash(samples.reader(tmp_path / "a.db"), RUN, wall_times=False) != before


async def test_memory_stays_flat_however_long_the_run(samples: Any, tmp_path: Path) -> None:
    import tracemalloc

    peaks = []
    for scans in (2_000, 8_000):
        file = tmp_path / f"{scans}.db"
        store = samples.store(file)
        await store.open()
        await store.start_run(samples.run())
        await store.start_span(RUN, None, "bath")
        for k in range(scans):
            store.log_scan(samples.scan(k))
        await store.close()
        tracemalloc.start()
        export_run(samples.reader(file), RUN, tmp_path / f"out{scans}", Options(form="dir"))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert len(_rows(tmp_path / f"out{scans}" / "readings.csv")) == scans
    assert peaks[1] < 2 * peaks[0]
