"""What the Modbus link does on TCP and on serial lines: kinds, units, retries, holes, identification."""

from __future__ import annotations

import asyncio
import gc
import struct

import pytest

from drivers.errors import BadAddress, DeviceFault, DriverError
from drivers.link import Point
from drivers.modbus.link import ModbusLink
from drivers.settings import ModbusRtuSettings, SerialSettings, UnitSettings
from linectl.clock import VirtualTimeLoop
from tests.drivers.hostile_modbus import (
    THREE,
    HostileServer,
    Wire,
    hostile_server,
    linked,
    reading,
    soon,
    until,
    until_open,
    values,
)

WIRES: tuple[Wire, ...] = ("tcp", "rtu_tcp", "rtu_pty")
WINDOW_S = 0.02


def put(server: HostileServer, start: int, data: bytes, table: str = "hr") -> None:
    for offset, (register,) in enumerate(struct.iter_unpack(">H", data)):
        server.values[table, start + offset] = register


@pytest.mark.parametrize("wire", WIRES)
async def test_every_kind_in_its_order_on_every_wire(wire: Wire) -> None:
    async with linked(1.0, wire=wire, window_s=WINDOW_S) as (server, link):
        put(server, 0, struct.pack(">fdqQ", 20.0, -0.1, -5, 2**63))
        put(server, 20, bytes.fromhex("000041A0"))
        put(server, 22, b"Arc pH \0\0\0")
        put(server, 30, b"\x80\x00\x00\x09")
        server.values |= {("co", 1): 1, ("co", 3): 1}
        points = [
            Point("2/hr0", "f32"),
            Point("2/hr2", "f64"),
            Point("2/hr6", "i64"),
            Point("2/hr10", "u64"),
            Point("2/hr20", "f32", order="CDAB"),
            Point("2/hr22:5", "str"),
            Point("2/hr30", "i16"),
            Point("2/hr31.0", "bool"),
            Point("2/hr31.1", "bool"),
            Point("2/hr31.3", "bool"),
            Point("2/co0:5", "block"),
        ]
        expected = [20.0, -0.1, -5, 2**63, 20.0, "Arc pH", -32768, True, False, True, (0, 1, 0, 1, 0)]
        assert await values(link, points) == expected
        assert [request.function for _, request in server.heard] == [1, 3]
        devices = link.stats().devices
        assert devices["unit 2"].replies == 2
        assert link.tap.devices is devices


async def test_text_that_is_no_text_is_a_bad_reply_of_its_point_alone() -> None:
    async with linked() as (server, link):
        put(server, 0, b"\xff\xfe\x00\x07")
        text, number = Point("2/hr0:1", "str"), Point("2/hr1")
        found = await link.read([text, number], deadline=soon())
        assert (found[text].value, found[text].reason) == (None, "bad_reply")
        assert found[number].value == 7


async def test_registers_that_must_be_read_whole_are_read_whole_and_alone() -> None:
    async with linked() as (server, link):
        put(server, 2090, struct.pack(">IfIff", 0x1000, 7.25, 0, 0.0, 14.0))
        points = [
            Point("2/hr2090:10+2", "f32"),
            Point("2/hr2090:10+4", "u32"),
            Point("2/hr2090:10+0.12", "bool"),
            Point("2/hr2090:10+1.12", "bool"),
            Point("2/hr2100"),
        ]
        assert await values(link, points) == [7.25, 0, False, True, 0]
        assert [(request.address, request.count) for _, request in server.heard] == [(2090, 10), (2100, 1)]


async def test_times_are_those_of_the_request_on_the_wire_not_in_the_queue() -> None:
    async with linked(1.0) as (server, link):
        server.delay_s = 0.05
        first, second = await asyncio.gather(reading(link, Point("2/ir0")), reading(link, Point("2/ir1")))
        assert 0.045 < first.t_reply_s - first.t_request_s < 0.5
        assert second.t_request_s >= first.t_reply_s


# retries


