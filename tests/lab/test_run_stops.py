from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from linectl.model.experiments import Experiment
from linectl.model.records import ExitStatus, TrialState

InLaboratory = Callable[..., None]


def test_a_stop_in_the_soak_asks_the_bottles_out(in_laboratory: InLaboratory, two_baths: Experiment) -> None:
    async def act(lab: Any) -> None:
        runner = lab.runner(two_baths)
        task = asyncio.create_task(runner.run())
        await lab.phase(runner.run_id, "soak")
        await asyncio.sleep(20.0)
        began = lab.clock.process_s()
        runner.cancel()
        outcome = await task
        assert (outcome.exit_status, outcome.exit_code, outcome.baths_done) == (ExitStatus.ABORT, 8, 0)
        assert lab.clock.process_s() - began < 60  # the check under way, and the bottles
        assert lab.prompts[-2].task == "unload"
        assert all(label is None for label in lab.rig.plant.labels)
        assert lab.heater_is_off()
        run = lab.reader().run(runner.run_id)
        assert (run.exit_status, run.reason) == (ExitStatus.ABORT, "stopped on request")
        assert lab.reader().trials(runner.run_id)[0].state is TrialState.ABORTED
        assert all(bottle.last_attached_ns for bottle in lab.reader().bottles(runner.run_id))

    in_laboratory(act)


def test_a_stop_while_heating_acts_within_a_second(in_laboratory: InLaboratory, two_baths: Experiment) -> None:
    async def act(lab: Any) -> None:
        runner = lab.runner(two_baths)
        task = asyncio.create_task(runner.run())
        await lab.phase(runner.run_id, "heat")
        await asyncio.sleep(10.0)
        assert not lab.heater_is_off()
        began = lab.clock.process_s()
        runner.cancel()
        outcome = await task
        assert outcome.exit_status is ExitStatus.ABORT
        assert lab.clock.process_s() - began < 10
        assert lab.heater_is_off()

    in_laboratory(act)


@pytest.mark.fault("F30")
@pytest.mark.parametrize("phase", ["fill", "dose", "heat", "load", "soak", "unload"])
def test_a_stop_at_once_in_any_phase(in_laboratory: InLaboratory, two_baths: Experiment, phase: str) -> None:
    async def act(lab: Any) -> None:
        runner = lab.runner(two_baths)
        task = asyncio.create_task(runner.run())
        await lab.phase(runner.run_id, phase)
        began = lab.clock.process_s()
        runner.abort()
        outcome = await task
        assert (outcome.exit_status, outcome.exit_code) == (ExitStatus.ABORT, 8)
        assert outcome.reason.startswith("stopped at once")
        assert lab.clock.process_s() - began < 10
        assert lab.heater_is_off()
        assert lab.rig.plc.action is None
        assert lab.reader().run(runner.run_id).exit_status is ExitStatus.ABORT
        bottles = sum(label is not None for label in lab.rig.plant.labels)
        assert ("bottles are still in the bath" in outcome.reason) == (bottles > 0)

    in_laboratory(act)


def test_a_cancelled_caller_leaves_the_run_marked_and_the_heater_off(
    in_laboratory: InLaboratory, two_baths: Experiment
) -> None:
    async def act(lab: Any) -> None:
        runner = lab.runner(two_baths)
        task = asyncio.create_task(runner.run())
        await lab.phase(runner.run_id, "heat")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert lab.heater_is_off()
        assert lab.reader().run(runner.run_id).exit_status is ExitStatus.ABORT

    in_laboratory(act)
