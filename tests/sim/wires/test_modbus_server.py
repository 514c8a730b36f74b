from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from pymodbus.client import AsyncModbusTcpClient

from linectl.errors import Unreachable
from linectl.sim.bath.banks import HandsBank, PlcBank
from linectl.sim.bath.physics import BathParams, filled
from linectl.sim.bath.registers import IDENTITIES, Alarm, Coil, Holding, Input
from linectl.sim.bath.twin import Twin
from linectl.sim.wires.bank import Bank
from linectl.sim.wires.modbus_server import ModbusServer, answer


def _banks(watchdog_s: float = 2.0) -> tuple[Twin, dict[int, Bank]]:
    params = BathParams()
    twin = Twin(params, 1, initial=filled(params, temperature_c=60.0), watchdog_s=watchdog_s)
    return twin, {2: PlcBank(twin), 9: HandsBank(twin)}


@asynccontextmanager
async def _served(watchdog_s: float = 2.0) -> AsyncIterator[tuple[Twin, ModbusServer]]:
    twin, banks = _banks(watchdog_s)
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    server = ModbusServer(banks, before=lambda _unit: twin.advance(loop.time() - began_s))
    await server.start()
    try:
        yield twin, server
    finally:
        await server.stop()


@asynccontextmanager
async def _foreign(server: ModbusServer) -> AsyncIterator[AsyncModbusTcpClient]:
    client = AsyncModbusTcpClient(server.host, port=server.port, timeout=1.0, retries=0, reconnect_delay=0)
    assert await client.connect()
    try:
        yield client
    finally:
        client.close()


# raw frames, written by hand from the Modbus application protocol V1.1b3
@pytest.mark.parametrize(
    ("unit", "request_hex", "reply_hex"),
    [
        (2, "0400030001", "04020001"),  # IR3: schema 1
        (2, "0300180001", "03020014"),  # HR24: watchdog 20 = 2.0 s
        (2, "0200000004", "02010b"),  # DI: lid, level, no heat, over-temperature ok
        (2, "0100000008", "010100"),
        (2, "06000a0258", "06000a0258"),  # HR10 = 60.0 degrees: the echo
        (2, "05000600ff", "8503"),  # neither FF00 nor 0000
        (2, "050006ff00", "050006ff00"),
        (2, "10000a0002040258 0096", "10000a0002"),
        (2, "0f00060001 01 01", "0f00060001"),
        (2, "06001800c8", "8602"),  # the watchdog time is read-only
        (2, "0300ff00c8", "8303"),  # 200 registers
        (2, "03ffff0002", "8302"),  # past the end of the table
        (2, "0400000000", "8403"),  # none
        (2, "0300", "8303"),  # cut short
        (2, "2b0e0100", "ab01"),  # no identification was given
        (2, "11", "9101"),  # a function that is not served
        (2, "080000a537", "080000a537"),  # loopback (6.8)
        (2, "08000a0000", "8801"),  # no counters
        (2, "16000a00f20025", "16000a00f20025"),  # mask write
        (2, "17000a0002000a000102 0190", "170401900000"),  # written before it is read
        (2, "17000a0001ffff000204 00000000", "9702"),  # written past the end of the table
        (9, "0600000001", "0600000001"),
        (9, "060000000a", "8603"),  # no such glue
        (1, "0400030001", "840b"),  # nobody there
    ],
)
def test_raw_requests_get_their_fixed_replies(unit: int, request_hex: str, reply_hex: str) -> None:
    _, banks = _banks()
    assert answer(banks, unit, bytes.fromhex(request_hex)).hex() == reply_hex


def test_each_unit_identifies_itself() -> None:
    _, banks = _banks()
    basic = answer(banks, 2, bytes.fromhex("2b0e0100"), IDENTITIES)
    assert basic == bytes.fromhex("2b0e0182000003") + b"\x00\x07linectl\x01\x08SIM-BATH\x02\x031.0"
    assert answer(banks, 9, bytes.fromhex("2b0e0401"), IDENTITIES)[7:] == b"\x01\x09SIM-HANDS"
    assert answer(banks, 9, bytes.fromhex("2b0e0463"), IDENTITIES) == b"\xab\x02"


