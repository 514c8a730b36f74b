"""Writes over Modbus: proved by the read-back, never repeated, never "ok" because nothing was heard."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import pytest
from pymodbus import FramerType, ModbusDeviceIdentification
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from drivers.errors import BadAddress, LinkDown
from drivers.link import Outcome, Point
from drivers.modbus.link import ModbusLink
from drivers.serial_port import PtyEnd
from drivers.settings import ModbusRtuSettings, ModbusTcpSettings, SerialSettings, UnitSettings
from tests.drivers.hostile_modbus import (
    EXCEPTIONS,
    SETPOINT,
    HostileServer,
    hostile_server,
    linked,
    reading,
    soon,
    until,
    until_open,
    values,
)


async def test_a_write_is_confirmed_by_its_read_back() -> None:
    async with linked() as (server, link):
        result = await link.write(SETPOINT, -5, deadline=soon())
        assert (result.outcome, result.asked, result.got, result.detail) == (Outcome.CONFIRMED, -5, -5, "")
        assert [request.function for _, request in server.heard] == [6, 3]
        assert (await link.write(Point("2/co6", "bool"), value=True, deadline=soon())).outcome is Outcome.CONFIRMED
        assert [request.function for _, request in server.heard[2:]] == [5, 1]


@pytest.mark.parametrize("order", ["ABCD", "CDAB"])
async def test_what_was_written_is_compared_in_registers(order: str) -> None:
    """71.3 is no 32-bit float: what is read back differs from what was asked, and is what was sent all the same."""
    async with linked() as (server, link):
        point = Point("2/hr10", "f32", order=order)
        result = await link.write(point, 71.3, deadline=soon())
        assert result.outcome is Outcome.CONFIRMED
        assert result.got != 71.3
        assert result.got == pytest.approx(71.3, rel=1e-6)
        server.clamps[10 if order == "ABCD" else 11] = 0x4200
        result = await link.write(point, 71.3, deadline=soon())
        assert result.outcome is Outcome.CLAMPED


async def test_a_write_that_never_went_out_is_refused_and_not_in_doubt() -> None:
    async with linked() as (server, link):
        await link.close()
        result = await link.write(SETPOINT, 5, deadline=soon())
        assert (result.outcome, result.got) == (Outcome.REFUSED, None)
        assert "not connected" in result.detail
        assert not server.heard


async def test_a_block_is_written_in_one_request() -> None:
    async with linked() as (server, link):
        command = Point("2/hr0:3", "block", readback=False)
        result = await link.write(command, (2, 17, 4242), deadline=soon())
        assert (result.outcome, result.got) == (Outcome.CONFIRMED, None)
        assert [(request.function, request.values) for _, request in server.heard] == [(16, (2, 17, 4242))]
        await link.write(Point("2/hr40", "f32"), 1.5, deadline=soon())
        assert server.heard[1][1].function == 16
        short = await link.write(command, (1, 2), deadline=soon())
        assert short.outcome is Outcome.REFUSED


async def test_a_silent_clamp_is_reported_with_what_was_asked_and_got() -> None:
    async with linked() as (server, link):
        server.clamps[10] = 500
        result = await link.write(SETPOINT, 700, deadline=soon())
        assert (result.outcome, result.asked, result.got) == (Outcome.CLAMPED, 700, 500)
        assert len(server.hear("hr")) > 2, "a difference counts only when it stays"


async def test_bare_pymodbus_calls_a_silent_clamp_a_success() -> None:
    """The negative control of the test above."""
    async with hostile_server() as server:
        server.clamps[10] = 500
        client = AsyncModbusTcpClient("127.0.0.1", port=server.port, timeout=1, retries=0, reconnect_delay=0)
        assert await client.connect()
        reply = await client.write_register(10, 700, device_id=2)
        client.close()
        assert not reply.isError()
        assert list(reply.registers) == [700]
        assert server.values["hr", 10] == 500


async def test_a_value_that_the_plc_takes_over_in_its_next_cycle_is_confirmed() -> None:
    async with linked() as (server, link):
        server.clamps[10] = 500
        write = asyncio.create_task(link.write(SETPOINT, 700, deadline=soon()))
        await until(lambda: len(server.heard) >= 2)
        server.values["hr", 10] = 700
        assert (await write).outcome is Outcome.CONFIRMED


@pytest.mark.parametrize("mode", ["exc1", "exc2", "exc3", "exc6", "exc10"])
async def test_a_write_that_the_unit_refuses_names_why(mode: str) -> None:
    async with linked() as (server, link):
        server.mode, server.writes_only = mode, True
        result = await link.write(SETPOINT, 700, deadline=soon(0.3))
        assert result.outcome is Outcome.REFUSED
        assert f"exception {EXCEPTIONS[mode]} " in result.detail
        assert "holding register 10" in result.detail


@pytest.mark.parametrize("mode", ["mute", "late", "wrong_fc", "wrong_tid", "short_count", "rst", "exc4", "exc11"])
async def test_an_uncertain_write_is_decided_by_the_read_back_and_not_repeated(mode: str) -> None:
    """The server carries the write out (but for exceptions) and spoils its reply alone."""
    async with linked() as (server, link):
        server.mode, server.writes_only = mode, True
        result = await link.write(SETPOINT, 700, deadline=soon())
        done = mode not in EXCEPTIONS
        assert result.outcome is (Outcome.CONFIRMED if done else Outcome.UNKNOWN)
        assert result.got == (700 if done else 0)
        assert [request.function for request in server.hear("hr")].count(6) == 1
        assert result.detail


async def test_a_write_without_answer_or_read_back_is_unknown() -> None:
    async with linked() as (server, link):
        server.mode = "mute"
        result = await link.write(SETPOINT, 700, deadline=soon(0.4))
        assert (result.outcome, result.got) == (Outcome.UNKNOWN, None)
        await until_open(link)
        pulse = await link.write(Point("2/co2", "bool", readback=False), value=True, deadline=soon(0.4))
        assert pulse.outcome is Outcome.UNKNOWN


async def test_what_cannot_be_written_is_never_sent() -> None:
    async with linked() as (server, link):
        for point, value in ((SETPOINT, 40_000), (SETPOINT, 1.5), (Point("2/ir0"), 1), (Point("2/hr0"), "x")):
            assert (await link.write(point, value, deadline=soon())).outcome is Outcome.REFUSED
        with pytest.raises(BadAddress):
            await link.write(Point("2/hr0:3"), 1, deadline=soon())
        assert not server.heard


async def clamping(
    _function: int, _start: int, address: int, _count: int, _held: list[int], new: list[int] | list[bool] | None
) -> ExcCodes | None:
    """Holding register 11 stops at 500, register 10 refuses what is above 950."""
    if new and address == 10 and new[0] > 950:
        return ExcCodes.ILLEGAL_VALUE
    if new and address == 11:
        new[:1] = [min(int(new[0]), 500)]  # type: ignore[list-item]  # a list of int for a register
    return None


def second_unit() -> SimDevice:
    bits, words = DataType.BITS, DataType.REGISTERS
    tables = (
        [SimData(0, count=16, values=False, datatype=bits)],
        [SimData(0, count=16, values=True, datatype=bits)],
        [SimData(0, count=100, values=0, datatype=words)],
        [SimData(0, count=100, values=7, datatype=words)],
    )
    return SimDevice(id=0, simdata=tables, action=clamping)


LONG = {f"{kind}": kind[0] * 120 for kind in ("VendorName", "ProductCode", "MajorMinorRevision")}


@asynccontextmanager
async def second_opinion(wire: str = "tcp", units: dict[int, UnitSettings] | None = None) -> AsyncIterator[ModbusLink]:
    """The link on pymodbus's own server, over TCP or over two ttys that hear each other."""
    identity = ModbusDeviceIdentification(info_name=LONG)  # type: ignore[no-untyped-call]  # pymodbus leaves it untyped
    units = units or {}
    settings: ModbusTcpSettings | ModbusRtuSettings
    server: ModbusTcpServer | ModbusSerialServer
    async with AsyncExitStack() as stack:
        if wire == "tcp":
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            server = ModbusTcpServer(second_unit(), address=("127.0.0.1", port), identity=identity)
            settings = ModbusTcpSettings("127.0.0.1", port, 1.0, units)
        else:
            ours, theirs = await stack.enter_async_context(PtyEnd()), await stack.enter_async_context(PtyEnd())
            for heard, told in ((ours, theirs), (theirs, ours)):
                pump = asyncio.create_task(pumped(heard, told))
                stack.callback(pump.cancel)
            server = ModbusSerialServer(
                second_unit(), framer=FramerType.RTU, port=theirs.path, baudrate=115_200, identity=identity
            )
            settings = ModbusRtuSettings(SerialSettings(ours.path, 115_200), timeout_s=1.0, window_s=0.05, units=units)
        await server.serve_forever(background=True)
        stack.push_async_callback(server.shutdown)  # type: ignore[arg-type, unused-ignore]  # pymodbus: untyped
        link = ModbusLink(settings)
        await link.open()
        stack.push_async_callback(link.close)
        yield link


