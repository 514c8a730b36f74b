"""The Modbus link against a server that does everything wrong that a server can."""

from __future__ import annotations

import asyncio
import socket

import pytest
from pymodbus.client import AsyncModbusTcpClient

from drivers.errors import LinkDown
from drivers.link import Link, Outcome, Point, Priority
from drivers.modbus.link import ModbusLink
from drivers.settings import ModbusTcpSettings
from linectl.clock import VirtualTimeLoop
from tests.drivers.hostile_modbus import (
    SETPOINT,
    THREE,
    hostile_server,
    linked,
    reading,
    soon,
    until,
    until_open,
    values,
)


async def test_every_kind_comes_through_and_neighbours_share_a_request() -> None:
    async with linked() as (server, link):
        server.values |= {("ir", 10): 0xFFFB, ("ir", 12): 0x0001, ("ir", 13): 0x0002, ("ir", 14): 0x42C8, ("di", 1): 1}
        points = [
            Point("2/ir14", "f32"),
            Point("2/ir0"),
            Point("2/ir10", "i16"),
            Point("2/ir12", "u32"),
            Point("2/ir0:3", "block"),
            Point("2/di0", "bool"),
            Point("2/di1", "bool"),
        ]
        assert await values(link, points) == [100.0, 100, -5, 65538, (100, 101, 102), False, True]
        assert [(request.function, request.address, request.count) for _, request in server.heard] == [
            (2, 0, 2),
            (4, 0, 16),
        ]
        found = await reading(link, Point("2/ir0"))
        assert found.t_request_s <= found.t_reply_s <= soon(0)
        assert isinstance(link, Link)


@pytest.mark.parametrize("bits", [(0x7FC0, 0), (0x7FA0, 0), (0x7F80, 0)])
async def test_a_float_that_is_no_number_is_a_failed_sensor(bits: tuple[int, int]) -> None:
    async with linked() as (server, link):
        server.values |= {("ir", 14): bits[0], ("ir", 15): bits[1]}
        found = await reading(link, Point("2/ir14", "f32"))
        assert (found.value, found.reason) == (None, "sensor_failure")


# what the hostile server does -> the reason of the reading
HOSTILE = {
    "garbage": {"bad_reply"},  # and the stream is out of step: a new connection
    "wrong_tid": {"timeout"},
    "wrong_unit": {"bad_reply"},
    "wrong_fc": {"bad_reply"},
    "short_count": {"bad_reply"},
    "late": {"timeout"},
    "drip": {""},
    "hugelen": {"bad_reply"},
    "rst": {"not_connected"},
    "mute": {"timeout"},
    "exc1": {"out_of_service"},
    "exc2": {"out_of_service"},
    "exc3": {"out_of_service"},
    "exc4": {"sensor_failure"},
    "exc5": {"timeout"},
    "exc6": {"timeout"},
    "exc10": {"not_connected"},
    "exc11": {"not_connected"},
}


@pytest.mark.parametrize(
    ("mode", "point"),
    [
        (mode, point)
        for mode in HOSTILE
        for point in (Point("2/ir0"), Point("2/hr0:3", "block"), Point("2/di3", "bool"))
        if mode != "short_count" or point.kind == "block"  # one value cannot be fewer
    ],
)
async def test_a_hostile_reply_is_never_a_value_and_the_next_read_is_right(mode: str, point: Point) -> None:
    async with linked() as (server, link):
        server.values |= {("ir", 0): 9, ("di", 3): 1, ("hr", 0): 1, ("hr", 1): 2, ("hr", 2): 3}
        right = {"2/ir0": 9, "2/di3": True, "2/hr0:3": (1, 2, 3)}[point.address]
        server.mode = mode
        found = await reading(link, point, 0.4)
        assert found.reason in HOSTILE[mode]
        assert found.value == (right if mode == "drip" else None)
        assert found.detail or mode == "drip"
        server.mode = ""
        await until_open(link)
        assert (await reading(link, point)).value == right


