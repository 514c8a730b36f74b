"""Heating circulators of both dialects over real pseudo-terminals: values, proved writes, faults, late answers."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from drivers.errors import BadAddress, LinkDown
from drivers.instruments.circulator import CirculatorLink
from drivers.lines import LinePort
from drivers.link import Link, Outcome, Point, RawValue, WriteResult
from drivers.settings import CirculatorSettings, SerialSettings
from linectl.clock import VirtualTimeLoop
from tests.drivers.instruments import Device, Julabo, Lauda, on_the_desk, opened, read, until_good

pytestmark = pytest.mark.clock("virtual")

BATH = Point("bath", "float")
SETPOINT = Point("setpoint", "float")
RUNNING = Point("running", "bool")
STATUS = Point("status", "str")
BOTH = pytest.mark.parametrize("kind", [Lauda, Julabo])


def settings(path: Path | str, timeout_s: float = 0.2) -> CirculatorSettings:
    return CirculatorSettings(SerialSettings(str(path)), timeout_s=timeout_s)


@asynccontextmanager
async def bathing(
    tmp_path: Path, kind: type[Lauda | Julabo], timeout_s: float = 0.2
) -> AsyncIterator[tuple[Lauda | Julabo, CirculatorLink]]:
    device = kind(tmp_path / "bath")
    async with on_the_desk(device), opened(CirculatorLink(settings(device.path, timeout_s))) as link:
        yield device, link


async def write(link: CirculatorLink, point: Point, value: RawValue, within_s: float = 2.0) -> WriteResult:
    return await link.write(point, value, deadline=asyncio.get_running_loop().time() + within_s)


@BOTH
@pytest.mark.clock("wall")
async def test_what_a_circulator_tells(tmp_path: Path, kind: type[Lauda | Julabo]) -> None:
    async with bathing(tmp_path, kind) as (device, link):
        assert isinstance(link, Link)
        assert link.identity in {"ECO", "JULABO HIGHTECH FL HL/SL VERSION 4.0"}
        deadline = asyncio.get_running_loop().time() + 2
        readings = await link.read([BATH, SETPOINT, RUNNING, STATUS], deadline=deadline)
        assert [readings[point].value for point in (BATH, SETPOINT, RUNNING)] == [61.25, 60.0, False]
        assert readings[STATUS].value in {"0", "02 REMOTE STOP"}
        device.running, device.bath_c = True, -12.5
        assert (await read(link, RUNNING)).value is True
        assert (await read(link, BATH)).value == -12.5


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
async def test_every_end_of_line_is_understood(tmp_path: Path, end: str) -> None:
    device = Julabo(tmp_path / "bath")
    device.end = end
    async with on_the_desk(device), opened(CirculatorLink(settings(device.path))) as link:
        assert (await read(link, BATH)).value == 61.25
        assert (await read(link, SETPOINT)).value == 60.0


@BOTH
async def test_writes_are_proved_by_asking_again(tmp_path: Path, kind: type[Lauda | Julabo]) -> None:
    async with bathing(tmp_path, kind) as (device, link):
        result = await write(link, SETPOINT, 71.257)
        assert (result.outcome, result.asked, result.got) == (Outcome.CONFIRMED, 71.26, 71.26)
        assert device.setpoint_c == 71.26
        assert (await write(link, RUNNING, True)).outcome is Outcome.CONFIRMED
        assert device.running
        assert (await write(link, RUNNING, False)).outcome is Outcome.CONFIRMED
        assert not device.running


async def test_a_lauda_that_clamps(tmp_path: Path) -> None:
    async with bathing(tmp_path, Lauda) as (device, link):
        assert isinstance(device, Lauda)
        device.clamps = True
        result = await write(link, SETPOINT, 120)
        assert (result.outcome, result.asked, result.got) == (Outcome.CLAMPED, 120.0, 95.0)


@BOTH
async def test_a_value_that_the_circulator_does_not_take(tmp_path: Path, kind: type[Lauda | Julabo]) -> None:
    async with bathing(tmp_path, kind) as (device, link):
        result = await write(link, SETPOINT, 120.0)
        assert result.outcome is Outcome.REFUSED
        assert "ERR_6" in result.detail or "VALUE TOO LARGE" in result.detail
        assert device.setpoint_c == 60.0
        assert (await read(link, SETPOINT)).value == 60.0


async def test_a_julabo_in_manual_mode_says_what_to_do(tmp_path: Path) -> None:
    async with bathing(tmp_path, Julabo) as (device, link):
        assert isinstance(device, Julabo)
        device.remote = False
        result = await write(link, RUNNING, True)
        assert result.outcome is Outcome.REFUSED
        assert "MANUAL" in result.detail
        assert "keypad" in result.detail


@pytest.mark.parametrize(
    ("point", "value"),
    [(SETPOINT, float("nan")), (SETPOINT, 1000), (SETPOINT, True), (RUNNING, 1), (BATH, 20.0), (STATUS, "x")],
)
async def test_what_cannot_be_written_is_not_sent(tmp_path: Path, point: Point, value: RawValue) -> None:
    async with bathing(tmp_path, Lauda) as (device, link):
        asked = len(device.asked)
        assert (await write(link, point, value)).outcome is Outcome.REFUSED
        assert len(device.asked) == asked
        with pytest.raises(BadAddress):
            await write(link, Point("pump", "float"), 1.0)


async def test_a_lost_answer_to_a_write_is_decided_by_asking(tmp_path: Path) -> None:
    async with bathing(tmp_path, Lauda, timeout_s=0.1) as (device, link):
        device.spoil = lambda data: b"" if data == b"OK\r\n" else data
        result = await write(link, SETPOINT, 70.0)
        assert (result.outcome, result.got) == (Outcome.CONFIRMED, 70.0)
        assert sum(command.startswith("OUT_SP") for command in device.asked) == 1


@BOTH
async def test_a_circulator_that_falls_silent_leaves_a_write_unknown(
    tmp_path: Path, kind: type[Lauda | Julabo]
) -> None:
    async with bathing(tmp_path, kind, timeout_s=0.1) as (device, link):
        device.silent = True
        result = await write(link, RUNNING, True, within_s=0.5)
        assert result.outcome is Outcome.UNKNOWN
        device.silent = False
        await until_good(link, BATH)
    assert (await write(link, RUNNING, True)).outcome is Outcome.REFUSED  # closed: nothing was sent


async def test_faults_stand_beside_the_value_or_in_its_place(tmp_path: Path) -> None:
    async with bathing(tmp_path, Lauda) as (device, link):
        assert isinstance(device, Lauda)
        device.fault = "0000100"
        reading = await read(link, BATH)
        assert (reading.value, reading.detail) == (61.25, "-1 (low level)")
    async with bathing(tmp_path, Julabo) as (device, link):
        assert isinstance(device, Julabo)
        device.error = "-01 LOW LEVEL ALARM"
        reading = await read(link, BATH)
        assert (reading.value, reading.detail) == (61.25, "-01 LOW LEVEL ALARM")
        device.error = "-05 WORKING SENSOR ALARM"
        reading = await read(link, BATH)
        assert (reading.value, reading.reason) == (None, "sensor_failure")
        assert "WORKING SENSOR" in reading.detail


async def test_a_command_that_a_lauda_lacks_is_out_of_service(tmp_path: Path) -> None:
    async with bathing(tmp_path, Lauda) as (device, link):
        device.spoil = lambda _data: b"ERR_8\r\n"
        assert (await read(link, SETPOINT)).reason == "out_of_service"


@BOTH
@pytest.mark.fault("F12")
@pytest.mark.parametrize("spoilt", [b"061.", b"06x.25\r\n", b"\xff\xfe\r\n", b"nan\r\n", b"x" * 5000])
async def test_noise_costs_one_reading(tmp_path: Path, kind: type[Lauda | Julabo], spoilt: bytes) -> None:
    async with bathing(tmp_path, kind, timeout_s=0.05) as (device, link):
        good, device.spoil = device.spoil, lambda _data: spoilt
        reading = await read(link, SETPOINT)
        assert reading.value is None
        assert reading.reason in {"timeout", "bad_reply"}
        device.spoil = good
        assert await until_good(link, SETPOINT) < 1.0


class Trusting(CirculatorLink):
    """A link that takes the next answer for the right one: the negative control."""

    async def _fence(self, port: LinePort) -> None:
        pass


async def wrong_setpoints(link: CirculatorLink, device: Lauda | Julabo, rounds: int) -> int:
    """Turn the setpoint at the keypad before each reading, every third answer late; return how many were old ones."""
    wrong = 0
    for k in range(rounds):
        device.setpoint_c = 40.0 + k
        if k % 3 == 1:
            device.delays_s.append(0.08)  # the link waits for 0.05 s
        wrong += (await read(link, SETPOINT)).value not in {None, device.setpoint_c}
    return wrong


@BOTH
@pytest.mark.parametrize(("link_kind", "is_right"), [(CirculatorLink, True), (Trusting, False)])
async def test_a_late_answer_is_never_taken_for_the_next(
    tmp_path: Path, kind: type[Lauda | Julabo], link_kind: type[CirculatorLink], is_right: bool
) -> None:
    device = kind(tmp_path / "bath")
    async with on_the_desk(device), opened(link_kind(settings(device.path, timeout_s=0.05))) as link:
        assert (await wrong_setpoints(link, device, 15) == 0) is is_right


def bad_moments(tmp_path: Path, kind: type[CirculatorLink], reads: int) -> tuple[int, int]:
    """Read a setpoint that changes each time while answers are late, lost or half; return wrong and good readings."""
    draw = random.Random(11)

    async def main() -> tuple[int, int]:
        device, wrong, good = Lauda(tmp_path / "bath"), 0, 0
        whole = device.spoil
        async with on_the_desk(device), opened(kind(settings(device.path, timeout_s=0.2))) as link:
            for k in range(reads):
                device.setpoint_c, device.spoil = k % 900 / 10, whole
                while not link.is_open():
                    await asyncio.sleep(0.05)
                moment = draw.random()
                if moment < 0.15:
                    device.delays_s.append(draw.uniform(0.21, 0.7))
                elif moment < 0.25:
                    device.spoil = (lambda _data: b"") if moment < 0.2 else (lambda data: data[:3])
                value = (await read(link, SETPOINT, within_s=1.0)).value
                wrong += value not in {None, device.setpoint_c}
                good += value is not None
        return wrong, good

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main())


def test_no_wrong_value_among_late_lost_and_half_answers(tmp_path: Path) -> None:
    wrong, good = bad_moments(tmp_path, CirculatorLink, 600)
    assert wrong == 0
    assert good > 300
    assert bad_moments(tmp_path, Trusting, 40)[0] > 0


@BOTH
async def test_late_answers_among_different_questions(tmp_path: Path, kind: type[Lauda | Julabo]) -> None:
    rights = ((SETPOINT, 60.0), (RUNNING, False), (BATH, 61.25), (SETPOINT, 60.0))
    good = 0
    async with bathing(tmp_path, kind, timeout_s=0.05) as (device, link):
        for k in range(20):
            if k % 5 == 1:
                device.delays_s.append(0.08)
            point, right = rights[k % 4]
            value = (await read(link, point)).value
            assert value is None or (value == right and type(value) is type(right))
            good += value is not None
    assert good >= 10


@pytest.mark.parametrize(("said", "message"), [(b"", "nothing answers"), (b"71.2\r\n", "it said b'71.2")])
async def test_what_is_no_circulator_is_named(tmp_path: Path, said: bytes, message: str) -> None:
    device = Lauda(tmp_path / "bath")
    device.spoil = lambda _data: said
    async with on_the_desk(device):
        with pytest.raises(LinkDown, match=message):
            await CirculatorLink(settings(device.path, timeout_s=0.1)).open()


@pytest.mark.fault("F11")
@BOTH
def test_unplug_and_replug_on_a_jumping_clock(tmp_path: Path, kind: type[Lauda | Julabo]) -> None:
    async def main() -> tuple[float, float]:
        loop = asyncio.get_running_loop()
        device: Device = kind(tmp_path / "bath")
        device.pace(4800)
        device.plug()
        async with opened(CirculatorLink(settings(device.path))) as link:
            assert (await read(link, BATH)).value == 61.25
            await device.unplug()
            unplugged_s = loop.time()
            while link.is_open():
                await asyncio.sleep(0.001)
            noticed_s = loop.time() - unplugged_s
            assert (await read(link, BATH)).reason == "not_connected"
            await asyncio.sleep(100)
            device.plug()
            recovered_s = await until_good(link, BATH)
        await device.unplug()
        return noticed_s, recovered_s

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        noticed_s, recovered_s = runner.run(main())
    assert noticed_s <= 0.05
    assert recovered_s <= 2.0