@pytest.mark.parametrize(
    ("wire", "modes", "reason", "requests"),
    [
        ("rtu_pty", ["bad_crc"], "", 2),
        ("rtu_pty", ["mute", "bad_crc"], "", 3),
        ("rtu_pty", ["bad_crc", "bad_crc", "bad_crc"], "bad_reply", 3),
        ("rtu_tcp", ["wrong_fc"], "", 2),
        ("rtu_tcp", ["exc4", "bad_crc"], "", 3),
        ("tcp", ["wrong_fc"], "", 2),
        ("tcp", ["wrong_fc", "wrong_fc"], "bad_reply", 2),
        ("tcp", ["mute"], "timeout", 1),  # nothing is lost on TCP: silence is the unit's, and another 0.5 s dear
        ("tcp", ["exc4"], "", 2),
        ("tcp", ["exc4", "exc4"], "sensor_failure", 2),
        ("tcp", ["exc1"], "out_of_service", 1),
        ("tcp", ["exc2"], "out_of_service", 1),
        ("tcp", ["exc3"], "out_of_service", 1),
        ("tcp", ["exc11"], "not_connected", 1),
        ("tcp", ["exc5", "exc6", "exc6"], "", 4),
    ],
)
async def test_what_is_asked_again(wire: Wire, modes: list[str], reason: str, requests: int) -> None:
    async with linked(0.08, wire=wire, window_s=WINDOW_S) as (server, link):
        server.modes = modes
        found = await reading(link, Point("2/ir0"))
        assert found.reason == reason
        assert found.value == (None if reason else 100)
        assert len(server.heard) == requests


async def test_retries_end_with_the_deadline_and_keep_the_first_reason() -> None:
    async with linked(0.1, wire="rtu_tcp", window_s=0.3) as (server, link):
        assert await values(link) == [100, 101, 102]  # a line is left alone for a window at first
        server.heard.clear()
        server.mode = "bad_crc"
        began_s = soon(0)
        found = await reading(link, Point("2/ir0"), 0.2)
        assert soon(0) - began_s < 0.4
        assert (found.reason, len(server.heard)) == ("bad_reply", 1)


async def test_who_did_not_answer_waits_until_the_others_have() -> None:
    async with linked(0.08, wire="rtu_tcp", window_s=WINDOW_S) as (server, link):
        points = [Point("1/ir0"), Point("2/ir0"), Point("3/ir0")]
        server.modes = ["mute"]
        assert await values(link, points) == [100, 100, 100]
        assert [unit for unit, _ in server.heard] == [1, 2, 3, 1]
        server.heard.clear()
        server.modes = ["", "bad_crc", "", "bad_crc", "bad_crc"]  # unit 2, all three times
        assert await values(link, points) == [100, None, 100]
        server.heard.clear()
        assert await values(link, points) == [100, 100, 100]
        assert [unit for unit, _ in server.heard] == [1, 3, 2]


# what a unit does not have


async def test_the_settings_name_what_is_never_read() -> None:
    async with hostile_server("rtu_tcp") as server:
        server.values["ir", 0] = 100
        unit = UnitSettings(max_registers=3, holes=(("ir", 5, 8),))
        serial = SerialSettings(server.path, 115_200)
        link = ModbusLink(ModbusRtuSettings(serial, timeout_s=0.2, window_s=WINDOW_S, units={2: unit}))
        await link.open()
        points = [Point(f"2/ir{address}") for address in (0, 1, 2, 3, 4, 6, 8)]
        found = await link.read([*points, Point("0/ir0")], deadline=soon())
        assert [found[point].value for point in points] == [100, 0, 0, 0, 0, None, 0]
        assert found[Point("2/ir6")].reason == "out_of_service"
        assert "never read" in found[Point("2/ir6")].detail
        assert "broadcast" in found[Point("0/ir0")].detail
        assert [(request.address, request.count) for _, request in server.heard] == [(0, 3), (3, 2), (8, 1)]
        await link.close()


async def test_a_hole_is_found_by_halves_and_kept_until_the_connection_is_new() -> None:
    async with linked() as (server, link):
        server.gaps = set(range(30, 34))
        points = [Point(f"2/ir{address}") for address in range(0, 100, 4) if address != 32]
        assert set(await values(link, points)) <= {0, 100}
        searching = len(server.heard)
        assert searching <= 2 * 6 + 1, "each halving asks two"
        server.heard.clear()
        for _ in range(3):
            await values(link, points)
        assert {(request.address, request.end) for request in map(_Span, server.hear("ir"))} == {(0, 29), (36, 97)}
        server.gaps = set()
        server.modes = ["rst"]
        assert (await reading(link, points[0])).reason == "not_connected"
        await until(lambda: not link.is_open() or link.stats().reconnects == 1)
        await until_open(link)
        server.heard.clear()
        await values(link, points)
        assert [(request.address, request.end) for request in map(_Span, server.hear("ir"))] == [(0, 97)]


