"""The link without a wire behaves as the others do."""

from __future__ import annotations

import asyncio

import pytest

from drivers.errors import LinkDown
from drivers.link import Link, Outcome, Point
from drivers.memory import MemoryBank, MemoryLink
from linectl.clock import VirtualTimeLoop

T = Point("2/ir10", "i16")
SP = Point("2/hr10", "i16")


def soon(seconds: float = 0.2) -> float:
    return asyncio.get_running_loop().time() + seconds


async def opened(bank: MemoryBank) -> MemoryLink:
    link = MemoryLink(bank)
    await link.open()
    return link


async def test_it_is_a_link() -> None:
    assert isinstance(MemoryLink(MemoryBank()), Link)


async def test_values_and_what_is_not_there_yet() -> None:
    link = await opened(MemoryBank({T: 600}))
    readings = await link.read((T, SP), deadline=soon())
    assert readings[T].value == 600
    assert (readings[SP].value, readings[SP].reason) == (None, "waiting_for_initial_data")


async def test_writes_are_read_back_and_clamped() -> None:
    bank = MemoryBank(clamps={SP: (0, 920)})
    link = await opened(bank)
    assert (await link.write(SP, 600, deadline=soon())).outcome is Outcome.CONFIRMED
    result = await link.write(SP, 990, deadline=soon())
    assert (result.outcome, result.got) == (Outcome.CLAMPED, 920)
    assert bank.written == [(SP, 600), (SP, 920)]


async def test_faults_come_and_go() -> None:
    link = await opened(MemoryBank({T: 600}))
    link.fail("sensor_failure")
    assert (await link.read((T,), deadline=soon()))[T].reason == "sensor_failure"
    assert (await link.write(SP, 1, deadline=soon())).outcome is Outcome.UNKNOWN
    assert not link.is_open()
    link.restore()
    assert (await link.read((T,), deadline=soon()))[T].value == 600


async def test_a_held_link_answers_at_the_deadline() -> None:
    link = await opened(MemoryBank({T: 600}))
    link.hold()
    deadline = soon(0.05)
    assert (await link.read((T,), deadline=deadline))[T].reason == "timeout"
    assert asyncio.get_running_loop().time() >= deadline - 0.001


async def test_a_failed_link_does_not_open() -> None:
    link = MemoryLink(MemoryBank())
    link.fail()
    with pytest.raises(LinkDown):
        await link.open()


async def test_a_script_is_read_value_by_value_and_its_last_one_stays() -> None:
    bank = MemoryBank({T: 1})
    link = await opened(bank)
    bank.script(T, [600, None, 601])
    said = [(await link.read((T,), deadline=soon()))[T].value for _ in range(5)]
    assert said == [600, None, 601, 601, 601]


async def test_a_refused_write_says_so() -> None:
    bank = MemoryBank({SP: 1})
    link = await opened(bank)
    bank.refused.add(SP)
    result = await link.write(SP, 2, deadline=soon())
    assert (result.outcome, result.got) == (Outcome.REFUSED, None)
    assert SP.address in result.detail
    assert not bank.written


async def test_a_closed_link_answers_nothing() -> None:
    link = await opened(MemoryBank({T: 600}))
    assert "open" in repr(link)
    await link.close()
    assert "closed" in repr(link)
    assert (await link.read((T,), deadline=soon()))[T].reason == "not_connected"


def test_a_hold_costs_no_real_time_on_a_clock_that_jumps() -> None:
    async def held() -> float:
        link = await opened(MemoryBank({T: 600}))
        link.hold()
        await link.read((T,), deadline=soon(3600))
        return soon(0)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        assert runner.run(held()) == pytest.approx(3600)
