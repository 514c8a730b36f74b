"""What verbs tell of a wire: its devices' counters, messages that are waited for, commands that hold no value."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import aiomqtt
import pytest

from drivers.link import Point, RawReading
from drivers.wire_tap import DeviceStats
from linectl.cli.main import run
from linectl.cli.tags_trace import as_text
from linectl.cli.wire_text import counters_text
from linectl.clock import Clock
from linectl.config.files import SourceText
from linectl.config.load import load_line_text
from linectl.model.lines import Tag
from linectl.model.readings import Reading, bad
from linectl.server.commissioning import Look, Site, looking, trace_of
from linectl.server.doctor.finding import Level
from linectl.server.doctor.tags import Said, judge_tag
from linectl.sim.wires.broker import EmbeddedBroker


def test_counters_name_the_faults_and_only_those() -> None:
    sound, noisy = DeviceStats(requests=2), DeviceStats(requests=9, timeouts=1, crc_errors=3, quarantines=4)
    for stats in (sound, sound, noisy):
        stats.answered(0.005)
    lines = counters_text({"unit 1": sound, "unit 2": noisy}).splitlines()
    assert lines[0].split("\t") == ["device", "requests", "replies", "half within", "99 % within", "faults"]
    assert lines[1].split("\t") == ["unit 1", "2", "2", "6.4 ms", "6.4 ms", "none"]
    assert lines[2].split("\t")[-1] == "1 timeout, CRC 3, 4 quarantines"
    assert counters_text({"unit 3": DeviceStats()}).splitlines()[1].split("\t")[3:5] == ["-", "-"]


def test_a_recording_tells_the_counters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--sim", "--folder", str(tmp_path), "--for", "0.5", "--period", "0.1", "--json")
    assert run(["record", "simulated", "plc", *options]) == 0
    (stats,) = json.loads(capsys.readouterr().out)["data"]["devices"].values()
    assert stats["replies"] == stats["requests"] >= 4
    assert stats["timeouts"] == 0
    assert sum(count for _, _, count in stats["round_trips"]) == stats["replies"]


HALL = """\
kind: line
name: hall
links: {{sensors: {{type: mqtt, host: 127.0.0.1, port: {port}, sources: {{room: {{topic: hall/room}}}}}}}}
scans: {{slow: 30.0}}
tags: {{room.temperature: {{link: sensors, point: "room#temperature", kind: float, scan: slow}}}}
"""


async def test_a_message_is_waited_for_and_shown(tmp_path: Path) -> None:
    broker = EmbeddedBroker()
    await broker.start()
    definition = load_line_text(SourceText("hall.yaml", HALL.format(port=broker.port), ""))
    try:
        async with looking(Site(definition, Clock(), tmp_path / "hall.db"), ["room.temperature"]) as line:
            assert (await trace_of(line, "room.temperature")).frames == ()
            trace = asyncio.create_task(trace_of(line, "room.temperature", wait_s=10.0))
            await asyncio.sleep(0.2)
            assert not trace.done()
            async with aiomqtt.Client("127.0.0.1", broker.port) as client:
                await client.publish("hall/room", '{"temperature": 20.5}')
            found = await trace
    finally:
        await broker.stop()
    assert found.reading.value == 20.5
    text = as_text(definition, found)
    assert 'hall/room: {"temperature": 20.5}' in text
    assert "7b 22" not in text  # a message is text, not bytes


def said(address: str, kind: str, detail: str, *, readback: bool) -> Said:
    tag = Tag("lab.it", "", link="wire", point=Point(address, kind, readback))
    raw = RawReading(None, "out_of_service", detail)
    return Said(tag, Reading(tag.name, None, bad("out_of_service"), 0, 0, 0, detail), raw)


def test_a_command_is_no_fault_and_an_empty_place_no_wrong_register() -> None:
    command = said("tare", "bool", "a command holds nothing to read", readback=False)
    empty = said("sensors/camera/label/1#attached", "bool", "it says null", readback=True)
    register = said("5/hr10", "u16", "exception 2", readback=True)
    assert list(judge_tag(command)) == []
    assert [(each.level, each.code) for each in judge_tag(empty)] == [(Level.NOTE, "nothing_there")]
    assert [(each.level, each.code) for each in judge_tag(register)] == [(Level.ERROR, "wrong_register")]
    looks = [Look(each.tag, each.reading, each.raw, 0.0) for each in (command, empty, register)]
    assert [each.is_command for each in looks] == [True, False, False]


def test_the_hint_of_an_unarmed_write_stays_on_the_rig(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["tags", "write", "simulated", "bath.setpoint", "60", "--sim"]) == 6
    assert "--arm --sim" in capsys.readouterr().err
    assert run(["tags", "write", "simulated", "bath.setpoint", "60"]) == 6
    assert "--sim" not in capsys.readouterr().err
