from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from linectl.lab.asking import blind_names, expected
from linectl.lab.design.baths import trials
from linectl.lab.examiners import agreement
from linectl.model.experiments import Covariate, Experiment, Observation, Question
from linectl.model.prompts import Answer, Look, Prompt, PromptKind
from linectl.model.records import ExitStatus
from linectl.sim.bath.operator import SimulatedOperator
from linectl.units import NS_PER_S

InLaboratory = Callable[..., None]


@pytest.fixture
def one_bath(two_baths: Experiment) -> Experiment:
    return replace(two_baths, temperatures_c=(60.0,), observation=Observation.OPERATOR)


def test_questions_covariates_and_scores_are_asked_and_kept(in_laboratory: InLaboratory, one_bath: Experiment) -> None:
    hard = Covariate("hardness", "run", "°f", 0.0, 60.0)
    titrated = Covariate("titration", "bath", "%", 0.0, 5.0)
    mass = Covariate("mass", "bottle", "g", 300.0, 700.0)
    asked = (
        Question("foam", "choice", "soak", {"en": "Foam?", "fr": "Mousse ?"}, options=("none", "some")),
        Question("ready", "confirm", "load", {"en": "All dry?"}),
        Question("name", "text", "start", {"en": "Who else is here?"}),
    )
    experiment = replace(one_bath, covariates=(hard, titrated, mass), questions=asked, score_residue=True)

    async def act(lab: Any) -> None:
        outcome = await lab.runner(experiment).run()
        assert outcome.exit_status is ExitStatus.SUCCESS
        covariates = [event.data for event in lab.events(outcome.run_id, "covariate")]
        assert [(each["name"], each["per"], each["trial"]) for each in covariates] == [
            ("hardness", "run", None),
            ("titration", "bath", 1),
        ]
        assert 0.0 < covariates[1]["value"] < 5.0
        questions = {event.data["question"]: event.data for event in lab.events(outcome.run_id, "question")}
        assert questions["foam"]["value"] in {"none", "some"}
        assert (questions["ready"]["value"], questions["ready"]["phase"]) == (True, "load")
        assert questions["name"]["trial"] is None
        bottles = lab.reader().bottles(outcome.run_id)
        assert all(300.0 < float(bottle.factors["mass"]) < 700.0 for bottle in bottles)
        off = [bottle for bottle in bottles if bottle.first_detached_ns is not None]
        assert off
        assert all(bottle.mode in {"whole", "torn", "pulped"} and bottle.residue_pct is not None for bottle in off)
        assert all(not bottle.mode for bottle in bottles if bottle.first_detached_ns is None)
        foreseen = {prompt.id for prompt in expected(experiment, trials(experiment), lid=True)}
        for prompt in lab.prompts:
            if prompt.task not in {"lid", "check"}:
                assert prompt.id in foreseen, prompt

    in_laboratory(act)


def test_a_blind_run_shows_codes_until_the_last_observation(in_laboratory: InLaboratory, one_bath: Experiment) -> None:
    blind = replace(one_bath, blind=True, bottle_factors={"paper": ("wet-strength",)})

    async def act(lab: Any) -> None:
        names = blind_names(blind, trials(blind))
        assert set(names.values()) == {"casein", "pvoh"}
        lab.prompter = SimulatedOperator(lab.clock, lab.prompter._hands, simulate_as=names)
        outcome = await lab.runner(blind).run()
        assert outcome.exit_status is ExitStatus.SUCCESS
        shown = " ".join(f"{prompt.text} {dict(prompt.facts)}" for prompt in lab.prompts)
        assert not [glue for glue in blind.glues if glue in shown]
        assert all(code in shown for code in names)
        assert "wet-strength)" in shown
        bottles = lab.reader().bottles(outcome.run_id)
        assert {bottle.code: bottle.glue for bottle in bottles} == names
        assert {bottle.factors["paper"] for bottle in bottles} == {"wet-strength"}
        revealed = lab.events(outcome.run_id, "unblinded")[0]
        assert revealed.data["codes"] == names
        assert revealed.ts_ns > max(check.done_ns or 0 for check in lab.reader().checks(outcome.run_id))
        lab.assert_brackets_the_truth(bottles)

    in_laboratory(act)


