from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import pytest

from drivers.instruments.ezo import EzoLink
from drivers.link import Link, Outcome, Point, RawReading, RawValue
from drivers.modbus.link import ModbusLink
from drivers.mqtt.link import MqttLink
from drivers.settings import EzoSettings, LinkSettings, MemorySettings, ModbusTcpSettings, MqttSettings
from linectl.clock import VIRTUAL_START_NS, Clock, VirtualTimeLoop
from linectl.errors import ConfigError, Unreachable
from linectl.model.prompts import Prompt, PromptKind
from linectl.sim.bath.operator import SimulatedOperator
from linectl.sim.rig import LINKS, Rig
from linectl.sim.wires.broker import EmbeddedBroker, free_port

TEMPERATURE = Point("R", "float")
ACK = Point("2/ir5:2", "block")
LEVEL = Point("2/ir11")
HEATER = Point("2/co6", "bool")
SETPOINT = Point("2/hr10", "i16")
COMMAND = Point("2/hr0:3", "block", readback=False)
OWNER = Point("2/hr31")
HEARTBEAT = Point("2/hr30", readback=False)


def _attached(position: int) -> Point:
    return Point(f"sensors/camera/label/{position}#attached", "bool")


ROOM = Point("sensors/room/climate#temperature", "float")


def _link(settings: LinkSettings) -> Link:
    if isinstance(settings, ModbusTcpSettings):
        return ModbusLink(settings)
    if isinstance(settings, EzoSettings):
        return EzoLink(settings)
    assert isinstance(settings, MqttSettings)
    return MqttLink(settings)


class Bench:
    """A rig, the links to it, and a host program in miniature."""

    def __init__(self, rig: Rig, clock: Clock) -> None:
        self.rig = rig
        self.clock = clock
        self.links: Mapping[str, Link] = {}
        self._seq = 0
        self._beating: asyncio.Task[None] | None = None

    async def open(self) -> None:
        built = {name: _link(settings) for name, settings in self.rig.settings.items()} if self.rig.wires else None
        self.links = built or self.rig.links()
        for link in self.links.values():
            await link.open()
        await self.write("plc", OWNER, 7)
        self._beating = asyncio.create_task(self._beat())

    async def close(self) -> None:
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.gather(self._beating, return_exceptions=True)
        for link in self.links.values():
            await link.close()

    async def read(self, name: str, point: Point) -> RawReading:
        deadline = asyncio.get_running_loop().time() + 1.0
        return (await self.links[name].read([point], deadline=deadline))[point]

    async def value(self, name: str, point: Point) -> RawValue:
        reading = await self.read(name, point)
        assert reading.value is not None, reading
        return reading.value

    async def write(self, name: str, point: Point, value: RawValue) -> Outcome:
        deadline = asyncio.get_running_loop().time() + 1.0
        return (await self.links[name].write(point, value, deadline=deadline)).outcome

    async def do(self, code: int, *, within_s: float = 1000.0) -> int:
        self._seq += 1
        await self.write("plc", COMMAND, (code, self._seq, 7))
        for _ in range(round(within_s)):
            answered = await self.value("plc", ACK)
            assert isinstance(answered, tuple)
            if answered[0] == self._seq and answered[1]:
                return answered[1]
            await self.clock.sleep(1.0)
        raise AssertionError(f"command {code} did not end")

    async def put(self, position: int, code: int) -> None:
        assert await self.write("hands", Point(f"9/hr{position - 1}"), code) is Outcome.CONFIRMED

    async def _beat(self) -> None:
        beat = 0
        while True:
            beat = beat % 0xFFFF + 1
            await self.write("plc", HEARTBEAT, beat)
            await asyncio.sleep(0.5)


async def _with_bench(
    folder: Path,
    work: Callable[[Bench], Awaitable[object]],
    *,
    wires: bool = True,
    initial: Mapping[str, float] | None = None,
    seed: int = 1,
) -> object:
    virtual = isinstance(asyncio.get_running_loop(), VirtualTimeLoop)
    clock = Clock(start_ns=VIRTUAL_START_NS if virtual else None)
    async with Rig(clock, seed=seed, initial=initial, directory=folder, wires=wires) as rig:
        bench = Bench(rig, clock)
        try:
            await bench.open()
            return await work(bench)
        finally:
            await bench.close()


def _virtual(folder: Path, work: Callable[[Bench], Awaitable[object]], **options: object) -> object:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(_with_bench(folder, work, **options))  # type: ignore[arg-type]  # options as they come


