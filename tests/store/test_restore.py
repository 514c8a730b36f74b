from __future__ import annotations

import asyncio
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from linectl.errors import ConfigError, LinectlError, Refused
from linectl.model.records import ExitStatus
from linectl.store.decoded_hash import decoded_hash
from linectl.store.export.archive import Options, export_run
from linectl.store.export.restore import open_archive, restore
from linectl.store.reader import StoreReader
from linectl.store.store import open_store

RUN = "20260101T000000-ab12"
S = 1_000_000_000


async def record(samples: Any, file: Path, *, ended: bool = True, scans: int = 700) -> StoreReader:
    """Two starts of the program, two groups, two baths, a lost scan, a missing value, a blind bottle."""
    store = samples.store(file)
    await store.open()
    await store.start_run(samples.run())
    await store.add_trials([samples.trial(started_ns=samples.t0_ns), samples.trial(2, block="b")])
    for group in ("bath", "slow"):
        await store.start_span(RUN, None, group)
    for k in range(scans):
        if k in {40, 400}:
            await store.start_span(RUN, 1 if k == 40 else 2, "bath")
        if k == 300:
            await store.end_span(RUN, 1, "bath")
        if k != 77:
            store.log_scan(samples.scan(k, missing=k % 50 == 3, boot="b1" if k < 350 else "b2"))
        if k % 30 == 0:
            store.log_scan(samples.scan(k, group="slow", boot="b1" if k < 350 else "b2"))
    await store.add_bottles(
        [
            samples.bottle(last_attached_ns=samples.t0_ns + 31 * S + 1, code="K7", factors={"paper": "wet"}),
            samples.bottle("B02", last_attached_ns=samples.t0_ns + S, first_detached_ns=samples.t0_ns + 16 * S + 7),
        ]
    )
    await store.add_checks([samples.check(16, "B02", attached=False), samples.check(31, done=False)])
    await store.add_event(samples.event("note", text='du café, "ici"\nici'))
    if ended:
        await store.end_run(RUN, ExitStatus.ABORT, "stopped on request", samples.t0_ns + scans * S)
    await store.close()
    return StoreReader(file)


async def taken_back(place: Path, file: Path) -> StoreReader:
    archive = open_archive(place)
    store = open_store(file, line="-", virtual=True, tags=archive.tags)
    await store.open()
    try:
        await restore(store, archive)
    finally:
        await store.close()
    return StoreReader(file)


@pytest.mark.parametrize("form", ["zip", "csv", "dir"])
async def test_what_was_exported_comes_back_to_the_last_bit(samples: Any, tmp_path: Path, form: str) -> None:
    reader = await record(samples, tmp_path / "line.db")
    place = tmp_path / ("out.zip" if form == "zip" else "out")
    export_run(reader, RUN, place, Options(form=form))
    back = await taken_back(place, tmp_path / "back.db")
    assert back.run("last") == reader.run("last")
    assert back.bottles(RUN) == reader.bottles(RUN)
    assert decoded_hash(back, RUN) == decoded_hash(reader, RUN)
    for trial in (1, 2):
        assert back.series(RUN, "bath.temperature", trial=trial) == reader.series(RUN, "bath.temperature", trial=trial)
    assert back.series(RUN, "bath.temperature", trial=1).value


