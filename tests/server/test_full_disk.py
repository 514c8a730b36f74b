"""A served line on a full disk is scanned and guarded, says so, and is recorded again when there is room."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from linectl.cli.status_text import screen
from linectl.errors import StoreError
from linectl.lab.report.told import told
from linectl.model.readings import Scan
from linectl.model.records import ExitStatus
from linectl.server.api.feed import Sections
from linectl.server.line_server import LineServer
from linectl.server.line_state import sections_of
from linectl.sim.rig import Rig
from linectl.store import core
from linectl.store.reader import StoreReader
from tests.faults.test_in_a_run import ONE_BATH
from tests.server.lines import held, in_virtual_time


class Disk:
    """How many pages the store may have: SQLite itself refuses what is more, as it does on a full disk."""

    def __init__(self, server: LineServer, monkeypatch: pytest.MonkeyPatch) -> None:
        assert server.store is not None
        self._core: core.Core = server.store._writer.core  # type: ignore[attr-defined]
        self._room = True
        monkeypatch.setattr(core, "has_room", lambda _file: self._room)

    def _connection(self) -> sqlite3.Connection:
        assert self._core._connection is not None
        return self._core._connection

    def fill(self) -> None:
        self._connection().execute("PRAGMA max_page_count = 1").fetchall()  # SQLite takes the size that it has
        self._room = False

    def empty(self) -> None:
        self._connection().execute("PRAGMA max_page_count = 1000000").fetchall()
        self._room = True


async def until(seen: Callable[[], bool]) -> None:
    for _ in range(20_000):
        if seen():
            return
        await asyncio.sleep(1.0)
    pytest.fail("it did not come")


def alarms_of(sections: Sections) -> dict[str, str]:
    """Return the alarms of the server's own troubles that are shown, and how each stands."""
    shown = sections.make(("alarms",))["alarms"]["list"]
    return {each["id"]: each["state"] for each in shown if each["condition"] == "SERVER"}


def fill_up(server: LineServer) -> None:
    """Give the store so much to keep that its file must grow."""
    for _ in range(700):
        server.tell("note", {"text": "x" * 900, "who": "Zoé"})


def test_a_full_disk_is_told_and_the_record_goes_on_with_its_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(server: LineServer, _rig: Rig) -> None:
        assert server.store is not None
        disk, scans = Disk(server, monkeypatch), list[Scan]()
        server.line.on_scan(server.store.log_scan)
        server.line.on_scan(scans.append)
        sections = sections_of(server, operator="Zoé", since_ns=0)
        await asyncio.sleep(700.0)
        assert server.unrecorded is None
        assert sections.make(("line",))["line"]["unrecorded"] is None

        disk.fill()
        fill_up(server)
        await until(lambda: server.unrecorded is not None)
        lost = sections.make(("line",))["line"]["unrecorded"]
        assert (lost["code"], "the disk is full" in lost["why"]) == ("E-STO-028", True)
        assert "NOTHING IS RECORDED since 2026-01-01 00:" in screen(sections.make(()))
        assert [event.kind for _, event in server.diary][-2:] == ["record_lost", "alarm"]
        with pytest.raises(StoreError, match="the disk is full"):
            await server.write("bath.setpoint", 40.0, who="Zoé")
        assert alarms_of(sections) == {"record_lost": "unacknowledged"}
        before = len(scans)
        await asyncio.sleep(3000.0)
        assert len(scans) - before > 3000  # scanned as ever
        assert server.line.reading("bath.temperature").value is not None
        assert server.unrecorded is not None

        disk.empty()
        await until(lambda: server.unrecorded is None)
        assert "record_gap" in [event.kind for _, event in server.diary]
        await asyncio.sleep(15.0)
        assert alarms_of(sections) == {"record_lost": "rtn_unacknowledged"}
        await server.write("bath.setpoint", 45.0, who="Zoé")
        await asyncio.sleep(700.0)
        reader = StoreReader(tmp_path / "line.db")
        (gap,) = reader.events_of("record_gap")
        assert gap.data["scans"] > 3000
        assert gap.data["entries"] > 0
        assert gap.data["since"] < gap.data["until"]
        assert str(gap.data["scans"]) in told(gap)
        entries = list(reader.audit())
        assert [(entry.actor, entry.action) for entry in entries if entry.action != "interlock_trip"] == [
            ("linectl", "record_gap"),
            ("Zoé", "write"),
        ]
        assert json.loads(entries[-1].new or "")["got"] == 45.0
        assert reader.audit_broken(reader.audit_head()) is None

    in_virtual_time(tmp_path, act)
    with sqlite3.connect(tmp_path / "line.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        counted = connection.execute("SELECT sum(n) FROM hot").fetchone()[0]
    assert counted > 1400  # those before the gap and those after it


def test_a_run_without_a_record_is_made_safe_at_once_and_the_next_one_may_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(server: LineServer, rig: Rig) -> None:
        from linectl.server.simulation.simulated import hands_of

        disk = Disk(server, monkeypatch)
        phases: list[str] = []
        async with hands_of(
            server.definition, server.clock, line=server.line, simulate_as={}, links=rig.links()
        ) as hands:
            run = asyncio.create_task(
                server.run(ONE_BATH, hands, operator="Zoé", on_progress=lambda each: phases.append(each.phase))
            )
            await until(lambda: "heat" in phases and rig.plc.heater_enable)
            disk.fill()
            began_s = server.clock.process_s()
            fill_up(server)
            outcome = await run
            assert server.clock.process_s() - began_s < 60.0  # it did not wait for the next record
            assert (outcome.exit_status, outcome.code) == (ExitStatus.FAIL, "E-STO-028")
            rig.advance()
            assert not rig.plc.heater_enable
            with pytest.raises(StoreError, match="the disk is full"):
                await server.run(ONE_BATH, hands, operator="Zoé")
            disk.empty()
            await asyncio.sleep(10.0)
            again = await server.run(ONE_BATH, hands, operator="Zoé")
            assert again.exit_status is ExitStatus.SUCCESS
        reader = StoreReader(tmp_path / "line.db")
        states = {found.id: found.exit_status for found in reader.runs()}
        assert states[again.run_id] is ExitStatus.SUCCESS
        assert states[outcome.run_id] is ExitStatus.FAIL

    in_virtual_time(tmp_path, act)


async def test_after_a_failed_sync_nothing_is_taken_for_kept_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core, "_AGAIN_S", 0.0)
    async with held(tmp_path, speed=50.0, records=True) as (server, _rig):
        disk: Any = Disk(server, monkeypatch)
        failure = sqlite3.OperationalError("disk I/O error")
        failure.sqlite_errorname = "SQLITE_IOERR_FSYNC"
        disk._core.latch(failure)
        for _ in range(3):
            with pytest.raises(StoreError, match="disk I/O error"):
                await server.write("bath.setpoint", 40.0, who="Zoé")
        assert server.store is not None
        assert server.store.failure is not None