def test_an_open_run_names_glues_and_reveals_nothing(in_laboratory: InLaboratory, one_bath: Experiment) -> None:
    assert blind_names(one_bath, trials(one_bath)) == {}
    text = next(prompt.text for prompt in expected(one_bath, trials(one_bath), lid=False) if prompt.task != "check")
    assert "casein" in text or "pvoh" in text


def test_a_second_examiner_is_kept_beside_the_first(in_laboratory: InLaboratory, one_bath: Experiment) -> None:
    async def act(lab: Any) -> None:
        both = replace(one_bath, second_examiner_every=2, glues=("permanent",))
        outcome = await lab.runner(both).run()
        checks = lab.reader().checks(outcome.run_id)
        seconds = [check for check in checks if check.examiner]
        assert {check.examiner for check in seconds} == {"second simulated operator"}
        planned = sorted({check.planned_ns for check in checks})
        assert sorted({check.planned_ns for check in seconds}) == planned[1::2]
        assert agreement(checks).n == len(seconds) > 20
        bottles = lab.reader().bottles(outcome.run_id)
        assert all(bottle.first_detached_ns is None for bottle in bottles)  # whatever the second one saw
        assert sum(prompt.second for prompt in lab.prompts) == len(planned) // 2

    in_laboratory(act)


class Sheet:
    """A face that takes labels one by one: the first three positions, a second apart, one of them corrected."""

    def __init__(self, lab: Any, eyes: SimulatedOperator) -> None:
        self.lab, self.eyes = lab, eyes

    async def ask(self, prompt: Prompt) -> Answer:
        if prompt.kind is not PromptKind.POSITIONS:
            answer: Answer = await self.eyes.ask(prompt)
            return answer
        asked_ns, looks, corrections = self.lab.clock.now_ns(), {}, []
        for position in prompt.facts["positions"][:3]:  # type: ignore[index]  # a tuple by contract
            await asyncio.sleep(1.0)
            now_ns = self.lab.clock.now_ns()
            corrections.append((position, False, now_ns))
            looks[position] = Look(attached=True, at_ns=now_ns)
        value = tuple(looks)
        return Answer(
            prompt.id, value, "anne", "sheet", asked_ns, now_ns, looks=looks, corrections=tuple(corrections[:1])
        )


def test_labels_taken_one_by_one_have_their_own_times_and_the_unseen_are_missed(
    in_laboratory: InLaboratory, one_bath: Experiment
) -> None:
    async def act(lab: Any) -> None:
        lab.prompter = Sheet(lab, lab.prompter)
        outcome = await lab.runner(replace(one_bath, glues=("permanent",), bottles_per_glue=5)).run()
        checks = lab.reader().checks(outcome.run_id)
        full = [check for check in checks if check.planned_ns == checks[-1].planned_ns]
        times = sorted(check.done_ns for check in full if check.done_ns is not None)
        assert len(full) == 5
        assert [later - times[0] for later in times] == [0, NS_PER_S, 2 * NS_PER_S]
        assert sum(check.attached is None for check in full) == 2
        unseen = {check.bottle for check in full if check.attached is None}
        for bottle in lab.reader().bottles(outcome.run_id):
            assert (bottle.last_attached_ns is None) == (bottle.label in unseen)
        assert outcome.flagged == 1  # checks were missed
        correction = lab.events(outcome.run_id, "correction")[0].data
        assert (correction["attached"], correction["who"], correction["face"]) == (False, "anne", "sheet")

    in_laboratory(act)


class Late:
    """Somebody who is not there when labels are to be looked at."""

    def __init__(self, eyes: SimulatedOperator) -> None:
        self.eyes = eyes

    async def ask(self, prompt: Prompt) -> Answer:
        if prompt.task == "check":
            await asyncio.sleep(10_000.0)
        return await self.eyes.ask(prompt)


def test_a_check_nobody_makes_ends_before_the_next_and_tells_of_no_label(
    in_laboratory: InLaboratory, one_bath: Experiment
) -> None:
    async def act(lab: Any) -> None:
        lab.prompter = Late(lab.prompter)
        runner = lab.runner(one_bath)
        outcome = await runner.run()
        checks = lab.reader().checks(outcome.run_id)
        assert len({check.planned_ns for check in checks}) >= 20  # none was swallowed by the one before
        assert all(check.done_ns is None and check.attached is None for check in checks)
        assert all(bottle.first_detached_ns is None for bottle in lab.reader().bottles(outcome.run_id))

    in_laboratory(act)
