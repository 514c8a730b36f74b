"""Recordings played through the real drivers: the same values come out, and a changed byte changes them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.errors import LinkDown
from drivers.frames.modbus import Request, exception_reply, frame, request_pdu, values_reply
from drivers.frames.modbus_rtu import rtu_frame
from drivers.frames.mqtt_forms import frame_of
from drivers.link import Link, Outcome, Point, Priority, RawReading
from drivers.modbus.link import ModbusLink
from drivers.recordings.exchange import BadExchange, Exchange, Header, header_of, read_exchange
from drivers.recordings.recorder import Recorder
from drivers.recordings.replay import AtEnd, Replay, ReplayLink
from drivers.settings import (
    EzoSettings,
    LinkSettings,
    MemorySettings,
    ModbusRtuSettings,
    ModbusTcpSettings,
    MqttSettings,
    MqttSource,
    SerialSettings,
)
from drivers.wire_tap import Direction, Frame
from linectl.clock import VirtualTimeLoop
from linectl.sim.wires.modbus_server import ModbusServer

SENT, RECEIVED, NOTE = Direction.SENT, Direction.RECEIVED, Direction.NOTE
SERIAL = SerialSettings("/dev/none")
T = TypeVar("T")

Line = tuple[float, Direction, bytes] | tuple[float, Direction, bytes, str]


def virtually(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(work)


def exchange(settings_: LinkSettings, lines: Sequence[Line], *, device: str = "unit 2") -> Exchange:
    frames = tuple(
        Frame(number, line[0], line[1], line[2], device, line[3] if len(line) > 3 else "")
        for number, line in enumerate(lines, start=1)
    )
    return Exchange(header_of(settings_, device="test", firmware="1", date="2026-03-31", simulated=True), frames)


TCP = ModbusTcpSettings("h")
READ = request_pdu(Request(4, 10, 1))


def reads(*values: int, transaction: int = 7) -> list[Line]:
    lines: list[Line] = []
    for at, value in enumerate(values):
        lines += [
            (at, SENT, frame(transaction + at, 2, READ)),
            (at + 0.25, RECEIVED, frame(transaction + at, 2, values_reply(Request(4, 10, 1), (value,)))),
        ]
    return lines


async def asked(replay: Replay, *requests: bytes, wait_s: float = 1.0) -> list[bytes]:
    """Return what came after each request, within `wait_s`."""
    came: list[bytes] = []
    stream = await replay.open_stream(SERIAL, came.append, lambda _why: None)
    answers = []
    for request in requests:
        came.clear()
        stream.write(request)
        await asyncio.sleep(wait_s)
        answers.append(b"".join(came))
    stream.close()
    return answers


# the stream


def test_a_reply_gets_the_transaction_of_its_request() -> None:
    replay = Replay(exchange(TCP, reads(5)))
    answer = virtually(asked(replay, frame(999, 2, READ)))
    assert answer == [frame(999, 2, values_reply(Request(4, 10, 1), (5,)))]


def test_replies_to_the_same_request_come_in_their_order_and_the_last_again() -> None:
    requests = [frame(number, 2, READ) for number in range(4)]
    answers = virtually(asked(Replay(exchange(TCP, reads(5, 6, 7))), *requests))
    assert [answer[-1] for answer in answers] == [5, 6, 7, 7]


def test_by_choice_the_end_is_silence() -> None:
    replay = Replay(exchange(TCP, reads(5, 6)), at_end=AtEnd.SILENCE)
    answers = virtually(asked(replay, *(frame(number, 2, READ) for number in range(3))))
    assert [answer[-1:] for answer in answers] == [b"\5", b"\6", b""]
    assert replay.unknown_count == 0


@pytest.mark.parametrize("request_", [frame(1, 3, READ), frame(1, 2, request_pdu(Request(4, 11, 1))), b"GET / HTTP"])
def test_an_unknown_request_is_not_answered_and_noted(request_: bytes) -> None:
    replay = Replay(exchange(TCP, reads(5)))
    assert virtually(asked(replay, request_)) == [b""]
    known = request_.startswith(b"\0")
    assert replay.unknown_count == known
    assert list(replay.unknown) == ([request_[7:]] if known else [])
    assert f"{replay.unknown_count} unknown" in repr(replay)


def test_the_unknown_are_bounded() -> None:
    replay = Replay(exchange(TCP, reads(5)))
    requests = [frame(1, 2, request_pdu(Request(3, number, 1))) for number in range(300)]
    virtually(asked(replay, *requests))
    assert replay.unknown_count == 300
    assert len(replay.unknown) == 100


def test_late_and_crossed_tcp_replies_find_their_request() -> None:
    other = request_pdu(Request(4, 20, 1))
    lines: list[Line] = [
        (0.0, SENT, frame(1, 2, READ)),
        (1.0, SENT, frame(2, 2, other)),
        (1.1, RECEIVED, frame(1, 2, values_reply(Request(4, 10, 1), (5,)))),
        (1.2, RECEIVED, frame(2, 2, values_reply(Request(4, 20, 1), (6,)))),
    ]
    replay = Replay(exchange(TCP, lines), pace=1.0)
    first, second = virtually(asked(replay, frame(8, 2, other), frame(9, 2, READ), wait_s=1.5))
    assert (first[-1], second[-1]) == (6, 5)


@pytest.mark.parametrize(("pace", "due_s"), [(0.0, 0.0), (1.0, 0.25), (2.0, 0.5)])
def test_the_pace_of_the_recording_is_kept_or_not(pace: float, due_s: float) -> None:
    async def work() -> float:
        loop = asyncio.get_running_loop()
        came: asyncio.Future[float] = loop.create_future()
        replay = Replay(exchange(TCP, reads(5)), pace=pace)
        stream = await replay.open_stream(SERIAL, lambda _data: came.set_result(loop.time()), lambda _why: None)
        stream.write(frame(1, 2, READ))
        assert not came.done()  # never while it is written
        return await came

    assert virtually(work()) == pytest.approx(due_s, abs=1e-6)


def test_what_came_too_late_is_left_out_in_haste_and_kept_at_pace() -> None:
    reply = rtu_frame(2, values_reply(Request(4, 10, 1), (5,)))
    lines: list[Line] = [(0.0, SENT, rtu_frame(2, READ)), (0.9, RECEIVED, reply, "late")]
    recorded = exchange(ModbusRtuSettings(SERIAL), lines)
    assert virtually(asked(Replay(recorded), rtu_frame(2, READ))) == [b""]
    assert virtually(asked(Replay(recorded, pace=1.0), rtu_frame(2, READ))) == [reply]


def framed(kind: LinkSettings, pdu: bytes) -> bytes:
    return frame(3, 2, pdu) if kind == TCP else rtu_frame(2, pdu)


@pytest.mark.parametrize("kind", [TCP, ModbusRtuSettings(SERIAL)], ids=["tcp", "rtu"])
def test_a_loopback_returns_the_number_of_today(kind: LinkSettings) -> None:
    then, today, wrong = (framed(kind, b"\x08\0\0" + number) for number in (b"\x12\x34", b"\xab\xcd", b"\0\0"))
    assert virtually(asked(Replay(exchange(kind, [(0.0, SENT, then), (0.1, RECEIVED, then)])), today)) == [today]
    answer = virtually(asked(Replay(exchange(kind, [(0.0, SENT, then), (0.1, RECEIVED, wrong)])), today))
    assert answer == [wrong]  # a device that did not return it then does not now


def test_a_reply_behind_a_gap_belongs_to_no_request() -> None:
    lines: list[Line] = [(0.0, SENT, b"i\r"), (0.1, NOTE, b"", "gap"), (9.0, RECEIVED, b"25.0\r"), *EZO[2:]]
    replay = Replay(exchange(EzoSettings("p", "RTD"), lines))
    assert virtually(asked(replay, b"i\r", b"R\r")) == [b"", b"25.123\r*OK\r"]


EZO: list[Line] = [
    (0.0, SENT, b"C,0\r"),
    (0.1, RECEIVED, b"*OK\r"),
    (0.1, SENT, b"*OK,1\r"),
    (0.2, RECEIVED, b"*OK\r"),
    (0.2, SENT, b"S,?\r"),
    (0.3, RECEIVED, b"?S,c\r"),
    (0.3, RECEIVED, b"*OK\r"),
    (0.3, SENT, b"i\r"),
    (0.3, RECEIVED, b"?i,RTD,2.01\r"),
    (0.3, RECEIVED, b"*OK\r"),
    (0.3, SENT, b"R\r"),
    (0.9, RECEIVED, b"25.123\r"),
    (0.9, RECEIVED, b"*OK\r"),
    (1.3, SENT, b"R\r"),
    (1.9, RECEIVED, b"25.456\r"),
    (1.9, RECEIVED, b"*OK\r"),
]


def test_lines_are_known_by_their_text_whatever_ends_them() -> None:
    replay = Replay(exchange(EzoSettings("p", "RTD"), EZO))
    answers = virtually(asked(replay, b"R\r\n", b"i\n", b"C,", b"0\r", b"r\r"))
    assert answers == [b"25.123\r*OK\r", b"?i,RTD,2.01\r*OK\r", b"", b"*OK\r", b""]
    assert list(replay.unknown) == [b"r"]


def test_what_an_instrument_said_first_greets_whoever_opens() -> None:
    lines: list[Line] = [(5.0, RECEIVED, b"*RS\r"), (5.1, RECEIVED, b"*RE\r"), *((6 + t, d, b) for t, d, b in EZO)]  # type: ignore[misc]  # lines without notes
    came: list[bytes] = []

    async def work() -> None:
        replay = Replay(exchange(EzoSettings("p", "RTD"), lines), pace=1.0)
        stream = await replay.open_stream(SERIAL, came.append, lambda _why: None)
        await asyncio.sleep(1.0)
        stream.close()

    virtually(work())
    assert came == [b"*RS\r", b"*RE\r"]


def test_after_the_close_nothing_comes() -> None:
    came: list[bytes] = []

    async def work() -> None:
        stream = await Replay(exchange(TCP, reads(5)), pace=1.0).open_stream(SERIAL, came.append, lambda _why: None)
        stream.write(frame(1, 2, READ))
        stream.close()
        await asyncio.sleep(1.0)
        with pytest.raises(LinkDown, match="replay of test 1, 2026-03-31: closed"):
            stream.write(frame(1, 2, READ))

    virtually(work())
    assert came == []


def test_a_recording_without_a_stream_is_refused() -> None:
    with pytest.raises(BadExchange, match="no requests"):
        Replay(exchange(MqttSettings("h"), []))
    with pytest.raises(BadExchange, match="memory"):
        ReplayLink(exchange(MemorySettings("plc"), []))


KINDS = st.sampled_from([TCP, ModbusRtuSettings(SERIAL), EzoSettings("p", "RTD")])
LINES = st.lists(st.tuples(st.sampled_from(Direction), st.binary(max_size=30)), max_size=12)


@settings(max_examples=60, deadline=None)
@given(kind=KINDS, lines=LINES, requests=st.lists(st.binary(max_size=30), max_size=4))
def test_no_bytes_break_a_replay(
    kind: LinkSettings, lines: list[tuple[Direction, bytes]], requests: list[bytes]
) -> None:
    recorded = exchange(kind, [(float(at), *line) for at, line in enumerate(lines)])
    sent = [data for direction, data in lines if direction is SENT]
    virtually(asked(Replay(recorded), *requests, *sent))


# the real drivers


class Bank:
    """Registers that hold 100 more than their address, until they are written."""

    def __init__(self) -> None:
        self.written: dict[tuple[str, int], int] = {}

    def read(self, table: str, address: int, count: int) -> list[int]:
        return [self.written.get((table, at), at + 100) for at in range(address, address + count)]

    def write(self, table: str, address: int, values: list[int]) -> None:
        for at, value in enumerate(values, address):
            self.written[table, at] = min(value, 500)


POINTS = (Point("2/ir10"), Point("2/hr20", "u32"), Point("2/ir30:3", "block"), Point("3/hr7"))


async def values_of(link: Link, points: Sequence[Point] = POINTS) -> dict[Point, Any]:
    loop = asyncio.get_running_loop()
    readings = await link.read(points, deadline=loop.time() + 2.0, priority=Priority.READ)
    return {point: (reading.value, reading.reason) for point, reading in readings.items()}


async def worked(link: Link) -> list[Any]:
    """Return what two reads and a write of a link gave."""
    await link.open()
    try:
        first = await values_of(link)
        loop = asyncio.get_running_loop()
        wrote = await link.write(Point("2/hr40"), 900, deadline=loop.time() + 2.0, priority=Priority.WRITE)
        return [first, (wrote.outcome, wrote.got), await values_of(link)]
    finally:
        await link.close()


async def recorded_tcp(path: Path) -> list[Any]:
    server = ModbusServer({2: Bank()})
    await server.start()
    try:
        told = ModbusTcpSettings(server.host, server.port)
        link = ModbusLink(told)
        header = header_of(told, device="sim PLC", firmware="1", date="2026-03-31", simulated=True)
        with Recorder(path, link.tap, header):
            return await worked(link)
    finally:
        await server.stop()


async def test_a_recorded_plc_gives_the_same_values_again(tmp_path: Path) -> None:
    path = tmp_path / "plc.wire.jsonl"
    live = await recorded_tcp(path)
    assert live[0][POINTS[0]] == (110, "")
    assert live[0][POINTS[3]][0] is None  # no such unit
    assert live[1] == (Outcome.CLAMPED, 500)
    link = ReplayLink(read_exchange(path))
    assert await worked(link) == live
    assert link.replay is not None
    assert link.replay.unknown_count == 0
    assert not link.is_open()
    assert "ReplayLink" in repr(link)


async def test_a_changed_byte_changes_the_value(tmp_path: Path) -> None:
    path = tmp_path / "plc.wire.jsonl"
    live = await recorded_tcp(path)
    recorded = read_exchange(path)
    for at, each in enumerate(recorded.frames):
        if each.direction is RECEIVED and each.data[7] == 4:
            data = bytearray(each.data)
            data[10] ^= 1  # the low byte of the first register
            frames = list(recorded.frames)
            frames[at] = each._replace(data=bytes(data))
            changed = await worked(ReplayLink(replace(recorded, frames=tuple(frames))))
            assert changed != live
            break
    else:
        pytest.fail("no reply was recorded")


def test_an_rtu_recording_with_a_damaged_reply_is_bad_and_recovers() -> None:
    good = rtu_frame(2, values_reply(Request(4, 10, 1), (77,)))
    bad = good[:-1] + bytes((good[-1] ^ 1,))
    told = ModbusRtuSettings(SerialSettings("/dev/none", 19_200))
    lines: list[Line] = [
        (0.0, SENT, rtu_frame(2, READ)),
        (0.1, RECEIVED, bad, "crc"),
        (1.0, SENT, rtu_frame(2, READ)),
        (1.1, RECEIVED, good),
    ]

    async def work(recorded: Exchange, pace: float) -> tuple[Any, int]:
        link = ReplayLink(recorded, pace=pace)
        await link.open()
        value = await values_of(link, POINTS[:1])
        await link.close()
        return value[POINTS[0]], link.stats().devices["unit 2"].crc_errors

    for pace in (0.0, 1.0):
        assert virtually(work(exchange(told, lines), pace)) == ((77, ""), 1)
        only_bad = exchange(told, lines[:2])
        assert virtually(work(only_bad, pace))[0][0] is None


def test_an_exception_is_played_as_an_exception() -> None:
    lines: list[Line] = [(0.0, SENT, frame(1, 2, READ)), (0.1, RECEIVED, frame(1, 2, exception_reply(4, 2)))]

    async def work() -> Mapping[Point, Any]:
        link = ReplayLink(exchange(TCP, lines))
        await link.open()
        try:
            return await values_of(link, POINTS[:1])
        finally:
            await link.close()

    assert virtually(work())[POINTS[0]] == (None, "out_of_service")


def message(t_s: float, topic: str, payload: bytes, note: str = "") -> Line:
    return (t_s, RECEIVED, frame_of(topic, payload), note)


def test_recorded_messages_come_at_their_times_through_the_inbox() -> None:
    told = MqttSettings("h", sources={"room": MqttSource("sensors/room", "json", 10.0)})
    lines = [
        message(0.0, "sensors/room", b'{"temperature": 20.0}', "retained"),
        message(5.0, "sensors/room", b'{"temperature": 21.5}'),
        message(15.0, "sensors/room", b'{"temperature": 22.5}'),
        message(16.0, "sensors/room", b'{"temperature": NaN}', "not_finite"),
        message(17.0, "plain", b"7.25"),
    ]
    points = (Point("room#temperature", "float"), Point("plain", "float"))

    async def work(pace: float | None, looks_s: Sequence[float]) -> list[dict[Point, RawReading]]:
        link = ReplayLink(exchange(told, lines, device="room"), pace=pace)
        loop = asyncio.get_running_loop()
        assert (await link.read(points, deadline=1.0))[points[0]].reason == "not_connected"
        await link.open()
        seen = []
        for look_s in looks_s:
            await asyncio.sleep(max(0.0, look_s - loop.time()))
            seen.append(dict(await link.read(points, deadline=loop.time() + 1.0)))
        assert (await link.write(points[0], 1.0, deadline=1.0)).outcome is Outcome.REFUSED
        await link.close()
        assert link.stats().dropped >= 1
        return seen

    seen = virtually(work(None, (1.0, 6.0, 20.0)))
    assert [each[points[0]].value for each in seen] == [None, 21.5, 22.5]
    assert seen[1][points[0]].t_reply_s == 5.0
    assert seen[1][points[0]].fresh_s == 25.0
    assert [each[points[1]].value for each in seen] == [None, None, 7.25]
    (at_once,) = virtually(work(0.0, (0.1,)))
    assert at_once[points[0]].value == 22.5


def test_a_message_of_two_sensors_is_taken_once() -> None:
    told = MqttSettings("h", sources={"a": MqttSource("t"), "b": MqttSource("t")})
    data = frame_of("t", b'{"x": 1, "seq": 5}')
    frames = tuple(Frame(number, 1.0, RECEIVED, data, device) for number, device in ((1, "a"), (2, "b")))
    header = header_of(told, device="t", firmware="1", date="2026-03-31")

    async def work() -> dict[str, int]:
        link = ReplayLink(Exchange(header, frames))
        await link.open()
        await asyncio.sleep(2.0)
        await link.close()
        return {name: device.dropped for name, device in link.stats().devices.items()}

    assert virtually(work()) == {"a": 0, "b": 0}


def test_a_recorded_instrument_is_found_and_read() -> None:
    point = Point("R", "float")

    async def work(recorded: Exchange) -> list[float | None]:
        link = ReplayLink(recorded)
        await link.open()
        seen = [(await values_of(link, (point,)))[point][0] for _ in range(3)]
        await link.close()
        return seen

    told = EzoSettings("p", "RTD")
    assert virtually(work(exchange(told, EZO))) == [25.123, 25.456, 25.456]
    changed = [(*line[:2], line[2].replace(b"25.123", b"35.123")) for line in EZO]
    assert virtually(work(exchange(told, changed))) == [35.123, 25.456, 25.456]
    other = [(*line[:2], line[2].replace(b"RTD", b"EC")) for line in EZO]
    with pytest.raises(LinkDown, match="expected an EZO RTD"):
        virtually(work(exchange(told, other)))


def test_the_header_names_the_driver(tmp_path: Path) -> None:
    header = Header("modbus_tcp", {"host": "h"}, "d", "f", "2026-03-31")
    assert header.link_settings() == TCP
