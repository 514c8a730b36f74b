"""Recorded devices through the real drivers: the values that were read when they were recorded (tools/record_wires.py).

The devices of these recordings are simulated, as their headers say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from drivers.frames.explain import explain
from drivers.link import Link, Point, Priority, RawValue
from drivers.recordings.exchange import SUFFIX, Exchange, exchange_name, read_exchange
from drivers.recordings.replay import ReplayLink
from drivers.settings import MqttSettings
from drivers.wire_tap import Direction
from linectl.clock import VirtualTimeLoop
from linectl.line.links import build_link
from linectl.server.recordings.device import Where, serve_recording
from linectl.sim.wires.broker import EmbeddedBroker

FOLDER = Path(__file__).parent.parent / "data" / "wires"
FILES = sorted(FOLDER.glob(f"*{SUFFIX}"))
RECEIVED = Direction.RECEIVED

PLC = (Point("2/ir10", "i16"), Point("2/ir11"), Point("2/di0:4", "block"), Point("2/hr10", "i16"))
MODULE = (Point("7/ir0", "f32", order="CDAB"), Point("7/hr10:3", "block"), Point("7/ir100"))
ROOM = (Point("room#temperature", "float"), Point("room#humidity", "float"))
R = (Point("R", "float"),)
WEIGHTS = (Point("weight", "float"), Point("weight_now", "float"))
BATH = (Point("bath", "float"), Point("setpoint", "float"), Point("running", "bool"))

Act = Callable[[Link], Awaitable[list[Any]]]


def look(points: Sequence[Point], after_s: float = 1.0) -> Act:
    async def work(link: Link) -> list[Any]:
        await asyncio.sleep(after_s)
        deadline = asyncio.get_running_loop().time() + 2.0
        readings = await link.read(points, deadline=deadline, priority=Priority.READ)
        return [readings[point].reason or readings[point].value for point in points]

    return work


def write(point: Point, value: RawValue) -> Act:
    async def work(link: Link) -> list[Any]:
        deadline = asyncio.get_running_loop().time() + 5.0
        wrote = await link.write(point, value, deadline=deadline, priority=Priority.WRITE)
        return [wrote.outcome.value, wrote.got]

    return work


@dataclass(frozen=True)
class Recording:
    """A file by the beginning of its name, what is done with the link, and what comes of it."""

    name: str
    acts: Sequence[Act]
    found: Sequence[Sequence[Any]]
    old: bytes = b""  # what a reply holds, and what damages it for the negative control
    new: bytes = b""


CIRCULATOR = (
    look(BATH),
    write(BATH[1], 65.5),
    write(BATH[1], 99.0),
    write(BATH[2], True),
    look(BATH),
)
CLIMATE = ([19.99, 50.1], [19.93, 50.1], [20.02, 49.5])
RECORDINGS = [
    Recording(
        "sim-bath-plc",
        (
            look(PLC),
            write(Point("2/hr31"), 77),
            write(Point("2/hr10", "i16"), 990),
            write(Point("2/ir11"), 5),
            look(PLC),
            look(PLC),
        ),
        (
            [600, 1000, (1, 1, 0, 1), 0],
            ["confirmed", 77],
            ["clamped", 920],
            ["refused", None],
            [600, 1000, (1, 1, 0, 1), 920],
            [601, 1000, (1, 1, 0, 1), 920],
        ),
        b"\x02\x58\x03\xe8",
        b"\x03\x58\x03\xe8",
    ),
    Recording("sim-ezo-rtd", [look(R)] * 3, ([60.024], [60.015], [59.864]), b"60.024", b"60.124"),
    Recording("sim-ezo-ec", [look(R)] * 3, ([124_100.0], [124_100.0], [125_000.0]), b"124100", b"24100"),
    Recording(
        "sim-rtu-module",
        [look(MODULE)] * 4,
        [[25.5, (10, 11, 12), "out_of_service"]] * 4,
        b"\x00\x0a\x00\x0b",
        b"\x00\x0a\x00\x0f",  # its CRC is wrong now
    ),
    Recording(
        "sim-mt-sics-balance",
        [look(WEIGHTS)] * 4,
        ([712.34, 712.34], ["timeout", 712.5], [-20.0, -20.0], ["sensor_failure", "sensor_failure"]),
        b"712.5",
        b"712.6",
    ),
    Recording(
        "sim-lauda-circulator",
        CIRCULATOR,
        ([61.25, 60.0, False], ["confirmed", 65.5], ["refused", None], ["confirmed", True], [61.25, 65.5, True]),
        b"061.25",
        b"-61.25",
    ),
    Recording(
        "sim-julabo-circulator",
        CIRCULATOR,
        ([61.25, 60.0, False], ["confirmed", 65.5], ["refused", 65.5], ["confirmed", True], [61.25, 65.5, True]),
        b"65.50",
        b"65.40",
    ),
    Recording("sim-room-sensor", [look(ROOM, 0.5), look(ROOM), look(ROOM)], CLIMATE, b"19.93,", b'"19,3",'),
]


def recorded(name: str) -> Exchange:
    (path,) = (each for each in FILES if each.name.startswith(f"{name}_"))
    return read_exchange(path)


def played(exchange: Exchange, acts: Sequence[Act], pace: float | None = None) -> list[list[Any]]:
    async def work() -> list[list[Any]]:
        link = ReplayLink(exchange, pace=pace)
        await link.open()
        try:
            return [await act(link) for act in acts]
        finally:
            await link.close()
            assert link.replay is None or not link.replay.unknown_count, list(link.replay.unknown)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(work())


def test_every_recording_is_played() -> None:
    assert sorted(path.name.split("_")[0] for path in FILES) == sorted(each.name for each in RECORDINGS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_recording_says_what_it_is(path: Path) -> None:
    exchange = read_exchange(path)
    header = exchange.header
    assert path.name == exchange_name(header.device, header.firmware, header.date)
    assert header.simulated
    assert exchange.ended == "closed"
    assert path.stat().st_size < 5000
    wire = {"modbus_tcp": "modbus_tcp", "modbus_rtu": "modbus_rtu", "mqtt": "mqtt"}.get(header.kind, "line")
    told = [explain(frame, wire) for frame in exchange.frames]
    assert all(words.isprintable() for words in told)
    assert any("[" not in words for words in told)


@pytest.mark.parametrize("pace", [None, 1.0], ids=["in haste", "at its pace"])
@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda recording: recording.name)
def test_a_recorded_device_gives_its_values_again(recording: Recording, pace: float | None) -> None:
    assert played(recorded(recording.name), recording.acts, pace) == list(recording.found)


def served(exchange: Exchange, acts: Sequence[Act], *, tcp: bool = False) -> list[list[Any]]:
    """Do the acts with a driver that reaches the recording by a real wire: a socket or a terminal."""

    async def work() -> list[list[Any]]:
        async with serve_recording(exchange, Where(port=0 if tcp else None)) as up:
            link = build_link(up.settings)
            await link.open()
            try:
                return [await act(link) for act in acts]
            finally:
                await link.close()
                assert not up.differences

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(work())


def published(exchange: Exchange, acts: Sequence[Act]) -> list[list[Any]]:
    """Do the acts with a driver that listens at a broker before the recorded sensors begin to speak."""

    async def work() -> list[list[Any]]:
        broker = EmbeddedBroker()
        await broker.start()
        settings = exchange.header.link_settings()
        assert isinstance(settings, MqttSettings)
        link = build_link(replace(settings, host=broker.host, port=broker.port))
        await link.open()
        try:
            async with serve_recording(exchange, Where(broker=(broker.host, broker.port))):
                return [await act(link) for act in acts]
        finally:
            await link.close()
            await broker.stop()

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(work())


def test_recorded_sensors_publish_again_what_they_did() -> None:
    recording = RECORDINGS[-1]
    assert published(recorded(recording.name), recording.acts) == list(recording.found)


@pytest.mark.parametrize("recording", RECORDINGS[:-1], ids=lambda recording: recording.name)
def test_a_recorded_device_on_a_real_wire_gives_its_values_again(recording: Recording) -> None:
    assert served(recorded(recording.name), recording.acts) == list(recording.found)


@pytest.mark.parametrize("recording", RECORDINGS[3:6], ids=lambda recording: recording.name)
def test_a_serial_device_is_served_over_tcp_too(recording: Recording) -> None:
    assert served(recorded(recording.name), recording.acts, tcp=True) == list(recording.found)


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda recording: recording.name)
def test_a_changed_byte_changes_what_is_found(recording: Recording) -> None:
    exchange = recorded(recording.name)
    frames = tuple(
        each._replace(data=each.data.replace(recording.old, recording.new)) if each.direction is RECEIVED else each
        for each in exchange.frames
    )
    assert frames != exchange.frames
    assert played(replace(exchange, frames=frames), recording.acts) != list(recording.found)
