"""An EZO circuit over a real pseudo-terminal: identity, replies that are none, restarts, unplug and replug."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import drivers.serial_port
from drivers.errors import BadAddress, LinkDown
from drivers.instruments.ezo import EzoLink
from drivers.lines import LinePort, open_line_port
from drivers.link import Link, Outcome, Point, RawReading
from drivers.serial_port import PtyEnd
from drivers.settings import EzoSettings, SerialSettings
from linectl.clock import VirtualTimeLoop

pytestmark = pytest.mark.clock("virtual")

READ = Point("R", "float")
SET_UP = [b"*OK,1", b"C,0", b"i", b"S,?"]  # what an RTD is asked each time it is opened


class Circuit:
    """A scripted circuit behind a link in the file system; what it says to each command can be changed at will."""

    def __init__(self, path: Path, device: str = "RTD") -> None:
        self.path = path
        self.says: dict[bytes, bytes] = {
            b"*OK,1": b"*OK\r",
            b"C,0": b"*OK\r",
            b"S,?": b"?S,c\r*OK\r",
            b"i": f"?i,{device},2.10\r*OK\r".encode(),
            b"R": b"71.234\r*OK\r",
        }
        self.delay_s = 0.0
        self.late_s = 0.0  # for the next answer alone
        self.asked: list[bytes] = []
        self.pty: PtyEnd | None = None
        self._serving: asyncio.Task[None] | None = None

    def plug(self) -> None:
        self.pty = PtyEnd()
        self.pty.link(self.path)
        self._serving = asyncio.create_task(self._serve(self.pty))

    async def unplug(self) -> None:
        if self.pty is not None and self._serving is not None:
            self.pty.close()
            self._serving.cancel()
            await asyncio.wait({self._serving})

    def say(self, text: bytes) -> None:
        assert self.pty is not None
        self.pty.write(text)

    async def _serve(self, pty: PtyEnd) -> None:
        with contextlib.suppress(LinkDown):
            while True:
                command = await pty.read_line()
                self.asked.append(command)
                await asyncio.sleep(self.delay_s)
                said = self.says.get(command, b"*ER\r")
                late_s, self.late_s = self.late_s, 0.0
                await asyncio.sleep(late_s)
                pty.write(said)


@asynccontextmanager
async def plugged(tmp_path: Path, device: str = "RTD", outputs: bytes = b"EC") -> AsyncIterator[Circuit]:
    circuit = Circuit(tmp_path / "ezo", device)
    circuit.says[b"O,?"] = b"?,O," + outputs + b"\r*OK\r"
    circuit.plug()
    try:
        yield circuit
    finally:
        await circuit.unplug()


@asynccontextmanager
async def opened(circuit: Circuit, device: str = "RTD", timeout_s: float = 0.3) -> AsyncIterator[EzoLink]:
    link = EzoLink(EzoSettings(str(circuit.path), device, timeout_s=timeout_s))
    await link.open()
    try:
        yield link
    finally:
        await link.close()


async def read(link: EzoLink, point: Point = READ, within_s: float = 1.0) -> RawReading:
    deadline = asyncio.get_running_loop().time() + within_s
    return (await link.read([point], deadline=deadline))[point]


async def until(link: EzoLink, wanted: Callable[[RawReading], bool], within_s: float) -> float:
    """Read until a reading is as wanted; return how long it took, in s."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    while not wanted(reading := await read(link)):
        assert loop.time() - started < within_s, f"still {reading} after {within_s} s"
        await asyncio.sleep(0.01)
    return loop.time() - started


def is_good(reading: RawReading) -> bool:
    return reading.value is not None


@pytest.mark.clock("wall")
async def test_a_reading_with_its_times(tmp_path: Path) -> None:
    async with plugged(tmp_path) as circuit, opened(circuit) as link:
        assert isinstance(link, Link)
        assert link.is_open()
        assert repr(link) == f"<EzoLink EZO RTD at {circuit.path} open>"
        before = asyncio.get_running_loop().time()
        reading = await read(link)
        assert reading.value == 71.234
        assert before <= reading.t_request_s <= reading.t_reply_s <= asyncio.get_running_loop().time()
        assert circuit.asked == [*SET_UP, b"R"]
        stats = link.stats()
        assert (stats.requests, stats.replies, stats.reconnects, stats.timeouts) == (1, 1, 0, 0)
    assert not link.is_open()
    assert (await read(link)).reason == "not_connected"