async def test_bare_pymodbus_takes_a_wrong_function_and_a_short_count_for_an_answer() -> None:
    """The negative control of the test above: without our check both pass as values."""
    async with hostile_server() as server:
        server.modes = ["wrong_fc", "short_count"]
        server.values["ir", 0] = 9
        client = AsyncModbusTcpClient("127.0.0.1", port=server.port, timeout=1, retries=0, reconnect_delay=0)
        assert await client.connect()
        wrong_function = await client.read_input_registers(0, count=3, device_id=2)
        short = await client.read_input_registers(0, count=3, device_id=2)
        client.close()
        assert not wrong_function.isError()
        assert wrong_function.function_code == 3
        assert not short.isError()
        assert short.registers == [7]


@pytest.mark.parametrize("mode", ["exc5", "exc6"])
async def test_a_busy_unit_is_asked_again(mode: str) -> None:
    async with linked() as (server, link):
        server.modes = [mode, mode]
        assert await values(link) == [100, 101, 102]
        assert len(server.heard) == 3


async def test_a_fault_names_unit_register_and_meaning() -> None:
    async with linked() as (server, link):
        server.gaps = {10}
        found = await reading(link, Point("2/ir10"))
        assert found.reason == "out_of_service"
        assert "unit 2, input register 10" in found.detail
        assert "illegal data address" in found.detail
        assert found.detail.split(":")[0] in link.stats().last_error + found.detail


async def test_a_hole_that_the_unit_refuses_is_learnt_and_every_other_point_stays_good() -> None:
    async with linked() as (server, link):
        server.values |= {("ir", address): address for address in range(20)}
        server.gaps = {7, 8}
        points = [Point(f"2/ir{address}") for address in (0, 1, 5, 6, 9, 10, 15)]
        assert await values(link, points) == [0, 1, 5, 6, 9, 10, 15]
        first, server.heard[:] = len(server.heard), []
        assert await values(link, points) == [0, 1, 5, 6, 9, 10, 15]
        assert len(server.heard) < first
        assert link.stats().exceptions == first - len(server.heard)
        with_a_missing_one = await values(link, [*points, Point("2/ir7")])
        assert with_a_missing_one == [0, 1, 5, 6, 9, 10, 15, None]


async def test_a_stop_overtakes_a_scan_and_what_is_late_is_not_sent() -> None:
    async with linked(timeout_s=1) as (server, link):
        server.delay_s = 0.05
        scan = [Point(f"2/ir{200 * block}") for block in range(10)]
        task = asyncio.create_task(link.read(scan, deadline=soon(5), priority=Priority.SCAN))
        await until(lambda: len(server.heard) >= 2)
        late = asyncio.create_task(link.read([Point("2/di9", "bool")], deadline=soon(0.01), priority=Priority.SCAN))
        await link.write(Point("2/co6", "bool", readback=False), value=False, deadline=soon(), priority=Priority.STOP)
        functions = [request.function for _, request in server.heard]
        assert functions.index(5) <= 3
        assert (await late)[Point("2/di9", "bool")].reason == "timeout"
        assert {found.reason for found in (await task).values()} == {""}
        assert not server.hear("di")


async def test_a_caller_that_goes_away_leaves_the_wire_in_order() -> None:
    async with linked(timeout_s=1) as (server, link):
        server.delay_s = 0.02
        for pause_s in (0.0, 0.001, 0.01, 0.019, 0.021):
            caller = asyncio.create_task(link.read(THREE, deadline=soon()))
            await asyncio.sleep(pause_s)
            caller.cancel()
            assert await values(link, [Point("2/ir2"), Point("2/ir1")]) == [102, 101]
        assert link.stats().timeouts == 0
        assert link.stats().reconnects == 0


async def test_nobody_at_the_address() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    link = ModbusLink(ModbusTcpSettings("127.0.0.1", port))
    with pytest.raises(LinkDown, match=f"127.0.0.1:{port}"):
        await link.open()
    assert not link.is_open()
    assert (await reading(link, THREE[0])).reason == "not_connected"
    result = await link.write(SETPOINT, 1, deadline=soon())
    assert result.outcome is Outcome.REFUSED
    assert "not connected" in result.detail
    await link.close()


