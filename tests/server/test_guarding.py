"""Interlocks wired to a line: what they stop, what they do not allow, and how a person takes a trip back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from drivers.link import Outcome
from linectl.config.scenario_file import machines_of
from linectl.errors import Refused
from linectl.lab.phases import State
from linectl.line.line import Command
from linectl.model.experiments import Decision, Experiment, Soak
from linectl.model.faults import FaultOrder
from linectl.model.people import Who
from linectl.model.records import Event
from linectl.server.line_server import LineServer
from linectl.server.simulation.simulated import hands_of
from linectl.sim.faults.engine import FaultEngine
from linectl.sim.rig import Rig
from linectl.store.reader import StoreReader
from tests.server.lines import in_virtual_time

ZOE = Who("Zoé")


async def full(server: LineServer) -> None:
    """Make the bath ready: 40 L of warm water."""
    for code in (Command.RESET, Command.FILL):
        await server.line.command(code, within_s=900.0)
    await asyncio.sleep(10.0)


def names(events: list[Event], kind: str) -> list[object]:
    return [event.data["name"] for event in events if event.kind == kind]


def test_no_heat_before_the_level_is_proven(tmp_path: Path) -> None:
    async def act(server: LineServer, _rig: Rig) -> tuple[str, str, str, Outcome]:
        empty = await server.line.write("bath.heater_enable", value=True)
        off = await server.line.write("bath.heater_enable", value=False)
        await full(server)
        heated = await server.line.write("bath.heater_enable", value=True)
        return empty.refused_by, empty.detail, str(off.outcome), heated.outcome

    by, why, off, heated = in_virtual_time(tmp_path, act)
    assert by == "interlock"
    assert "No heat before the level is proven" in why
    assert off == "confirmed"  # switching off asks nobody
    assert heated is Outcome.CONFIRMED


def test_a_command_that_is_not_permitted_never_reaches_the_plc(tmp_path: Path) -> None:
    async def act(server: LineServer, _rig: Rig) -> tuple[Outcome, str, object, object]:
        before = (await server.line.read("bath.ack_seq")).value
        report = await server.line.command(Command.DOSE, within_s=60.0)
        after = (await server.line.read("bath.ack_seq")).value
        return report.outcome, report.detail, before, after

    outcome, why, before, after = in_virtual_time(tmp_path, act)
    assert outcome is Outcome.REFUSED
    assert "70 %" in why
    assert before == after


def experiment() -> Experiment:
    decision = Decision(0.99, 0.95, 600.0, (60.0,), (1.5,))
    return Experiment(
        name="soak",
        question="",
        temperatures_c=(60.0,),
        naoh_pct=(1.5,),
        glues=("casein",),
        replicates=1,
        bottles_per_glue=4,
        seed=1,
        soak=Soak(600.0, 30.0),
        decision=decision,
    )


async def soaking(server: LineServer, rig: Rig) -> asyncio.Task[object]:
    """Start a run and return once its bath is heating."""

    async def run() -> object:
        hands = hands_of(server.definition, server.clock, line=server.line, simulate_as={}, links=rig.links(), seed=1)
        async with hands as operator:
            return await server.run(experiment(), operator, operator="Zoé", seed=1)

    task = asyncio.create_task(run())
    while server.progress is None or server.progress.phase != "heat" or not server.line.reading("bath.heater_on").value:
        await asyncio.sleep(5.0)
    return task


@asynccontextmanager
async def lying_probe(rig: Rig, server: LineServer) -> AsyncIterator[None]:
    """Let the bath's own probe read 20 K too much."""
    async with FaultEngine(rig, server.clock, machines=machines_of(server.definition)) as engine:
        engine.add(FaultOrder("sensor_offset", "bath.temperature", values={"by": 20.0}))
        yield
        engine.clear_all()


def test_a_trip_holds_the_run_until_a_person_resets_it_and_resumes(tmp_path: Path) -> None:
    async def act(server: LineServer, rig: Rig) -> None:
        assert server.guard is not None
        run = await soaking(server, rig)
        async with lying_probe(rig, server):
            while str(server.state) != "held":
                await asyncio.sleep(5.0)
            assert not server.line.reading("bath.heater_on").value or not await heater_asked(server)
            (trip,) = server.guard.section()["tripped"]
            assert (trip["name"], trip["first_out"]) == ("probes_differ", True)
            with pytest.raises(Refused, match="held by an interlock"):
                await server.resume(who="Zoé")
            with pytest.raises(Refused, match="the cause still stands: probes_differ"):
                server.guard.reset([], ZOE)
        await asyncio.sleep(10.0)
        with pytest.raises(Refused, match="held by an interlock"):  # its cause is gone, a person has not reset it
            await server.resume(who="Zoé")
        assert server.guard.reset([], ZOE) == {"reset": ["probes_differ"]}
        await server.resume(who="Zoé")
        await asyncio.sleep(30.0)
        assert server.state is State.RUNNING
        server.abort()
        await run

    in_virtual_time(tmp_path, act)
    reader = StoreReader(tmp_path / "line.db")
    events = list(reader.events(reader.runs()[-1].id)) + list(reader.events(""))
    assert names(events, "interlock_trip") == names(events, "interlock_reset") == ["probes_differ"]
    held = [event for event in events if event.kind == "state" and event.data.get("to") == "held"]
    assert all("probes have differed" in str(event.data["why"]) for event in held)
    assert held
    acts = [(entry.actor, entry.action, entry.target) for entry in reader.audit()]
    assert ("linectl", "interlock_trip", "probes_differ") in acts
    assert ("Zoé", "interlock_reset", "probes_differ") in acts


async def heater_asked(server: LineServer) -> object:
    return (await server.line.read("bath.heater_enable")).value


def test_reset_of_what_is_unknown_or_stands_is_refused(tmp_path: Path) -> None:
    async def act(server: LineServer, _rig: Rig) -> None:
        assert server.guard is not None
        with pytest.raises(Refused, match="no interlock bath_hott"):
            server.guard.reset(["bath_hott"], ZOE)
        assert server.guard.reset([], ZOE) == {"reset": []}

    in_virtual_time(tmp_path, act)
    assert StoreReader(tmp_path / "line.db").audit_broken() is None
