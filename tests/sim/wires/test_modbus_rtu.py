"""The simulator's RTU server on ptys and sockets: raw frames, a foreign client, pacing, virtual time."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.framer import FramerType
from pymodbus.pdu.diag_message import ReturnQueryDataResponse
from pymodbus.pdu.mei_message import ReadDeviceInformationResponse

from drivers.frames.modbus_rtu import rtu_frame, unframed
from drivers.link import Outcome, Point
from drivers.modbus.link import ModbusLink
from drivers.settings import ModbusRtuSettings, SerialSettings
from drivers.streams import open_stream
from linectl.clock import VirtualTimeLoop
from linectl.errors import Unreachable
from linectl.sim.bath.registers import IDENTITIES
from linectl.sim.wires.bank import Fault, ModbusFault
from linectl.sim.wires.modbus_rtu import ModbusRtuServer
from linectl.sim.wires.modbus_server import ModbusServer


class Words:
    """One unit whose tables are plain numbers; it counts what it is asked."""

    def __init__(self) -> None:
        self.words = dict.fromkeys(itertools.product(("co", "di", "hr", "ir"), range(300)), 0)

    def read(self, table: str, address: int, count: int) -> list[int]:
        return [self.words[table, address + k] for k in range(count)]

    def write(self, table: str, address: int, values: list[int]) -> None:
        assert table in {"co", "hr"}
        for at, value in enumerate(values, address):
            self.words[table, at] = value


class Wire:
    """A channel of the tests: what is said to the server, and what it says back with the loop's time."""

    def __init__(self) -> None:
        self.to_server: asyncio.Queue[bytes] = asyncio.Queue()
        self.said: list[tuple[float, bytes]] = []

    async def read(self) -> bytes:
        return await self.to_server.get()

    def write(self, data: bytes) -> None:
        self.said.append((asyncio.get_running_loop().time(), data))

    @property
    def heard(self) -> bytes:
        return b"".join(data for _, data in self.said)


@asynccontextmanager
async def _on_a_wire(server: ModbusRtuServer) -> AsyncIterator[Wire]:
    wire = Wire()
    task = asyncio.create_task(server.serve(wire))
    try:
        yield wire
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def in_virtual_time(server: ModbusRtuServer, *pieces: tuple[float, bytes], after_s: float = 1.0) -> Wire:
    """Say `pieces` (pause before each in s, bytes), and return the wire `after_s` later."""

    async def say() -> Wire:
        async with _on_a_wire(server) as wire:
            for pause_s, data in pieces:
                await asyncio.sleep(pause_s)
                wire.to_server.put_nowait(data)
            await asyncio.sleep(after_s)
            return wire

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(say())


def _server(**options: float) -> tuple[Words, ModbusRtuServer]:
    words = Words()
    words.words["ir", 3] = 1234
    return words, ModbusRtuServer({2: words, 9: Words()}, identities=IDENTITIES, **options)  # type: ignore[arg-type]  # floats


ASK = bytes.fromhex("02 04 0003 0001") + bytes.fromhex("C1F9")
TOLD = rtu_frame(2, bytes.fromhex("0402 04d2"))


def test_the_request_of_these_tests_is_a_frame() -> None:
    assert unframed(ASK) == (2, ASK[1:6])


def test_only_the_units_of_the_wire_answer_and_a_broadcast_is_taken_in_silence() -> None:
    words, server = _server()
    foreign = rtu_frame(7, ASK[1:6])
    broadcast = rtu_frame(0, bytes.fromhex("06 0005 0042"))
    wire = in_virtual_time(server, (0, foreign), (0.1, broadcast), (0.1, ASK))
    assert wire.heard == TOLD
    assert words.words["hr", 5] == 0x42
    assert server.requests == 2


