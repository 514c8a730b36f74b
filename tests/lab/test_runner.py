from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from linectl.errors import Refused
from linectl.lab.outcome import RunOutcome
from linectl.lab.progress import Progress
from linectl.model.experiments import Experiment, Observation, Stabilisation
from linectl.model.records import ExitStatus, TrialState
from linectl.units import NS_PER_S

InLaboratory = Callable[..., None]


def test_two_baths_end_to_end(in_laboratory: InLaboratory, two_baths: Experiment) -> None:
    progress: list[Progress] = []

    async def act(lab: Any) -> None:
        runner = lab.runner(two_baths, on_progress=progress.append)
        outcome = await runner.run()
        assert lab.events(runner.run_id, "bath_flagged") == []
        assert outcome == RunOutcome(runner.run_id, ExitStatus.SUCCESS, "", baths_done=2, flagged=0)
        assert lab.heater_is_off()
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
        lab.assert_brackets_the_truth(bottles)

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
        lab.assert_brackets_the_truth(lab.reader().bottles(outcome.run_id))

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
        assert lab.heater_is_off()

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
