"""Other people's clients on the simulated rig, unmodified: mbpoll, libmodbus, mosquitto_sub, plain pyserial."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import serial

from drivers.settings import ModbusTcpSettings, MqttSettings
from linectl.clock import Clock
from linectl.sim.rig import Rig
from linectl.sim.washer.registers import INPUT_WORDS, Input
from tests.drivers.conftest import Mosquitto
from tests.drivers.foreign import peer, program, said

__all__ = ["peer"]

WARM = {"bath.temperature": 60.0, "bath.naoh": 1.5, "washer.recipe": 1}
VOICES = ("hall", "dock", "store")
BATH_INPUTS = 13


@contextlib.asynccontextmanager
async def served(folder: Path, **options: object) -> AsyncIterator[Rig]:
    speed = options.pop("speed", 1.0)
    assert isinstance(speed, float)
    async with Rig(Clock(speed=speed), seed=1, directory=folder, initial=WARM, **options) as rig:  # type: ignore[arg-type]  # options as they come
        yield rig


def network(rig: Rig) -> str:
    settings = rig.settings["plc"]
    assert isinstance(settings, ModbusTcpSettings)
    return str(settings.port)


def how(rig: Rig, wire: str) -> tuple[list[str], str]:
    """Return mbpoll's options, and where it finds the PLCs."""
    if wire == "tcp":
        return ["-m", "tcp", "-p", network(rig)], "127.0.0.1"
    return ["-m", "rtu", "-b", "19200", "-P", "even"], rig.plc_serial.serial.port


def words(output: str) -> list[int]:
    """The values of mbpoll's lines `[address]: value`, where it also says what a value is with a sign."""
    return [int(line.split(":", 1)[1].split()[0]) for line in output.splitlines() if line.startswith("[")]


@pytest.mark.parametrize("wire", ["tcp", "rtu"])
async def test_mbpoll_reads_writes_and_commands_both_plcs(wire: str, tmp_path: Path) -> None:
    mbpoll = program("mbpoll")
    async with served(tmp_path) as rig:
        options, where = how(rig, wire)
        for unit, inputs, setpoint, code in ((2, BATH_INPUTS, 10, 1), (1, INPUT_WORDS, 13, 102)):
            ask = [mbpoll, *options, "-a", str(unit), "-0", "-1", "-q"]
            read = words(await said(*ask, "-t", "3", "-r", "0", "-c", str(inputs), where))
            assert len(read) == inputs
            assert read[Input.BOOT_COUNTER] == 1
            await said(*ask, "-t", "4", "-r", "31", where, "7")
            await said(*ask, "-t", "4", "-r", "30", where, "1")
            await said(*ask, "-t", "4", "-r", str(setpoint), where, "615")
            assert words(await said(*ask, "-t", "4", "-r", str(setpoint), where)) == [615]
            if unit == 1:
                await said(*ask, "-t", "4", "-r", "3", where, "2")
            await said(*ask, "-t", "4", "-r", "0", where, str(code), "1", "7")
            await asyncio.sleep(0.3)
            assert words(await said(*ask, "-t", "3", "-r", "5", "-c", "2", where)) == [1, 1]


@pytest.mark.parametrize("wire", ["tcp", "rtu"])
async def test_libmodbus_is_the_host_of_both_plcs(peer: str, wire: str, tmp_path: Path) -> None:
    async with served(tmp_path) as rig:
        where = network(rig) if wire == "tcp" else rig.plc_serial.serial.port
        for unit, figures in ((2, [str(BATH_INPUTS), "10", "1", "0"]), (1, [str(INPUT_WORDS), "13", "102", "2"])):
            heard = (await said(peer, "host", wire, where, str(unit), *figures)).splitlines()
            inputs = [int(word) for word in heard[0].split()[1:]]
            assert len(inputs) == int(figures[0])
            assert inputs[Input.BOOT_COUNTER] == 1
            assert "setpoint 615" in heard
            assert heard[-1] == "acknowledged 1 1", heard
        assert rig.twin.plc.setpoints.temperature_c == 61.5
        assert rig.washer.plc.recipe == 2


async def test_a_command_under_another_token_is_refused_to_libmodbus(peer: str, tmp_path: Path) -> None:
    """The negative control: the handshake is not answered by anything at all."""
    async with served(tmp_path) as rig:
        rig.twin.plc.claim(9)
        heard = await said(peer, "host", "tcp", network(rig), "2", str(BATH_INPUTS), "10", "1", "0")
        assert heard.splitlines()[-1] == "acknowledged 1 5"


async def heard_by_mosquitto_sub(rig: Rig, count: int) -> dict[str, str]:
    settings = rig.settings["sensors"]
    assert isinstance(settings, MqttSettings)
    place = ["-h", settings.host, "-p", str(settings.port)]
    listener = [program("mosquitto_sub"), *place, "-t", "#", "-v", "-C", str(count), "-W", "15"]
    return dict(line.split(" ", 1) for line in (await said(*listener)).splitlines())


@pytest.mark.parametrize("own", [True, False])
async def test_mosquitto_sub_hears_every_dialect(own: bool, mosquitto: Mosquitto, tmp_path: Path) -> None:
    place = None if own else (mosquitto.host, mosquitto.port)
    async with served(tmp_path, broker=place, extra=VOICES, speed=300.0) as rig:
        told = await heard_by_mosquitto_sub(rig, 26)
    assert told["tele/hall/LWT"] == "Online"
    assert told["shellyplusht-dock/online"] == "true"
    assert json.loads(told["zigbee2mqtt/store/availability"]) == {"state": "online"}
    assert json.loads(told["zigbee2mqtt/bridge/state"]) == {"state": "online"}
    assert json.loads(told["sensors/room/climate"])["seq"] >= 1
    sensor = json.loads(told["tele/hall/SENSOR"])
    assert 15 < sensor["SI7021"]["Temperature"] < 30
    assert sensor["TempUnit"] == "C"


def asked_by_pyserial(address: str) -> tuple[bytes, float]:
    """Ask an EZO for a reading as a script of a student does; return the answer and how long it took, s."""
    import time

    with serial.serial_for_url(address, 9600, timeout=5) as port:
        port.reset_input_buffer()
        port.write(b"R\r")
        began_s = time.perf_counter()
        return port.read_until(b"*OK\r"), time.perf_counter() - began_s


@pytest.mark.parametrize("wire", ["pty", "socket"])
async def test_plain_pyserial_reads_an_ezo_at_its_pace(wire: str, tmp_path: Path) -> None:
    async with served(tmp_path) as rig:
        address = str(rig.instruments["rtd"].link) if wire == "pty" else rig.serial_servers["rtd"]
        answer, took_s = await asyncio.to_thread(asked_by_pyserial, address)
    reading, ok, _ = answer.split(b"\r")
    assert 55 < float(reading) < 65
    assert ok == b"*OK"
    characters = len(b"R\r") + len(answer)
    assert 0.6 + characters * 10 / 9600 - 0.001 <= took_s < 5.0