async def test_several_fields_come_from_one_reading(tmp_path: Path) -> None:
    points = [Point("R", "float"), Point("R:1", "float"), Point("R:2", "float")]
    async with plugged(tmp_path, "EC", outputs=b"EC,TDS") as circuit, opened(circuit, "EC") as link:
        circuit.says[b"R"] = b"1413.00,763.02\r*OK\r"
        deadline = asyncio.get_running_loop().time() + 1
        readings = await link.read(points, deadline=deadline)
        assert [readings[point].value for point in points] == [1413.0, 763.02, None]
        assert readings[points[2]].reason == "bad_reply"
        assert circuit.asked.count(b"R") == 1


async def test_a_point_that_is_none_is_the_programs_fault(tmp_path: Path) -> None:
    async with plugged(tmp_path) as circuit, opened(circuit) as link:
        with pytest.raises(BadAddress):
            await read(link, Point("X", "float"))


async def test_nothing_is_written(tmp_path: Path) -> None:
    async with plugged(tmp_path) as circuit, opened(circuit) as link:
        result = await link.write(READ, 1.0, deadline=0)
        assert result.outcome is Outcome.REFUSED
        assert circuit.asked == SET_UP


async def test_a_missing_port_is_named() -> None:
    with pytest.raises(LinkDown, match="/dev/no-such-port"):
        await EzoLink(EzoSettings("/dev/no-such-port", "RTD")).open()


@pytest.mark.parametrize(
    ("says", "message"),
    [
        ({b"i": b"?i,pH,1.98\r*OK\r"}, "expected an EZO RTD, EZO pH 1.98 answered"),
        ({b"*OK,1": b"", b"C,0": b"", b"i": b""}, "nothing answers"),
        ({b"C,0": b"ERROR 5\r"}, "it said b'.*ERROR 5'"),
        ({b"C,0": b"*OK\r*RE\r"}, "restarting"),
    ],
)
async def test_what_is_not_the_instrument_is_named(tmp_path: Path, says: dict[bytes, bytes], message: str) -> None:
    async with plugged(tmp_path) as circuit:
        circuit.says |= says
        with pytest.raises(LinkDown, match=message) as caught:
            await EzoLink(EzoSettings(str(circuit.path), "RTD", timeout_s=0.2)).open()
        assert str(circuit.path) in str(caught.value)
        (await open_line_port(SerialSettings(str(circuit.path)))).close()  # the link has let go of it


async def test_a_circuit_that_speaks_by_itself_is_silenced_first(tmp_path: Path) -> None:
    async with plugged(tmp_path) as circuit:
        circuit.says[b"C,0"] = b"70.001\r*OK\r"
        circuit.says[b"i"] = b"70.002\r?i,RTD,2.10\r*OK\r"
        async with opened(circuit) as link:
            assert (await read(link)).value == 71.234


async def test_what_comes_between_two_readings_is_dropped(tmp_path: Path) -> None:
    async with plugged(tmp_path) as circuit, opened(circuit) as link:
        circuit.say(b"12.000\r*OK\r13.0")
        await asyncio.sleep(0.1)
        assert (await read(link)).value == 71.234
        assert link.stats().dropped == len(b"12.000*OK13.0")


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (b"71.2x\r*OK\r", "bad_reply"),
        (b"nan\r*OK\r", "bad_reply"),
        (b"\xff\x80\r*OK\r", "bad_reply"),
        (b"71.2\r71.3\r", "bad_reply"),
        (b"*OK\r71.2\r", "bad_reply"),
        (b"*ER\r", "sensor_failure"),
        (b"*UV\r", "sensor_failure"),
        (b"-1023.000\r*OK\r", "sensor_failure"),
        (b"71.2", "timeout"),
        (b"71.2\r", "timeout"),
        (b"", "timeout"),
    ],
)
async def test_what_is_no_reading_has_a_reason_and_costs_one_reading(tmp_path: Path, reply: bytes, reason: str) -> None:
    async with plugged(tmp_path) as circuit, opened(circuit) as link:
        good, circuit.says[b"R"] = circuit.says[b"R"], reply
        reading = await read(link)
        assert (reading.value, reading.reason) == (None, reason)
        assert str(circuit.path) in reading.detail
        circuit.says[b"R"] = good
        assert (await read(link)).value == 71.234


async def test_a_cold_conductivity_is_no_missing_probe(tmp_path: Path) -> None:
    async with plugged(tmp_path, "EC") as circuit, opened(circuit, "EC") as link:
        circuit.says[b"R"] = b"0.00\r*OK\r"
        assert (await read(link)).value == 0.0


async def test_a_flood_is_counted_and_costs_nothing_later(tmp_path: Path) -> None:
    async with plugged(tmp_path) as circuit, opened(circuit) as link:
        for _ in range(20):
            circuit.say(b"x" * 500)
            await asyncio.sleep(0.005)
        circuit.say(b"\r")
        await asyncio.sleep(0.05)
        assert (await read(link)).value == 71.234
        assert link.stats().extra["overflows"] == 1


