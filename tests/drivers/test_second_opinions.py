"""Other people's Modbus against ours, both ways: libmodbus (by a C program of ours), mbpoll, pymodbus' server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pymodbus.constants import ExcCodes
from pymodbus.framer import FramerType
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from drivers.link import Outcome, Point, RawValue
from drivers.modbus.link import ModbusLink
from drivers.settings import ModbusRtuSettings, ModbusTcpSettings, SerialSettings
from linectl.sim.wires.bank import Fault, ModbusFault
from linectl.sim.wires.modbus_rtu import ModbusRtuServer
from linectl.sim.wires.modbus_server import ModbusServer
from tests.drivers.foreign import peer, program, said

__all__ = ["peer"]

UNIT = 2
BAUD = 115_200
FLOATS = (0x428E, 0x8000, 0x8000, 0x428E, 0x8E42, 0x0080, 0x0080, 0x8E42)  # 71.25 as ABCD, CDAB, BADC, DCBA
POINTS = {
    Point("2/ir0"): 100,
    Point("2/ir19"): 119,
    Point("2/ir20", "f32"): 71.25,
    Point("2/ir22", "f32", order="CDAB"): 71.25,
    Point("2/ir24", "f32", order="BADC"): 71.25,
    Point("2/ir26", "f32", order="DCBA"): 71.25,
    Point("2/ir30", "i16"): -32768,
    Point("2/di0", "bool"): True,
    Point("2/di1", "bool"): False,
    Point("2/hr0:3", "block"): (0, 0, 0),
}
CLIENT_SAYS = """\
ir0 100 101 102 103 104 105 106 107 108 109 110 111 112 113 114 115 116 117 118 119
di0 1 0 0 1 0 0 1 0 0 1
floats 71.25 71.25 71.25 71.25 nan nan
sentinel -32768
write6
write16
mask22
hr5 55
hr10 700 701 702 703
both23 700 9 8 703
write5
co3 1 0
write15
co20 1 0 1 1 0 1 1 1 1 0
missing failed: Illegal data address
after 101
"""


class KnownRegisters:
    """The register map of `libmodbus_peer.c`, as a unit of the simulator."""

    def __init__(self) -> None:
        self.tables = {"co": [0] * 64, "hr": [0] * 64, "ir": [0] * 64, "di": [int(k % 3 == 0) for k in range(64)]}
        self.tables["ir"][:20] = range(100, 120)
        self.tables["ir"][20:28] = FLOATS
        self.tables["ir"][28] = 0x7FA0
        self.tables["ir"][30] = 0x8000

    def read(self, table: str, address: int, count: int) -> list[int]:
        if address + count > 64:
            raise ModbusFault(Fault.ILLEGAL_ADDRESS)
        return self.tables[table][address : address + count]

    def write(self, table: str, address: int, values: list[int]) -> None:
        if address + len(values) > 64:
            raise ModbusFault(Fault.ILLEGAL_ADDRESS)
        self.tables[table][address : address + len(values)] = values


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Two ttys joined by socat: what one says the other hears."""
    ends = (str(tmp_path / "ours"), str(tmp_path / "theirs"))
    command = [program("socat"), *(f"pty,raw,echo=0,link={end}" for end in ends)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        for _ in range(500):
            if all(map(os.path.exists, ends)):
                break
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.01)
        yield ends
        process.terminate()


@contextlib.asynccontextmanager
async def running(*command: str) -> AsyncIterator[str]:
    """Run a server until it has said that it is ready; give what it said."""
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield (await asyncio.wait_for(process.stdout.readline(), 10)).decode()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


def soon() -> float:
    return asyncio.get_running_loop().time() + 5.0


@contextlib.asynccontextmanager
async def opened(settings: ModbusTcpSettings | ModbusRtuSettings) -> AsyncIterator[ModbusLink]:
    link = ModbusLink(settings)
    await link.open()
    try:
        yield link
    finally:
        await link.close()


async def judge(link: ModbusLink) -> None:
    """Read and write what the other side must have."""
    readings = await link.read(tuple(POINTS), deadline=soon())
    assert {point: reading.value for point, reading in readings.items()} == POINTS
    nan = await link.read((Point("2/ir28", "f32"),), deadline=soon())
    assert [reading.reason for reading in nan.values()] == ["sensor_failure"]
    written: list[tuple[Point, RawValue]] = [
        (Point("2/hr10", "i16"), -700),
        (Point("2/hr12", "f32"), 71.25),
        (Point("2/hr14", "u32", order="CDAB"), 0x12345678),
        (Point("2/hr20:3", "block"), (7, 8, 9)),
        (Point("2/co3", "bool"), True),
    ]
    for point, value in written:
        assert (await link.write(point, value, deadline=soon())).outcome is Outcome.CONFIRMED, point
    words = await link.read((Point("2/hr14:2", "block"),), deadline=soon())
    assert [reading.value for reading in words.values()] == [(0x5678, 0x1234)]
    far, near = Point("2/ir5000"), Point("2/ir1")
    found = await link.read((far, near), deadline=soon())
    assert (found[far].reason, found[near].value) == ("out_of_service", 101)


def rtu(tty: str) -> ModbusRtuSettings:
    return ModbusRtuSettings(SerialSettings(tty, BAUD), timeout_s=0.5, window_s=0.05)


# ours asks


async def test_our_link_and_libmodbus_server_on_tcp(peer: str) -> None:
    async with (
        running(peer, "server", "tcp", "0") as ready,
        opened(ModbusTcpSettings("127.0.0.1", int(ready.split()[1]))) as link,
    ):
        await judge(link)


