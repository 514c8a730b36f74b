"""From the simulated rig to its recording and back to a device: the same driver reads the same, on real wires."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.frames.modbus import Request, frame, request_pdu
from drivers.link import Link, Point
from drivers.recordings.compare import Kind, Listening, compare
from drivers.recordings.exchange import Exchange, header_of, read_exchange
from drivers.recordings.recorder import Recorder
from drivers.recordings.served import RecordedDevice
from drivers.settings import EzoSettings, LinkSettings, ModbusRtuSettings, ModbusTcpSettings, SerialSettings
from linectl.clock import VIRTUAL_START_NS, Clock, VirtualTimeLoop
from linectl.config.files import find_file
from linectl.config.load import load_line
from linectl.line.links import build_link
from linectl.server.recordings.device import serve_recording
from linectl.server.simulation.simulated import serve

T = TypeVar("T")
PLC = (Point("2/ir10", "i16"), Point("2/ir11"), Point("2/di0:4", "block"))
RTD = (Point("R", "float"),)


def virtually(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(work)


async def looked_at(link: Link, points: tuple[Point, ...], times: int) -> list[list[Any]]:
    """Return what the points say, once in 20 s."""
    found = []
    for _ in range(times):
        readings = await link.read(points, deadline=asyncio.get_running_loop().time() + 2)
        found.append([readings[point].value for point in points])
        await asyncio.sleep(20)
    return found


async def recorded(name: str, points: tuple[Point, ...], path: Path) -> tuple[list[list[Any]], Exchange]:
    """Read a link of the rig on its real wire, and record what goes over it."""
    definition = load_line(find_file("simulated.yaml"))
    clock = Clock(start_ns=VIRTUAL_START_NS)
    async with serve(definition, clock, seed=3, initial={"bath.temperature": 60}) as up:
        settings = up.definition.links[name]
        link = build_link(settings)
        header = header_of(settings, device=name, firmware="1", date="2026-01-01", simulated=True)
        with Recorder(path, link.tap, header):
            await link.open()
            found = await looked_at(link, points, 4)
            await link.close()
    return found, read_exchange(path)


async def again(exchange: Exchange, points: tuple[Point, ...]) -> tuple[list[list[Any]], Exchange]:
    """Read the recording on a real wire of its own, and listen."""
    async with serve_recording(exchange) as up:
        link = build_link(up.settings)
        with Listening(link.tap, exchange.header) as heard:
            await link.open()
            found = await looked_at(link, points, 4)
            await link.close()
        assert not up.differences
    return found, heard.exchange


@pytest.mark.parametrize(("name", "points"), [("plc", PLC), ("rtd", RTD)])
def test_the_rig_recorded_and_served_reads_the_same(name: str, points: tuple[Point, ...], tmp_path: Path) -> None:
    values, exchange = virtually(recorded(name, points, tmp_path / "first.wire.jsonl"))
    assert len({str(each) for each in values}) > 1  # it lives
    repeated, heard = virtually(again(exchange, points))
    assert repeated == values
    assert compare(exchange, heard) == ()
    other, changed = virtually(recorded(name, points, tmp_path / "second.wire.jsonl"))
    assert other == values  # the same seed
    assert compare(exchange, changed) == ()


def test_another_way_of_reading_is_told_and_reads_the_same(tmp_path: Path) -> None:
    values, exchange = virtually(recorded("plc", PLC, tmp_path / "first.wire.jsonl"))

    async def one_by_one() -> tuple[list[Any], list[Kind], list[str]]:
        async with serve_recording(exchange) as up:
            link = build_link(up.settings)
            await link.open()
            readings = [await looked_at(link, (point,), 1) for point in PLC[:2]]
            await link.close()
            found = list(up.differences)
        return [each[0][0] for each in readings], [each.kind for each in found], [each.text for each in found]

    read, kinds, texts = virtually(one_by_one())
    assert read == values[0][:2]
    assert set(kinds) == {Kind.ADDED}
    assert set(texts) == {"put together from other recorded replies"}


def test_a_recording_needs_settings_that_a_driver_takes(tmp_path: Path) -> None:
    _, exchange = virtually(recorded("plc", PLC, tmp_path / "first.wire.jsonl"))

    async def reached() -> LinkSettings:
        async with serve_recording(exchange) as up:
            return up.settings

    assert type(virtually(reached())) is type(exchange.header.link_settings())


@given(st.lists(st.binary(max_size=40), max_size=8), st.sampled_from(["modbus_tcp", "modbus_rtu", "ezo"]))
def test_no_bytes_break_a_served_recording(pieces: list[bytes], kind: str) -> None:
    """Whatever comes on a connection, the next one is served."""
    settings: dict[str, LinkSettings] = {
        "modbus_tcp": ModbusTcpSettings("h"),
        "modbus_rtu": ModbusRtuSettings(SerialSettings("/dev/none")),
        "ezo": EzoSettings("/dev/none", "RTD"),
    }
    exchange = Exchange(header_of(settings[kind], device="d", firmware="1", date="2026-01-01"), ())

    async def work() -> int:
        device = RecordedDevice(exchange)
        await device.listen()
        assert device.address is not None
        for sent in (pieces, [frame(1, 2, request_pdu(Request(3, 0, 1)))]):
            _, writer = await asyncio.open_connection(*device.address)
            for piece in sent:
                writer.write(piece)
                await asyncio.sleep(0.1)
            writer.close()
            await asyncio.sleep(0.1)
        requests = device.requests
        await device.stop()
        return requests

    requests = virtually(work())
    if kind == "modbus_tcp":
        assert requests >= 1
