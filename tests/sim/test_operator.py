from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from linectl.clock import Clock, VirtualTimeLoop
from linectl.errors import ConfigError, Refused
from linectl.model.prompts import Answer, Prompt, PromptKind
from linectl.sim.operator import Hands, SimulatedOperator


def _ask(
    task: str,
    facts: Mapping[str, object],
    *,
    kind: PromptKind = PromptKind.CONFIRM,
    simulate_as: Mapping[str, str] | None = None,
    speed: float = 1.0,
) -> tuple[Answer, list[tuple[int, int]], float]:
    done: list[tuple[int, int]] = []

    async def put(position: int, code: int) -> None:
        done.append((position, code))

    async def look() -> list[bool | None]:
        return [True, False, None, True]

    async def main() -> tuple[Answer, float]:
        clock = Clock(start_ns=0, speed=speed)
        operator = SimulatedOperator(clock, put=Hands(put, look=look), simulate_as=simulate_as)
        answer = await operator.ask(Prompt("q1", kind, "please", task, facts))
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
