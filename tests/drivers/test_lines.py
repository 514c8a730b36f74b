"""Bytes cut into lines: the ends of lines that devices use, what is dropped, and what the tap is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import LinkDown
from drivers.lines import EITHER, LINE_LIMIT, LineBuffer, open_line_port
from drivers.serial_port import PtyEnd
from drivers.settings import SerialSettings
from drivers.streams import OnBytes, OnLost, Stream
from drivers.wire_tap import Direction, WireTap


class Wire:
    """A stream in memory."""

    path = "memory"

    def __init__(self) -> None:
        self.lost = ""
        self.sent = b""
        self.hear: Callable[[bytes], None] = lambda _data: None
        self.die: Callable[[str], None] = lambda _why: None

    async def open(self, settings: SerialSettings, on_bytes: OnBytes, on_lost: OnLost) -> Stream:
        assert settings.port == "x"
        self.hear, self.die = on_bytes, on_lost
        return self

    def write(self, data: bytes) -> None:
        if self.lost:
            raise LinkDown(self.lost)
        self.sent += data

    def close(self) -> None:
        self.lost = "closed"


@given(st.lists(st.sampled_from([b"\r", b"\n", b"a", b"71.2", b" "])))
def test_lines_that_end_in_either_are_the_same_however_they_are_cut(chunks: list[bytes]) -> None:
    buffer = LineBuffer(EITHER)
    lines = [line for chunk in chunks for line in buffer.feed(chunk)]
    *whole, rest = b"".join(chunks).replace(b"\r", b"\n").split(b"\n")
    assert lines == [line for line in whole if line]
    assert buffer.unfinished == rest


@given(st.lists(st.binary(max_size=30)), st.sampled_from([b"\r", b"\r\n", EITHER]))
def test_no_byte_is_kept_beyond_the_bound_and_each_one_is_accounted_for(chunks: list[bytes], terminator: bytes) -> None:
    buffer = LineBuffer(terminator, limit=8)
    lines = []
    for chunk in chunks:
        lines += buffer.feed(chunk)
        assert len(buffer.unfinished) <= 8 + len(terminator) // 2
    assert all(len(line) <= 8 for line in lines)
    assert (buffer.dropped > 0) <= (buffer.overflows > 0)
    assert sum(map(len, lines)) + buffer.dropped + len(buffer.unfinished) <= sum(map(len, chunks))


@given(st.integers(0, 12), st.integers(0, 14))
def test_the_longest_line_is_kept_wherever_it_is_cut(length: int, at: int) -> None:
    data = b"x" * length + b"\r\n"
    whole, halves = LineBuffer(b"\r\n", limit=8), LineBuffer(b"\r\n", limit=8)
    lines = halves.feed(data[:at]) + halves.feed(data[at:])
    assert lines == whole.feed(data) == [data[:-2]] * (length <= 8)
    assert (halves.overflows, halves.dropped) == (whole.overflows, whole.dropped)


async def test_the_tap_sees_what_was_sent_received_and_dropped() -> None:
    wire, tap = Wire(), WireTap()
    port = await open_line_port(SerialSettings("x"), terminator=b"\r\n", tap=tap, device="balance", opener=wire.open)
    port.write(b"SI\r\n")
    wire.hear(b"S S 1.00 g\r\nS S 2")
    assert await port.read_line() == b"S S 1.00 g"
    wire.hear(b".00 g\r\nhalf")
    assert await port.discard() == len(b"S S 2.00 ghalf")
    told = [(frame.direction, frame.data, frame.note) for frame in tap.frames]
    assert told == [
        (Direction.SENT, b"SI\r\n", ""),
        (Direction.RECEIVED, b"S S 1.00 g\r\n", ""),
        (Direction.RECEIVED, b"S S 2.00 g\r\n", ""),
        (Direction.NOTE, b"S S 2.00 g", "dropped: nobody had asked"),
        (Direction.NOTE, b"half", "dropped: half a line"),
    ]
    assert {frame.device for frame in tap.frames} == {"balance"}
    counts = tap.device("balance")
    assert (counts.bytes_sent, counts.bytes_received, counts.dropped) == (4, 28, 14)
    wire.hear(b"x" * (LINE_LIMIT + 2))
    assert port.overflows == 1
    assert tap.frames[-1].note.startswith("dropped: no end of line")
    assert counts.dropped >= 14 + LINE_LIMIT - 1


async def test_a_line_that_is_taken_as_it_arrives_is_not_queued() -> None:
    wire = Wire()
    port = await open_line_port(SerialSettings("x"), on_line=lambda line: line == b"*RE", opener=wire.open)
    wire.hear(b"*RE\r71.2\r")
    assert await port.read_line() == b"71.2"


async def test_the_death_of_the_wire_wakes_the_reader_once() -> None:
    wire, lost = Wire(), list[str]()
    port = await open_line_port(SerialSettings("x"), on_lost=lost.append, opener=wire.open)
    reading = asyncio.create_task(port.read_line())
    await asyncio.sleep(0)
    wire.lost = "unplugged"
    wire.die("unplugged")
    with pytest.raises(LinkDown, match="unplugged"):
        await reading
    assert lost == ["unplugged"]
    assert repr(port) == "<LinePort memory unplugged>"
    with pytest.raises(LinkDown):
        port.write(b"R\r")


async def test_bytes_still_in_the_kernel_are_discarded_with_the_rest() -> None:
    async with PtyEnd() as end:
        port = await open_line_port(SerialSettings(end.path))
        for k in range(20):
            end.write(b"late\r")
            await asyncio.sleep(0.001 * (k % 3))
        await asyncio.sleep(0.02)
        await port.discard()
        end.write(b"right\r")
        async with asyncio.timeout(2):
            assert await port.read_line() == b"right"
        port.close()