async def test_a_server_that_stops_is_noticed_at_once_and_found_again() -> None:
    async with linked(timeout_s=0.5) as (server, link):
        server.mode = "mute"
        pending = asyncio.create_task(link.read(THREE, deadline=soon(10)))
        await asyncio.sleep(0.05)
        began_s = soon(0)
        await server.stop()
        assert {found.reason for found in (await pending).values()} == {"not_connected"}
        assert soon(0) - began_s < 0.5
        assert not link.is_open()
        assert (await reading(link, THREE[0])).reason == "not_connected"
        assert "down" in repr(link)
        server.mode = ""
        await server.start()
        began_s = soon(0)
        await until_open(link)
        assert soon(0) - began_s < 1.5 + 1.0
        assert await values(link) == [100, 101, 102]
        assert link.stats().reconnects == 1
        assert "1 reconnects" in repr(link)


async def test_a_half_open_connection_is_dropped_after_two_silences() -> None:
    async with linked(timeout_s=0.4) as (server, link):
        server.mode = "mute"
        began_s = soon(0)
        first = await reading(link, THREE[0], 1.0)
        assert (first.value, first.reason) == (None, "timeout")
        assert soon(0) - began_s < 1.0
        second = await reading(link, THREE[0], 1.0)
        assert second.value is None
        assert not link.is_open() or link.stats().reconnects == 1
        server.mode = ""
        await until_open(link)
        assert await values(link) == [100, 101, 102]


async def test_a_server_that_takes_no_connection_is_given_up_in_time() -> None:
    """A black hole: the backlog is full, so the connection is never made."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
            fillers.append(filler)
        link = ModbusLink(ModbusTcpSettings("127.0.0.1", port, 0.2))
        began_s = soon(0)
        with pytest.raises(LinkDown):
            await link.open()
        assert soon(0) - began_s < 2.0
        for filler in fillers:
            filler.close()


async def test_closing_ends_what_waits() -> None:
    async with linked(timeout_s=5) as (server, link):
        server.mode = "mute"
        pending = asyncio.create_task(link.read(THREE, deadline=soon(10)))
        await asyncio.sleep(0.05)
        await link.close()
        assert {found.reason for found in (await pending).values()} == {"not_connected"}
        assert link.stats().timeouts == 0


async def test_a_closed_link_opens_again() -> None:
    async with linked() as (server, link):
        await link.open()  # open already: nothing happens
        assert server.connections == 1
        await link.close()
        await link.close()
        assert not link.is_open()
        await link.open()
        assert await values(link) == [100, 101, 102]


def test_a_thousand_polls_in_virtual_time() -> None:
    async def polls() -> tuple[int, float, list[str]]:
        async with linked(timeout_s=0.5) as (server, link):
            bad: list[str] = []
            for poll in range(1000):
                server.values["ir", 1] = poll
                readings = await link.read(THREE, deadline=soon(0.5), priority=Priority.SCAN)
                bad += [found.detail or "wrong" for found in readings.values() if found.reason]
                bad += ["wrong"] * (readings[THREE[1]].value != poll)
                await asyncio.sleep(1)
            return len(server.heard), soon(0), bad

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        heard, ended_s, bad = runner.run(polls())
    assert heard == 1000
    assert ended_s == pytest.approx(1000)
    assert not bad


def test_an_outage_in_virtual_time() -> None:
    async def outage() -> list[str]:
        async with linked(timeout_s=0.5) as (server, link):
            reasons = []
            for second in range(10):
                if second == 3:
                    await server.stop()
                if second == 6:
                    await server.start()
                reasons.append((await reading(link, THREE[0], 0.5)).reason)
                await asyncio.sleep(1)
            return reasons

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        reasons = runner.run(outage())
    assert reasons[:3] == ["", "", ""]
    assert reasons[3:6] == ["not_connected"] * 3
    assert reasons[8:] == ["", ""], "back within 2 s of the restart"
