from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from linectl.errors import Refused
from linectl.lab.progress import Progress
from linectl.lab.runner import RunOutcome
from linectl.model.experiments import Experiment, FaultPolicy, Observation, Stabilisation
from linectl.model.records import Bottle, ExitStatus, TrialState
from linectl.units import NS_PER_S

InLaboratory = Callable[..., None]
CAMERA_S = 1.2  # the camera's frame is that much older than a look, at most; the plant's own step is 1 s


def heater_is_off(lab: Any) -> bool:
    lab.rig.advance()
    return not lab.rig.plc.heater_enable and lab.rig.plc.heater_kw == 0.0


def process_s(lab: Any, ns: int) -> float:
    return float(lab.clock.process_s() - (lab.clock.now_ns() - ns) / NS_PER_S)


def assert_brackets_the_truth(lab: Any, bottles: list[Bottle]) -> None:
    """Every interval holds the moment at which the plant let the label go."""
    for serial, bottle in enumerate(bottles, start=1):
        released = lab.released_s.get(serial)
        assert bottle.last_attached_ns is not None
        last = process_s(lab, bottle.last_attached_ns)
        if bottle.first_detached_ns is None:
            assert released is None or released > last - CAMERA_S, bottle
            continue
        assert released is not None, bottle
        assert last - CAMERA_S <= released <= process_s(lab, bottle.first_detached_ns), bottle


