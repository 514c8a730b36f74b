"""A computer's clock that is set in mid-soak (summer time, NTP) changes no soak and no interval."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from linectl.clock import VIRTUAL_START_NS, Clock, VirtualTimeLoop
from linectl.model.experiments import Experiment
from linectl.model.records import ExitStatus
from linectl.units import NS_PER_S, s_to_ns

InLaboratory = Callable[..., None]


class Wall:
    """A computer's clock that somebody sets."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._began_s = self._loop.time()
        self.set_by_s = 0.0

    def __call__(self) -> int:
        return VIRTUAL_START_NS + s_to_ns(self._loop.time() - self._began_s + self.set_by_s)


@pytest.mark.parametrize("step_s", [3600.0, -3600.0, -7.5])
def test_a_clock_set_in_the_soak_changes_no_interval(
    in_laboratory: InLaboratory, two_baths: Experiment, step_s: float
) -> None:
    async def act(lab: Any) -> None:
        wall = Wall()
        began = wall() - lab.clock.now_ns()
        lab.clock._wall_ns, lab.clock._follows = wall, True
        wall.set_by_s -= began / NS_PER_S
        runner = lab.runner(replace(two_baths, temperatures_c=(60.0,)))
        task = asyncio.create_task(runner.run())
        await lab.phase(runner.run_id, "soak")
        await asyncio.sleep(30.0)
        wall.set_by_s += step_s
        outcome = await task
        assert (outcome.exit_status, outcome.flagged) == (ExitStatus.SUCCESS, 0)
        lab.assert_brackets_the_truth(lab.reader().bottles(runner.run_id))
        steps = [event.data for event in lab.events(runner.run_id, "clock_step")]
        assert [each["step_s"] for each in steps] == [pytest.approx(step_s, abs=0.01)]
        trace = lab.reader().series(runner.run_id, "bath.temperature", trial=1)
        gaps = {round((later - earlier) / NS_PER_S, 3) for earlier, later in pairwise(trace.t_ns)}
        assert gaps == {1.0}  # the trace goes with its bottles

    in_laboratory(act)


def test_a_clock_that_is_steered_is_no_step(in_laboratory: InLaboratory, two_baths: Experiment) -> None:
    async def act(lab: Any) -> None:
        wall = Wall()
        lab.clock._wall_ns, lab.clock._follows = wall, True
        wall.set_by_s = (lab.clock.now_ns() - wall()) / NS_PER_S
        runner = lab.runner(replace(two_baths, temperatures_c=(60.0,)))
        task = asyncio.create_task(runner.run())
        await lab.phase(runner.run_id, "soak")
        wall.set_by_s += 0.3
        await task
        assert lab.events(runner.run_id, "clock_step") == []

    in_laboratory(act)


def test_stamps_never_step_and_are_set_between_runs() -> None:
    async def main() -> None:
        wall = Wall()
        clock = Clock(wall_ns=wall)
        first = clock.now_ns()
        wall.set_by_s = 120.0
        await asyncio.sleep(10.0)
        assert clock.now_ns() - first == 10 * NS_PER_S
        assert clock.step_s() == pytest.approx(120.0)
        assert clock.set_by_wall() == pytest.approx(120.0)
        assert clock.now_ns() == wall()
        assert Clock(start_ns=5).step_s() == 0.0

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())
