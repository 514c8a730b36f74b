"""Each ill of a wire against our own drivers: never a wrong value, the right reason, and well again once it is cleared.

The wires are real (sockets, terminals, a broker), the clock jumps.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from drivers.instruments.circulator import CirculatorLink
from drivers.instruments.ezo import EzoLink
from drivers.instruments.sics import SicsLink
from drivers.link import Link, Outcome, Point, RawReading, RawValue
from drivers.modbus.link import ModbusLink
from drivers.mqtt.link import MqttLink
from drivers.settings import (
    CirculatorSettings,
    EzoSettings,
    LinkSettings,
    ModbusRtuSettings,
    ModbusTcpSettings,
    MqttSettings,
    SicsSettings,
    UnitSettings,
)
from linectl.clock import VIRTUAL_START_NS, Clock, VirtualTimeLoop
from linectl.sim.benchtop import settings_of
from linectl.sim.rig import Rig
from linectl.sim.wires import ills
from linectl.sim.wires.balance import Balance
from linectl.sim.wires.circulator import Circulator
from linectl.sim.wires.ezo import EzoCircuit
from linectl.sim.wires.trouble import Asked, Ill, Reply

LEVEL, BOOTS, SETPOINT = Point("2/ir11"), Point("2/ir4"), Point("2/hr10", "i16")
HELD: Mapping[Point, RawValue] = {LEVEL: 1000, BOOTS: 1, SETPOINT: 615}
SILENCE = {"timeout", "not_connected"}
BROKEN = {"timeout", "not_connected", "bad_reply"}
RIGHT = {""}
WAIT_S = 30.0


def built(settings: LinkSettings) -> Link:
    match settings:
        case ModbusTcpSettings() | ModbusRtuSettings():
            return ModbusLink(settings)
        case EzoSettings():
            return EzoLink(settings)
        case SicsSettings():
            return SicsLink(settings)
        case CirculatorSettings():
            return CirculatorLink(settings)
        case MqttSettings():
            return MqttLink(settings)
        case _:
            raise AssertionError(settings)


async def read(link: Link, point: Point, within_s: float = 3.0) -> RawReading:
    return (await link.read((point,), deadline=asyncio.get_running_loop().time() + within_s))[point]


async def soon_well(link: Link, point: Point) -> RawReading:
    """Return the first reading with a value, which must come in 30 s."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + WAIT_S
    while (found := await read(link, point)).value is None:
        assert loop.time() < until_s, f"still {found}"
        await asyncio.sleep(0.2)
    return found


def on_a_rig(
    folder: Path, work: Callable[[Rig], Awaitable[None]], *, wires: bool = True, extra: tuple[str, ...] = ()
) -> None:
    async def main() -> None:
        clock = Clock(start_ns=VIRTUAL_START_NS)
        start = {"bath.temperature": 60.0, "bath.naoh": 1.5}
        async with Rig(clock, seed=3, directory=folder, initial=start, wires=wires, extra=extra) as rig:
            await work(rig)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())


def link_to(rig: Rig, name: str) -> Link:
    if not rig.wires:
        return rig.links()["plc" if name in {"rtu", "gateway"} else name]
    if name in {"rtu", "gateway"}:
        # replies on RTU have no number: one that comes after all waiting is told by a question with a nonce alone
        units = {2: UnitSettings(nonce=True)}
        return built(replace(rig.plc_serial if name == "rtu" else rig.plc_gateway, units=units))
    return built(rig.settings[name])


MODBUS_ILLS: Mapping[str, tuple[Ill, set[str], set[str]]] = {  # the ill, reasons on TCP, reasons on RTU
    "a little late": (ills.late(0.002, 0.01), RIGHT, RIGHT),
    "late": (ills.late(2.0), SILENCE, SILENCE),
    "now and then late": (ills.late(0.6, 0.9, share=0.3), RIGHT | SILENCE, RIGHT | BROKEN),
    "dropped": (ills.drop(), SILENCE, SILENCE),
    "doubled": (ills.duplicate(after_s=0.01), RIGHT, RIGHT | BROKEN),
    "garbled": (ills.garble(bits=3), BROKEN, BROKEN),
    "truncated": (ills.truncate(keep=0.7), SILENCE, BROKEN),
    "dripping": (ills.slow(0.002), RIGHT, RIGHT | BROKEN),
    "dripping for ever": (ills.slow(0.3), SILENCE, BROKEN),
    "half open": (ills.half_open(), SILENCE, SILENCE),
    "hung up": (ills.hang_up(), SILENCE, SILENCE),
    "illegal function": (ills.exception(1), {"out_of_service"}, {"out_of_service"}),
    "illegal address": (ills.exception(2), {"out_of_service"}, {"out_of_service"}),
    "illegal value": (ills.exception(3), {"out_of_service"}, {"out_of_service"}),
    "device failure": (ills.exception(4), {"sensor_failure"}, {"sensor_failure"}),
    "busy": (ills.exception(6), {"timeout"}, {"timeout"}),
    "gateway": (ills.exception(10), {"not_connected"}, {"not_connected"}),
    "unit gone": (ills.unit_gone(2), {"not_connected"}, SILENCE),
    "unit silent": (ills.unit_gone(code=0), SILENCE, SILENCE),
    "another answer first": (ills.foreign(), RIGHT | BROKEN, RIGHT | BROKEN),
    "another answer instead": (ills.foreign(instead=True), BROKEN, BROKEN),
    "noise": (ills.noise(), BROKEN, RIGHT | BROKEN),
}