@pytest.mark.parametrize(
    "pieces",
    [
        [(0.0, ASK[:1]), (0.01, ASK[1:5]), (0.01, ASK[5:])],  # an adapter hands it over in parts
        [(0.0, b"\xff\x00" + ASK)],  # noise in front
        [(0.0, b"\x02\x10\x00\x00\x00\x50\xa0"), (0.2, ASK)],  # a long write that never comes
        [(0.0, ASK[:5]), (0.2, ASK)],  # a request cut short
        [(0.0, ASK[:-1] + b"\x00"), (0.2, ASK)],  # a wrong CRC
        [(0.0, b"\x02\x10\x00\x00\x00\x50\xa0" + ASK)],  # the same, but what follows it in one piece is a request
    ],
)
def test_a_request_is_found_however_it_comes(pieces: list[tuple[float, bytes]]) -> None:
    _, server = _server()
    assert in_virtual_time(server, *pieces).heard == TOLD
    assert (server.noise > 0) == (b"".join(data for _, data in pieces) != ASK)


def test_an_unknown_function_ends_with_silence_and_gets_exception_1() -> None:
    _, server = _server()
    assert in_virtual_time(server, (0, rtu_frame(2, b"\x41\x01\x02"))).heard == rtu_frame(2, b"\xc1\x01")


@pytest.mark.parametrize("words", [1, 2, 30])
def test_a_loopback_of_any_length_comes_back(words: int) -> None:
    _, server = _server()
    ask = rtu_frame(2, bytes.fromhex("080000") + bytes(range(2 * words)))
    assert in_virtual_time(server, (0, ask[:9]), (0.01, ask[9:])).heard == ask


def test_the_wire_takes_its_time() -> None:
    """8 characters asked, 7 answered, 3.5 of silence, 8E1 at 9600: 11 bits each."""
    character_s = 11 / 9600
    _, server = _server(character_s=character_s, turnaround_s=0.02)
    ((at_s, data),) = in_virtual_time(server, (0, ASK)).said
    assert data == TOLD
    assert at_s == pytest.approx(18.5 * character_s + 0.02)
    _, quick = _server()
    assert in_virtual_time(quick, (0, ASK)).said[0][0] == pytest.approx(0)


async def _foreign_talk(client: AsyncModbusSerialClient | AsyncModbusTcpClient, words: Words) -> None:
    assert await client.connect()
    try:
        assert (await client.read_input_registers(3, count=1, device_id=2)).registers == [1234]
        assert not (await client.write_registers(10, list(range(100, 223)), device_id=2)).isError()
        assert (await client.read_holding_registers(10, count=123, device_id=2)).registers == list(range(100, 223))
        assert not (await client.write_coils(1, [True] * 11, device_id=2)).isError()
        assert (await client.read_coils(0, count=13, device_id=2)).bits[:13] == [False] + [True] * 11 + [False]
        assert not (await client.mask_write_register(address=10, and_mask=0xF0, or_mask=0x01, device_id=2)).isError()
        both = await client.readwrite_registers(
            read_address=10, read_count=3, write_address=11, values=[7], device_id=2
        )
        assert both.registers == [100 & 0xF0 | 1, 7, 102]
        assert words.words["hr", 11] == 7
        echo = await client.diag_query_data(b"\x12\x34", device_id=2)
        assert isinstance(echo, ReturnQueryDataResponse)
        assert echo.message == b"\x12\x34"
        told = await client.read_device_information(read_code=2, object_id=0, device_id=2)
        assert isinstance(told, ReadDeviceInformationResponse)
        assert told.information[4] == b"simulated lab bath"
        alone = await client.read_device_information(read_code=4, object_id=1, device_id=9)
        assert isinstance(alone, ReadDeviceInformationResponse)
        assert alone.information == {1: b"SIM-HANDS"}
        missing = await client.read_device_information(read_code=4, object_id=77, device_id=9)
        assert missing.exception_code == 2
    finally:
        client.close()


async def test_a_foreign_client_on_a_pty(tmp_path: Path) -> None:
    words, server = _server()
    server.plug(tmp_path / "plc")
    try:
        port = str(tmp_path / "plc")
        client = AsyncModbusSerialClient(port, baudrate=115_200, timeout=1.0, retries=0, reconnect_delay=0)
        await _foreign_talk(client, words)
        assert server.path in repr(server)
    finally:
        await server.stop()
    assert not (tmp_path / "plc").is_symlink()
    assert "unplugged" in repr(server)


