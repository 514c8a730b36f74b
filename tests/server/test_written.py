"""Writes outside a run stand in the audit trail: by whom, why, the value before; those of the line itself do not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from linectl.clock import VIRTUAL_START_NS, Clock, VirtualTimeLoop
from linectl.config.files import find_file
from linectl.config.load import load_line
from linectl.server.line_server import LineServer
from linectl.server.simulation.simulated import serve
from linectl.store.audit import AuditEntry
from linectl.store.reader import StoreReader

SCANNED = "bath.stirrer"
Act = Callable[[LineServer], Awaitable[None]]
Told = tuple[str, str, object, dict[str, object], str]


def entries(folder: Path, act: Act) -> list[AuditEntry]:
    """Return the trail that `act` on a simulated line has left."""
    file = folder / "line.db"

    async def main() -> None:
        clock = Clock(start_ns=VIRTUAL_START_NS)
        definition = load_line(find_file(Path("simulated.yaml"), folder="config"))
        scanned = {SCANNED: replace(definition.tags[SCANNED], scan="bath")}
        definition = replace(definition, tags={**definition.tags, **scanned})
        async with (
            serve(definition, clock, seed=1, wires=False) as up,
            LineServer(up.definition, clock, file, boot="b", links=up.links) as server,
        ):
            await act(server)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())
    reader = StoreReader(file)
    assert reader.audit_broken() is None
    return list(reader.audit())


def told(entry: AuditEntry) -> Told:
    new = json.loads(entry.new or "null")
    return entry.actor, entry.target, json.loads(entry.old or "null"), new, entry.reason


def test_a_person_and_a_script_are_told_apart_and_each_write_once(tmp_path: Path) -> None:
    async def act(server: LineServer) -> None:
        await server.write("bath.setpoint", 55.0, who="Zoé", why="warm up")
        await server.line.write("bath.setpoint", 60.0)
        await server.write("bath.setpoint", 500.0, who="Zoé")
        await server.write("bath.sepoint", 1.0, who="Zoé")

    first, second, third, fourth = map(told, entries(tmp_path, act))
    taken = {"outcome": "confirmed", "unit": "°C"}
    assert (first[0], first[1], first[4]) == ("Zoé", "bath.setpoint", "warm up")
    assert first[3] == {**taken, "asked": 55.0, "got": 55.0}
    assert second == ("script", "bath.setpoint", None, {**taken, "asked": 60.0, "got": 60.0}, "")  # no scan reads it
    assert (third[0], third[2], third[3]["outcome"], third[3]["asked"]) == ("Zoé", 60.0, "refused", 500.0)
    assert (fourth[2], fourth[3]["refused_by"]) == (None, "unknown_tag")


def test_what_the_line_writes_by_itself_is_no_act(tmp_path: Path) -> None:
    async def act(_server: LineServer) -> None:
        await asyncio.sleep(30.0)  # lease and heartbeat, and the heater off at the end

    assert entries(tmp_path, act) == []


def test_a_write_cancelled_on_its_way_is_told_as_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(server: LineServer) -> None:
        under_way = asyncio.Event()

        async def slow(_tag: str, _value: float, **_more: object) -> None:
            under_way.set()
            await asyncio.sleep(60.0)

        with monkeypatch.context() as patch:
            patch.setattr(server.line, "write", slow)
            task = asyncio.create_task(server.write("bath.setpoint", 55.0, who="Zoé"))
            await under_way.wait()
            task.cancel()
            await asyncio.wait([task])
        assert task.cancelled()

    ((who, tag, _, new, _),) = map(told, entries(tmp_path, act))
    assert (who, tag, new["outcome"], new["asked"]) == ("Zoé", "bath.setpoint", "unknown", 55.0)


def test_the_value_before_a_script_s_write_is_that_of_the_last_scan_or_of_a_write_since(tmp_path: Path) -> None:
    async def act(server: LineServer) -> None:
        for value in (20.0, 30.0, 500.0, 40.0):
            await server.line.write(SCANNED, value)
        await asyncio.sleep(5.0)
        await server.line.write(SCANNED, 50.0)

    assert [told(entry)[2] for entry in entries(tmp_path, act)] == [0.0, 20.0, 30.0, 30.0, 40.0]