@pytest.mark.parametrize("wire", ["plc", "rtu", "gateway", "memory"])
def test_modbus_in_trouble_never_says_what_is_not_so(wire: str, tmp_path: Path) -> None:
    async def work(rig: Rig) -> None:
        link = link_to(rig, "plc" if wire == "memory" else wire)
        await link.open()
        await link.write(SETPOINT, 615, deadline=asyncio.get_running_loop().time() + 5)
        wrong, seen = [], {}
        for name, (ill, on_tcp, on_rtu) in MODBUS_ILLS.items():
            allowed = on_tcp if wire in {"plc", "memory"} else on_rtu
            rig.troubles["plc"].add(ill)
            reasons = set()
            for k in range(6):
                point = tuple(HELD)[k % len(HELD)]
                found = await read(link, point)
                reasons.add(found.reason)
                wrong += [(name, point, found)] if found.value not in {None, HELD[point]} else []
                await asyncio.sleep(0.1)
            seen[name] = reasons
            assert reasons <= allowed, f"{name} on {wire}: {reasons}"
            rig.troubles["plc"].remove(ill)
            for point, value in HELD.items():
                assert (await soon_well(link, point)).value == value, f"{name} on {wire} is cleared"
        await link.close()
        assert wrong == []
        assert {""} in seen.values(), "some ills are harmless"

    on_a_rig(tmp_path, work, wires=wire != "memory")


@pytest.mark.parametrize("wires", [True, False])
def test_a_write_whose_reply_is_lost_is_decided_by_the_read_back(wires: bool, tmp_path: Path) -> None:
    async def work(rig: Rig) -> None:
        link, trouble, loop = link_to(rig, "plc"), rig.troubles["plc"], asyncio.get_running_loop()
        await link.open()

        async def write(value: int, ill: Ill) -> Outcome:
            trouble.add(ill)
            result = await link.write(SETPOINT, value, deadline=loop.time() + 5)
            trouble.clear()
            await soon_well(link, SETPOINT)
            return result.outcome

        first = Ill("the first reply is lost", reply=_first_only())
        assert await write(620, first) is Outcome.CONFIRMED, "it was carried out"
        assert await write(630, ills.exception(3, writes_only=True)) is Outcome.REFUSED
        assert rig.twin.plc.setpoints.temperature_c == 62.0
        assert await write(640, ills.half_open()) is Outcome.UNKNOWN
        assert rig.twin.plc.setpoints.temperature_c == 62.0, "nothing arrived"
        await link.close()

    on_a_rig(tmp_path, work, wires=wires)


def _first_only() -> Callable[[Reply, Asked, Random], Reply]:
    met: list[Asked] = []

    def reply(whole: Reply, asked: Asked, _draw: Random) -> Reply:
        met.append(asked)
        return Reply(()) if len(met) == 1 else whole

    return reply


@pytest.mark.parametrize("wires", [True, False])
def test_words_in_the_wrong_order_are_shown_as_a_wrong_program_would(wires: bool, tmp_path: Path) -> None:
    async def work(rig: Rig) -> None:
        link = link_to(rig, "plc")
        await link.open()
        block, pair = Point("2/ir10:4", "block"), Point("2/ir10", "u32")
        right = (await read(link, block)).value
        assert isinstance(right, tuple)
        ill = rig.troubles["plc"].add(ills.swapped_words("ir", 10, 4))
        shown = (await read(link, block)).value
        assert shown == (right[1], right[0], right[3], right[2])
        assert (await read(link, pair)).value == right[1] << 16 | right[0]
        assert (await read(link, LEVEL)).value == right[1], "a register that is read alone has no order"
        rig.troubles["plc"].remove(ill)
        assert (await read(link, block)).value == right
        await link.close()

    on_a_rig(tmp_path, work, wires=wires)


SERIAL_ILLS: Mapping[str, tuple[Ill, set[str]]] = {
    "a little late": (ills.late(0.05, 0.1), RIGHT),
    "late": (ills.late(4.0), BROKEN),
    "now and then late": (ills.late(0.8, 1.5, share=0.4), RIGHT | BROKEN),
    "dropped": (ills.drop(share=0.5), RIGHT | BROKEN),
    "doubled": (ills.duplicate(), RIGHT | BROKEN),
    "garbled": (ills.garble(bits=2), BROKEN),
    "a partial line": (ills.truncate(keep=0.4), BROKEN),
    "the end is missing": (ills.truncate(keep=1.0), RIGHT | BROKEN),
    "dripping": (ills.slow(0.005), RIGHT | BROKEN),
    "dripping for ever": (ills.slow(0.5), BROKEN),
    "silent": (ills.half_open(), SILENCE),
    "hung up": (ills.hang_up(), SILENCE),
    "another answer first": (ills.foreign(), BROKEN | {"sensor_failure", "out_of_service"}),
    "another answer instead": (ills.foreign(instead=True), BROKEN | {"sensor_failure", "out_of_service"}),
    "noise": (ills.noise(), BROKEN),
}
SERIAL_POINTS: Mapping[str, tuple[Point, RawValue]] = {
    "ph": (Point("R", "float"), 13.528),
    "balance": (Point("weight", "float"), 712.34),
    "circulator": (Point("setpoint", "float"), 64.25),
}