async def pumped(heard: PtyEnd, told: PtyEnd) -> None:
    with suppress(LinkDown):
        while True:
            told.write(await heard.read())


@pytest.mark.parametrize("wire", ["tcp", "rtu"])
async def test_pymodbus_own_server_agrees(wire: str) -> None:
    async with second_opinion(wire) as link:
        points = [Point("2/ir3"), Point("2/ir99"), Point("2/di15", "bool"), Point("2/co0", "bool"), Point("2/hr0")]
        assert await values(link, points) == [7, 7, True, False, 0]
        for point, value in (
            (Point("2/co6", "bool"), True),
            (Point("2/hr10"), 700),
            (Point("2/hr20", "f32"), -2.5),
            (Point("2/hr30:3", "block"), (1, 2, 3)),
            (Point("2/hr40", "i32"), -70_000),
            (Point("2/hr42", "f64", order="CDAB"), 20.5),
            (Point("2/hr50:4", "str"), "Bath 2"),
            (Point("2/hr60.7", "bool"), True),  # a mask write
            (Point("2/co8:5", "block"), (1, 0, 0, 1, 1)),
        ):
            result = await link.write(point, value, deadline=soon())
            assert (result.outcome, result.got) == (Outcome.CONFIRMED, value)
        refused = await link.write(Point("2/hr10"), 951, deadline=soon())
        assert refused.outcome is Outcome.REFUSED
        assert "illegal data value" in refused.detail
        clamped = await link.write(Point("2/hr11"), 700, deadline=soon())
        assert (clamped.outcome, clamped.got) == (Outcome.CLAMPED, 500)  # this server echoes what it keeps
        by_echo = await link.write(Point("2/hr11", readback=False), 700, deadline=soon())
        assert (by_echo.outcome, by_echo.got) == (Outcome.CLAMPED, 500)
        assert (await reading(link, Point("2/ir100"))).reason == "out_of_service"


