"""The shipped interlocks: their cases pass, and any limit, delay or policy that is a little off makes one fail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pytest

from linectl.config.interlock_file import find_interlocks
from linectl.config.load import load_interlocks
from linectl.line.interlock_cases import prove
from linectl.line.interlocks import State, evaluate, tripped
from linectl.model.conditions import AllOf, AnyOf, Comparison, Condition, Negation, Operand, Says, tags_of
from linectl.model.interlocks import Interlock, Interlocks, TripPolicy
from linectl.words import LANGUAGES

FILES = ("washer", "bath")
OTHER_SIDE = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
FINE = {"z2.naoh": 0.01, "z3.naoh": 0.01, "z7.ph": 0.01, "z7.conductivity": 0.001, "bath.temperature": 0.01}


@cache
def shipped(name: str) -> Interlocks:
    return load_interlocks(find_interlocks(name))


def nudged(condition: Condition) -> Iterator[Condition]:
    """Give the condition with one comparison a step of its sensor's resolution off, on the other side, or left out."""
    match condition:
        case Comparison(left, compare, right):
            step = FINE.get(left.tag, 1.0 if left.tag.startswith("washer.bottles") else 0.1)
            steps = () if compare == "==" else (-step, step)
            yield from (Comparison(left, compare, replace(right, value=right.value + each)) for each in steps)
            if compare in OTHER_SIDE:
                yield Comparison(left, OTHER_SIDE[compare], right)
        case Says(_):
            yield Negation(condition)
        case Negation(part):
            yield part
        case AllOf(parts) | AnyOf(parts):
            kind = type(condition)
            for number, part in enumerate(parts):
                yield from (kind((*parts[:number], each, *parts[number + 1 :])) for each in nudged(part))
                yield kind((*parts[:number], *parts[number + 1 :]))
            yield AnyOf(parts) if kind is AllOf else AllOf(parts)


def altered(interlock: Interlock) -> Iterator[Interlock]:
    yield from (replace(interlock, when=each) for each in nudged(interlock.when))
    yield replace(interlock, latched=not interlock.latched)
    yield replace(interlock, delay_s=interlock.delay_s + 0.2)
    if interlock.delay_s:
        yield replace(interlock, delay_s=interlock.delay_s - 0.2)
    yield from (replace(interlock, action=each) for each in TripPolicy if each is not interlock.action)


@pytest.mark.parametrize("name", FILES)
def test_all_cases_pass_and_leave_nothing_unproved(name: str) -> None:
    proof = prove(shipped(name))
    assert proof.results
    assert proof.passed, [each for result in proof.results for each in result.differences]
    assert proof.gaps == ()


@pytest.mark.parametrize("name", FILES)
def test_an_interlock_that_is_a_little_off_makes_a_case_fail(name: str) -> None:
    made = shipped(name)
    unseen = [
        (key, other)
        for key, interlock in made.interlocks.items()
        for other in altered(interlock)
        if prove(replace(made, interlocks={**made.interlocks, key: other})).passed
    ]
    assert not unseen, f"{len(unseen)} unseen: {unseen[:6]}"


@pytest.mark.parametrize("name", FILES)
def test_a_permissive_that_is_a_little_off_makes_a_case_fail(name: str) -> None:
    made = shipped(name)
    unseen = []
    for key, permissive in made.permissives.items():
        for needs in nudged(permissive.needs):
            other = replace(permissive, needs=needs)
            if prove(replace(made, permissives={**made.permissives, key: other})).passed:
                unseen.append((key, needs))
    assert not unseen, f"{len(unseen)} unseen: {unseen[:6]}"


@pytest.mark.parametrize("name", FILES)
def test_a_line_of_which_nothing_is_known_trips_everything_and_starts_nothing(name: str) -> None:
    made = shipped(name)
    state = evaluate(made, State(), {}, 0.0)
    state = evaluate(made, state, {}, max(each.delay_s for each in made.interlocks.values()))
    assert set(tripped(state)) == set(made.interlocks)
    assert not any(each.holds for each in state.permissives.values())


@pytest.mark.parametrize("name", FILES)
def test_each_speaks_both_languages_and_knows_when_its_readings_are_too_old(name: str) -> None:
    made = shipped(name)
    messages = [each.message for each in made.interlocks.values()]
    messages += [each.message for each in made.permissives.values()]
    for message in messages:
        assert set(message) == set(LANGUAGES)
        assert message["fr"] != message["en"]
    used = {tag for each in made.interlocks.values() for tag in tags_of(each.when)}
    used |= {tag for each in made.permissives.values() for tag in tags_of(each.needs)}
    assert used == set(made.stale_s) == set(made.normal)


def test_the_controls_alter_what_they_say() -> None:
    one = Comparison(Operand(0.0, "a.b"), ">", Operand(88.0))
    assert len(list(nudged(AllOf((one, Says("c.d")))))) == 3 + 1 + 2 + 1
