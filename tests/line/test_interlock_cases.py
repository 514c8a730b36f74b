"""Cases are played in exact time: what happens between two steps happens."""

from __future__ import annotations

from dataclasses import replace

import pytest

from linectl.config.conditions import condition
from linectl.line.interlock_cases import Difference, prove
from linectl.model.interlocks import (
    Case,
    Expected,
    Given,
    Interlock,
    Interlocks,
    Permissive,
    Step,
    TripPolicy,
    Untrusted,
)


def interlock(name: str, when: str, delay_s: float, *, latched: bool = True) -> Interlock:
    parsed = condition(when, None, lambda *_: None)
    assert parsed is not None
    return Interlock(name, parsed, when, TripPolicy.SAFE, delay_s, latched)


def rules(*steps: Step) -> Interlocks:
    cool = condition("n.a <= 2", None, lambda *_: None)
    assert cool is not None
    return Interlocks(
        "x",
        "x",
        {"late": interlock("late", "n.a > 2", 5.0), "soon": interlock("soon", "n.a > 2", 2.0)},
        {"cool": Permissive("cool", cool, "n.a <= 2", ("start",))},
        {"n.a": 3.0},
        {"n.a": 1.0},
        (Case("one", steps),),
    )


def differences(*steps: Step) -> tuple[Difference, ...]:
    (result,) = prove(rules(*steps)).results
    return result.differences


def trips(*names: str) -> Expected:
    return Expected(trips=frozenset(names))


def test_a_delay_that_runs_out_between_two_steps_trips_there() -> None:
    hot, cold = Step(0.0, {"n.a": 3.0}), Step(10.0, {"n.a": 1.0}, expected=trips("late", "soon"))
    assert differences(hot, cold) == ()
    assert differences(hot, replace(cold, expected=Expected(first_out=frozenset({"soon"})))) == ()


def test_one_that_would_run_out_at_the_very_step_that_ends_its_cause_does_not() -> None:
    assert differences(Step(0.0, {"n.a": 3.0}), Step(5.0, {"n.a": 2.0}, expected=trips("soon"))) == ()


def test_what_differs_is_told_by_name() -> None:
    step = Step(0.0, expected=Expected(trips=frozenset({"late"}), lost=frozenset({"cool"}), action="hold"))
    assert [(each.what, each.expected, each.got) for each in differences(step)] == [
        ("trips", ("late",), ()),
        ("lost", ("cool",), ()),
        ("action", ("hold",), ("none",)),
    ]


@pytest.mark.parametrize("lost", list(Untrusted))
def test_a_reading_is_lost_though_the_value_before_it_was_harmless(lost: Given) -> None:
    away = Step(1.0, {"n.a": lost}, expected=Expected(trips=frozenset(), lost=frozenset({"cool"})))
    assert differences(away, Step(6.0, expected=trips("late", "soon"))) == ()


def test_each_case_starts_afresh() -> None:
    made = rules(Step(0.0, {"n.a": 3.0}), Step(9.0, expected=trips("late", "soon")))
    again = Case("two", (Step(0.0, expected=trips()),))
    assert prove(replace(made, cases=(*made.cases, again))).passed
