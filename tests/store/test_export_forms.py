from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from linectl.errors import Refused
from linectl.model.readings import GOOD, Reading, Scan, ScanLayout
from linectl.model.records import ExitStatus
from linectl.store.export import csv_files
from linectl.store.export.archive import FORMS, Options, export_run, safe_name
from linectl.store.export.columns import Column
from linectl.store.export.parquet import MissingExtra
from linectl.store.reader import StoreReader

RUN = "20260101T000000-ab12"
S = 1_000_000_000
PARIS = ZoneInfo("Europe/Paris")


async def record(samples: Any, file: Path, *, scans: int = 40, note: str = "café") -> StoreReader:
    store = samples.store(file)
    await store.open()
    await store.start_run(samples.run())
    await store.add_trials([samples.trial(started_ns=samples.t0_ns)])
    for group in ("bath", "slow"):
        await store.start_span(RUN, None, group)
    for k in range(scans):
        store.log_scan(samples.scan(k, missing=k == 3))
    store.log_scan(samples.scan(0, group="slow"))
    await store.add_bottles(
        [samples.bottle(last_attached_ns=samples.t0_ns + 31 * S, glue="=cmd|x"), samples.bottle("B02", glue="psa")]
    )
    await store.add_checks([samples.check(16, "B02", attached=False)])
    await store.add_event(samples.event("note", text=note))
    await store.end_run(RUN, ExitStatus.SUCCESS, "", samples.t0_ns + 40 * S)
    await store.close()
    return StoreReader(file)


@pytest.mark.parametrize("form", FORMS)
async def test_the_same_run_gives_the_same_bytes_and_hashes_that_are_true(
    samples: Any, tmp_path: Path, form: str
) -> None:
    reader = await record(samples, tmp_path / "line.db")
    suffix = ".zip" if form == "zip" else ""
    one, two = (export_run(reader, RUN, tmp_path / f"{name}{suffix}", Options(form=form)) for name in ("one", "two"))
    assert [file.read_bytes() for file in one] == [file.read_bytes() for file in two]
    contents = {file.name: file.read_bytes() for file in one}
    if form == "zip":
        with zipfile.ZipFile(one[0]) as packed:
            assert packed.testzip() is None
            assert {info.date_time for info in packed.infolist()} == {(2026, 1, 1, 0, 0, 0)}  # the run's start
            contents = {name.split("/")[1]: packed.read(name) for name in packed.namelist()}
    manifest = json.loads(contents.pop("manifest.json"))
    assert manifest["form"] == form
    assert {entry["path"]: (entry["bytes"], entry["sha256"]) for entry in manifest["files"]} == {
        name: (len(content), hashlib.sha256(content).hexdigest()) for name, content in contents.items()
    }
    assert not list(tmp_path.rglob("*.part"))  # noqa: ASYNC240  # a local folder
    if "documents.jsonl" in contents:
        (entry,) = [entry for entry in manifest["files"] if entry["path"] == "documents.jsonl"]
        assert entry["rows"] == contents["documents.jsonl"].count(b"\n")


async def test_the_schema_tells_units_in_two_languages(samples: Any, tmp_path: Path) -> None:
    reader = await record(samples, tmp_path / "line.db")
    export_run(reader, RUN, tmp_path / "out", Options(form="dir"))
    schema = json.loads((tmp_path / "out" / "schema.json").read_text(encoding="utf-8"))
    columns = [column for table in schema["tables"].values() for column in table]
    assert all(column["description"]["en"] and column["description"]["fr"] for column in columns)
    (hi,) = [column for column in schema["tables"]["bottles.csv"] if column["name"] == "hi_s"]
    assert (hi["unit"], hi["type"]) == ("s", "number")
    assert "décollée" in hi["description"]["fr"]
    assert schema["groups"]["readings_slow.csv"] == {"group": "slow", "period_s": 30.0}


