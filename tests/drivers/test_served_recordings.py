"""A recording on real wires: what it holds is answered; what it does not hold is refused and told, frame and time."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
import serial

from drivers.errors import DeviceFault
from drivers.frames.modbus import Request, exception_reply, frame, parse_reply, request_pdu, split_frames, values_reply
from drivers.frames.modbus_rtu import rtu_frame, unframed
from drivers.recordings.compare import Difference, compare
from drivers.recordings.exchange import BadExchange, Exchange, header_of, read_exchange
from drivers.recordings.recorder import Recorder
from drivers.recordings.served import RecordedDevice
from drivers.settings import (
    EzoSettings,
    LinkSettings,
    MemorySettings,
    ModbusRtuSettings,
    ModbusTcpSettings,
    SerialSettings,
)
from drivers.wire_tap import Direction, Frame
from linectl.clock import VirtualTimeLoop
from linectl.errors import ConfigError, Unreachable
from linectl.server.recordings.device import Where, serve_recording
from linectl.server.recordings.files import opened_recording

SENT, RECEIVED = Direction.SENT, Direction.RECEIVED
TCP, RTU = ModbusTcpSettings("h"), ModbusRtuSettings(SerialSettings("/dev/none"))
READ, WRITE = Request(3, 10, 4), Request(6, 30, 1, (77,))
T = TypeVar("T")


def virtually(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(work)


def exchange(settings: LinkSettings, pairs: list[tuple[bytes, bytes]]) -> Exchange:
    frames: list[Frame] = []
    for at, (asked, answered) in enumerate(pairs):
        frames.append(Frame(len(frames) + 1, at, SENT, asked, "dev"))
        frames.append(Frame(len(frames) + 1, at + 0.03, RECEIVED, answered, "dev"))
    return Exchange(header_of(settings, device="pump", firmware="1", date="2026-03-31"), tuple(frames))


def plc(framed: Callable[[bytes], bytes], settings: LinkSettings) -> Exchange:
    """Unit 2: registers 10 to 13 read twice with other values, register 30 written with 77."""
    return exchange(
        settings,
        [
            (framed(request_pdu(READ)), framed(values_reply(READ, (1, 2, 3, 4)))),
            (framed(request_pdu(WRITE)), framed(request_pdu(WRITE))),
            (framed(request_pdu(READ)), framed(values_reply(READ, (5, 6, 7, 8)))),
        ],
    )


def over_tcp(pdu: bytes) -> bytes:
    return frame(1, 2, pdu)


def over_rtu(pdu: bytes) -> bytes:
    return rtu_frame(2, pdu)


class Client:
    """A Modbus TCP client of its own kind: bytes on a socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.transaction = 900

    @classmethod
    async def of(cls, device: RecordedDevice) -> Client:
        assert device.address is not None
        return cls(*await asyncio.open_connection(*device.address))

    async def asks(self, request: Request, unit: int = 2) -> bytes:
        self.transaction += 1
        self.writer.write(frame(self.transaction, unit, request_pdu(request)))
        buffer = bytearray()
        while not (found := split_frames(buffer)):
            buffer += await self.reader.read(300)
        ((transaction, said_unit, pdu),) = found
        assert (transaction, said_unit) == (self.transaction, unit)
        return pdu

    def leave(self) -> None:
        self.writer.close()


def test_the_recorded_requests_are_answered_in_their_order() -> None:
    async def work() -> list[tuple[int, ...]]:
        device = RecordedDevice(plc(over_tcp, TCP))
        await device.listen()
        client = await Client.of(device)
        found = [parse_reply(READ, await client.asks(READ)) for _ in range(3)]
        assert await client.asks(WRITE) == request_pdu(WRITE)
        assert not device.differences
        assert device.requests == 4
        client.leave()
        await device.stop()
        return found

    assert virtually(work()) == [(1, 2, 3, 4), (5, 6, 7, 8), (5, 6, 7, 8)]


def test_what_the_recording_does_not_hold_is_refused_and_told() -> None:
    heard: list[Difference] = []

    async def work() -> None:
        device = RecordedDevice(plc(over_tcp, TCP), on_difference=heard.append)
        await device.listen()
        client = await Client.of(device)
        await client.asks(READ)
        await asyncio.sleep(3)
        for request, unit, code in (
            (Request(3, 11, 4), 2, 2),  # one of its registers was never read
            (Request(6, 30, 1, (78,)), 2, 3),
            (Request(6, 31, 1, (77,)), 2, 2),
            (READ, 7, 11),
        ):
            assert await client.asks(request, unit) == exception_reply(request.function, code)
        assert list(device.differences) == heard
        client.leave()
        await device.stop()

    virtually(work())
    first = heard[0]
    assert first.what == "unit 2 read holding registers 11..14"
    assert first.text == "the recording does not hold these: refused"
    assert (first.other_frame, first.frame) == (3, 0)
    assert first.other_t_s == pytest.approx(3.03, abs=0.01)
    assert [each.text for each in heard[1:]] == [
        "the recording holds other values: refused",
        "the recording holds no such request: refused",
        "the recording holds nothing of unit 7",
    ]


def test_registers_of_other_replies_are_put_together_and_told() -> None:
    async def work() -> None:
        device = RecordedDevice(plc(over_tcp, TCP))
        await device.listen()
        client = await Client.of(device)
        part = Request(3, 11, 2)
        assert parse_reply(part, await client.asks(part)) == (2, 3)
        await client.asks(READ)
        assert parse_reply(part, await client.asks(part)) == (6, 7)  # those of the reply that is next
        assert [each.text for each in device.differences] == ["put together from other recorded replies"]  # told once
        assert device.replay.unknown_count == 2
        client.leave()
        await device.stop()

    virtually(work())


