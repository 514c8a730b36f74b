from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from linectl.errors import Refused
from linectl.lab.phases import ALLOWED, State
from linectl.lab.progress import Progress
from linectl.model.experiments import Experiment, FaultPolicy
from linectl.model.records import ExitStatus, TrialState

InLaboratory = Callable[..., None]


@pytest.fixture
def one_bath(two_baths: Experiment) -> Experiment:
    return replace(two_baths, temperatures_c=(60.0,))


def states(lab: Any, run: str, of: str = "run") -> list[str]:
    """The states of one procedure; every transition begins where the last one ended, and is an allowed one."""
    told = [event.data for event in lab.events(run, "state") if event.data["of"] == of]
    for before, after in pairwise(told):
        if of == "run":
            assert after["from"] == before["to"]
    for each in told:
        assert State(each["to"]) in ALLOWED[State(each["from"])]
    return [each["to"] for each in told]


def test_a_pause_acts_at_the_next_step_and_keeps_outputs(in_laboratory: InLaboratory, one_bath: Experiment) -> None:
    told: list[Progress] = []

    async def act(lab: Any) -> None:
        runner = lab.runner(one_bath, on_progress=told.append)
        task = asyncio.create_task(runner.run())
        await lab.phase(runner.run_id, "heat")
        await runner.pause(who="anne", why="coffee")
        assert runner.state.value == "pausing"
        await lab.until(lambda: runner.state is State.PAUSED)
        assert lab.rig.plc.heater_enable
        await asyncio.sleep(900.0)
        assert runner.state is State.PAUSED
        assert not lab.events(runner.run_id, "bottle_left_out")
        assert not any(prompt.task == "load_bottle" for prompt in lab.prompts)
        await runner.resume(who="anne")
        outcome = await task
        assert (outcome.exit_status, outcome.flagged) == (ExitStatus.SUCCESS, 0)
        way = ["running", "pausing", "paused", "restarting", "running", "complete"]
        assert states(lab, runner.run_id) == way
        assert states(lab, runner.run_id, "stabilise")[-4:] == ["paused", "restarting", "running", "complete"]
        first = lab.events(runner.run_id, "state")[2]
        assert (lab.events(runner.run_id, "state")[0].data["to"], first.data["of"]) == ("running", "fill")

    in_laboratory(act)
    assert any(progress.line().startswith("[PAUSED]") for progress in told)


def test_a_pause_can_be_taken_back(in_laboratory: InLaboratory, one_bath: Experiment) -> None:
    async def act(lab: Any) -> None:
        runner = lab.runner(one_bath)
        task = asyncio.create_task(runner.run())
        await lab.phase(runner.run_id, "heat")
        await runner.pause()
        await runner.resume()
        with pytest.raises(Refused, match="nothing to resume"):
            await runner.resume()
        assert (await task).exit_status is ExitStatus.SUCCESS
        assert states(lab, runner.run_id) == ["running", "pausing", "running", "complete"]
        with pytest.raises(Refused, match="nothing is running"):
            await runner.pause()

    in_laboratory(act)


def test_a_hold_in_the_soak_is_cold_at_once_and_bottles_are_looked_at(
    in_laboratory: InLaboratory, one_bath: Experiment
) -> None:
    async def act(lab: Any) -> None:
        runner = lab.runner(replace(one_bath, glues=("psa",)))
        task = asyncio.create_task(runner.run())
        await lab.phase(runner.run_id, "soak")
        asked_s, asked_ns = lab.clock.process_s(), lab.clock.now_ns()
        await runner.hold(who="anne", why="a smell")
        assert lab.clock.process_s() - asked_s < 2.0
        assert lab.heater_is_off()
        assert runner.state is State.HELD
        with pytest.raises(Refused):
            await runner.hold()
        await asyncio.sleep(100.0)
        assert lab.heater_is_off()
        held_until_ns = lab.clock.now_ns()
        await runner.resume(who="bert")
        assert lab.rig.plc.heater_enable
        outcome = await task
        assert (outcome.exit_status, outcome.flagged) == (ExitStatus.SUCCESS, 1)
        assert lab.events(runner.run_id, "bath_flagged")[0].data["flags"] == ["held"]
        held = lab.events(runner.run_id, "held")[0].data
        assert held["held_s"] == pytest.approx(100.0, abs=2.0)
        assert len(held["positions"]) == 3
        checks = lab.reader().checks(runner.run_id)
        during = [check for check in checks if asked_ns < check.planned_ns < held_until_ns]
        assert len(during) >= 15
        assert all(check.done_ns is not None for check in during)
        lab.assert_brackets_the_truth(lab.reader().bottles(runner.run_id))
        told = [event.data for event in lab.events(runner.run_id, "state") if event.data["of"] == "run"]
        assert [(each["to"], each["who"]) for each in told[1:4]] == [
            ("holding", "anne"),
            ("held", "anne"),
            ("restarting", "bert"),
        ]

    in_laboratory(act)