@pytest.mark.parametrize("said", [b"*RS\r*RE\r", b"*RE\r"])
async def test_a_restart_is_followed_by_a_new_set_up(tmp_path: Path, said: bytes) -> None:
    async with plugged(tmp_path) as circuit, opened(circuit) as link:
        assert is_good(await read(link))
        circuit.asked.clear()
        circuit.say(said)
        async with asyncio.timeout(5):
            while link.is_open():  # the link tells nobody
                await asyncio.sleep(0.005)
        assert (await read(link)).reason == "not_connected"
        await until(link, is_good, 5)
        assert circuit.asked == [*SET_UP, b"R"]
        assert link.stats().extra["reboots"] == 1


async def test_a_restart_in_the_midst_of_a_reading(tmp_path: Path) -> None:
    async with plugged(tmp_path) as circuit, opened(circuit) as link:
        good, circuit.says[b"R"] = circuit.says[b"R"], b"*RS\r*RE\r"
        reading = await read(link)
        assert (reading.value, reading.reason) == (None, "not_connected")
        circuit.says[b"R"] = good
        await until(link, is_good, 5)


async def test_two_silences_open_the_port_again(tmp_path: Path) -> None:
    async with plugged(tmp_path) as circuit, opened(circuit, timeout_s=0.1) as link:
        good, circuit.says = circuit.says, dict.fromkeys(circuit.says, b"")
        assert (await read(link)).reason == "timeout"
        assert link.is_open()
        assert (await read(link)).reason == "timeout"
        assert not link.is_open()
        circuit.says = good
        await until(link, is_good, 5)
        stats = link.stats()
        assert (stats.reconnects, stats.timeouts) == (1, 2)


async def test_one_silence_is_forgiven(tmp_path: Path) -> None:
    async with plugged(tmp_path) as circuit, opened(circuit, timeout_s=0.1) as link:
        good = circuit.says[b"R"]
        for _ in range(3):
            circuit.says[b"R"] = b""
            assert (await read(link)).reason == "timeout"
            circuit.says[b"R"] = good
            assert is_good(await read(link))
        assert link.stats().reconnects == 0