@pytest.mark.parametrize("wire", ["tcp", "rtu"])
async def test_pymodbus_own_server_says_who_it_is_in_pieces_and_writes_and_reads_at_once(wire: str) -> None:
    async with second_opinion(wire, {2: UnitSettings(read_write=True)}) as link:
        said = await link.identify(2, deadline=soon())
        assert said == {"vendor": "V" * 120, "product_code": "P" * 120, "revision": "M" * 120}
        assert await link.loopback(2, b"\x12\x34", deadline=soon())
        result = await link.write(Point("2/hr20", "f32"), -2.5, deadline=soon())
        assert (result.outcome, result.got) == (Outcome.CONFIRMED, -2.5)
        clamped = await link.write(Point("2/hr11"), 700, deadline=soon())
        assert (clamped.outcome, clamped.got) == (Outcome.CLAMPED, 500)


# bits of registers, blocks of coils, functions that a unit lacks


async def test_one_bit_of_a_register_is_written_by_its_mask() -> None:
    async with linked() as (server, link):
        server.values["hr", 40] = 0b1010
        for bit, value in ((0, True), (3, False), (15, True)):
            result = await link.write(Point(f"2/hr40.{bit}", "bool"), value, deadline=soon())
            assert (result.outcome, result.got) == (Outcome.CONFIRMED, value)
        assert server.values["hr", 40] == 0b1000_0000_0000_0011
        assert [request.function for _, request in server.heard] == [22, 3] * 3


async def test_a_unit_without_mask_writes_refuses_and_nothing_else_is_tried() -> None:
    """Never read, change and write back: what the unit changed meanwhile would be undone."""
    async with linked() as (server, link):
        server.values["hr", 40] = 0b1010
        server.modes = ["exc1"]
        result = await link.write(Point("2/hr40.0", "bool"), value=True, deadline=soon())
        assert result.outcome is Outcome.REFUSED
        assert "no function 22" in result.detail
        assert [request.function for _, request in server.heard] == [22]