def test_a_hold_while_heating_stays_cold_until_a_person_resumes(
    in_laboratory: InLaboratory, one_bath: Experiment
) -> None:
    async def act(lab: Any) -> None:
        stable = replace(one_bath.stabilisation, within_s=3600.0)
        runner = lab.runner(replace(one_bath, stabilisation=stable))
        task = asyncio.create_task(runner.run())
        await lab.phase(runner.run_id, "heat")
        await asyncio.sleep(5.0)
        await runner.hold()
        for _ in range(3):  # beyond the hour in which the bath must be stable
            await asyncio.sleep(1250.0)
            assert lab.heater_is_off()
        await runner.resume()
        outcome = await task
        assert (outcome.exit_status, outcome.flagged) == (ExitStatus.SUCCESS, 0)

    in_laboratory(act)


def test_a_hold_before_the_heat_keeps_it_from_coming_on(in_laboratory: InLaboratory, one_bath: Experiment) -> None:
    async def act(lab: Any) -> None:
        runner = lab.runner(one_bath)
        task = asyncio.create_task(runner.run())
        await lab.phase(runner.run_id, "fill")
        await runner.hold()
        await asyncio.sleep(3000.0)
        assert lab.heater_is_off()
        assert not [event for event in lab.events(runner.run_id, "phase") if event.data["phase"] == "heat"]
        runner.abort()
        assert (await task).exit_status is ExitStatus.ABORT
        assert states(lab, runner.run_id)[-3:] == ["held", "aborting", "aborted"]

    in_laboratory(act)


def test_next_ends_a_soak_early_and_censors_what_is_on(in_laboratory: InLaboratory, one_bath: Experiment) -> None:
    async def act(lab: Any) -> None:
        runner = lab.runner(replace(one_bath, glues=("permanent",)))
        task = asyncio.create_task(runner.run())
        await lab.phase(runner.run_id, "fill")
        with pytest.raises(Refused, match="fill"):
            await runner.next("no time")
        await lab.phase(runner.run_id, "soak")
        await asyncio.sleep(65.0)
        ended_s = lab.clock.process_s()
        await runner.next("seen enough", who="anne")
        outcome = await task
        assert lab.clock.process_s() - ended_s < 60.0
        assert (outcome.exit_status, outcome.flagged) == (ExitStatus.SUCCESS, 1)
        bottles = lab.reader().bottles(runner.run_id)
        assert all(bottle.first_detached_ns is None and bottle.last_attached_ns for bottle in bottles)
        early = lab.events(runner.run_id, "ended_early")[0].data
        assert (early["reason"], early["who"], early["phase"]) == ("seen enough", "anne", "soak")
        assert early["positions"] == sorted(bottle.position for bottle in bottles)

    in_laboratory(act)


def test_next_skips_the_wait_for_a_stable_bath(in_laboratory: InLaboratory, one_bath: Experiment) -> None:
    async def act(lab: Any) -> None:
        runner = lab.runner(replace(one_bath, temperatures_c=(75.0,)))
        task = asyncio.create_task(runner.run())
        await lab.phase(runner.run_id, "heat")
        await asyncio.sleep(30.0)
        await runner.next("warm enough for a trial")
        await lab.phase(runner.run_id, "load")
        assert lab.reader().series(runner.run_id, "bath.temperature").value[-1] < 70.0
        await task
        assert lab.events(runner.run_id, "bath_flagged")[0].data["flags"] == ["not_stable"]

    in_laboratory(act)


def test_a_bottle_is_taken_out_of_the_observation(in_laboratory: InLaboratory, one_bath: Experiment) -> None:
    async def act(lab: Any) -> None:
        runner = lab.runner(replace(one_bath, glues=("psa", "permanent")))
        task = asyncio.create_task(runner.run())
        await lab.phase(runner.run_id, "heat")
        with pytest.raises(Refused, match="no bottle is in the bath"):
            await runner.skip(1, "none is in")
        await lab.phase(runner.run_id, "soak")
        await asyncio.sleep(60.0)
        first, second = lab.reader().bottles(runner.run_id)[:2]
        skipped_ns = lab.clock.now_ns()
        await runner.skip(first.position, "fell over", who="anne")
        await runner.skip(second.label, "wrong label")
        for which in (first.position, "T01-P99", 99):
            with pytest.raises(Refused, match="no label is watched"):
                await runner.skip(which, "again")
        await runner.note("looks milky")
        await runner.deviation("lid open for a minute", who="bert")
        await task
        reader = lab.reader()
        for bottle in reader.bottles(runner.run_id)[:2]:
            assert bottle.first_detached_ns is None
            assert bottle.last_attached_ns is not None
            assert bottle.last_attached_ns < skipped_ns
        later = {check.bottle for check in reader.checks(runner.run_id) if check.planned_ns > skipped_ns}
        assert len(later) == 4
        events = [event.data for event in lab.events(runner.run_id, "bottle_skipped")]
        assert [(event["bottle"], event["reason"]) for event in events] == [
            (first.label, "fell over"),
            (second.label, "wrong label"),
        ]
        note, deviation = lab.events(runner.run_id, "note")[0].data, lab.events(runner.run_id, "deviation")[0].data
        assert (note["text"], note["who"], note["phase"]) == ("looks milky", "test", "soak")
        assert (deviation["text"], deviation["who"], deviation["trial"]) == ("lid open for a minute", "bert", 1)

    in_laboratory(act)


