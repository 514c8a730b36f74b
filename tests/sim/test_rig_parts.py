"""The rig's washer, its broker's troubles, and what it is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from drivers.link import Link, Outcome, Point, RawReading
from drivers.modbus.link import ModbusLink
from drivers.mqtt.link import MqttLink
from drivers.settings import ModbusTcpSettings, MqttSettings
from linectl.clock import VIRTUAL_START_NS, Clock, VirtualTimeLoop
from linectl.errors import ConfigError
from linectl.sim.rig import Rig
from linectl.sim.washer.registers import Input
from linectl.sim.wires import ills

ROOM = Point("sensors/room/climate#temperature", "float")
OTHER = Point("sensors/other#temperature", "float")


def link_to(rig: Rig, name: str) -> Link:
    if not rig.wires:
        return rig.links()[name]
    settings = rig.settings[name]
    if isinstance(settings, ModbusTcpSettings):
        return ModbusLink(settings)
    assert isinstance(settings, MqttSettings)
    return MqttLink(settings)


async def read(link: Link, point: Point) -> RawReading:
    return (await link.read((point,), deadline=asyncio.get_running_loop().time() + 2))[point]


def virtually(folder: Path, work: Callable[[Rig], Awaitable[None]], *, wires: bool, **options: object) -> None:
    async def main() -> None:
        clock = Clock(start_ns=VIRTUAL_START_NS)
        async with Rig(clock, seed=1, directory=folder, wires=wires, **options) as rig:  # type: ignore[arg-type]  # options as they come
            await work(rig)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())


@pytest.mark.parametrize("wires", [True, False])
def test_unit_1_is_a_washer_from_the_first_request_on(wires: bool, tmp_path: Path) -> None:
    async def work(rig: Rig) -> None:
        bath, washer = link_to(rig, "plc"), link_to(rig, "washer")
        await bath.open()
        await washer.open()
        await read(bath, Point("2/ir11"))
        await asyncio.sleep(100.0)
        assert not rig.has_washer, "nobody has asked for it"
        warm = await read(washer, Point(f"1/ir{Input.TEMP_Z0 + 3}", "i16"))
        assert rig.has_washer
        assert isinstance(warm.value, int)
        assert 700 < warm.value < 850, "the baths of recipe A"
        setpoint = Point("1/hr13", "i16")
        written = await washer.write(setpoint, 750, deadline=asyncio.get_running_loop().time() + 2)
        assert written.outcome is Outcome.CONFIRMED
        boots = Point("1/ir4")
        before = (await read(washer, boots)).value
        assert isinstance(before, int)
        rig.reboot_plc(1)
        assert (await read(washer, boots)).value == before + 1
        assert (await read(bath, Point("2/ir4"))).value == 1, "the other PLC went on"
        await bath.close()
        await washer.close()

    virtually(tmp_path, work, wires=wires, extra=("washer",), initial={"washer.recipe": 1})


def test_what_the_washer_shows_does_not_depend_on_when_it_is_asked_first(tmp_path: Path) -> None:
    shown: list[object] = []

    async def early(rig: Rig) -> None:
        rig.washer.advance(0.0)
        await late(rig)

    async def late(rig: Rig) -> None:
        link = link_to(rig, "washer")
        await link.open()
        await asyncio.sleep(300.0)
        shown.append((await read(link, Point("1/ir10:20", "block"))).value)

    for work in (early, late):
        virtually(tmp_path, work, wires=False, extra=("washer",), initial={"washer.recipe": 1})
    assert shown[0] == shown[1]


async def test_an_unknown_start_names_what_bath_and_washer_know(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"z9\.temperature") as refused:
        Rig(Clock(), seed=1, directory=tmp_path, wires=False, initial={"z9.temperature": 60.0})
    assert "z7.temperature" in refused.value.message
    assert "bath.level" in refused.value.message


@pytest.mark.parametrize("wires", [True, False])
def test_a_broker_that_hangs_leaves_values_old_and_then_none(wires: bool, tmp_path: Path) -> None:
    async def work(rig: Rig) -> None:
        link, loop = link_to(rig, "sensors"), asyncio.get_running_loop()
        await link.open()
        await asyncio.sleep(31.0)
        before = await read(link, ROOM)
        assert before.value is not None
        rig.freeze_broker()
        await asyncio.sleep(65.0)
        during = await read(link, ROOM)
        assert during.value is None or during.t_reply_s == before.t_reply_s, "nothing new came through"
        rig.thaw_broker()
        await asyncio.sleep(65.0)
        after = await read(link, ROOM)
        assert after.value is not None
        assert loop.time() - after.t_reply_s < 31.0
        await link.close()

    virtually(tmp_path, work, wires=wires)


async def test_a_frozen_broker_takes_connections_and_answers_none(tmp_path: Path) -> None:
    async with Rig(Clock(), seed=1, directory=tmp_path) as rig:
        settings = rig.settings["sensors"]
        assert isinstance(settings, MqttSettings)
        rig.freeze_broker()
        reader, writer = await asyncio.open_connection(settings.host, settings.port)
        writer.write(bytes.fromhex("100e00044d5154540402003c00026666"))  # connect "ff", clean, keepalive 60 s
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(4), 0.2)
        rig.thaw_broker()
        assert await asyncio.wait_for(reader.readexactly(4), 5) == bytes.fromhex("20020000")
        writer.close()


def test_retained_rubbish_is_never_a_value(tmp_path: Path) -> None:
    async def work(rig: Rig) -> None:
        rig.retain(OTHER.address.partition("#")[0], b'{"temperature": 99.0}')
        rig.retain(ROOM.address.partition("#")[0], b'{"temperature": 99.0')
        await asyncio.sleep(5.0)
        link = link_to(rig, "sensors")
        await link.open()
        await asyncio.sleep(1.0)
        assert (await read(link, OTHER)).value is None
        assert (await read(link, ROOM)).value is None
        await asyncio.sleep(60.0)
        assert 15 < float(str((await read(link, ROOM)).value)) < 25
        assert (await read(link, OTHER)).value is None
        assert link.stats().extra["retained"] >= 1
        await link.close()

    virtually(tmp_path, work, wires=True)


def test_in_memory_too_a_trouble_is_of_the_unit_that_is_asked(tmp_path: Path) -> None:
    async def work(rig: Rig) -> None:
        link = link_to(rig, "plc")  # reaches every unit, as the wire does
        await link.open()
        rig.troubles["washer"].add(ills.exception(4))
        washer, bath = Point("1/ir4"), Point("2/ir4")
        found = await link.read((washer, bath), deadline=asyncio.get_running_loop().time() + 2)
        assert (found[washer].reason, found[bath].reason) == ("sensor_failure", "")
        rig.troubles["washer"].clear()
        assert (await read(link, Point("1/ir4"))).value is not None
        await link.close()

    for wires in (True, False):
        virtually(tmp_path, work, wires=wires)