async def _screening(bench: Bench) -> list[tuple[object, ...]]:
    """Fill, dose, heat, put three bottles in, and write down what the wires say each second."""
    assert await bench.do(110) == 1
    await bench.write("plc", Point("2/hr11"), 150)
    assert await bench.do(112) == 1
    await bench.write("plc", SETPOINT, 600)
    assert await bench.write("plc", HEATER, True) is Outcome.CONFIRMED
    await bench.clock.sleep_until(2400.0)  # from 45 degrees at 1.1 K/min
    hands = SimulatedOperator(bench.clock, put=bench.put)
    for position in (1, 2, 3):
        facts = {"position": position, "bottle": f"b{position}", "glue": "casein"}
        await hands.ask(Prompt("p", PromptKind.CONFIRM, "in?", "load_bottle", facts))
    rows: list[tuple[object, ...]] = []
    start_s = round(bench.clock.process_s()) + 1.0
    for k in range(600):
        await bench.clock.sleep_until(start_s + k)
        rows.append(await _row(bench))
    await hands.ask(Prompt("q", PromptKind.CONFIRM, "out?", "unload", {"positions": (1, 2, 3)}))
    await bench.clock.sleep(2.0)
    gone = [(await bench.read("sensors", _attached(p))).reason for p in (1, 2, 3)]
    assert gone == ["out_of_service"] * 3
    return rows


async def _number(bench: Bench, name: str) -> float:
    value = await bench.value(name, TEMPERATURE)
    assert isinstance(value, float)
    return value


async def _row(bench: Bench) -> tuple[object, ...]:
    names: Sequence[tuple[str, Point]] = (
        ("rtd", TEMPERATURE),
        ("ec", TEMPERATURE),
        ("plc", LEVEL),
        ("plc", Point("2/ir10", "i16")),
        ("sensors", ROOM),
        *(("sensors", _attached(p)) for p in (1, 2, 3)),
    )
    readings = await asyncio.gather(*(bench.read(name, point) for name, point in names))
    return tuple(reading.value for reading in readings)


def test_a_screening_goes_through_real_wires_in_virtual_time(tmp_path: Path) -> None:
    began_s = time.perf_counter()
    rows = _virtual(tmp_path, _screening)
    assert time.perf_counter() - began_s < 60.0
    assert isinstance(rows, list)
    temperatures = [row[0] for row in rows]
    assert all(isinstance(value, float) and abs(value - 60.0) < 1.5 for value in temperatures)
    assert all(abs(row[1] - 124_400) < 3000 for row in rows[100:])  # 1.5 % at 60 degrees, in uS/cm
    labels = [row[5:] for row in rows]
    assert labels[0] == (True, True, True)
    assert labels[-1] == (False, False, False)
    for position in range(3):
        off = [row[position] for row in labels].index(False)
        assert 60 < off < 500  # median 150 s, slowed by the glass
        assert not any(row[position] for row in labels[off:])  # a label does not go back on


def test_the_same_seed_says_the_same_in_memory_and_another_does_not(tmp_path: Path) -> None:
    first, again = (_virtual(tmp_path, _screening, wires=False) for _ in range(2))
    assert first == again
    assert first != _virtual(tmp_path, _screening, wires=False, seed=2)


def test_wires_and_memory_say_the_same(tmp_path: Path) -> None:
    assert _virtual(tmp_path, _screening) == _virtual(tmp_path, _screening, wires=False)


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    async def look(bench: Bench) -> None:
        assert (tmp_path / "rtd").is_symlink()

    _virtual(tmp_path, look)
    assert list(tmp_path.iterdir()) == []


async def test_a_warm_start_is_full_and_warm(tmp_path: Path) -> None:
    async def look(bench: Bench) -> None:
        assert await _number(bench, "rtd") == pytest.approx(60.0, abs=0.5)
        assert await bench.value("plc", LEVEL) == pytest.approx(1000, abs=5)
        assert bench.rig.settings["rtd"] == EzoSettings(str(tmp_path / "rtd"), "RTD")
        assert 300.0 < await _number(bench, "ec") < 900.0  # tap water

    await _with_bench(tmp_path, look, initial={"bath.temperature": 60})


def test_the_default_start_is_an_empty_bath(tmp_path: Path) -> None:
    async def look(bench: Bench) -> None:
        assert await bench.value("plc", LEVEL) == 0
        assert await _number(bench, "ec") == 0.0

    _virtual(tmp_path, look, wires=False)