async def test_coils_together_and_text() -> None:
    async with linked() as (server, link):
        coils = Point("2/co8:10", "block")
        result = await link.write(coils, (1, 0, 1, 1, 0, 0, 0, 0, 1, 1), deadline=soon())
        assert (result.outcome, result.got) == (Outcome.CONFIRMED, (1, 0, 1, 1, 0, 0, 0, 0, 1, 1))
        assert (await link.write(coils, (2,) * 10, deadline=soon())).outcome is Outcome.REFUSED
        text = Point("2/hr60:4", "str")
        assert (await link.write(text, "Bath 2", deadline=soon())).outcome is Outcome.CONFIRMED
        assert (await link.write(text, "far too long", deadline=soon())).outcome is Outcome.REFUSED
        for value in (float("nan"), float("inf"), 1e39):
            assert (await link.write(Point("2/hr70", "f32"), value, deadline=soon())).outcome is Outcome.REFUSED
        swapped = Point("2/hr80", "f32", order="CDAB")
        assert (await link.write(swapped, 20.0, deadline=soon())).outcome is Outcome.CONFIRMED
        assert (server.values["hr", 80], server.values["hr", 81]) == (0x0000, 0x41A0)
        assert [request.function for _, request in server.heard] == [15, 1, 16, 3, 16, 3]


@asynccontextmanager
async def special(unit: UnitSettings) -> AsyncIterator[tuple[HostileServer, ModbusLink]]:
    async with hostile_server() as server:
        link = ModbusLink(ModbusTcpSettings("127.0.0.1", server.port, 0.3, {2: unit}))
        await link.open()
        try:
            yield server, link
        finally:
            await link.close()


async def test_a_unit_that_takes_registers_by_function_16_alone() -> None:
    async with special(UnitSettings(write_function=16, max_written=2)) as (server, link):
        assert (await link.write(SETPOINT, -5, deadline=soon())).outcome is Outcome.CONFIRMED
        assert (await link.write(Point("2/co6", "bool"), value=True, deadline=soon())).outcome is Outcome.CONFIRMED
        assert [request.function for _, request in server.heard] == [16, 3, 5, 1]
        too_long = await link.write(Point("2/hr0:3", "block"), (1, 2, 3), deadline=soon())
        assert too_long.outcome is Outcome.REFUSED
        assert "2 in one request" in too_long.detail


async def test_a_unit_that_writes_and_reads_back_in_one_request() -> None:
    async with special(UnitSettings(read_write=True)) as (server, link):
        result = await link.write(SETPOINT, 700, deadline=soon())
        assert (result.outcome, result.got) == (Outcome.CONFIRMED, 700)
        assert [request.function for _, request in server.heard] == [23]
        server.clamps[10] = 500
        clamped = await link.write(SETPOINT, 700, deadline=soon())
        assert (clamped.outcome, clamped.got) == (Outcome.CLAMPED, 500)
        server.heard.clear()
        server.modes = ["exc1"]
        lacking = await link.write(SETPOINT, 400, deadline=soon())
        assert lacking.outcome is Outcome.REFUSED
        assert "no function 23" in lacking.detail
        server.modes = ["mute"]
        decided = await link.write(SETPOINT, 300, deadline=soon())
        assert (decided.outcome, decided.got) == (Outcome.CONFIRMED, 300)
        assert [request.function for _, request in server.heard] == [23, 23, 3]


@pytest.mark.parametrize("mode", ["mute", "late", "bad_crc", "half", "wrong_unit", "foreign", "exc4"])
async def test_an_uncertain_write_on_a_serial_line_is_sent_once(mode: str) -> None:
    async with linked(0.1, wire="rtu_pty", window_s=0.3) as (server, link):
        server.modes = [mode]
        result = await link.write(SETPOINT, 700, deadline=soon(3.0))
        assert [request.function for request in server.hear("hr")].count(6) == 1
        done = mode != "exc4"
        assert (result.outcome, result.got) == ((Outcome.CONFIRMED, 700) if done else (Outcome.UNKNOWN, 0))


async def test_nobody_confirms_a_broadcast() -> None:
    async with linked(wire="rtu_tcp") as (server, link):
        result = await link.write(Point("0/hr10"), 700, deadline=soon())
        assert (result.outcome, server.heard) == (Outcome.REFUSED, [])
        assert "broadcast" in result.detail