async def test_our_link_and_libmodbus_server_on_rtu(peer: str, cable: tuple[str, str]) -> None:
    ours, theirs = cable
    async with running(peer, "server", "rtu", theirs, str(UNIT)), opened(rtu(ours)) as link:
        await judge(link)
        silent = await link.read((Point("7/ir0"),), deadline=soon())
        assert [reading.reason for reading in silent.values()] == ["timeout"], "no other unit of the wire answers"


def _pymodbus_device() -> SimDevice:
    bits, regs = DataType.BITS, DataType.REGISTERS
    known = KnownRegisters().tables
    blocks = (
        [SimData(0, values=[bool(value) for value in known["co"]], datatype=bits)],
        [SimData(0, values=[bool(value) for value in known["di"]], datatype=bits)],
        [SimData(0, values=known["hr"], datatype=regs)],
        [SimData(0, values=known["ir"], datatype=regs)],
    )

    async def clamp(  # pymodbus awaits it
        _fc: int, _start: int, address: int, _count: int, _regs: list[int], written: list[int] | list[bool] | None
    ) -> ExcCodes | None:
        if written and address == 11:
            written[0] = min(written[0], 500)  # type: ignore[call-overload]  # registers here, never bits
        return None

    return SimDevice(id=UNIT, simdata=blocks, action=clamp)


async def judge_pymodbus(link: ModbusLink) -> None:
    await judge(link)
    clamped = await link.write(Point("2/hr11"), 700, deadline=soon())
    assert (clamped.outcome, clamped.got) == (Outcome.CLAMPED, 500)


async def test_our_link_and_pymodbus_server_on_tcp(unused_tcp_port: int) -> None:
    server = ModbusTcpServer(_pymodbus_device(), address=("127.0.0.1", unused_tcp_port))
    await server.serve_forever(background=True)
    try:
        async with opened(ModbusTcpSettings("127.0.0.1", unused_tcp_port)) as link:
            await judge_pymodbus(link)
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]  # pymodbus leaves it untyped


async def test_our_link_and_pymodbus_server_on_rtu(cable: tuple[str, str]) -> None:
    ours, theirs = cable
    server = ModbusSerialServer(_pymodbus_device(), framer=FramerType.RTU, port=theirs, baudrate=BAUD)
    await server.serve_forever(background=True)
    try:
        async with opened(rtu(ours)) as link:
            await judge_pymodbus(link)
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]  # pymodbus leaves it untyped


# others ask


@contextlib.asynccontextmanager
async def served() -> AsyncIterator[tuple[KnownRegisters, str, str]]:
    """The simulator's servers with the known registers: the unit, a TCP port, a tty."""
    unit = KnownRegisters()
    tcp, serial = ModbusServer({UNIT: unit}), ModbusRtuServer({UNIT: unit})
    await tcp.start()
    serial.plug()
    try:
        yield unit, str(tcp.port), serial.path
    finally:
        await tcp.stop()
        await serial.stop()


@pytest.mark.parametrize("wire", ["tcp", "rtu"])
async def test_libmodbus_client_and_our_server(peer: str, wire: str) -> None:
    async with served() as (_, port, tty):
        assert await said(peer, "client", wire, port if wire == "tcp" else tty, str(UNIT)) == CLIENT_SAYS


async def test_libmodbus_agrees_with_itself(peer: str) -> None:
    """What the client says of our server is what it says of its own."""
    async with running(peer, "server", "tcp", "0") as ready:
        assert await said(peer, "client", "tcp", ready.split()[1], str(UNIT)) == CLIENT_SAYS


async def test_libmodbus_client_sees_a_wrong_register(peer: str) -> None:
    """The negative control: one register is off by one, and the client's words tell."""
    async with served() as (unit, port, _):
        unit.tables["ir"][3] += 1
        heard = await said(peer, "client", "tcp", port, str(UNIT))
        assert [line for line in heard.splitlines() if line not in CLIENT_SAYS.splitlines()] == [
            CLIENT_SAYS.splitlines()[0].replace("103", "104", 1)
        ]


def _values(output: str) -> list[str]:
    """The values of mbpoll's lines `[address]: value`."""
    return [line.split(":", 1)[1].split()[0] for line in output.splitlines() if line.startswith("[")]


@pytest.mark.parametrize("wire", ["tcp", "rtu"])
async def test_mbpoll_and_our_server(wire: str) -> None:
    mbpoll = program("mbpoll")
    async with served() as (unit, port, tty):
        how = ["-m", "tcp", "-p", port] if wire == "tcp" else ["-m", "rtu", "-b", str(BAUD), "-P", "none"]
        where = "127.0.0.1" if wire == "tcp" else tty
        ask = [mbpoll, *how, "-a", str(UNIT), "-0", "-1", "-q"]
        assert _values(await said(*ask, "-t", "3", "-r", "0", "-c", "3", where)) == ["100", "101", "102"]
        assert _values(await said(*ask, "-t", "3:float", "-B", "-r", "20", where)) == ["71.25"]
        assert _values(await said(*ask, "-t", "3:float", "-r", "22", where)) == ["71.25"], "low word first"
        assert _values(await said(*ask, "-t", "1", "-r", "0", "-c", "4", where)) == ["1", "0", "0", "1"]
        await said(*ask, "-t", "4", "-r", "7", where, "44", "45")
        await said(*ask, "-t", "0", "-r", "2", where, "1")
        assert unit.tables["hr"][7:9] == [44, 45]
        assert unit.tables["co"][2] == 1