async def test_the_callers_deadline_is_kept(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    async with plugged(tmp_path) as circuit, opened(circuit, timeout_s=5) as link:
        circuit.says[b"R"] = b""
        started = loop.time()
        assert (await read(link, within_s=0.1)).reason == "timeout"
        assert loop.time() - started < 1


@pytest.mark.fault("F11")
@pytest.mark.clock("wall")
async def test_unplug_and_replug(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    async with plugged(tmp_path) as circuit, opened(circuit) as link:
        assert is_good(await read(link))
        circuit.delay_s = 0.2
        waiting = asyncio.create_task(read(link))
        await asyncio.sleep(0.05)
        unplugged = loop.time()
        await circuit.unplug()
        reading = await waiting
        assert reading.reason == "not_connected"
        assert loop.time() - unplugged < 0.5
        assert not link.is_open()
        assert (await read(link)).reason == "not_connected"
        await asyncio.sleep(0.5)
        circuit.delay_s = 0.0
        circuit.plug()  # another tty, under the same link
        await until(link, is_good, 20)  # usually within 1 s; on the jumping clock the 2 s are checked
        assert link.stats().reconnects == 1


async def test_another_instrument_at_the_port_is_not_taken_for_ours(tmp_path: Path) -> None:
    async with plugged(tmp_path) as circuit, opened(circuit) as link:
        await circuit.unplug()
        async with plugged(tmp_path, "EC"):
            await asyncio.sleep(0.8)
            reading = await read(link)
            assert reading.reason == "not_connected"
            assert "EZO EC 2.10 answered" in reading.detail
            assert "EZO EC 2.10 answered" in link.stats().last_error


@pytest.mark.parametrize(
    ("device", "query", "answer", "message"),
    [
        ("RTD", b"S,?", b"?S,f\r*OK\r", "measures in 'f': send it S,c"),
        ("EC", b"O,?", b"?,O,TDS\r*OK\r", "gives TDS: send it O,EC,1"),
        ("EC", b"O,?", b"", "no answer to O"),
    ],
)
async def test_a_circuit_that_is_set_otherwise_is_refused_with_what_to_do(
    tmp_path: Path, device: str, query: bytes, answer: bytes, message: str
) -> None:
    async with plugged(tmp_path, device) as circuit:
        circuit.says[query] = answer
        with pytest.raises(LinkDown, match=message):
            await EzoLink(EzoSettings(str(circuit.path), device, timeout_s=0.2)).open()


@pytest.mark.parametrize(("device", "query"), [("RTD", b"S,?"), ("EC", b"O,?")])
async def test_firmware_that_does_not_know_a_query_is_believed(tmp_path: Path, device: str, query: bytes) -> None:
    async with plugged(tmp_path, device) as circuit:
        circuit.says |= {query: b"*ER\r", b"*OK,1": b"*ER\r"}
        async with opened(circuit, device) as link:
            assert (await read(link)).value == 71.234


async def test_ph_is_one_number(tmp_path: Path) -> None:
    async with plugged(tmp_path, "pH") as circuit, opened(circuit, "pH") as link:
        circuit.says[b"R"] = b"12.845\r*OK\r"
        assert (await read(link)).value == 12.845
        assert link.identity == "EZO pH 2.10"
        assert circuit.asked == [b"*OK,1", b"C,0", b"i", b"R"]


async def test_a_reading_with_a_field_too_few_is_none(tmp_path: Path) -> None:
    async with plugged(tmp_path, "EC", outputs=b"EC,TDS") as circuit, opened(circuit, "EC") as link:
        circuit.says[b"R"] = b"1413.00\r*OK\r"
        reading = await read(link)
        assert (reading.value, reading.reason) == (None, "bad_reply")
        assert "1 values came of 2 (EC, TDS)" in reading.detail


class Trusting(EzoLink):
    """A link that takes the next answer for the right one: the negative control."""

    async def _fence(self, port: LinePort) -> None:
        pass


@pytest.mark.parametrize(("kind", "is_right"), [(EzoLink, True), (Trusting, False)])
async def test_a_late_answer_is_never_taken_for_the_next(tmp_path: Path, kind: type[EzoLink], is_right: bool) -> None:
    wrong = 0
    async with plugged(tmp_path) as circuit:
        link = kind(EzoSettings(str(circuit.path), "RTD", timeout_s=0.05))
        await link.open()
        for k in range(15):
            circuit.says[b"R"] = f"{k}.000\r*OK\r".encode()
            circuit.late_s = 0.08 if k % 3 == 1 else 0.0  # measured now, said too late
            wrong += (await read(link)).value not in {None, float(k)}
        await link.close()
    assert (wrong == 0) is is_right


async def poll(tmp_path: Path, reads: int) -> tuple[int, int, int]:
    """Read an instrument of 600 ms once a second; return good readings, timeouts and reconnections."""
    loop = asyncio.get_running_loop()
    good = 0
    async with plugged(tmp_path) as circuit, opened(circuit, timeout_s=0.9) as link:
        circuit.delay_s = 0.6
        started = loop.time()
        for k in range(reads):
            good += is_good(await read(link, within_s=0.95))
            await asyncio.sleep(started + k + 1 - loop.time())
        stats = link.stats()
        return good, stats.timeouts, stats.reconnects


def test_an_hour_on_a_jumping_clock_has_no_false_timeout(tmp_path: Path) -> None:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        assert runner.run(poll(tmp_path, 3600)) == (3600, 0, 0)


def test_a_replug_on_a_jumping_clock_takes_the_same_virtual_time(tmp_path: Path) -> None:
    async def main() -> tuple[float, float]:
        loop = asyncio.get_running_loop()
        async with plugged(tmp_path) as circuit, opened(circuit, timeout_s=0.9) as link:
            circuit.delay_s = 0.6
            waiting = asyncio.create_task(read(link))
            await asyncio.sleep(0.3)
            await circuit.unplug()
            assert (await waiting).reason == "not_connected"
            noticed_s = loop.time()
            await asyncio.sleep(3600)
            circuit.delay_s = 0.0
            circuit.plug()
            return noticed_s, await until(link, is_good, 10)

    started = time.monotonic()
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        noticed_s, recovered_s = runner.run(main())
    assert noticed_s == pytest.approx(0.3)  # at once
    assert recovered_s <= 2.0
    assert time.monotonic() - started < 20  # 3,600 attempts; no byte is waited for in vain


async def test_a_link_can_be_opened_again(tmp_path: Path) -> None:
    async with plugged(tmp_path) as circuit, opened(circuit) as link:
        await link.close()
        assert (await read(link)).reason == "not_connected"
        await link.open()
        assert is_good(await read(link))


def test_without_the_counting_it_has_some(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drivers.serial_port, "in_flight", lambda: None)
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        lost = tries = 0
        while not lost and tries < 30:
            tries += 1
            try:
                good, _, _ = runner.run(poll(tmp_path, 360))
                lost += 360 - good
            except LinkDown:  # even the set-up can fail so
                lost += 1
    assert lost >= 1
