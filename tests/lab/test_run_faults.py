from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from linectl.model.experiments import Experiment, FaultPolicy
from linectl.model.records import ExitStatus, TrialState
from linectl.units import NS_PER_S

InLaboratory = Callable[..., None]


def test_a_probe_that_dies_in_the_soak_flags_the_bath_and_the_run_goes_on(
    in_laboratory: InLaboratory, two_baths: Experiment
) -> None:
    async def act(lab: Any) -> None:
        runner = lab.runner(two_baths)
        task = asyncio.create_task(runner.run())
        await lab.phase(runner.run_id, "soak")
        lab.links["rtd"].fail("sensor_failure")
        await asyncio.sleep(60.0)
        lab.links["rtd"].restore()
        outcome = await task
        assert (outcome.exit_status, outcome.baths_done, outcome.flagged) == (ExitStatus.SUCCESS, 2, 1)
        states = [trial.state for trial in lab.reader().trials(runner.run_id)]
        assert states == [TrialState.FLAGGED, TrialState.COMPLETE]
        dead = lab.events(runner.run_id, "sensor_dead")
        assert [event.data["tag"] for event in dead] == ["bath.temperature"]
        assert lab.events(runner.run_id, "sensor_alive")
        assert lab.events(runner.run_id, "bath_flagged")[0].data["flags"] == ["no_temperature"]
        series = lab.reader().series(runner.run_id, "bath.temperature", trial=1)
        assert 55 <= series.value.count(None) <= 65  # never the last value as if it were fresh

    in_laboratory(act)


def test_a_probe_that_dies_in_the_soak_ends_the_run_when_the_experiment_says_so(
    in_laboratory: InLaboratory, two_baths: Experiment
) -> None:
    async def act(lab: Any) -> None:
        runner = lab.runner(replace(two_baths, on_sensor_fault=FaultPolicy.ABORT))
        task = asyncio.create_task(runner.run())
        await lab.phase(runner.run_id, "soak")
        lab.links["rtd"].fail("sensor_failure")
        outcome = await task
        assert (outcome.exit_status, outcome.exit_code, outcome.baths_done) == (ExitStatus.FAIL, 5, 0)
        assert outcome.reason == "no reading of bath.temperature; the experiment says to abort"
        assert all(label is None for label in lab.rig.plant.labels)  # the bottles were asked out
        assert lab.heater_is_off()
        assert lab.events(runner.run_id, "sensor_dead")

    in_laboratory(act)


def test_a_dead_camera_gives_missed_checks_and_never_a_label(
    in_laboratory: InLaboratory, two_baths: Experiment
) -> None:
    async def act(lab: Any) -> None:
        runner = lab.runner(replace(two_baths, temperatures_c=(60.0,)))
        task = asyncio.create_task(runner.run())
        await lab.phase(runner.run_id, "soak")
        dead_from = lab.clock.now_ns()
        lab.links["sensors"].fail("not_connected")
        await asyncio.sleep(100.0)
        lab.links["sensors"].restore()
        dead_until = lab.clock.now_ns()
        outcome = await task
        assert (outcome.exit_status, outcome.flagged) == (ExitStatus.SUCCESS, 1)
        checks = lab.reader().checks(runner.run_id)
        during = [check for check in checks if dead_from < check.planned_ns < dead_until]
        assert len(during) >= 6
        assert all(check.done_ns is None and check.attached is None for check in during)
        assert lab.events(runner.run_id, "checks_missed")
        lab.assert_brackets_the_truth(lab.reader().bottles(runner.run_id))

    in_laboratory(act)


def test_a_camera_that_falls_silent_is_not_believed_since_its_last_word(
    in_laboratory: InLaboratory, two_baths: Experiment
) -> None:
    async def act(lab: Any) -> None:
        runner = lab.runner(replace(two_baths, temperatures_c=(60.0,), glues=("psa",)))
        task = asyncio.create_task(runner.run())
        await lab.phase(runner.run_id, "soak")
        await asyncio.sleep(1.0)
        silent_from = lab.clock.now_ns()
        topics = lab.rig._topics
        spoken = dict(topics._last)
        while lab.clock.now_ns() - silent_from < 120 * NS_PER_S:  # its link lives, but nothing new is said
            await asyncio.sleep(0.5)
            topics._last = dict(spoken)
        await task
        checks = lab.reader().checks(runner.run_id)
        believed = [check.done_ns - silent_from for check in checks if check.done_ns and check.attached]
        silence = range(2 * NS_PER_S, 118 * NS_PER_S)
        assert not [since for since in believed if since in silence]
        assert lab.events(runner.run_id, "checks_missed")

    in_laboratory(act)


