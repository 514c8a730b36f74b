"""The line of `config/simulated.yaml` on the simulated rig: the same work in memory and through real wires."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from drivers.link import Outcome
from linectl.clock import VIRTUAL_START_NS, Clock, VirtualTimeLoop
from linectl.config.files import find_file
from linectl.config.load import load_line
from linectl.line.line import Command, Line
from linectl.model.readings import GOOD, Scan, bad
from linectl.sim.rig import Rig

SIMULATED = load_line(find_file("simulated", beside=Path(__file__).resolve().parents[1] / "x"))


@dataclass
class Told:
    scans: list[Scan] = field(default_factory=list)
    events: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)

    def of(self, kind: str) -> list[Mapping[str, object]]:
        return [data for each, data in self.events if each == kind]


def make(clock: Clock, rig: Rig, told: Told) -> Line:
    definition = replace(SIMULATED, links={**SIMULATED.links, **rig.settings})
    line = Line(definition, clock, links=None if rig.wires else rig.links(), boot="b")
    line.on_scan(told.scans.append)
    line.on_event(lambda kind, data: told.events.append((kind, data)))
    return line


async def a_bath(wires: bool, folder: Path) -> Told:
    clock, told = Clock(start_ns=VIRTUAL_START_NS), Told()
    async with Rig(clock, seed=3, directory=folder, wires=wires) as rig, make(clock, rig, told) as line:
        assert (await line.command(Command.FILL, within_s=600)).outcome is Outcome.CONFIRMED
        assert (await line.write("bath.stirrer", 50)).outcome is Outcome.CONFIRMED
        assert (await line.write("bath.naoh_setpoint", 1.5)).outcome is Outcome.CONFIRMED
        assert (await line.command(Command.DOSE, within_s=1200)).outcome is Outcome.CONFIRMED
        assert (await line.write("bath.setpoint", 50.0)).got == 50.0
        assert (await line.write("bath.heater_enable", value=True)).outcome is Outcome.CONFIRMED
        await clock.sleep(600)
        assert line.reading("bath.level").value == pytest.approx(100, abs=1)
        temperature = line.reading("bath.temperature").value
        assert temperature is not None
        assert 44.0 < temperature < 51.0
        assert line.reading("bath.naoh").value == pytest.approx(1.5, abs=0.1)
        assert line.reading("room.temperature").quality == GOOD
        assert line.reading("label.p01").value is None
        assert rig.plc.heater_enable
    assert not rig.plc.heater_enable
    assert rig.plc.owner == 0
    return told


@pytest.mark.parametrize("wires", [False, True])
def test_a_bath_is_filled_dosed_and_heated(wires: bool, tmp_path: Path) -> None:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        told = runner.run(a_bath(wires, tmp_path))
    bath = [scan for scan in told.scans if scan.layout.group == "bath"]
    assert [scan.sequence for scan in bath] == list(range(len(bath)))
    assert len(bath) > 600
    assert told.of("link_lost") == told.of("missed_ticks") == told.of("plc_alarm") == []


def test_wires_that_are_cut_are_bad_at_once_and_come_back(tmp_path: Path) -> None:
    async def work() -> Told:
        clock, told = Clock(start_ns=VIRTUAL_START_NS), Told()
        async with Rig(clock, seed=3, directory=tmp_path) as rig, make(clock, rig, told) as line:
            await asyncio.sleep(3.2)
            await rig.stop_modbus()
            rig.unplug("rtd")
            await asyncio.sleep(1.0)
            assert line.reading("bath.level").quality == bad("not_connected")
            assert line.reading("bath.temperature").quality == bad("not_connected")
            assert line.reading("bath.conductivity").quality == GOOD
            await rig.start_modbus()
            rig.replug("rtd")
            await asyncio.sleep(6.0)
            assert line.reading("bath.level").quality == GOOD
            assert line.reading("bath.temperature").quality == GOOD
            assert int(rig.plc.alarms) == 0 or told.of("plc_alarm")
        return told

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        told = runner.run(work())
    assert sorted(str(data["link"]) for data in told.of("link_lost")) == ["plc", "rtd"]
    assert sorted(str(data["link"]) for data in told.of("link_back")) == ["plc", "rtd"]
