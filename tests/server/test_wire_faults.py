"""Frames that led to a wire fault are kept beside the store: readable, playable, bounded, at no cost to the line."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from drivers.frames.modbus import Request, frame, request_pdu, values_reply
from drivers.link import Point
from drivers.recordings.exchange import read_exchange
from drivers.recordings.recorder import Header
from drivers.recordings.replay import ReplayLink
from drivers.wire_tap import Direction, Dump, WireTap
from linectl.clock import Clock
from linectl.config.files import find_file
from linectl.config.load import load_line
from linectl.model.lines import LineDefinition
from linectl.server import wire_faults
from linectl.server.line_server import LineServer
from linectl.server.simulation.simulated import connect
from linectl.server.wire_faults import FILES_KEPT, WireFaults, wire_folder
from linectl.sim.rig import Rig
from linectl.store.reader import StoreReader

SENT, RECEIVED = Direction.SENT, Direction.RECEIVED
ASKED = request_pdu(Request(4, 10, 1))
START_NS = 1_767_225_600_000_000_000  # 2026-01-01T00:00:00Z


def definition() -> LineDefinition:
    return load_line(find_file("simulated", folder="config"))


def exchanged(tap: WireTap, value: int = 77) -> None:
    tap.note(SENT, frame(1, 1, ASKED), 0.0, device="unit 1")
    tap.note(RECEIVED, frame(1, 1, values_reply(Request(4, 10, 1), (value,))), 0.1, device="unit 1")


class Site:
    """Wire faults of one link, with what was told of them."""

    def __init__(self, folder: Path) -> None:
        self.tap = WireTap()
        self.told: list[tuple[str, Mapping[str, object]]] = []
        self.folder = wire_folder(folder / "line.db")
        clock = Clock(start_ns=START_NS)
        self.faults = WireFaults(
            {"plc": self.tap, "unheard of": WireTap()}, definition(), self.folder, clock, self._tell
        )

    def _tell(self, kind: str, data: Mapping[str, object]) -> None:
        self.told.append((kind, data))

    @property
    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir()) if self.folder.exists() else []


async def test_the_frames_of_a_fault_are_in_a_file_that_can_be_played(tmp_path: Path) -> None:
    site = Site(tmp_path)
    async with site.faults:
        exchanged(site.tap)
        site.tap.fault("timeout", 1.0, device="unit 1")
        assert not site.folder.exists()  # nothing is written in the middle of a transaction
    assert site.folder == tmp_path / "line.db.wire"
    name = "20260101T000000-plc-unit-1-timeout.wire.jsonl"
    assert site.files == [name]
    assert site.told == [("wire_fault", {"link": "plc", "device": "unit 1", "why": "timeout", "file": name})]
    recorded = read_exchange(site.folder / name)
    assert recorded.header.fault == "unit 1: timeout"
    assert recorded.header.simulated
    link = ReplayLink(recorded)
    await link.open()
    point = Point("1/ir10")
    readings = await link.read((point,), deadline=asyncio.get_running_loop().time() + 2.0)
    await link.close()
    assert readings[point].value == 77


async def test_a_line_without_faults_makes_no_folder(tmp_path: Path) -> None:
    site = Site(tmp_path)
    async with site.faults:
        exchanged(site.tap)
    site.tap.fault("timeout", 1.0)  # after the close nobody listens
    await asyncio.sleep(0.05)
    assert site.files == []


async def test_only_the_newest_files_are_kept_and_others_left_alone(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.folder.mkdir()
    (site.folder / "ezo-rtd_2.01_2026-01-01.wire.jsonl").write_text("a person's own", encoding="utf-8")
    for number in range(25):
        (site.folder / f"20251201T0000{number:02}-plc-old.wire.jsonl").write_text("", encoding="utf-8")
    async with site.faults:
        exchanged(site.tap)
        for number in range(3):
            site.tap.fault(f"fault {number}", 1.0, device="unit 1")
    assert len(site.files) == FILES_KEPT + 1
    assert "ezo-rtd_2.01_2026-01-01.wire.jsonl" in site.files
    assert len([name for name in site.files if name.startswith("20260101T000000-plc-unit-1-fault-")]) == 3
    assert "20251201T000007-plc-old.wire.jsonl" not in site.files
    assert "20251201T000008-plc-old.wire.jsonl" in site.files


async def test_faults_of_the_same_second_do_not_share_a_file(tmp_path: Path) -> None:
    site = Site(tmp_path)
    async with site.faults:
        site.tap.fault("crc!", 1.0)
        site.tap.fault("crc?", 1.0)
    assert site.files == ["20260101T000000-plc-crc-2.wire.jsonl", "20260101T000000-plc-crc.wire.jsonl"]


async def test_a_fault_that_goes_on_is_written_ever_more_rarely(tmp_path: Path) -> None:
    site = Site(tmp_path)
    async with site.faults:
        for t_s in range(0, 7200, 15):
            site.tap.fault("timeout", float(t_s), device="unit 1")
            await asyncio.sleep(0)
        while site.faults._waiting:
            await asyncio.sleep(0.01)
    assert len(site.files) == 7  # 0, 1, 3, 7, 15, 31 and 63 min: then an hour apart
    assert len(site.tap.dumps) == 20


async def test_a_storm_of_faults_is_bounded(tmp_path: Path) -> None:
    site = Site(tmp_path)
    async with site.faults:
        for number in range(300):
            site.tap.fault(f"fault {number}", number * 11.0)
    assert site.faults.left_out == 280
    assert len(site.files) == FILES_KEPT
    assert len(site.faults._again) <= 200


async def test_a_disk_that_fails_is_told_once_and_tried_again(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.folder.write_text("no folder", encoding="utf-8")
    async with site.faults:
        for number in range(5):
            site.tap.fault(f"fault {number}", 1.0)
        while len(site.told) < 1 or site.faults._waiting:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        ((kind, data),) = site.told
        assert kind == "wire_fault_unsaved"
        assert "line.db.wire" in str(data["detail"])
        assert "failing" in repr(site.faults)
        site.folder.unlink()
        site.tap.fault("another", 1.0)
    assert [kind for kind, _ in site.told] == ["wire_fault_unsaved", "wire_fault"]
    assert len(site.files) == 1


async def test_a_disk_that_hangs_holds_neither_the_loop_nor_the_close(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_go, hanging = threading.Event(), threading.Event()

    def hang(path: Path, dump: Dump, header: Header) -> None:
        hanging.set()
        let_go.wait(20)

    monkeypatch.setattr(wire_faults, "write_dump", hang)
    monkeypatch.setattr(wire_faults, "_PATIENCE_S", 0.2)
    site, loop = Site(tmp_path), asyncio.get_running_loop()
    try:
        async with site.faults:
            site.tap.fault("timeout", 1.0)
            while not hanging.is_set():
                await asyncio.sleep(0.001)
            began_s = loop.time()
        assert loop.time() - began_s < 3.0
    finally:
        let_go.set()
    assert site.told == []


async def test_a_fault_on_a_running_line_is_kept_and_told_in_its_store(tmp_path: Path) -> None:
    file = tmp_path / "line.db"
    async with AsyncExitStack() as stack:
        clock = Clock()
        rig = await stack.enter_async_context(Rig(clock, seed=1, directory=tmp_path))
        told = connect(definition(), rig, 1.0)
        server = await stack.enter_async_context(LineServer(told, clock, file, boot="test"))
        link = server.line.link_of("bath.level")
        assert link is not None
        deadline = asyncio.get_running_loop().time() + 5.0
        reading = (await link.read((Point("77/ir0"),), deadline=deadline))[Point("77/ir0")]
        assert reading.value is None  # the PLC's gateway knows no unit 77
    (path,) = (each for each in wire_folder(file).iterdir() if "unit-77" in each.name and "exception" in each.name)
    assert path.name in [event.data["file"] for event in StoreReader(file).events_of("wire_fault")]
    recorded = read_exchange(path)
    assert recorded.header.kind == "modbus_tcp"
    replayed = ReplayLink(recorded)
    await replayed.open()
    again = (await replayed.read((Point("77/ir0"),), deadline=asyncio.get_running_loop().time() + 5.0))[Point("77/ir0")]
    await replayed.close()
    assert again.reason == reading.reason
