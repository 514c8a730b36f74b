"""The loop whose clock jumps, and the one clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from drivers.in_flight import in_flight
from linectl.clock import VIRTUAL_START_NS, Clock, VirtualTimeDeadlock, VirtualTimeLoop

T = TypeVar("T")


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)


def test_twenty_hours_pass_in_a_moment() -> None:
    async def soak() -> float:
        for _ in range(72_000):
            await asyncio.sleep(1.0)
        return asyncio.get_running_loop().time()

    started = time.monotonic()
    assert run_virtual(soak()) == pytest.approx(72_000, abs=1e-3)
    assert time.monotonic() - started < 60


def test_timers_fire_in_the_order_of_their_times() -> None:
    async def main() -> list[str]:
        order: list[str] = []

        async def say(word: str, after_s: float) -> None:
            await asyncio.sleep(after_s)
            order.append(word)

        await asyncio.gather(say("third", 300), say("first", 1), say("second", 20))
        return order

    assert run_virtual(main()) == ["first", "second", "third"]


def test_a_thread_holds_the_clock() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(0.001):
            await loop.run_in_executor(None, time.sleep, 0.05)
        return loop.time()

    assert run_virtual(main()) < 0.001


def test_sockets_of_one_loop_never_time_out_falsely() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)
        writer.close()

    async def main() -> int:
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        answered = 0
        for _ in range(500):
            writer.write(b"x\n")
            async with asyncio.timeout(0.001):
                answered += await reader.readline() == b"x\n"
            await asyncio.sleep(10)
        writer.close()
        await writer.wait_closed()
        server.close()
        await server.wait_closed()
        return answered

    assert run_virtual(main()) == 500


def test_waiting_for_nothing_is_a_deadlock_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("linectl.clock.virtual._IDLE_WAIT_S", 0.05)

    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(VirtualTimeDeadlock, match="deadlock"):
        run_virtual(main())


def test_bytes_in_flight_are_given_up_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("linectl.clock.virtual._PTY_WAIT_S", 0.05)

    async def main() -> float:
        counter = in_flight()
        assert counter is not None
        counter.sent("/dev/pts/99", 3)
        await asyncio.sleep(5)
        assert not counter
        return asyncio.get_running_loop().time()

    assert run_virtual(main()) == 5


async def test_an_ordinary_loop_counts_no_bytes() -> None:
    assert in_flight() is None


def test_wall_time_of_a_virtual_run_starts_with_2026() -> None:
    async def main() -> tuple[int, int]:
        clock = Clock(start_ns=VIRTUAL_START_NS)
        start = clock.now_ns()
        await clock.sleep(3600)
        return start, clock.now_ns()

    start, end = run_virtual(main())
    assert start == VIRTUAL_START_NS
    assert end - start == 3600 * 10**9


def test_speed_scales_process_time_alone() -> None:
    async def main() -> tuple[float, float]:
        loop = asyncio.get_running_loop()
        clock = Clock(start_ns=VIRTUAL_START_NS, speed=10)
        before = loop.time()
        await clock.sleep(60)
        return loop.time() - before, clock.process_s()

    loop_s, process_s = run_virtual(main())
    assert loop_s == pytest.approx(6)
    assert process_s == pytest.approx(60)


async def test_a_real_clock_gives_the_computers_time() -> None:
    assert abs(Clock().now_ns() - time.time_ns()) < 5 * 10**9


async def test_speed_must_be_positive() -> None:
    with pytest.raises(ValueError, match="above 0"):
        Clock(speed=0)