@pytest.mark.parametrize(
    ("initial", "said"),
    [
        ({"bath.temprature": 60.0}, "bath.temperature"),
        ({"bath.temperature": 600.0}, "95"),
        ({"bath.naoh": float("nan")}, "between 0 and 4"),
    ],
)
async def test_an_impossible_start_is_refused_by_name(initial: Mapping[str, float], said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        Rig(Clock(), seed=1, initial=initial, directory=tmp_path)
    assert said in refused.value.message + refused.value.hint


async def _until(check: Callable[[], Awaitable[bool]], within_s: float) -> float:
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    while not await check():
        assert loop.time() - began_s < within_s
        await asyncio.sleep(0.02)
    return loop.time() - began_s


async def test_every_wire_can_be_cut_and_comes_back(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        rig = bench.rig
        cuts: tuple[tuple[str, Point, Callable[[], Awaitable[None]], Callable[[], Awaitable[None]]], ...] = (
            ("plc", LEVEL, rig.stop_modbus, rig.start_modbus),
            ("sensors", ROOM, rig.stop_broker, rig.start_broker),
            ("rtd", TEMPERATURE, _soon(rig.unplug, "rtd"), _soon(rig.replug, "rtd")),
        )
        for name, point, cut, mend in cuts:

            async def says_good(name: str = name, point: Point = point) -> bool:
                return (await bench.read(name, point)).value is not None

            async def says_nothing(name: str = name, point: Point = point) -> bool:
                return (await bench.read(name, point)).value is None

            await _until(says_good, 5.0)
            await cut()
            await _until(says_nothing, 1.0)
            await mend()
            await _until(says_good, 6.0)

    await _with_bench(tmp_path, work, initial={"bath.temperature": 60})


def _soon(action: Callable[[str], None], name: str) -> Callable[[], Awaitable[None]]:
    async def do() -> None:
        action(name)

    return do


def test_faults_reach_a_rig_without_wires_too(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        rig = bench.rig
        for name, point, cut, mend in (
            ("plc", LEVEL, rig.stop_modbus, rig.start_modbus),
            ("ec", TEMPERATURE, _soon(rig.unplug, "ec"), _soon(rig.replug, "ec")),
        ):
            await cut()
            assert (await bench.read(name, point)).reason == "not_connected"
            assert await bench.write(name, point, 1) is Outcome.UNKNOWN
            await mend()
            assert (await bench.read(name, point)).value is not None

    _virtual(tmp_path, work, wires=False)


async def test_the_plc_has_a_serial_port_that_serves_the_same(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    async with Rig(Clock(), seed=1, directory=tmp_path, initial={"bath.temperature": 60.0}) as rig:
        network, serial = ModbusLink(_tcp(rig)), ModbusLink(rig.plc_serial)
        for link in (network, serial):
            await link.open()
        written = await serial.write(SETPOINT, 615, deadline=loop.time() + 5)
        assert written.outcome is Outcome.CONFIRMED
        read = await network.read((SETPOINT, LEVEL), deadline=loop.time() + 5)
        assert {point: found.value for point, found in read.items()} == {SETPOINT: 615, LEVEL: 1000}
        told = [await link.identify(2, deadline=loop.time() + 5) for link in (network, serial)]
        assert told[0] == told[1]
        assert (told[0]["vendor"], told[0]["product_code"]) == ("linectl", "SIM-BATH")
        await rig.stop_modbus()
        assert await _until(lambda: _closed(serial), 5.0) < 5.0
        await rig.start_modbus()
        assert await _until(lambda: _answers(serial), 10.0) < 10.0
        for link in (network, serial):
            await link.close()
    assert not (tmp_path / "plc").is_symlink()


def _tcp(rig: Rig) -> ModbusTcpSettings:
    settings = rig.settings["plc"]
    assert isinstance(settings, ModbusTcpSettings)
    return settings


async def _closed(link: ModbusLink) -> bool:
    return not link.is_open()


async def _answers(link: ModbusLink) -> bool:
    found = await link.read((LEVEL,), deadline=asyncio.get_running_loop().time() + 1)
    return found[LEVEL].value is not None


async def test_a_plc_that_restarts_says_so_and_heats_no_more(tmp_path: Path) -> None:
    async def work(bench: Bench) -> None:
        await bench.write("plc", SETPOINT, 700)
        await bench.write("plc", HEATER, True)
        bench.rig.reboot_plc()
        assert await bench.value("plc", Point("2/ir4")) == 2
        assert await bench.value("plc", HEATER) is False
        assert await bench.value("plc", SETPOINT) == 0

    await _with_bench(tmp_path, work, initial={"bath.temperature": 60})


async def test_settings_without_wires_name_links_and_nothing_else(tmp_path: Path) -> None:
    rig = Rig(Clock(), seed=1, directory=tmp_path, wires=False)
    assert dict(rig.settings) == {name: MemorySettings(name) for name in LINKS}
    assert set(rig.links()) == set(LINKS)


async def test_a_broker_of_ones_own_is_used_and_one_that_is_absent_is_named(tmp_path: Path) -> None:
    broker = EmbeddedBroker()
    await broker.start()
    try:
        async with Rig(Clock(), seed=1, directory=tmp_path, broker=(broker.host, broker.port)) as rig:
            settings = rig.settings["sensors"]
            assert isinstance(settings, MqttSettings)
            assert settings.port == broker.port
    finally:
        await broker.stop()
    port = free_port()
    with pytest.raises(Unreachable, match=str(port)):
        await Rig(Clock(), seed=1, directory=tmp_path, broker=("127.0.0.1", port)).start()
    assert os.listdir(tmp_path) == []  # noqa: PTH208  # a pathlib call would be one that blocks, to the linter


async def test_a_taken_port_is_named_by_the_broker() -> None:
    broker = EmbeddedBroker()
    await broker.start()
    try:
        with pytest.raises(Unreachable, match=str(broker.port)):
            await EmbeddedBroker(port=broker.port).start()
    finally:
        await broker.stop()