@pytest.mark.fault("F01")
def test_a_controller_that_restarts_ends_the_run_and_stays_cold(
    in_laboratory: InLaboratory, two_baths: Experiment
) -> None:
    async def act(lab: Any) -> None:
        runner = lab.runner(two_baths)
        task = asyncio.create_task(runner.run())
        await lab.phase(runner.run_id, "soak")
        await asyncio.sleep(40.0)
        lab.rig.reboot_plc()
        outcome = await task
        assert (outcome.exit_status, outcome.exit_code) == (ExitStatus.FAIL, 5)
        assert "the controller restarted" in outcome.reason
        assert "bottles are still in the bath" in outcome.reason
        assert lab.heater_is_off()
        await asyncio.sleep(60.0)
        assert lab.heater_is_off()
        assert all(bottle.last_attached_ns for bottle in lab.reader().bottles(runner.run_id))

    in_laboratory(act)


def test_a_controller_that_is_lost_ends_the_run(in_laboratory: InLaboratory, two_baths: Experiment) -> None:
    async def act(lab: Any) -> None:
        runner = lab.runner(two_baths)
        task = asyncio.create_task(runner.run())
        await lab.phase(runner.run_id, "soak")
        lost = lab.clock.process_s()
        lab.links["plc"].fail("not_connected")
        outcome = await task
        assert outcome.exit_status is ExitStatus.FAIL
        assert "the controller has not answered" in outcome.reason
        assert lab.clock.process_s() - lost < 30
        assert lab.events(runner.run_id, "safe_not_proved")  # nothing was heard, so nothing is claimed
        assert lab.heater_is_off()  # by its own watchdog
        lab.links["plc"].restore()
        await asyncio.sleep(30.0)
        assert lab.heater_is_off()

    in_laboratory(act)


def test_a_short_loss_of_the_controller_is_told_and_survived(
    in_laboratory: InLaboratory, two_baths: Experiment
) -> None:
    async def act(lab: Any) -> None:
        runner = lab.runner(replace(two_baths, temperatures_c=(60.0,)))
        task = asyncio.create_task(runner.run())
        await lab.phase(runner.run_id, "soak")
        lab.links["plc"].fail("not_connected")
        await asyncio.sleep(0.7)
        lab.links["plc"].restore()
        outcome = await task
        assert outcome.exit_status is ExitStatus.SUCCESS
        assert lab.events(runner.run_id, "link_lost")
        assert lab.events(runner.run_id, "link_back")

    in_laboratory(act)


def test_a_run_after_a_trip_starts_because_a_person_started_it(
    in_laboratory: InLaboratory, two_baths: Experiment
) -> None:
    async def act(lab: Any) -> None:
        lab.links["plc"].fail("not_connected")
        await asyncio.sleep(5.0)
        lab.links["plc"].restore()
        await asyncio.sleep(3.0)
        assert lab.rig.plc.state.name == "HELD"
        outcome = await lab.runner(replace(two_baths, temperatures_c=(60.0,))).run()
        assert outcome.exit_status is ExitStatus.SUCCESS
        assert lab.events(outcome.run_id, "made_ready")[0].data["state"] == "held"

    in_laboratory(act)


def test_an_error_of_the_prompter_marks_the_run_and_is_raised(
    in_laboratory: InLaboratory, two_baths: Experiment
) -> None:
    class Clumsy:
        async def ask(self, _prompt: object) -> Any:
            raise ZeroDivisionError("slipped")

    async def act(lab: Any) -> None:
        lab.prompter = Clumsy()
        runner = lab.runner(two_baths)
        with pytest.raises(ZeroDivisionError):
            await runner.run()
        run = lab.reader().run(runner.run_id)
        assert (run.exit_status, run.reason) == (ExitStatus.FAIL, "ZeroDivisionError: slipped")
        assert lab.heater_is_off()

    in_laboratory(act)