async def test_a_french_excel_gets_what_it_reads(samples: Any, tmp_path: Path) -> None:
    reader = await record(samples, tmp_path / "line.db", note="-1 essai; " + "x" * 40_000)
    export_run(reader, RUN, tmp_path / "out", Options(excel_fr=True, zone=PARIS))
    content = (tmp_path / "out" / "readings.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    assert content.count(b"\r\n") == content.count(b"\n") == 41
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert rows[0][:5] == ["temps_iso", "heure_locale", "t_s", "bain température (°C)", "bain état"]
    assert "time_ns" not in rows[0]
    assert rows[2][:5] == ["2026-01-01T01:00:01.000+01:00", "01/01/2026 01:00:01,000", "1", "60,125", "1"]
    assert rows[4][3] == ""
    bottles = (tmp_path / "out" / "bottles.csv").read_text(encoding="utf-8-sig")
    assert ";'=cmd|x;" in bottles
    journal = (tmp_path / "out" / "journal.csv").read_text(encoding="utf-8-sig")
    longest = max(csv.reader(io.StringIO(journal, newline=""), delimiter=";"), key=lambda row: len(row[-1]))[-1]
    assert len(longest) == 32_767
    assert longest.endswith("…")


async def test_pandas_reads_the_french_file_as_numbers(samples: Any, tmp_path: Path) -> None:
    import pandas as pd

    reader = await record(samples, tmp_path / "line.db")
    export_run(reader, RUN, tmp_path / "out", Options(excel_fr=True, zone=PARIS))
    frame = pd.read_csv(tmp_path / "out" / "readings.csv", sep=";", decimal=",", encoding="utf-8-sig")
    assert frame["bain température (°C)"].dtype == float
    assert frame["bain température (°C)"].iloc[1] == 60.125
    machine = export_run(reader, RUN, tmp_path / "machine")
    plain = pd.read_csv(next(file for file in machine if file.name == "readings.csv"))
    assert pd.to_datetime(plain["time"], utc=True).iloc[1] == pd.Timestamp("2026-01-01T00:00:01Z")


def test_negative_numbers_are_no_formulas() -> None:
    number, text = (Column("x", "", kind, "") for kind in ("number", "string"))
    assert csv_files._excel(-1.5, number) == "-1,5"
    assert csv_files._excel(1e-7, number) == "1e-07"
    for start in "=+-@\t\r":
        assert csv_files._excel(f"{start}1", text) == f"'{start}1"


@pytest.mark.parametrize(("scans", "parts"), [(9, 1), (10, 2), (18, 2), (19, 3)])
async def test_what_a_sheet_cannot_hold_goes_into_numbered_parts(
    samples: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scans: int, parts: int
) -> None:
    assert csv_files.EXCEL_ROWS == 1_048_576
    monkeypatch.setattr(csv_files.write_excel_fr, "__defaults__", (None, 10))
    reader = await record(samples, tmp_path / "line.db", scans=scans)
    export_run(reader, RUN, tmp_path / "out", Options(excel_fr=True))
    files = [tmp_path / "out" / ("readings.csv" if k == 1 else f"readings_{k}.csv") for k in range(1, parts + 1)]
    lines = [file.read_text(encoding="utf-8-sig").splitlines() for file in files]
    assert len({part[0] for part in lines}) == 1
    assert all(len(part) <= 10 for part in lines)
    assert sum(len(part) - 1 for part in lines) == scans
    assert not (tmp_path / "out" / f"readings_{parts + 1}.csv").exists()
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert {file.name for file in files} <= {entry["path"] for entry in manifest["files"]}


async def test_the_night_of_the_clock_change_has_one_elapsed_time(samples: Any, tmp_path: Path) -> None:
    """02:30 comes twice on 25 October 2026; besides, the clock is set back an hour by hand in mid-run."""
    before = int(datetime(2026, 10, 25, 0, 30, tzinfo=UTC).timestamp()) * S
    store = samples.store(tmp_path / "line.db")
    await store.open()
    await store.start_run(samples.run(started_ns=before))
    await store.start_span(RUN, None, "bath")
    layout = ScanLayout("bath", 1.0, ("bath.temperature",))
    for k in range(4):
        ns = before + k * 1800 * S - (3600 * S if k == 3 else 0)
        reading = Reading("bath.temperature", 60.0, GOOD, ns, ns, k)
        store.log_scan(Scan(layout, "b", k, 77 * S + k * 1800 * S, ns, (reading,)))
    await store.close()
    export_run(StoreReader(tmp_path / "line.db"), RUN, tmp_path / "out", Options(excel_fr=True, zone=PARIS))
    text = (tmp_path / "out" / "readings.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.reader(io.StringIO(text), delimiter=";"))[1:]
    assert [row[0][11:] for row in rows[:3]] == ["02:30:00.000+02:00", "02:00:00.000+01:00", "02:30:00.000+01:00"]
    assert [row[2] for row in rows] == ["0", "1800", "3600", "5400"]


async def test_parquet_keeps_units_nulls_and_times(samples: Any, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    reader = await record(samples, tmp_path / "line.db")
    export_run(reader, RUN, tmp_path / "out", Options(form="parquet"))
    table = pq.read_table(tmp_path / "out" / "readings.parquet")
    field = table.schema.field("bath.temperature")
    assert field.metadata[b"unit"] == b"degC"
    assert json.loads(table.schema.metadata[b"linectl"])["run"] == RUN
    column = table["bath.temperature"]
    assert (column.null_count, column[3].as_py(), column[1].as_py()) == (1, None, 60.125)
    assert table.schema.field("time").type == pa.timestamp("us", tz="UTC")
    assert table["time"][1].as_py() == datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert pa.types.is_dictionary(table.schema.field("bath.temperature_quality").type)
    assert table["bath.temperature_quality"][3].as_py() == "bad:not_connected"
    assert table["bath.lid_closed"][1].as_py() is False
    bottles = pq.read_table(tmp_path / "out" / "bottles.parquet").to_pylist()
    assert [bottle["glue"] for bottle in bottles] == ["=cmd|x", "psa"]
    assert bottles[0]["hi_s"] is None


async def test_without_pyarrow_one_line_says_what_to_install(
    samples: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = await record(samples, tmp_path / "line.db")
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtra) as raised:
        export_run(reader, RUN, tmp_path / "out", Options(form="parquet"))
    assert raised.value.exit_code == 2
    assert "pip install" in raised.value.hint
    assert not (tmp_path / "out").exists()


async def test_for_one_maker_nothing_tells_of_the_others(samples: Any, tmp_path: Path) -> None:
    reader = await record(samples, tmp_path / "line.db", note="psa holds, =cmd|x not")
    for form in ("dir", "parquet"):
        export_run(reader, RUN, tmp_path / form, Options(form=form, glues=["psa"]))
    told = b"".join(file.read_bytes() for file in (tmp_path / "dir").iterdir())
    assert b"psa" in told
    for trace in (b"cmd|x", b"B01", b"holds", b"kind: experiment", b"glue_screening"):
        assert trace not in told
    manifest = json.loads((tmp_path / "dir" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["filters"] == {"glues": ["psa"]}


FULL = """
import gc, resource, signal, sys
from pathlib import Path
from linectl import words
from linectl.errors import StoreError
from linectl.store.export.archive import Options, export_run
from linectl.store.reader import StoreReader
words.use("en")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[4]), int(sys.argv[4])))
try:
    export_run(StoreReader(Path(sys.argv[1])), "last", Path(sys.argv[2]), Options(form=sys.argv[3]))
except StoreError as error:
    code = error.exit_code
gc.collect()
sys.exit(code)
"""


@pytest.mark.parametrize(("form", "limit"), [("zip", 3_000), ("zip", 200), ("dir", 3_000), ("parquet", 3_000)])
async def test_a_disk_that_takes_no_more_leaves_nothing(samples: Any, tmp_path: Path, form: str, limit: int) -> None:
    await record(samples, tmp_path / "line.db", scans=2_000)
    target = tmp_path / "stick" / ("out.zip" if form == "zip" else "out")
    target.parent.mkdir()
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    words = [sys.executable, "-c", FULL, str(tmp_path / "line.db"), str(target), form, str(limit)]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)  # noqa: ASYNC221  # alone
    assert done.returncode == 5, done.stderr
    assert list(target.parent.iterdir()) == []
    assert not done.stderr  # no zip that complains as it is collected


def test_names_are_safe_for_every_file_system() -> None:
    assert safe_name("20260101T000000-ab12") == "20260101T000000-ab12"
    assert safe_name("../é?a:b*.") == "_a_b_"


async def test_a_zip_is_not_overwritten_unasked(samples: Any, tmp_path: Path) -> None:
    reader = await record(samples, tmp_path / "line.db")
    (tmp_path / "out.zip").write_bytes(b"mine")
    with pytest.raises(Refused, match=r"out\.zip"):
        export_run(reader, RUN, tmp_path / "out.zip", Options(form="zip"))
    assert (tmp_path / "out.zip").read_bytes() == b"mine"
    export_run(reader, RUN, tmp_path / "out.zip", Options(form="zip", overwrite=True))
    assert zipfile.is_zipfile(tmp_path / "out.zip")