def test_rtu_requests_come_in_pieces_and_another_unit_is_silent() -> None:
    async def work() -> tuple[bytes, list[str]]:
        device = RecordedDevice(plc(over_rtu, RTU))
        await device.listen()
        assert device.address is not None
        reader, writer = await asyncio.open_connection(*device.address)
        writer.write(rtu_frame(9, request_pdu(READ)))
        asked = over_rtu(request_pdu(READ))
        for part in (asked[:3], asked[3:]):
            writer.write(part)
            await asyncio.sleep(0.02)
        said = await reader.read(300)
        writer.close()
        await device.stop()
        return said, [each.text for each in device.differences]

    said, differences = virtually(work())
    whole = unframed(said)
    assert whole is not None
    assert parse_reply(READ, whole[1]) == (1, 2, 3, 4)
    assert differences == ["the recording holds nothing of unit 9"]


def test_what_is_no_modbus_ends_the_connection_and_nothing_else() -> None:
    async def work() -> None:
        device = RecordedDevice(plc(over_tcp, TCP))
        await device.listen()
        stranger = await Client.of(device)
        stranger.writer.write(b"GET / HTTP/1.1\r\n\r\n")
        assert await stranger.reader.read() == b""
        stranger.leave()
        client = await Client.of(device)
        assert parse_reply(READ, await client.asks(READ)) == (1, 2, 3, 4)
        client.leave()
        await device.stop()

    virtually(work())


def test_a_served_exchange_is_recorded_and_compares_equal(tmp_path: Path) -> None:
    """Once round: the recording, served to a client, recorded again at the device."""
    recording = plc(over_tcp, TCP)

    async def work(*requests: Request) -> Exchange:
        device = RecordedDevice(recording)
        await device.listen()
        path = tmp_path / f"again{len(requests)}{requests[-1].address}.wire.jsonl"
        with Recorder(path, device.tap, recording.header):
            client = await Client.of(device)
            for request in requests:
                await client.asks(request)
            client.leave()
        await device.stop()
        return read_exchange(path)

    assert compare(recording, virtually(work(READ, WRITE, READ))) == ()
    (found,) = compare(recording, virtually(work(READ, WRITE, READ, Request(3, 20, 1))))
    assert (found.what, found.other_frame) == ("unit 2 read holding registers 20", 7)


# programs of others, in real time


@pytest.mark.skipif(shutil.which("mbpoll") is None, reason="mbpoll is not installed")
async def test_mbpoll_reads_a_recording() -> None:
    async with serve_recording(plc(over_tcp, TCP), pace=0) as up:
        port = up.addresses[0].rpartition(":")[2]
        command = ["mbpoll", "-m", "tcp", "-p", port, "-a", "2", "-t", "4", "-r", "11", "-c", "4", "-1", "127.0.0.1"]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        said, _ = await process.communicate()
        assert process.returncode == 0
        assert [line.split()[-1] for line in said.decode().splitlines() if line.startswith("[")] == ["1", "2", "3", "4"]
        assert not up.differences


async def test_plain_pyserial_reads_a_recorded_instrument(tmp_path: Path) -> None:
    recording = exchange(EzoSettings("/dev/none", "RTD"), [(b"i\r", b"?i,RTD,2.01\r*OK\r"), (b"R\r", b"61.250\r*OK\r")])
    link = tmp_path / "rtd"

    def talk() -> list[bytes]:
        with serial.Serial(str(link), 9600, timeout=2) as port:
            found = []
            for asked in (b"R\r", b"i\r", b"Slope,?\r"):
                port.write(asked)
                port.timeout = 2 if asked != b"Slope,?\r" else 0.2
                found.append(port.read_until(b"OK\r"))
            return found

    async with serve_recording(recording, Where(tty=link), pace=0) as up:
        assert list(up.addresses) == [str(link)]
        assert await asyncio.to_thread(talk) == [b"61.250\r*OK\r", b"?i,RTD,2.01\r*OK\r", b""]
        (found,) = up.differences
        assert (found.what, found.text) == ("Slope,?", "the recording does not hold it: no reply")
    assert not link.exists()


# what cannot be


async def test_a_place_that_cannot_be_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has no serial port"):
        async with serve_recording(plc(over_tcp, TCP), Where(tty=tmp_path / "plc")):
            pass
    async with serve_recording(plc(over_tcp, TCP)) as up:
        port = int(up.addresses[0].rpartition(":")[2])
        with pytest.raises(Unreachable, match=f"127.0.0.1:{port}"):
            async with serve_recording(plc(over_tcp, TCP), Where(port=port)):
                pass
    with pytest.raises(ConfigError, match="memory"):
        async with serve_recording(exchange(MemorySettings("plc"), [])):
            pass
    with pytest.raises(ConfigError, match="no such file"):
        opened_recording(tmp_path / "nothing.wire.jsonl")
    with pytest.raises(BadExchange):
        RecordedDevice(exchange(MemorySettings("plc"), []))


def test_an_exception_of_the_recording_comes_again() -> None:
    refused = exchange(TCP, [(over_tcp(request_pdu(READ)), over_tcp(exception_reply(3, 4)))])

    async def work() -> bytes:
        device = RecordedDevice(refused)
        await device.listen()
        client = await Client.of(device)
        said = await client.asks(READ)
        client.leave()
        await device.stop()
        return said

    with pytest.raises(DeviceFault):
        parse_reply(READ, virtually(work()))
