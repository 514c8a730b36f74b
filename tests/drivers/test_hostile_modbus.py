"""The hostile server itself: what each of its modes puts on each wire, and pymodbus' opinion of its right answers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.framer import FramerType
from pymodbus.pdu.diag_message import ReturnQueryDataResponse
from pymodbus.pdu.mei_message import ReadDeviceInformationResponse

from drivers.frames.modbus import Request, frame, request_pdu
from drivers.frames.modbus_rtu import rtu_frame, unframed
from drivers.serial_port import PtyEnd
from tests.drivers.hostile_modbus import EXCEPTIONS, MODES, HostileServer, Wire, hostile_server

WIRES: tuple[Wire, ...] = ("tcp", "rtu_tcp", "rtu_pty")
READ = Request(4, 0, 3)
_RIGHT = {"late", "drip", "wrong_echo"}  # of a read
_NO_WHOLE_FRAME = {"mute", "garbage", "rst", "truncated", "half", "burst", "bad_crc"}


class Ears:
    """The wire's near end, raw."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def hear(self, count: int = 0) -> bytes:
        """What comes: `count` bytes at least, then whatever follows within a moment."""
        heard = b""
        with contextlib.suppress(TimeoutError, ConnectionError):
            while True:
                async with asyncio.timeout(5.0 if len(heard) < count else 0.02):
                    data = await self.reader.read(4096)
                if not data:
                    break
                heard += data
        return heard


@contextlib.asynccontextmanager
async def ears(server: HostileServer) -> AsyncIterator[Ears]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        yield Ears(reader, writer)
    finally:
        writer.transport.abort()


@pytest.mark.parametrize(("wire", "mode"), [(wire, mode) for wire in WIRES[:2] for mode in MODES[wire]])
async def test_each_mode_spoils_the_reply_and_the_next_is_right(wire: Wire, mode: str) -> None:
    async with hostile_server(wire) as server, ears(server) as ear:
        server.values |= {("ir", 0): 100, ("ir", 1): 101, ("ir", 2): 102}
        server.late_s = 0.03
        server.modes = [mode]
        pdu = request_pdu(READ)
        ask = frame(7, 2, pdu) if wire == "tcp" else rtu_frame(2, pdu)
        right = bytes.fromhex("0406006400650066")
        right = frame(7, 2, right) if wire == "tcp" else rtu_frame(2, right)
        ear.writer.write(ask)
        heard = await ear.hear(0 if mode == "mute" else len(right) if mode in _RIGHT else 1)
        if mode in _RIGHT:
            assert heard == right
        else:
            assert heard != right
        if mode in EXCEPTIONS:
            assert heard[1 if wire != "tcp" else 7] == 0x84
        if wire == "rtu_tcp" and mode not in {*_NO_WHOLE_FRAME, "duplicate", "foreign_first", "garbage_before"}:
            assert unframed(heard) is not None, "its CRC is right: only the content is not"
        if mode in _NO_WHOLE_FRAME and wire == "rtu_tcp":
            assert unframed(heard) is None
        if mode == "rst":
            return
        ear.writer.write(ask)
        assert await ear.hear(len(right)) == right
        assert server.heard == [(2, READ), (2, READ)]


async def test_an_unplugged_pty_comes_back_as_another_one() -> None:
    async with hostile_server("rtu_pty") as server:
        before = server.path
        assert isinstance(server._pty, PtyEnd)
        server._reset()
        assert server._pty is not None
        assert not server._pty.lost
        assert before


@pytest.mark.parametrize("wire", WIRES)
async def test_pymodbus_agrees_with_the_right_answers(wire: Wire) -> None:
    async with hostile_server(wire) as server:
        server.values |= {("ir", 0): 100, ("hr", 5): 0b1010, ("co", 9): 1}
        server.clamps[6] = 500
        client: AsyncModbusTcpClient | AsyncModbusSerialClient
        if wire == "rtu_pty":
            client = AsyncModbusSerialClient(server.path, baudrate=115_200, timeout=1, retries=0, reconnect_delay=0)
        else:
            framer = FramerType.SOCKET if wire == "tcp" else FramerType.RTU
            client = AsyncModbusTcpClient(
                "127.0.0.1", port=server.port, framer=framer, timeout=1, retries=0, reconnect_delay=0
            )
        assert await client.connect()
        try:
            assert (await client.read_input_registers(0, count=2, device_id=2)).registers == [100, 0]
            assert (await client.read_coils(8, count=2, device_id=2)).bits[:2] == [False, True]
            assert not (await client.mask_write_register(address=5, and_mask=0xF2, or_mask=0x25, device_id=2)).isError()
            assert (await client.read_holding_registers(5, count=1, device_id=2)).registers == [0b1010 & 0xF2 | 5]
            both = await client.readwrite_registers(
                read_address=6, read_count=2, write_address=6, values=[900, 3], device_id=2
            )
            assert both.registers == [500, 3]
            echo = await client.diag_query_data(b"\xa5\x37", device_id=2)
            assert isinstance(echo, ReturnQueryDataResponse)
            assert echo.message == b"\xa5\x37"
            told = await client.read_device_information(read_code=1, object_id=0, device_id=2)
            assert isinstance(told, ReadDeviceInformationResponse)
            assert told.information == {0: b"hostile", 1: b"H-1", 2: b"0.9"}
        finally:
            client.close()