def test_two_baths_end_to_end(in_laboratory: InLaboratory, two_baths: Experiment) -> None:
    progress: list[Progress] = []

    async def act(lab: Any) -> None:
        runner = lab.runner(two_baths, on_progress=progress.append)
        outcome = await runner.run()
        assert lab.events(runner.run_id, "bath_flagged") == []
        assert outcome == RunOutcome(runner.run_id, ExitStatus.SUCCESS, "", baths_done=2, flagged=0)
        assert heater_is_off(lab)
        reader = lab.reader()
        run = reader.run(runner.run_id)
        assert (run.exit_status, run.simulated, run.seed, run.operator) == (ExitStatus.SUCCESS, True, 3, "test")
        trials = reader.trials(run.id)
        assert [trial.state for trial in trials] == [TrialState.COMPLETE] * 2
        for trial in trials:
            assert trial.naoh_measured_pct == pytest.approx(1.5, abs=0.05)
            series = reader.series(run.id, "bath.temperature", trial=trial.ord)
            soaked = [value for value in series.value[-300:] if value is not None]
            assert sum(soaked) / len(soaked) == pytest.approx(trial.treatment.temperature_c, abs=0.5)
        bottles = reader.bottles(run.id)
        assert len(bottles) == 12
        assert sum(bottle.first_detached_ns is not None for bottle in bottles) >= 8
        assert_brackets_the_truth(lab, bottles)

    in_laboratory(act)
    assert progress[0].bath == 1
    assert progress[-1].bath == 2
    assert progress[-1].fraction == pytest.approx(1.0, abs=0.1)
    assert progress[len(progress) // 2].eta_s > 0
    assert progress[-1].line().startswith("bath 2/2 (")


def test_checks_stand_on_a_grid_from_the_first_insertion(in_laboratory: InLaboratory, two_baths: Experiment) -> None:
    async def act(lab: Any) -> None:
        one = replace(two_baths, temperatures_c=(60.0,))
        outcome = await lab.runner(one).run()
        bottles = lab.reader().bottles(outcome.run_id)
        checks = lab.reader().checks(outcome.run_id)
        began = bottles[0].inserted_ns
        assert {(check.planned_ns - began) % (15 * NS_PER_S) for check in checks} == {0}
        assert all(check.done_ns is not None and 0 <= check.done_ns - check.planned_ns < NS_PER_S for check in checks)
        still_on = [bottle for bottle in bottles if bottle.first_detached_ns is None]
        last_in = max(bottle.inserted_ns for bottle in bottles)
        for bottle in still_on:
            assert bottle.last_attached_ns is not None
            assert bottle.last_attached_ns - last_in >= 300 * NS_PER_S
        for bottle in bottles:
            own = [check for check in checks if check.bottle == bottle.label]
            off = [check.done_ns for check in own if check.attached is False]
            assert off == ([] if bottle.first_detached_ns is None else [bottle.first_detached_ns])

    in_laboratory(act)


def test_a_soak_ends_early_when_every_label_is_off(in_laboratory: InLaboratory, two_baths: Experiment) -> None:
    async def act(lab: Any) -> None:
        quick = replace(
            two_baths, temperatures_c=(80.0,), glues=("casein",), soak=replace(two_baths.soak, cap_s=3600.0)
        )
        outcome = await lab.runner(quick).run()
        phases = {event.data["phase"]: event.ts_ns for event in lab.events(outcome.run_id, "phase")}
        assert (phases["unload"] - phases["soak"]) / NS_PER_S < 600

    in_laboratory(act)


def test_phases_come_in_order_and_prompts_say_who(in_laboratory: InLaboratory, two_baths: Experiment) -> None:
    async def act(lab: Any) -> None:
        outcome = await lab.runner(replace(two_baths, temperatures_c=(60.0,))).run()
        phases = [event.data["phase"] for event in lab.events(outcome.run_id, "phase")]
        assert phases == ["fill", "dose", "heat", "stabilise", "load", "soak", "unload"]
        prompts = [event.data for event in lab.events(outcome.run_id, "prompt")]
        assert {prompt["who"] for prompt in prompts} == {"simulated operator"}
        assert all(prompt["latency_s"] >= 1.0 for prompt in prompts)
        tasks = [prompt["task"] for prompt in prompts]
        assert tasks.count("load_bottle") == 6
        assert tasks[-2:] == ["unload", "lid"]

    in_laboratory(act)


def test_a_cooler_bath_is_refilled_and_a_hotter_one_kept(in_laboratory: InLaboratory, two_baths: Experiment) -> None:
    async def act(lab: Any) -> None:
        down = replace(two_baths, temperatures_c=(60.0, 50.0, 55.0), randomised=False)
        outcome = await lab.runner(down).run()
        assert outcome.exit_status is ExitStatus.SUCCESS
        refills = {event.data["trial"]: event.data["reason"] for event in lab.events(outcome.run_id, "refill")}
        assert refills == {1: "start", 2: "cooler"}

    in_laboratory(act, feed_c=49.0)


def test_plain_water_is_measured_as_none_of_it(in_laboratory: InLaboratory, two_baths: Experiment) -> None:
    async def act(lab: Any) -> None:
        water = replace(two_baths, temperatures_c=(60.0,), naoh_pct=(1.5, 0.0), randomised=False)
        outcome = await lab.runner(water).run()
        caustic, plain = lab.reader().trials(outcome.run_id)
        assert caustic.naoh_measured_pct == pytest.approx(1.5, abs=0.05)
        assert plain.naoh_measured_pct == 0.0
        assert plain.state is TrialState.COMPLETE

    in_laboratory(act)


def test_the_operator_can_look_instead_of_the_camera(in_laboratory: InLaboratory, two_baths: Experiment) -> None:
    async def act(lab: Any) -> None:
        eyes = replace(two_baths, temperatures_c=(60.0,), observation=Observation.OPERATOR)
        outcome = await lab.runner(eyes).run()
        assert outcome.exit_status is ExitStatus.SUCCESS
        assert any(prompt.task == "check" for prompt in lab.prompts)
        assert_brackets_the_truth(lab, lab.reader().bottles(outcome.run_id))

    in_laboratory(act)


def test_a_stop_in_the_soak_asks_the_bottles_out(in_laboratory: InLaboratory, two_baths: Experiment) -> None:
    async def act(lab: Any) -> None:
        runner = lab.runner(two_baths)
        task = asyncio.create_task(runner.run())
        await lab.phase(runner.run_id, "soak")
        await asyncio.sleep(20.0)
        began = lab.clock.process_s()
        runner.request_stop()
        outcome = await task
        assert (outcome.exit_status, outcome.exit_code, outcome.baths_done) == (ExitStatus.ABORT, 8, 0)
        assert lab.clock.process_s() - began < 60  # the check under way, and the bottles
        assert lab.prompts[-2].task == "unload"
        assert all(label is None for label in lab.rig.plant.labels)
        assert heater_is_off(lab)
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
        assert not heater_is_off(lab)
        began = lab.clock.process_s()
        runner.request_stop()
        outcome = await task
        assert outcome.exit_status is ExitStatus.ABORT
        assert lab.clock.process_s() - began < 10
        assert heater_is_off(lab)

    in_laboratory(act)


@pytest.mark.fault("F30")
@pytest.mark.parametrize("phase", ["fill", "dose", "heat", "load", "soak", "unload"])
def test_a_stop_at_once_in_any_phase(in_laboratory: InLaboratory, two_baths: Experiment, phase: str) -> None:
    async def act(lab: Any) -> None:
        runner = lab.runner(two_baths)
        task = asyncio.create_task(runner.run())
        await lab.phase(runner.run_id, phase)
        began = lab.clock.process_s()
        runner.stop_now()
        outcome = await task
        assert (outcome.exit_status, outcome.exit_code) == (ExitStatus.ABORT, 8)
        assert outcome.reason.startswith("stopped at once")
        assert lab.clock.process_s() - began < 10
        assert heater_is_off(lab)
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
        assert heater_is_off(lab)
        assert lab.reader().run(runner.run_id).exit_status is ExitStatus.ABORT

    in_laboratory(act)


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
        assert heater_is_off(lab)
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
        assert_brackets_the_truth(lab, lab.reader().bottles(runner.run_id))

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
        assert heater_is_off(lab)
        await asyncio.sleep(60.0)
        assert heater_is_off(lab)
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
        assert heater_is_off(lab)  # by its own watchdog
        lab.links["plc"].restore()
        await asyncio.sleep(30.0)
        assert heater_is_off(lab)

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
        assert heater_is_off(lab)

    in_laboratory(act)


def test_what_cannot_be_done_is_refused_before_anything_is_heated(
    in_laboratory: InLaboratory, two_baths: Experiment
) -> None:
    async def act(lab: Any) -> None:
        with pytest.raises(Refused, match="89"):
            await lab.runner(replace(two_baths, temperatures_c=(89.0,))).run()
        with pytest.raises(Refused, match="2 min are given"):
            await lab.runner(replace(two_baths, stabilisation=Stabilisation(within_s=120.0))).run()
        assert lab.reader().runs() == []
        assert not lab.prompts
        assert heater_is_off(lab)

    in_laboratory(act)


def test_the_same_seed_gives_the_same_records(
    in_laboratory: InLaboratory, two_baths: Experiment, tmp_path: Path
) -> None:
    told: list[tuple[Any, ...]] = []

    async def act(lab: Any) -> None:
        runner = lab.runner(replace(two_baths, temperatures_c=(70.0,)), run_id="same")
        await runner.run()
        reader = lab.reader()
        series = reader.series("same", "bath.temperature")
        told.append((reader.bottles("same"), reader.checks("same"), series.value, list(series.t_ns)))

    in_laboratory(act)
    (tmp_path / "store.db").rename(tmp_path / "first.db")
    in_laboratory(act)
    (tmp_path / "store.db").rename(tmp_path / "second.db")
    in_laboratory(act, seed=4)
    assert told[0] == told[1]
    assert told[0] != told[2]