@pytest.mark.parametrize("closed", [False, True])
async def test_an_incomplete_run_comes_back_incomplete(samples: Any, tmp_path: Path, closed: bool) -> None:
    """Whether the store was opened again since the process died, and has given the run its closing record, or not."""
    reader = await record(samples, tmp_path / "line.db", ended=False)
    if closed:
        store = samples.store(tmp_path / "line.db")
        await store.open()
        await store.close()
    export_run(reader, RUN, tmp_path / "out.zip", Options(form="zip"))
    back = await taken_back(tmp_path / "out.zip", tmp_path / "back.db")
    assert back.run("last").exit_status == reader.run("last").exit_status
    assert decoded_hash(back, RUN) == decoded_hash(reader, RUN)
    assert (back.run("last") == reader.run("last")) is closed  # else its state says running, and nothing runs
    export_run(back, RUN, tmp_path / "again")
    manifest = json.loads((tmp_path / "again" / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["complete"], manifest["incomplete_because"]) == (False, "interrupted")


async def test_the_same_run_twice_is_refused(samples: Any, tmp_path: Path) -> None:
    reader = await record(samples, tmp_path / "line.db", scans=3)
    export_run(reader, RUN, tmp_path / "out")
    await taken_back(tmp_path / "out", tmp_path / "back.db")
    with pytest.raises(Refused, match="already holds a run"):
        await taken_back(tmp_path / "out", tmp_path / "back.db")


@pytest.fixture
async def archive(samples: Any, tmp_path: Path) -> Path:
    reader = await record(samples, tmp_path / "line.db", scans=10)
    export_run(reader, RUN, tmp_path / "out.zip", Options(form="zip"))
    export_run(reader, RUN, tmp_path / "out", Options(form="dir"))
    return tmp_path


@pytest.mark.parametrize(
    "name", ["bottles.csv", "checks.csv", "trials.csv", "readings.csv", "journal.csv", "schema.json", "documents.jsonl"]
)
def test_one_changed_byte_is_found_and_the_file_named(archive: Path, name: str) -> None:
    file = archive / "out" / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=name.replace(".", r"\.")) as raised:
        open_archive(archive / "out")
    assert raised.value.code == "E-DAT-031"
    file.unlink()
    with pytest.raises(ConfigError, match=f"{name}: is missing"):
        open_archive(archive / "out")


def test_a_damaged_zip_is_refused(archive: Path) -> None:
    content = bytearray((archive / "out.zip").read_bytes())
    content[len(content) // 4] ^= 0xFF  # in a member's compressed bytes
    (archive / "bad.zip").write_bytes(content)
    with pytest.raises(ConfigError) as raised:
        open_archive(archive / "bad.zip")
    assert raised.value.code in {"E-DAT-030", "E-DAT-031"}
    (archive / "cut.zip").write_bytes(content[: len(content) // 2])
    with pytest.raises(ConfigError) as raised:
        open_archive(archive / "cut.zip")
    assert raised.value.code == "E-DAT-030"


@pytest.mark.parametrize("manifest", [None, "", "[]", "{}", '{"files": [{}]}', "\udcff"])
def test_what_is_no_export_is_told(archive: Path, manifest: str | None) -> None:
    file = archive / "out" / "manifest.json"
    if manifest is None:
        file.unlink()
    else:
        file.write_bytes(manifest.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError) as raised:
        open_archive(archive / "out")
    assert raised.value.code == "E-DAT-030"


@pytest.mark.parametrize(
    "options", [Options(excel_fr=True), Options(form="jsonl"), Options(form="parquet"), Options(glues=["casein"])]
)
def test_an_export_for_others_does_not_come_back(samples: Any, archive: Path, options: Options) -> None:
    export_run(StoreReader(archive / "line.db"), RUN, archive / "other", options)
    with pytest.raises(ConfigError) as raised:
        open_archive(archive / "other")
    assert raised.value.code == "E-DAT-032"


def test_a_zip_may_be_unpacked_and_packed_by_other_tools(archive: Path) -> None:
    with zipfile.ZipFile(archive / "out.zip") as packed:
        packed.extractall(archive / "unpacked")
    (folder,) = (archive / "unpacked").iterdir()
    assert open_archive(folder).run.id == RUN
    again = Path(shutil.make_archive(str(archive / "again"), "zip", archive / "unpacked"))
    opened = open_archive(again)
    assert opened.run.id == RUN
    opened.close()


def test_a_failed_store_leaves_no_run_that_looks_whole(archive: Path) -> None:
    """The tables' own contradiction is found in mid-import: what was stored is marked as interrupted."""

    async def broken() -> StoreReader:
        place = archive / "out"
        lines = (place / "readings.csv").read_text(encoding="utf-8").replace("b1,", "b1,x", 1)
        (place / "readings.csv").write_text(lines, encoding="utf-8")
        manifest = json.loads((place / "manifest.json").read_text(encoding="utf-8"))
        import hashlib

        for entry in manifest["files"]:
            if entry["path"] == "readings.csv":
                entry["sha256"] = hashlib.sha256((place / "readings.csv").read_bytes()).hexdigest()
        (place / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        with pytest.raises(LinectlError, match="contradict"):
            await taken_back(place, archive / "back.db")
        return StoreReader(archive / "back.db")

    back = asyncio.run(broken())
    assert back.interrupted(back.run("last"))
