from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from linectl.clock import Clock, VirtualTimeLoop
from linectl.errors import ConfigError, NotConfirmed
from linectl.lab.answers import AnswersFace, check_answers, check_covered, yes_or_no
from linectl.lab.asking import expected
from linectl.lab.design.baths import trials
from linectl.lab.desk import PromptDesk
from linectl.model.answers import Answers, Preset
from linectl.model.experiments import Experiment, Observation, Question
from linectl.model.prompts import Answer, Prompt, PromptKind

Value = bool | float | str | tuple[int, ...]

CONFIRM = Prompt("T01-unload", PromptKind.CONFIRM, "Out?", "unload")
CHOICE = Prompt("T01-foam", PromptKind.CHOICE, "Foam?", "question", options=("yes", "no"))
NUMBER = Prompt("T01-mass", PromptKind.NUMBER, "Mass?", "covariate", low=0.0, high=9.0, unit="g")
TEXT = Prompt("T01-why", PromptKind.TEXT, "Why?", "question")


def one(value: Value, pattern: str = "*") -> Answers:
    return Answers("night", (Preset(pattern, value, 3, 5),), "night.yaml")


def told(prompt: Prompt, value: Value) -> Answer | None:
    async def main() -> Answer | None:
        return await AnswersFace(one(value), Clock(start_ns=0)).ask(prompt)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main())


@pytest.mark.parametrize(
    ("prompt", "value", "taken"),
    [
        (CONFIRM, True, True),
        (CONFIRM, "no", False),
        (CONFIRM, "oui", True),
        (CHOICE, "no", "no"),
        (NUMBER, 4, 4),
        (TEXT, "12:30", "12:30"),
    ],
)
def test_a_value_answers_what_it_fits(prompt: Prompt, value: Value, taken: Value) -> None:
    answer = told(prompt, value)
    assert answer is not None
    assert (answer.value, answer.who, answer.face) == (taken, "night", "answers file")


@pytest.mark.parametrize(
    ("prompt", "value", "why"),
    [
        (CHOICE, False, "`false` is not text here: put it in quotes"),
        (TEXT, True, "`true` is not text here"),
        (CHOICE, "perhaps", "expected one of yes, no"),
        (CONFIRM, "perhaps", "expected yes or no"),
        (CONFIRM, 1, "expected yes or no"),
        (NUMBER, 10.0, "from 0 to 9 g"),
        (NUMBER, True, "from 0 to 9 g"),
    ],
)
def test_a_value_that_does_not_fit_is_told_with_its_place(prompt: Prompt, value: Value, why: str) -> None:
    with pytest.raises(ConfigError, match=why) as refused:
        told(prompt, value)
    assert refused.value.message.startswith(f"night.yaml:3:5: answers.*: {prompt.id}: ")
    with pytest.raises(ConfigError, match=why):
        check_answers(one(value), [prompt])


def test_words_of_both_languages() -> None:
    assert [yes_or_no(word) for word in ("O", "oui", "YES", "ok", "on")] == [True] * 5
    assert [yes_or_no(word) for word in ("n", "Non", "no", "off")] == [False] * 4
    assert [yes_or_no(word) for word in ("", "maybe", "1")] == [None] * 3


def test_what_nobody_can_answer_is_named(two_baths: Experiment) -> None:
    question = Question("foam", "choice", "soak", {"en": "Foam?"}, options=("a", "b"))
    covered = replace(question, id="smell", default="a")
    experiment = replace(two_baths, questions=(question, covered), observation=Observation.OPERATOR)
    prompts = list(expected(experiment, trials(experiment), lid=True))
    with pytest.raises(NotConfirmed) as refused:
        check_covered(prompts, None)
    assert refused.value.exit_code == 7
    assert all(word in refused.value.message for word in ("lid-0", "T01-foam", "and 7 more"))
    assert "smell" not in refused.value.message
    most = Answers("n", tuple(Preset(glob, "yes", 1, 1) for glob in ("T??-P??", "*-unload", "lid-*", "*-check-*")))
    with pytest.raises(NotConfirmed, match=r"nobody can answer: T01-foam, T02-foam$"):
        check_covered(prompts, most)
    check_covered(prompts, Answers("n", (*most.presets, Preset("*-foam", "a", 1, 1))))


def test_what_it_has_no_line_for_is_left_to_other_faces(
    in_laboratory: Callable[..., None], two_baths: Experiment
) -> None:
    """A file beside a simulated operator: it answers the questions, the operator's hands do their work."""
    question = Question("foam", "choice", "soak", {"en": "Foam?"}, options=("a", "b"))
    experiment = replace(two_baths, temperatures_c=(60.0,), questions=(question,))

    async def act(lab: Any) -> None:
        file = Answers("night", (Preset("*-foam", "b", 1, 1), Preset("*-P??", "yes", 1, 1)))
        lab.prompter, operator = PromptDesk(lab.clock), lab.prompter
        lab.prompter.attach(AnswersFace(file, lab.clock, leave={"load_bottle", "unload", "lid"}))
        lab.prompter.attach(operator)
        outcome = await lab.runner(experiment).run()
        prompts = {event.data["id"]: event.data for event in lab.events(outcome.run_id, "prompt")}
        assert (prompts["T01-foam"]["value"], prompts["T01-foam"]["face"]) == ("b", "answers file")
        assert {each["face"] for name, each in prompts.items() if "-P" in name} == {"simulator"}
        assert outcome.exit_code == 0

    in_laboratory(act)
