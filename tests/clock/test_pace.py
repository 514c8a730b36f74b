"""How late a scaled plant runs: measured, told, and judged."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from linectl.clock import Clock, PaceMeter, VirtualTimeLoop


def burning(loop: asyncio.AbstractEventLoop, per_process_s: float, clock: Clock) -> object:
    """Return a plant that takes `per_process_s` of real time for each second of process time."""
    reached_s = 0.0

    def work() -> None:
        nonlocal reached_s
        now_s = clock.process_s()
        end_s = loop.time() + (now_s - reached_s) * per_process_s
        reached_s = now_s
        while loop.time() < end_s:
            pass

    return work


async def paced(speed: float, per_process_s: float, seconds: float = 0.6) -> PaceMeter:
    clock = Clock(speed=speed)
    work = burning(asyncio.get_running_loop(), per_process_s, clock)
    async with PaceMeter(clock, work, period_s=0.02) as meter:  # type: ignore[arg-type]  # the closure above
        await meter.settled(seconds)
    return meter


async def test_a_speed_that_takes_all_the_time_is_not_held() -> None:
    pace = (await paced(50.0, 0.03)).pace()  # 1.5 s of work each second
    assert not pace.held
    assert pace.overruns > 0
    assert pace.worst_s > 0.02
    assert pace.behind_s == pytest.approx(50.0 * pace.late_s)
    assert pace.highest < 50.0


async def test_a_light_plant_leaves_the_time_to_others() -> None:
    pace = (await paced(50.0, 0.0002)).pace()  # a hundredth
    assert pace.busy < 0.3
    assert pace.highest > 75.0


async def test_a_hold_up_is_counted_and_not_made_up_for() -> None:
    clock, calls = Clock(speed=10.0), []
    loop = asyncio.get_running_loop()
    async with PaceMeter(clock, lambda: calls.append(loop.time()), period_s=0.02) as meter:
        await asyncio.sleep(0.05)
        end_s = loop.time() + 0.3
        while loop.time() < end_s:
            pass
        await asyncio.sleep(0.05)
        pace = meter.pace()
    assert pace.overruns >= 13
    assert pace.worst_s >= 0.25
    assert len(calls) < pace.ticks
    assert max(b - a for a, b in pairwise(calls)) >= 0.28


def test_virtual_time_is_never_late() -> None:
    async def main() -> PaceMeter:
        async with PaceMeter(Clock(), lambda: None) as meter:
            await asyncio.sleep(3600.0)
        return meter

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        pace = runner.run(main()).pace()
    assert pace.ticks >= 36_000
    assert (pace.overruns, pace.worst_s, pace.held) == (0, 0.0, True)


async def test_a_mistake_in_the_plant_is_told() -> None:
    def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async with PaceMeter(Clock(), broken):
            await asyncio.sleep(0.01)


async def test_a_period_must_be_above_zero() -> None:
    with pytest.raises(ValueError, match="above 0"):
        PaceMeter(Clock(), lambda: None, period_s=0.0)
