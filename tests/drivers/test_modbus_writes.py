"""Writes over Modbus: proved by the read-back, never repeated, never "ok" because nothing was heard."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from drivers.errors import BadAddress
from drivers.link import Outcome, Point
from drivers.modbus.link import ModbusLink
from drivers.settings import ModbusTcpSettings
from tests.drivers.hostile_modbus import EXCEPTIONS, SETPOINT, linked, reading, soon, until, until_open, values


async def test_a_write_is_confirmed_by_its_read_back() -> None:
    async with linked() as (server, link):
        result = await link.write(SETPOINT, -5, deadline=soon())
        assert (result.outcome, result.asked, result.got, result.detail) == (Outcome.CONFIRMED, -5, -5, "")
        assert [request.function for _, request in server.heard] == [6, 3]
        assert (await link.write(Point("2/co6", "bool"), value=True, deadline=soon())).outcome is Outcome.CONFIRMED
        assert [request.function for _, request in server.heard[2:]] == [5, 1]


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


@asynccontextmanager
async def second_opinion() -> AsyncIterator[ModbusLink]:
    """The link on pymodbus's own server: holding register 11 stops at 500, above 950 register 10 refuses."""

    async def action(
        _function: int, _start: int, address: int, _count: int, _held: list[int], new: list[int] | list[bool] | None
    ) -> ExcCodes | None:
        if new and address == 10 and new[0] > 950:
            return ExcCodes.ILLEGAL_VALUE
        if new and address == 11:
            new[:1] = [min(int(new[0]), 500)]  # type: ignore[list-item]  # a list of int for a register
        return None

    bits, words = DataType.BITS, DataType.REGISTERS
    tables = (
        [SimData(0, count=16, values=False, datatype=bits)],
        [SimData(0, count=16, values=True, datatype=bits)],
        [SimData(0, count=100, values=0, datatype=words)],
        [SimData(0, count=100, values=7, datatype=words)],
    )
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = ModbusTcpServer(SimDevice(id=0, simdata=tables, action=action), address=("127.0.0.1", port))
    await server.serve_forever(background=True)
    link = ModbusLink(ModbusTcpSettings("127.0.0.1", port, 1.0))
    try:
        await link.open()
        yield link
    finally:
        await link.close()
        await server.shutdown()  # type: ignore[no-untyped-call]  # pymodbus


async def test_pymodbus_own_server_agrees() -> None:
    async with second_opinion() as link:
        points = [Point("2/ir3"), Point("2/ir99"), Point("2/di15", "bool"), Point("2/co0", "bool"), Point("2/hr0")]
        assert await values(link, points) == [7, 7, True, False, 0]
        for point, value in (
            (Point("2/co6", "bool"), True),
            (Point("2/hr10"), 700),
            (Point("2/hr20", "f32"), -2.5),
            (Point("2/hr30:3", "block"), (1, 2, 3)),
            (Point("2/hr40", "i32"), -70_000),
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
