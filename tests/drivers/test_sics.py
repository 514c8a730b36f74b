"""A balance over a real pseudo-terminal and TCP: rest and motion, overload, commands, streams, late answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from drivers.errors import BadAddress, LinkDown
from drivers.instruments.sics import SicsLink
from drivers.lines import LinePort
from drivers.link import Link, Outcome, Point, RawReading, RawValue, WriteResult
from drivers.settings import SerialSettings, SicsSettings
from linectl.clock import VirtualTimeLoop
from tests.drivers.instruments import Balance, on_the_desk, opened, read, until_good

pytestmark = pytest.mark.clock("virtual")

WEIGHT = Point("weight", "float")
NOW = Point("weight_now", "float")
TARE = Point("tare", "bool", readback=False)
ZERO = Point("zero", "bool", readback=False)


def settings(path: Path | str, timeout_s: float = 0.3) -> SicsSettings:
    return SicsSettings(SerialSettings(str(path)), timeout_s=timeout_s, stable_s=2.0)


@asynccontextmanager
async def weighing(tmp_path: Path, timeout_s: float = 0.3) -> AsyncIterator[tuple[Balance, SicsLink]]:
    balance = Balance(tmp_path / "balance")
    async with on_the_desk(balance), opened(SicsLink(settings(balance.path, timeout_s))) as link:
        yield balance, link


async def write(link: SicsLink, point: Point, value: RawValue = True, within_s: float = 2.0) -> WriteResult:
    return await link.write(point, value, deadline=asyncio.get_running_loop().time() + within_s)


@pytest.mark.clock("wall")
async def test_weights_and_the_serial_number(tmp_path: Path) -> None:
    async with weighing(tmp_path) as (balance, link):
        assert isinstance(link, Link)
        assert link.identity == "B021002593"
        assert (await read(link, WEIGHT)).value == 100.0
        balance.load_g, balance.moving = 712.34, True
        reading = await read(link, NOW)
        assert (reading.value, reading.detail) == (712.34, "moving")
        assert balance.asked == ["@", "S", "SI"]
        assert link.stats().devices["balance"].replies == 2


async def test_a_stable_weight_is_waited_for(tmp_path: Path) -> None:
    async with weighing(tmp_path) as (balance, link):
        balance.moving = True
        asyncio.get_running_loop().call_later(0.1, setattr, balance, "moving", False)
        assert (await read(link, WEIGHT)).value == 100.0


async def test_a_balance_that_does_not_come_to_rest_says_so(tmp_path: Path) -> None:
    async with weighing(tmp_path) as (balance, link):
        balance.moving, balance.patience_s = True, 0.05
        reading = await read(link, WEIGHT)
        assert (reading.value, reading.reason) == (None, "timeout")
        assert "did not come to rest" in reading.detail
        assert balance.asked == ["@", "S"]  # it answered: nothing has to be cancelled


async def test_the_callers_deadline_ends_the_wait_for_rest(tmp_path: Path) -> None:
    async with weighing(tmp_path) as (balance, link):
        balance.moving, balance.patience_s = True, 60.0
        reading = await read(link, WEIGHT, within_s=0.1)
        assert (reading.value, reading.reason) == (None, "timeout")
        balance.load_g = 55.5
        assert (await read(link, NOW)).value == 55.5
        assert balance.asked == ["@", "S", "@", "SI"]


@pytest.mark.parametrize(("load_g", "word"), [(9000.0, "overload"), (-500.0, "underload")])
@pytest.mark.parametrize("point", [WEIGHT, NOW])
async def test_too_much_or_too_little_is_no_weight(tmp_path: Path, point: Point, load_g: float, word: str) -> None:
    async with weighing(tmp_path) as (balance, link):
        balance.load_g = load_g
        reading = await read(link, point)
        assert (reading.value, reading.reason) == (None, "sensor_failure")
        assert word in reading.detail
        balance.load_g = 20.0
        assert (await read(link, point)).value == 20.0


@pytest.mark.parametrize(("unit", "shown_g"), [("kg", 2500.0), ("mg", 0.25), ("g", 12.5)])
async def test_other_metric_units_become_grams(tmp_path: Path, unit: str, shown_g: float) -> None:
    async with weighing(tmp_path) as (balance, link):
        balance.unit, balance.load_g = unit, shown_g
        assert (await read(link, WEIGHT)).value == pytest.approx(shown_g)


async def test_a_unit_that_is_no_mass_of_ours_is_named(tmp_path: Path) -> None:
    async with weighing(tmp_path) as (balance, link):
        balance.unit = "ct"
        reading = await read(link, WEIGHT)
        assert (reading.value, reading.reason) == (None, "bad_reply")
        assert "'ct'" in reading.detail


async def test_tare_and_zero_are_confirmed_by_the_balance_alone(tmp_path: Path) -> None:
    async with weighing(tmp_path) as (balance, link):
        result = await write(link, TARE)
        assert (result.outcome, result.got, result.detail) == (Outcome.CONFIRMED, True, "tare 100 g")
        assert (await read(link, WEIGHT)).value == 0.0
        result = await write(link, ZERO)
        assert (result.outcome, result.detail.endswith("Z +: overload")) == (Outcome.REFUSED, True)
        balance.load_g = 10.0
        assert (await write(link, ZERO)).outcome is Outcome.CONFIRMED
        balance.moving, balance.patience_s = True, 0.05
        assert (await write(link, TARE)).outcome is Outcome.REFUSED
        assert (await write(link, TARE, False)).outcome is Outcome.REFUSED
        assert (await write(link, WEIGHT, 1.0)).outcome is Outcome.REFUSED
        assert balance.asked == ["@", "T", "S", "Z", "Z", "T"]
        assert (await read(link, TARE)).reason == "out_of_service"


async def test_a_tare_without_an_answer_is_unknown_and_never_repeated(tmp_path: Path) -> None:
    async with weighing(tmp_path, timeout_s=0.1) as (balance, link):
        balance.silent = True
        result = await write(link, TARE, within_s=0.3)
        assert result.outcome is Outcome.UNKNOWN
        balance.silent = False
        await until_good(link, WEIGHT)
        assert balance.asked.count("T") == 1
    assert (await write(link, TARE)).outcome is Outcome.REFUSED  # the link is closed: nothing was sent


async def test_a_point_that_is_none_is_the_programs_fault(tmp_path: Path) -> None:
    async with weighing(tmp_path) as (_, link):
        with pytest.raises(BadAddress, match="weight_now"):
            await read(link, Point("mass", "float"))
        with pytest.raises(BadAddress):
            await write(link, Point("tare", "float"))


async def test_a_stream_until_it_is_ended_and_around_other_exchanges(tmp_path: Path) -> None:
    async with weighing(tmp_path) as (balance, link):
        balance.stream_s = 0.01
        seen: list[RawReading] = []
        loop = asyncio.get_running_loop()
        await link.stream(seen.append, deadline=loop.time() + 1)
        balance.load_g = 41.0
        await asyncio.sleep(0.2)
        assert seen[-1].value == 41.0
        asked = len(balance.asked)
        assert (await read(link, NOW)).value == 41.0  # from the stream
        assert len(balance.asked) == asked
        assert (await write(link, TARE)).outcome is Outcome.CONFIRMED
        await asyncio.sleep(0.2)
        assert balance.asked[asked:] == ["@", "T", "SIR"]
        assert seen[-1].value == 0.0
        await link.end_stream(deadline=loop.time() + 1)
        count = len(seen)
        balance.load_g = 99.0
        await asyncio.sleep(0.1)
        assert len(seen) == count
        assert (await read(link, WEIGHT)).value == 58.0
        assert link.stats().dropped < 100


async def test_a_stream_of_an_earlier_program_is_ended_first(tmp_path: Path) -> None:
    balance = Balance(tmp_path / "balance")
    balance.stream_s = 0.002
    async with on_the_desk(balance):
        balance.wire.heard(b"SIR\r\n")
        async with opened(SicsLink(settings(balance.path))) as link:
            balance.load_g = 5.0
            assert (await read(link, WEIGHT)).value == 5.0


@pytest.mark.parametrize(
    ("said", "message"), [(b"", "nothing answers"), (b"?i,RTD,2.10\r\n", "it said b'.i,RTD,2.10'")]
)
async def test_what_is_no_balance_is_named(tmp_path: Path, said: bytes, message: str) -> None:
    balance = Balance(tmp_path / "balance")
    balance.spoil = lambda _data: said
    async with on_the_desk(balance):
        with pytest.raises(LinkDown, match=message):
            await SicsLink(settings(balance.path, timeout_s=0.1)).open()


async def test_a_balance_that_was_switched_on_again_is_set_up_again(tmp_path: Path) -> None:
    async with weighing(tmp_path) as (balance, link):
        balance.say('I4 A "B021002593"\r\n')
        async with asyncio.timeout(2):
            while link.is_open():
                await asyncio.sleep(0.005)
        assert (await read(link, WEIGHT)).reason == "not_connected"
        await until_good(link, WEIGHT)
        assert link.stats().extra["reboots"] == 1


@pytest.mark.fault("F12")
@pytest.mark.parametrize("spoilt", [b"S S   100.00", b"S S 1x0.00 g\r\n", b"\xff\xfe\r\n", b"71.2\r\n", b"x" * 5000])
async def test_noise_costs_one_reading(tmp_path: Path, spoilt: bytes) -> None:
    async with weighing(tmp_path, timeout_s=0.1) as (balance, link):
        good, balance.spoil = balance.spoil, lambda _data: spoilt
        reading = await read(link, NOW)
        assert reading.value is None
        assert reading.reason in {"timeout", "bad_reply"}
        balance.spoil = good
        assert await until_good(link, NOW) < 1.0


class Trusting(SicsLink):
    """A link that takes the next answer for the right one: the negative control."""

    async def _fence(self, port: LinePort) -> None:
        pass


async def wrong_weights(link: SicsLink, balance: Balance, rounds: int) -> int:
    """Change the load for each reading, every third answer late; return how many readings were of an older load."""
    wrong = 0
    for k in range(rounds):
        balance.load_g = float(k + 1)
        if k % 3 == 1:
            balance.delays_s.append(0.08)  # the link waits for 0.05 s
        reading = await read(link, NOW)
        wrong += reading.value not in {None, balance.load_g}
    return wrong


@pytest.mark.parametrize(("kind", "is_right"), [(SicsLink, True), (Trusting, False)])
async def test_a_late_answer_is_never_taken_for_the_next(tmp_path: Path, kind: type[SicsLink], is_right: bool) -> None:
    balance = Balance(tmp_path / "balance")
    async with on_the_desk(balance), opened(kind(settings(balance.path, timeout_s=0.05))) as link:
        wrong = await wrong_weights(link, balance, 24)
        assert (wrong == 0) is is_right


async def test_over_tcp(tmp_path: Path) -> None:
    balance = Balance(tmp_path / "balance")
    balance.plug()
    await balance.wire.listen()
    host, port = balance.wire.host, balance.wire.port
    async with opened(SicsLink(settings(f"socket://{host}:{port}"))) as link:
        assert (await read(link, WEIGHT)).value == 100.0
        assert (await write(link, TARE)).outcome is Outcome.CONFIRMED
    await balance.unplug()
    with pytest.raises(LinkDown, match=f"{port}"):
        await SicsLink(settings(f"socket://{host}:{port}")).open()


@pytest.mark.fault("F11")
def test_unplug_and_replug_on_a_jumping_clock(tmp_path: Path) -> None:
    async def main() -> tuple[float, float]:
        loop = asyncio.get_running_loop()
        balance = Balance(tmp_path / "balance")
        balance.pace(9600)
        balance.plug()
        async with opened(SicsLink(settings(balance.path))) as link:
            assert (await read(link, WEIGHT)).value == 100.0
            balance.moving, balance.patience_s = True, 60.0
            waiting = asyncio.create_task(read(link, WEIGHT))
            await asyncio.sleep(0.3)
            unplugged_s = loop.time()
            await balance.unplug()
            assert (await waiting).reason == "not_connected"
            noticed_s = loop.time() - unplugged_s
            await asyncio.sleep(100)
            balance.moving = False
            balance.plug()
            recovered_s = await until_good(link, WEIGHT)
        await balance.unplug()
        return noticed_s, recovered_s

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        noticed_s, recovered_s = runner.run(main())
    assert noticed_s <= 0.05
    assert recovered_s <= 2.0
