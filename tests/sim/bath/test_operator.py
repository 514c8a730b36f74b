from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from linectl.clock import Clock, VirtualTimeLoop
from linectl.errors import ConfigError, Refused
from linectl.model.prompts import Answer, Prompt, PromptKind
from linectl.sim.bath.operator import Hands, SimulatedOperator


def _ask(
    task: str,
    facts: Mapping[str, object],
    *,
    kind: PromptKind = PromptKind.CONFIRM,
    simulate_as: Mapping[str, str] | None = None,
    speed: float = 1.0,
    name: str = "q1",
    **more: Any,
) -> tuple[Answer, list[tuple[int, int]], float]:
    done: list[tuple[int, int]] = []

    async def put(position: int, code: int) -> None:
        done.append((position, code))

    async def look() -> list[bool | None]:
        return [True, False, None, True]

    async def main() -> tuple[Answer, float]:
        clock = Clock(start_ns=0, speed=speed)
        operator = SimulatedOperator(clock, put=Hands(put, look=look), simulate_as=simulate_as)
        answer = await operator.ask(Prompt(name, kind, "please", task, facts, **more))
        return answer, asyncio.get_running_loop().time()

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        answer, took_s = runner.run(main())
    return answer, done, took_s


def test_loading_a_bottle_takes_three_seconds() -> None:
    answer, done, took_s = _ask("load_bottle", {"position": 7, "bottle": "B01-07", "glue": "casein"})
    assert (answer.value, answer.who, answer.face) == (True, "simulated operator", "simulator")
    assert done == [(7, 1)]
    assert took_s == pytest.approx(3.0)
    assert answer.answered_ns - answer.asked_ns == 3_000_000_000


def test_hands_are_as_fast_as_the_simulated_clock() -> None:
    _, _, took_s = _ask("load_bottle", {"position": 7, "bottle": "x", "glue": "psa"}, speed=10.0)
    assert took_s == pytest.approx(0.3)


def test_unloading_lid_and_looking() -> None:
    assert _ask("unload", {"positions": [1, 3]})[1] == [(1, 0), (3, 0)]
    assert _ask("lid", {"open": True})[1] == [(25, 1)]
    assert _ask("check", {}, kind=PromptKind.POSITIONS)[0].value == (1, 4)


def test_a_glue_of_ones_own_stands_for_a_class() -> None:
    _, done, _ = _ask("load_bottle", {"position": 1, "bottle": "x", "glue": "aqua-7"}, simulate_as={"aqua-7": "pvoh"})
    assert done == [(1, 3)]


def test_an_unknown_glue_names_the_classes_and_the_way_out() -> None:
    with pytest.raises(ConfigError) as refused:
        _ask("load_bottle", {"position": 1, "bottle": "x", "glue": "aqua-7"})
    said = refused.value.message + refused.value.hint
    assert all(word in said for word in ("aqua-7", "casein", "permanent", "simulate_as"))


def test_what_it_cannot_answer_it_refuses() -> None:
    with pytest.raises(Refused):
        _ask("weigh", {}, kind=PromptKind.NUMBER)
    assert _ask("look_around", {})[0].value is True  # a plain confirmation it gives


@pytest.mark.parametrize(("glue", "clean"), [("casein", True), ("psa", False)])
def test_soluble_glues_leave_next_to_nothing(glue: str, clean: bool) -> None:
    async def scores() -> list[float]:
        async def put(position: int, code: int) -> None:
            return

        operator = SimulatedOperator(Clock(start_ns=0), put, seed=4)
        await operator.ask(Prompt("in", PromptKind.CONFIRM, "?", "load_bottle", {"position": 3, "glue": glue}))
        asked = [
            Prompt(f"{k}-residue", PromptKind.NUMBER, "?", "score", {"position": 3, "bottle": f"b{k}"})
            for k in range(99)
        ]
        return [float(str((await operator.ask(prompt)).value)) for prompt in asked]

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        found = runner.run(scores())
    assert (max(found) <= 0.5) is clean


def test_scores_and_questions_get_something_sensible() -> None:
    bottle = {"position": 3, "bottle": "T01-P03"}
    mode = _ask("score", bottle, kind=PromptKind.CHOICE, options=("whole", "torn", "pulped"))[0].value
    assert mode in {"whole", "torn", "pulped"}
    residue = _ask("score", bottle, kind=PromptKind.NUMBER)[0].value
    assert isinstance(residue, float)
    assert 0.0 <= residue <= 8.0
    number = _ask("covariate", {"name": "mass"}, kind=PromptKind.NUMBER, low=300.0, high=700.0)[0].value
    assert isinstance(number, float)
    assert 300.0 < number < 700.0
    assert _ask("question", {}, kind=PromptKind.CHOICE, options=("a", "b"))[0].value in {"a", "b"}
    assert _ask("question", {}, kind=PromptKind.TEXT)[0].value
    with pytest.raises(Refused):
        _ask("question", {}, kind=PromptKind.PHOTO)  # it has no camera


def test_a_second_examiner_errs_now_and_then_and_the_first_never() -> None:
    def answers(second: bool) -> list[object]:
        return [
            _ask("check", {"positions": (1, 2, 4)}, kind=PromptKind.POSITIONS, second=second, name=f"c{n}")[0].value
            for n in range(200)
        ]

    assert set(answers(second=False)) == {(1, 4)}
    wrong = sum(answer != (1, 4) for answer in answers(second=True))
    assert 3 < wrong < 30  # 2 % of 600 labels
    assert answers(second=True) == answers(second=True)