def test_a_cancel_names_what_would_be_lost(in_laboratory: InLaboratory, two_baths: Experiment) -> None:
    async def act(lab: Any) -> None:
        runner = lab.runner(replace(two_baths, glues=("permanent",)))
        assert runner.would_lose() == "nothing is running"
        task = asyncio.create_task(runner.run())
        await lab.phase(runner.run_id, "soak")
        lost = runner.would_lose()
        assert "3 of 3 labels in the bath are still on" in lost
        assert "1 baths would not be run" in lost
        runner.cancel(who="anne", why="lunch")
        outcome = await task
        assert (outcome.exit_status, outcome.exit_code) == (ExitStatus.ABORT, 8)
        assert states(lab, runner.run_id) == ["running", "stopping", "stopped"]
        assert lab.events(runner.run_id, "state")[-1].data["to"] == "stopped"
        assert lab.heater_is_off()

    in_laboratory(act)


@pytest.mark.parametrize(
    ("fault", "tag", "flag"),
    [("temperature", "rtd", "no_temperature"), ("naoh", "ec", "no_conductivity")],
)
def test_a_fault_holds_the_run_when_the_experiment_says_so(
    in_laboratory: InLaboratory, one_bath: Experiment, fault: str, tag: str, flag: str
) -> None:
    async def act(lab: Any) -> None:
        runner = lab.runner(replace(one_bath, glues=("psa",), on_fault={fault: FaultPolicy.HOLD}))
        task = asyncio.create_task(runner.run())
        await lab.phase(runner.run_id, "soak")
        lab.links[tag].fail("sensor_failure")
        await asyncio.sleep(20.0)  # three scans without a value
        assert runner.state is State.HELD
        assert lab.heater_is_off()
        await asyncio.sleep(1000.0)  # the soak ends, its bottles are asked out; the run waits for a person
        assert not task.done()
        assert lab.heater_is_off()
        assert lab.prompts[-2].task == "unload"
        lab.links[tag].restore()
        await runner.resume(who="anne")
        outcome = await task
        assert (outcome.exit_status, outcome.flagged) == (ExitStatus.SUCCESS, 1)
        assert set(lab.events(runner.run_id, "bath_flagged")[0].data["flags"]) == {"held", flag}
        holding = [event.data for event in lab.events(runner.run_id, "state") if event.data["to"] == "holding"]
        assert (holding[0]["who"], "no reading of" in holding[0]["why"]) == ("linectl", True)

    in_laboratory(act)


def test_a_camera_that_dies_ends_the_run_when_the_experiment_says_so(
    in_laboratory: InLaboratory, one_bath: Experiment
) -> None:
    async def act(lab: Any) -> None:
        policies = {"camera": FaultPolicy.ABORT, "temperature": FaultPolicy.CONTINUE}
        runner = lab.runner(replace(one_bath, on_fault=policies, on_sensor_fault=FaultPolicy.HOLD))
        task = asyncio.create_task(runner.run())
        await lab.phase(runner.run_id, "soak")
        lab.links["rtd"].fail("sensor_failure")
        await asyncio.sleep(10.0)
        assert runner.state is State.RUNNING  # `on_fault` goes before `on_sensor_fault`
        lab.links["sensors"].fail("not_connected")
        outcome = await task
        assert (outcome.exit_status, outcome.exit_code) == (ExitStatus.FAIL, 5)
        assert outcome.reason == "the label camera sees nothing; the experiment says to abort"
        assert lab.reader().trials(runner.run_id)[0].state is TrialState.ABORTED
        assert states(lab, runner.run_id)[-2:] == ["aborting", "aborted"]

    in_laboratory(act)


def test_a_heater_that_cannot_be_switched_off_ends_the_run(in_laboratory: InLaboratory, one_bath: Experiment) -> None:
    async def act(lab: Any) -> None:
        runner = lab.runner(one_bath)
        task = asyncio.create_task(runner.run())
        await lab.phase(runner.run_id, "soak")
        lab.links["plc"].fail("not_connected")
        with pytest.raises(Exception, match="heater_enable"):
            await runner.hold()
        outcome = await task
        assert outcome.exit_status is ExitStatus.FAIL
        assert "the heater could not be switched off" in outcome.reason
        lab.links["plc"].restore()
        await asyncio.sleep(5.0)
        assert lab.heater_is_off()

    in_laboratory(act)
