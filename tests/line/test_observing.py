"""A line that is only looked at: nothing is written to its PLC, and what does not open says so."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.link import Outcome
from drivers.settings import ModbusTcpSettings, MqttSettings
from linectl.clock import Clock, VirtualTimeLoop
from linectl.config.files import find_file
from linectl.config.load import load_line
from linectl.errors import ConfigError
from linectl.line.line import Line
from linectl.line.narrow import LOOK, only_tags, only_wire, read_only, with_inputs
from linectl.line.trace import block_of
from linectl.model.lines import LineDefinition
from linectl.model.readings import bad
from linectl.sim.rig import Rig

SIMULATED = load_line(find_file("simulated", beside=Path(__file__).resolve().parents[1] / "x"))


def test_nothing_is_written_and_nobody_takes_the_plc(tmp_path: Path) -> None:
    async def work() -> None:
        clock = Clock()
        async with Rig(clock, seed=3, directory=tmp_path, wires=False) as rig:
            definition = replace(SIMULATED, links={**SIMULATED.links, **rig.settings})
            line = Line(definition, clock, links=rig.links(), boot="b", observe=True)
            told: list[str] = []
            line.on_event(lambda kind, _data: told.append(kind))
            async with line:
                await asyncio.sleep(5)
                assert line.reading("bath.controller_temperature").value == pytest.approx(20, abs=1)
                assert (await line.write("bath.setpoint", 60.0)).outcome is Outcome.REFUSED
                await line.safe()
            assert (rig.plc.heartbeat, rig.plc.owner, rig.plc.setpoints.temperature_c) == (0, 0, 0)
            assert "link_lost" not in told

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(work())


def test_the_same_line_owned_does_write(tmp_path: Path) -> None:
    async def work() -> None:
        clock = Clock()
        async with Rig(clock, seed=3, directory=tmp_path, wires=False) as rig:
            definition = replace(SIMULATED, links={**SIMULATED.links, **rig.settings})
            async with Line(definition, clock, links=rig.links(), boot="b"):
                await asyncio.sleep(2)
                assert rig.plc.owner == 1
                assert rig.plc.heartbeat > 0

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(work())


async def test_a_link_that_does_not_open_says_so_and_hinders_nobody() -> None:
    definition = only_tags(SIMULATED, ["bath.state"], period_s=1.0)
    definition = replace(definition, links={"plc": ModbusTcpSettings("127.0.0.1", 1)})
    line = Line(definition, Clock(), boot="b", observe=True)
    async with line:
        assert list(line.unopened) == ["plc"]
        assert line.reading("bath.state").quality == bad("not_connected")
        assert "plc (127.0.0.1:1)" in line.unreachable().message


async def test_a_derived_tag_has_no_trace() -> None:
    line = Line(SIMULATED, Clock(), boot="b", observe=True)
    with pytest.raises(ConfigError, match="it has no wire of its own"):
        await line.trace("bath.naoh")


def test_narrowing() -> None:
    assert with_inputs(SIMULATED, ["bath.naoh"]) == ["bath.conductivity", "bath.temperature", "bath.naoh"]
    looked = only_tags(SIMULATED, ["bath.setpoint", "bath.naoh", "room.humidity"], period_s=0.5)
    assert looked.tags["bath.setpoint"].scan == looked.tags["bath.naoh"].scan == LOOK
    assert looked.tags["room.humidity"].scan == "slow"  # its own period says how old it may be
    assert looked.scans[LOOK] == 0.5
    assert only_tags(SIMULATED, ["bath.state"]).tags["bath.state"].scan == ""
    assert not any(tag.writable for tag in read_only(SIMULATED).tags.values())
    wires = {tag.link for tag in only_wire(SIMULATED, "ec").tags.values()}
    assert wires == {"ec", "plc"}
    assert isinstance(SIMULATED.links["sensors"], MqttSettings)
    assert isinstance(looked, LineDefinition)


def test_the_block_of_a_point_is_the_same_registers() -> None:
    def block(address: str, kind: str) -> str | None:
        found = block_of(replace(SIMULATED.tags["bath.setpoint"].point or next(iter(())), address=address, kind=kind))
        return None if found is None else f"{found.address} {found.kind}"

    assert block("2/ir10", "f32") == "2/ir10:2 block"
    assert block("2/hr10.3", "bool") == "2/hr10:1 block"
    assert block("2/hr2089:10+2", "f32") == "2/hr2089:10+2 block"  # read whole, as the device wants it
    assert block("2/co6", "bool") is None
    assert block("R", "float") is None
