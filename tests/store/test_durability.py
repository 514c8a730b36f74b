"""What was acknowledged is there: after kill -9, on a full disk, after a failed write."""

from __future__ import annotations

import asyncio
import json
import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from linectl.errors import StoreError
from linectl.model.records import ExitStatus
from linectl.store.file import reserve_of
from linectl.store.reader import StoreReader

WRITER = Path(__file__).with_name("killed_writer.py")


def _kill_once(file: Path, mode: str, delay_s: float) -> int:
    """Kill a writer `delay_s` after its first acknowledgement; return the last number it acknowledged."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        [sys.executable, str(WRITER), str(file), mode], stdout=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first
        time.sleep(delay_s)
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read()  # what was said before the death counts
    return int((first + rest).rstrip(b"\n").split(b"\n")[-1])


def _numbers(file: Path) -> list[int]:
    with closing(sqlite3.connect(file)) as connection:
        return [
            json.loads(data)["n"]
            for (data,) in connection.execute("SELECT data FROM event WHERE kind = 'n' ORDER BY id")
        ]


@pytest.mark.fault("F27")
def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    file, chance = tmp_path / "line.db", random.Random(27)
    for _ in range(20):
        acknowledged = _kill_once(file, "late", chance.uniform(0, 0.06))
        numbers = _numbers(file)
        assert numbers == list(range(len(numbers)))
        assert numbers[-1] >= acknowledged
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    runs = StoreReader(file).runs()
    assert len(runs) == 20
    assert all(StoreReader(file).interrupted(run) for run in runs)
    assert [run.state for run in runs] == ["interrupted"] * 19 + ["running"]  # the next start says so
    assert [run.exit_status for run in runs] == [ExitStatus.FAIL] * 19 + [None]
    assert all(run.reason.startswith("process killed at ") for run in runs[:-1])


def test_the_control_that_acknowledges_before_the_commit_loses_rows(tmp_path: Path) -> None:
    file, chance = tmp_path / "line.db", random.Random(28)
    for _ in range(200):  # where the machine is busy, a kill seldom falls between the word and the deed
        if _kill_once(file, "early", chance.uniform(0, 0.06)) > (_numbers(file) or [-1])[-1]:
            return
    pytest.fail("200 kills, and nothing was lost that was acknowledged")


async def _fill(store: Any, samples: Any) -> int:
    """Write until the store fails; return the last acknowledged number."""
    for number in range(100_000):
        try:
            await store.add_event(samples.event("n", n=number, text="x" * 900))
        except StoreError:
            return number - 1
    pytest.fail("the disk never became full")


async def _prove_full(samples: Any, file: Path, store: Any) -> None:
    last = await _fill(store, samples)
    assert store.degraded
    assert last > 10
    with pytest.raises(StoreError):  # for good
        await store.add_event(samples.event("n", n=-1))
    store.log_scan(samples.scan(1))  # never raises
    await store.end_run("20260101T000000-ab12", ExitStatus.FAIL, "disk full", samples.t0_ns)
    assert not reserve_of(file).exists()
    await store.close()
    assert _numbers(file) == list(range(last + 1))
    (run,) = samples.reader(file).runs()
    assert (run.exit_status, run.reason) == (ExitStatus.FAIL, "disk full")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a tmpfs is not allowed here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.fault("F23")
@pytest.mark.parametrize("virtual", [True, False], ids=["inline", "thread"])
async def test_on_a_full_disk_the_acknowledged_rows_stay_and_the_run_is_marked(
    samples: Any, small_disk: Path, virtual: bool
) -> None:
    file = small_disk / "line.db"
    store = samples.store(file, virtual=virtual)
    await store.open()
    await store.start_run(samples.run())
    await _prove_full(samples, file, store)
    assert "the disk is full" in store._writer.core.failure.message
    assert store._writer.core.lost_scans == 1


@pytest.mark.fault("F23")
@pytest.mark.parametrize("virtual", [True, False], ids=["inline", "thread"])
async def test_when_there_is_room_again_rows_are_kept_again_after_a_gap(
    samples: Any, small_disk: Path, virtual: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from linectl.store import core

    monkeypatch.setattr(core, "_AGAIN_S", 0.0)
    file, ballast = small_disk / "line.db", small_disk / "ballast"
    ballast.write_bytes(b"\0" * (2 << 20))
    store = samples.store(file, virtual=virtual)
    await store.open()
    await store.start_run(samples.run())
    last = await _fill(store, samples)
    store.log_scan(samples.scan(1))
    with pytest.raises(StoreError, match="the disk is full"):  # tried again each time, and still full
        await store.add_event(samples.event("n", n=-1))
    ballast.unlink()
    for number in range(last + 1, last + 4):
        await store.add_event(samples.event("n", n=number))
    assert not store.degraded
    store.log_scan(samples.scan(2))
    await store.close()
    assert _numbers(file) == list(range(last + 4))
    (gap,) = samples.reader(file).events_of("record_gap")
    assert (gap.data["scans"], gap.data["entries"]) == (1, 2)  # the event that found it full, and the one after
    assert samples.reader(file).audit_head().id == 1
    assert reserve_of(file).exists()


def _prove_limit(file: str) -> None:
    """In a process of its own: a limit on the size of files stands for the end of the disk."""
    import importlib.util

    spec = importlib.util.spec_from_file_location("conftest_of_store", Path(__file__).with_name("conftest.py"))
    assert spec is not None
    assert spec.loader is not None
    conftest = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(conftest)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    async def prove() -> None:
        samples = conftest.Samples()
        store = samples.store(Path(file), virtual=False)
        await store.open()
        await store.start_run(samples.run())
        resource.setrlimit(resource.RLIMIT_FSIZE, (2 << 20, 2 << 20))
        await _prove_full(samples, Path(file), store)

    asyncio.run(prove())


@pytest.mark.fault("F23")
def test_where_files_may_not_grow_the_acknowledged_rows_stay_and_the_run_is_marked(tmp_path: Path) -> None:
    script = f"import runpy; runpy.run_path({str(Path(__file__))!r})['_prove_limit']({str(tmp_path / 'line.db')!r})"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stderr


async def test_a_store_on_a_full_disk_says_so_before_anything_starts(samples: Any, small_disk: Path) -> None:
    with (small_disk / "rest").open("wb") as rest:
        rest.write(b"\0" * ((6 << 20) - (512 << 10)))
    with pytest.raises(StoreError, match="no room for the store"):
        await samples.store(small_disk / "line.db").open()
    assert not (small_disk / "line.db").exists()


@pytest.mark.fault("F25")
async def test_after_a_failed_write_that_is_no_full_disk_not_even_the_end_is_acknowledged(
    samples: Any, tmp_path: Path
) -> None:
    file = tmp_path / "line.db"
    store = samples.store(file)
    await store.open()
    await store.start_run(samples.run())
    failure = sqlite3.OperationalError("disk I/O error")
    failure.sqlite_errorname = "SQLITE_IOERR_FSYNC"
    store._writer.core.latch(failure)
    with pytest.raises(StoreError, match="disk I/O error") as raised:
        await store.end_run("20260101T000000-ab12", ExitStatus.SUCCESS, "", 1)
    assert raised.value.exit_code == 5
    assert reserve_of(file).exists()
    await store.close()
    assert samples.reader(file).run("last").exit_status is None


async def test_a_queue_that_overflows_tells_how_much_was_lost(samples: Any, tmp_path: Path, monkeypatch: Any) -> None:
    from linectl.store import writer

    monkeypatch.setattr(writer, "_QUEUE", 5)
    file = tmp_path / "line.db"
    store = samples.store(file, virtual=False)
    await store.open()
    for k in range(50):
        store.log_scan(samples.scan(k))
    await store.close()
    events = samples.reader(file).events("")
    assert [event.kind for event in events] == ["store_overflow"]
    assert events[0].data["lost"] == 45
