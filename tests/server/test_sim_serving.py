"""A simulated line that is up: a speed that this computer cannot hold is refused before anybody relies on it."""

from __future__ import annotations

import asyncio
import time

import pytest

from linectl import words
from linectl.clock import Clock
from linectl.clock.pace import PaceMeter
from linectl.errors import Refused
from linectl.server.simulation.serving import _must_hold


async def judged(work_s: float, speed: float) -> None:
    async with PaceMeter(Clock(speed=speed), lambda: time.sleep(work_s)) as meter:
        await _must_hold(meter, speed)


async def test_a_plant_that_is_too_slow_for_the_speed_is_refused_with_one_that_would_do() -> None:
    words.use("en")
    with pytest.raises(Refused, match="cannot hold the speed x40") as caught:
        await judged(0.15, 40.0)
    assert "it would hold about x" in caught.value.hint
    assert caught.value.code == "E-SIM-008"


async def test_real_time_is_never_refused() -> None:
    await asyncio.wait_for(judged(0.15, 1.0), 5)


async def test_a_quick_plant_is_served_at_its_speed() -> None:
    await judged(0.0, 10.0)