async def test_a_foreign_client_by_rtu_over_tcp() -> None:
    words, server = _server()
    await server.listen()
    try:
        client = AsyncModbusTcpClient(
            server.host, port=server.port, framer=FramerType.RTU, timeout=1.0, retries=0, reconnect_delay=0
        )
        await _foreign_talk(client, words)
        other = ModbusRtuServer({})
        with pytest.raises(Unreachable, match=str(server.port)):
            await other.listen(server.port)
    finally:
        await server.stop()


async def test_a_foreign_client_by_tcp() -> None:
    words = Words()
    words.words["ir", 3] = 1234
    server = ModbusServer({2: words, 9: Words()}, identities=IDENTITIES)
    await server.start()
    try:
        client = AsyncModbusTcpClient(server.host, port=server.port, timeout=1.0, retries=0, reconnect_delay=0)
        await _foreign_talk(client, words)
    finally:
        await server.stop()


async def test_a_stop_ends_a_client_that_waits() -> None:
    _, server = _server(turnaround_s=60.0)
    await server.listen()
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(ASK)
    await asyncio.sleep(0.05)
    await server.stop()
    try:
        assert await asyncio.wait_for(reader.read(), 1.0) == b""
    except ConnectionResetError:
        pass
    finally:
        writer.close()


def test_a_thousand_polls_over_a_pty_in_virtual_time() -> None:
    """Bytes in flight are counted: the clock does not jump past a reply."""

    async def polls() -> tuple[int, float]:
        words, server = _server(character_s=10 / 19_200, turnaround_s=0.005)
        server.plug()
        heard = bytearray()
        port = await open_stream(SerialSettings(server.path, 19_200), heard.extend, pytest.fail)
        right = 0
        for poll in range(1000):
            words.words["ir", 3] = poll
            heard.clear()
            port.write(ASK)
            await asyncio.sleep(0.1)
            right += bytes(heard) == rtu_frame(2, b"\x04\x02" + poll.to_bytes(2, "big"))
            await asyncio.sleep(0.9)
        port.close()
        await server.stop()
        return right, asyncio.get_running_loop().time()

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        right, ended_s = runner.run(polls())
    assert right == 1000
    assert ended_s == pytest.approx(1000, abs=0.1)


def test_our_link_on_a_slow_wire_in_virtual_time() -> None:
    """9600 8E1 and a turnaround: the link reads, writes, identifies and loops back at the wire's own pace."""

    async def talk() -> tuple[list[object], Outcome, Mapping[str, str], bool, float]:
        character_s = 11 / 9600
        words, server = _server(character_s=character_s, turnaround_s=0.01)
        server.plug()
        link = ModbusLink(ModbusRtuSettings(SerialSettings(server.path, 9600, parity="E"), turnaround_s=0.02))
        await link.open()
        loop = asyncio.get_running_loop()
        point = Point("2/ir3")
        seen: list[object] = []
        began_s = loop.time()
        for poll in range(100):
            words.words["ir", 3] = poll
            seen.append((await link.read((point,), deadline=loop.time() + 2.0))[point].value)
        took_s = (loop.time() - began_s) / 100
        written = await link.write(Point("2/hr7", "f32"), 71.25, deadline=loop.time() + 5.0)
        told = await link.identify(2, deadline=loop.time() + 5.0)
        echoed = await link.loopback(2, b"\xa5\x37", deadline=loop.time() + 5.0)
        await link.close()
        await server.stop()
        return seen, written.outcome, told, echoed, took_s

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        seen, outcome, told, echoed, took_s = runner.run(talk())
    assert seen == list(range(100))
    assert outcome is Outcome.CONFIRMED
    assert (told["vendor"], told["product_code"], told["product_name"]) == ("linectl", "SIM-BATH", "simulated lab bath")
    assert echoed
    assert 15 * 11 / 9600 + 0.01 < took_s < 0.06, "8 characters out, 7 back, the turnaround, and two silences"


def test_a_bank_that_refuses_is_an_exception_on_the_wire() -> None:
    class Refusing(Words):
        def read(self, table: str, address: int, count: int) -> list[int]:
            del table, address, count
            raise ModbusFault(Fault.DEVICE_FAILURE)

    server = ModbusRtuServer({2: Refusing()})
    assert in_virtual_time(server, (0, ASK)).heard == rtu_frame(2, b"\x84\x04")
