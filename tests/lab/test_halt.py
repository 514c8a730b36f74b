from __future__ import annotations

import asyncio

import pytest

from linectl.clock import Clock, VirtualTimeLoop
from linectl.lab.halt import Halt, StopRequested


async def test_work_that_nobody_holds_never_stands_still() -> None:
    """On the computer's own clock, where even nothing takes a microsecond."""
    halt = Halt(Clock())
    for _ in range(3):
        await halt.sleep(0.001)
        await halt.boundary()
    assert halt.waited_s == 0.0


def test_a_hold_keeps_a_sleep_and_a_boundary_a_pause_the_boundary_alone() -> None:
    async def main() -> None:
        halt = Halt(Clock(start_ns=0))
        loop = asyncio.get_running_loop()
        halt.hold()
        loop.call_later(50.0, halt.go_on)
        await halt.sleep(10.0)
        assert (loop.time(), halt.waited_s) == (50.0, 40.0)
        halt.pause()
        loop.call_later(30.0, halt.go_on)
        await halt.sleep(10.0)
        assert loop.time() == 60.0
        await halt.boundary()
        assert (loop.time(), halt.waited_s) == (80.0, 60.0)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())


def test_a_stop_ends_every_wait() -> None:
    async def main() -> None:
        halt = Halt(Clock(start_ns=0))
        loop = asyncio.get_running_loop()
        halt.hold()
        loop.call_later(5.0, halt.ask)
        with pytest.raises(StopRequested):
            await halt.sleep(1.0)
        assert loop.time() == 5.0
        halt.pause()
        with pytest.raises(StopRequested):
            await halt.boundary()
        assert loop.time() == 5.0

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())