def _prepared(rig: Rig) -> None:
    balance, circulator = rig.instruments["balance"].handler, rig.instruments["circulator"].handler
    assert isinstance(balance, Balance)
    assert isinstance(circulator, Circulator)
    balance.load_g = 712.34
    circulator.setpoint_c = 64.25


@pytest.mark.parametrize("wire", ["pty", "tcp", "memory"])
@pytest.mark.parametrize("name", list(SERIAL_POINTS))
def test_instruments_in_trouble_never_say_what_is_not_so(name: str, wire: str, tmp_path: Path) -> None:
    async def work(rig: Rig) -> None:
        _prepared(rig)
        link = rig.links()[name] if wire == "memory" else built(_address(rig, name, wire))
        await link.open()
        point, right = SERIAL_POINTS[name]
        assert (await soon_well(link, point)).value == right
        wrong = []
        for what, (ill, allowed) in SERIAL_ILLS.items():
            rig.troubles[name].add(ill)
            reasons = set()
            for _ in range(4):
                found = await read(link, point)
                reasons.add(found.reason)
                wrong += [(what, found)] if found.value not in {None, right} else []
                await asyncio.sleep(0.2)
            assert reasons <= allowed, f"{what}: {reasons}"
            rig.troubles[name].clear()
            assert (await soon_well(link, point)).value == right, f"{what} is cleared"
        await link.close()
        assert wrong == []

    on_a_rig(tmp_path, work, wires=wire != "memory", extra=tuple(SERIAL_POINTS))


def _address(rig: Rig, name: str, wire: str) -> LinkSettings:
    port = str(rig.instruments[name].link) if wire == "pty" else rig.serial_servers[name]
    return settings_of(name, port)


def test_an_instrument_that_restarts_is_set_up_again_and_is_bad_meanwhile(tmp_path: Path) -> None:
    async def work(rig: Rig) -> None:
        link = link_to(rig, "rtd")
        await link.open()
        temperature = Point("R", "float")
        assert (await read(link, temperature)).value is not None
        circuit = rig.instruments["rtd"].handler
        assert isinstance(circuit, EzoCircuit)
        rig.reboot_instrument("rtd")
        assert circuit.continuous, "its settings are forgotten"
        await asyncio.sleep(0.1)
        assert (await soon_well(link, temperature)).reason == ""
        assert not circuit.continuous
        assert link.stats().extra["reboots"] == 1
        rig.babble("rtd", b"\x95\x81 12.3")  # noise, and a line without its end
        found = await read(link, temperature)
        assert found.value is None or 59 < float(str(found.value)) < 61
        assert 59 < float(str((await soon_well(link, temperature)).value)) < 61
        await link.close()

    on_a_rig(tmp_path, work)


ROOM = Point("sensors/room/climate#temperature", "float")
SENSOR_ILLS: Mapping[str, Ill] = {
    "late and out of order": ills.late(0.0, 70.0),
    "dropped": ills.drop(share=0.5),
    "doubled": ills.duplicate(after_s=35.0),
    "garbled": ills.garble(bits=3),
    "truncated": ills.truncate(keep=0.6),
    "silent": ills.half_open(),
    "an older one again": ills.foreign(),
    "an older one instead": ills.foreign(instead=True),
}


@pytest.mark.parametrize("wires", [True, False])
def test_sensors_in_trouble_never_say_what_is_not_so(wires: bool, tmp_path: Path) -> None:
    async def work(rig: Rig) -> None:
        link, loop = link_to(rig, "sensors"), asyncio.get_running_loop()
        await link.open()
        await asyncio.sleep(65.0)
        for what, ill in SENSOR_ILLS.items():
            rig.troubles["sensors"].add(ill)
            times_ns = []
            for _ in range(8):
                await asyncio.sleep(30.0)
                found = await read(link, ROOM)
                assert found.value is None or 15 < float(str(found.value)) < 25, what
                times_ns += [found.source_ns] if found.source_ns is not None else []
            assert times_ns == sorted(times_ns), f"{what}: never an older one after a newer one"
            rig.troubles["sensors"].clear()
            await asyncio.sleep(75.0)
            after = await read(link, ROOM)
            assert after.value is not None, what
            assert loop.time() - after.t_reply_s < 31.0, f"{what} is cleared"
        await link.close()

    on_a_rig(tmp_path, work, wires=wires)