async def test_a_foreign_client_reads_and_writes() -> None:
    async with _served() as (twin, server), _foreign(server) as client:
        inputs = await client.read_input_registers(0, count=13, device_id=2)
        assert inputs.registers[Input.SCHEMA] == 1
        assert inputs.registers[Input.TEMPERATURE] == pytest.approx(600, abs=4)
        assert not (await client.write_registers(10, [9999, 150, 50], device_id=2)).isError()
        held = await client.read_holding_registers(10, count=3, device_id=2)
        assert held.registers == [920, 150, 50]  # the clamp shows in the read-back alone
        assert not (await client.write_coil(Coil.HEATER_ENABLE, True, device_id=2)).isError()
        assert (await client.read_coils(6, count=1, device_id=2)).bits[0]
        assert (await client.read_discrete_inputs(0, count=4, device_id=2)).bits[:2] == [True, True]
        await client.write_coils(Coil.HEATER_ENABLE, [False], device_id=2)
        assert not twin.plc.heater_enable
        unknown = await client.read_holding_registers(0, count=1, device_id=77)
        assert unknown.isError()
        assert unknown.exception_code == 11


async def test_several_requests_and_a_slow_drip_in_one_stream() -> None:
    async with _served() as (_, server):
        reader, writer = await asyncio.open_connection(server.host, server.port)
        ask = bytes.fromhex("0001 0000 0006 02 04 0003 0001")
        writer.write(ask + ask)
        expected = bytes.fromhex("0001 0000 0005 02 04 02 0001")
        assert await reader.readexactly(22) == expected * 2
        for byte in ask:
            writer.write(bytes((byte,)))
            await writer.drain()
            await asyncio.sleep(0)
        assert await reader.readexactly(11) == expected
        writer.write(b"GET / HTTP/1.1\r\n\r\n")  # no Modbus: dropped
        assert await reader.read() == b""
        writer.close()


async def test_stop_drops_every_client_and_the_port_comes_back() -> None:
    async with _served() as (_, server):
        port = server.port
        reader, writer = await asyncio.open_connection(server.host, port)
        await asyncio.sleep(0.01)
        await server.stop()
        with suppress(ConnectionResetError):
            assert await asyncio.wait_for(reader.read(), 1.0) == b""
        writer.close()
        with pytest.raises(OSError, match="Connect call failed"):
            await asyncio.open_connection(server.host, port)
        await server.start()
        assert server.port == port
        async with _foreign(server) as client:
            assert not (await client.read_input_registers(0, count=1, device_id=2)).isError()


async def test_a_taken_port_is_named() -> None:
    async with _served() as (_, server):
        other = ModbusServer({}, port=server.port)
        with pytest.raises(Unreachable, match=str(server.port)):
            await other.start()


async def test_a_silent_host_means_safe_within_the_watchdog_time() -> None:
    async with _served() as (_, server), _foreign(server) as client:
        loop = asyncio.get_running_loop()
        await client.write_registers(Holding.SETPOINT, [700], device_id=2)
        await client.write_coil(Coil.HEATER_ENABLE, True, device_id=2)
        last_s = loop.time()
        for beat in range(1, 4):
            await asyncio.sleep(0.1)
            last_s = loop.time()
            await client.write_register(Holding.HEARTBEAT, beat, device_id=2)
        while (await client.read_coils(Coil.HEATER_ENABLE, count=1, device_id=2)).bits[0]:
            assert loop.time() - last_s < 2.6
            await asyncio.sleep(0.02)
        assert 1.9 < loop.time() - last_s < 2.6
        alarms = await client.read_input_registers(Input.ALARMS, count=1, device_id=2)
        assert alarms.registers == [Alarm.WATCHDOG]
        held = await client.read_holding_registers(Holding.SETPOINT, count=1, device_id=2)
        assert held.registers == [0]


async def test_a_heartbeat_keeps_the_heat_on() -> None:
    async with _served(watchdog_s=0.5) as (twin, server), _foreign(server) as client:
        await client.write_coil(Coil.HEATER_ENABLE, True, device_id=2)
        for beat in range(1, 13):
            await client.write_register(Holding.HEARTBEAT, beat, device_id=2)
            await asyncio.sleep(0.1)
        assert twin.plc.heater_enable


def test_an_answer_is_cheap() -> None:
    _, banks = _banks()
    request = bytes.fromhex("040000000d")
    best_s = 1.0
    for _ in range(5):
        began_s = time.perf_counter()
        for _ in range(200):
            answer(banks, 2, request)
        best_s = min(best_s, (time.perf_counter() - began_s) / 200)
    assert best_s < 400e-6  # about 30 us on an idle machine