class _Span:
    def __init__(self, request: object) -> None:
        self.address = int(getattr(request, "address"))  # noqa: B009  # a frame's request, whatever its class
        self.end = self.address + int(getattr(request, "count"))  # noqa: B009  # as above


async def test_a_register_that_is_missing_spoils_no_neighbour() -> None:
    async with linked() as (server, link):
        server.values |= {("ir", address): address for address in range(40)}
        server.gaps = {17}
        points = [Point(f"2/ir{address}") for address in range(32)]
        expected = [None if address == 17 else address for address in range(32)]
        assert await values(link, points) == expected
        server.heard.clear()
        assert await values(link, points) == expected
        assert len(server.heard) == 3, "before, the missing one, behind"


async def test_halves_that_do_not_come_teach_nothing() -> None:
    """The control: a half that was lost on its way is no proof of a hole between the two."""
    async with linked() as (server, link):
        points = [Point("2/ir0"), Point("2/ir9")]
        server.modes = ["exc2", "", "mute"]
        assert await values(link, points) == [100, None]
        server.heard.clear()
        assert await values(link, points) == [100, 0]
        assert len(server.heard) == 1


async def test_a_point_that_is_not_modbus_is_said_at_once() -> None:
    async with linked() as (server, link):
        for point in (Point("2/hr0", order="ACBD"), Point("2/hr0:1", "f32"), Point("hr0")):
            with pytest.raises(BadAddress):
                await link.read([point], deadline=soon())
        assert not server.heard


# identification and loopback


@pytest.mark.parametrize("wire", WIRES)
async def test_a_unit_says_who_it_is_and_sends_back_what_it_heard(wire: Wire) -> None:
    async with linked(0.3, wire=wire, window_s=WINDOW_S) as (server, link):
        assert await link.identify(2, deadline=soon()) == {
            "vendor": "hostile",
            "product_code": "H-1",
            "revision": "0.9",
        }
        assert await link.loopback(2, b"\xa5\x37", deadline=soon())
        server.mode = "exc1"
        with pytest.raises(DeviceFault) as caught:
            await link.identify(2, deadline=soon())
        assert caught.value.code == 1
        with pytest.raises(DeviceFault):
            await link.loopback(2, b"\xa5\x37", deadline=soon())
        server.mode = "wrong_echo"
        with pytest.raises(DriverError):
            await link.loopback(2, b"\xa5\x37", deadline=soon())


async def test_three_at_once_are_three_in_one_request_each() -> None:
    async with linked() as (server, link):
        got = await asyncio.gather(*(values(link, THREE) for _ in range(3)))
        assert got == [[100, 101, 102]] * 3
        assert len(server.heard) == 3


async def test_a_busy_unit_is_asked_again_who_it_is() -> None:
    async with linked() as (server, link):
        server.modes = ["exc6", "exc5"]
        assert (await link.identify(2, deadline=soon()))["vendor"] == "hostile"
        server.mode = "exc6"
        with pytest.raises(DeviceFault):
            await link.identify(2, deadline=soon(0.2))


def test_polling_leaves_nothing_behind() -> None:
    """Objects alive after 800 polls (the tap is full then) and after 2,000, with faults on the way, in virtual time."""

    async def polls() -> list[int]:
        alive = []
        async with linked(0.5) as (server, link):
            for poll in range(2001):
                server.modes = [["", "mute", "exc2", "wrong_fc", "exc6"][poll % 5]] if poll % 7 == 0 else []
                await link.read(THREE, deadline=soon(0.9))
                if poll in {800, 2000}:
                    server.heard.clear()
                    gc.collect()
                    alive.append(len(gc.get_objects()))
                await asyncio.sleep(1)
        return alive

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        early, late = runner.run(polls())
    assert late - early < 200
