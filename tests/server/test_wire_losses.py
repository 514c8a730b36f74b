"""A wire that is cut shows as BAD within a second and comes back by itself: the line on real wires in real time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from drivers.settings import MqttSettings
from linectl.clock import Clock
from linectl.config.files import find_file
from linectl.config.load import load_line
from linectl.line.line import Line
from linectl.model.readings import Level
from linectl.server.simulation.simulated import connect
from linectl.sim.rig import Rig

pytestmark = pytest.mark.timeout(180)

BACK_WITHIN_S = 30.0  # some seconds as a rule; the machine may be busy


class Bench:
    """A rig on real wires and a line open on it, in real time."""

    def __init__(self, rig: Rig, line: Line) -> None:
        self.rig = rig
        self.line = line

    async def bad_after(self, tag: str) -> float:
        """Return after how many seconds `tag` was BAD."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        async with asyncio.timeout(BACK_WITHIN_S):
            while self.line.reading(tag).quality.level is not Level.BAD:
                await asyncio.sleep(0.01)
        assert self.line.reading(tag).value is None
        return loop.time() - began_s

    async def good_again(self, tag: str) -> None:
        async with asyncio.timeout(BACK_WITHIN_S):
            while not self.line.reading(tag).quality.is_good:
                await asyncio.sleep(0.02)


@pytest_asyncio.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    definition = load_line(find_file("simulated", folder="config"))
    async with AsyncExitStack() as stack:
        clock = Clock()
        rig = await stack.enter_async_context(
            Rig(clock, seed=1, directory=tmp_path, initial={"bath.temperature": 60.0, "bath.naoh": 1.5})
        )
        line = await stack.enter_async_context(Line(connect(definition, rig, 1.0), clock, boot="test"))
        one = Bench(rig, line)
        await one.good_again("bath.temperature")
        yield one


async def plug(bench: Bench) -> None:
    bench.rig.replug("rtd")


async def unplug(bench: Bench) -> None:
    bench.rig.unplug("rtd")


async def start_modbus(bench: Bench) -> None:
    await bench.rig.start_modbus()


async def stop_modbus(bench: Bench) -> None:
    await bench.rig.stop_modbus()


async def start_broker(bench: Bench) -> None:
    await bench.rig.start_broker()


async def stop_broker(bench: Bench) -> None:
    await bench.rig.stop_broker()


Act = Callable[[Bench], Awaitable[None]]


@pytest.mark.parametrize(
    ("cut", "mend", "tag", "other"),
    [
        pytest.param(unplug, plug, "bath.temperature", "bath.level", marks=pytest.mark.fault("F11")),
        pytest.param(stop_modbus, start_modbus, "bath.level", "bath.temperature", marks=pytest.mark.fault("F01")),
        pytest.param(stop_broker, start_broker, "room.temperature", "bath.temperature", marks=pytest.mark.fault("F17")),
    ],
)
async def test_a_cut_wire_is_bad_within_a_second_and_comes_back(
    bench: Bench, cut: Act, mend: Act, tag: str, other: str
) -> None:
    if tag == "room.temperature":
        await bench.good_again(tag)
    await cut(bench)
    assert await bench.bad_after(tag) <= 1.0
    assert bench.line.reading(other).quality.is_good  # a fault of one device never stalls another
    await mend(bench)
    if tag != "room.temperature":  # the climate comes each 30 s: its link is enough
        await bench.good_again(tag)
    else:
        async with asyncio.timeout(BACK_WITHIN_S):
            while bench.line.reading(tag).quality.reason == "not_connected":
                await asyncio.sleep(0.02)


async def test_a_line_without_its_broker_names_it_when_it_opens(tmp_path: Path) -> None:
    from linectl.errors import Unreachable

    definition = load_line(find_file("simulated", folder="config"))
    clock = Clock()
    async with Rig(clock, seed=1, directory=tmp_path) as rig:
        told = connect(definition, rig, 1.0)
        links = {**told.links, "sensors": MqttSettings("127.0.0.1", 1, topics=("sensors/#",))}
        line = Line(replace(told, links=links), clock, boot="test")
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1") as caught:
            await line.open()
        assert "broker" in caught.value.hint
